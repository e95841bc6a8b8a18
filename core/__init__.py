"""Shared kernel: configuration, database, errors, clock, identifiers, crypto."""
