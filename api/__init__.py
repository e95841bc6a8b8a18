"""The HTTP and command-line edge."""
