"""Links that open one photo for five minutes; no altered one opens anything."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest

from activities.photo_links import LIFETIME, LinkInvalid, make, read
from core.crypto import Vault
from tests.world import NOW

VAULT = Vault(bytes([1]) * 32, bytes([2]) * 32)
PHOTO, MEMBER = UUID(int=7), UUID(int=2**127 + 9)


def test_link_says_which_photo_for_whom_and_until_when() -> None:
    link = read(VAULT, make(VAULT, PHOTO, MEMBER, now=NOW), now=NOW)

    assert (link.photo_id, link.member_id) == (PHOTO, MEMBER)
    assert link.expires_at == (NOW + LIFETIME).replace(microsecond=0)


def test_link_ends_after_five_minutes() -> None:
    token = make(VAULT, PHOTO, MEMBER, now=NOW)

    assert read(VAULT, token, now=NOW + LIFETIME - timedelta(seconds=1))
    with pytest.raises(LinkInvalid):
        read(VAULT, token, now=NOW + LIFETIME)


def test_no_bit_of_a_link_can_be_changed() -> None:
    token = make(VAULT, PHOTO, MEMBER, now=NOW)
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    for bit in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LinkInvalid):
            read(VAULT, base64.urlsafe_b64encode(altered).decode().rstrip("="), now=NOW)


def test_link_has_one_spelling_and_one_key() -> None:
    token = make(VAULT, PHOTO, MEMBER, now=NOW)

    odd = ["", "A", token[:-1], token + "A", token + "=", token + "\n", "é" * 70, token.lower()]
    odd += [token[:-1] + other for other in "ABCDEFGHabcdefgh0123-_" if other != token[-1]]
    for one in odd:
        with pytest.raises(LinkInvalid):
            read(VAULT, one, now=NOW)
    with pytest.raises(LinkInvalid):
        read(Vault(bytes([1]) * 32, bytes([3]) * 32), token, now=NOW)
