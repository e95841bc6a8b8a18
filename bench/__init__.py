"""Benchmarks: each product path beside the hand-written limit, in turn, in one run."""
