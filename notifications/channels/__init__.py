"""Small adapters to the providers that reach members, behind one interface."""
