"""The points engine: rules, claims, ledger."""
