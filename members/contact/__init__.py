"""Whether we still hear from a member: facts, the ladder, and who is on it."""
