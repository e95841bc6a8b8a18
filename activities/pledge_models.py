"""Tables of pledges."""
