"""Tables of organisation life: templates, expected lists, attendance, leave."""
