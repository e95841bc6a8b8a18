"""The kinds of messages, by what they are about."""
