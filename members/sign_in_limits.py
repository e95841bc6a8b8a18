"""How often signing in may fail: for one phone from one place, for a phone, and for a place."""

from collections.abc import Sequence
from datetime import timedelta

from members.attempt_limits import Limit, Try, address_block
from members.phones import find_phone

_WINDOW = timedelta(minutes=15)
PER_PHONE_AND_BLOCK = Limit("sign_in_phone_block", 10, _WINDOW)
# Higher, so that somebody elsewhere who guesses does not lock the member out.
PER_PHONE = Limit("sign_in_phone", 50, _WINDOW)
PER_BLOCK = Limit("sign_in_block", 300, _WINDOW)


def tries_of(address: str, phone: str = "") -> Sequence[Try]:
    """What a try to sign in counts against; a phone that nobody has is counted like any."""
    block = address_block(address)
    tries = [Try(PER_BLOCK, block)]
    if phone:
        known = find_phone(phone) or phone
        tries += [Try(PER_PHONE, known), Try(PER_PHONE_AND_BLOCK, f"{known} {block}")]
    return tries
