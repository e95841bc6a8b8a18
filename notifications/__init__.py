"""Saying things to people, reliably."""
