"""The fictional district that fills an empty database, built by the product's own services."""
