"""Tables of volunteer opportunities, sign-up and record sheets."""
