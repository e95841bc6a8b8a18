"""Suggestions, complaints and requests about one's own data, each with a deadline and a reply."""
