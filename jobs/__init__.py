"""The time edge: scheduled work in a process of its own."""
