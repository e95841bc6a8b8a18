"""Operations that no generated request can carry out, each with the reason."""

NEVER_REACHED: dict[str, str] = {}
