"""The import of rosters: reading files, checking rows, and what a database makes of them."""
