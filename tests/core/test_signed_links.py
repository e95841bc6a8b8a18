"""Links that open one thing for a few minutes; no altered one opens anything."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest

from core.crypto import Vault
from core.signed_links import LinkInvalid, Links
from tests.world import NOW

VAULT = Vault(bytes([1]) * 32, bytes([2]) * 32)
LINKS = Links("photo-link", timedelta(minutes=5))
THING, MEMBER = UUID(int=7), UUID(int=2**127 + 9)


def test_link_says_which_thing_for_whom_and_until_when() -> None:
    link = LINKS.read(VAULT, LINKS.make(VAULT, THING, MEMBER, now=NOW), now=NOW)

    assert (link.object_id, link.member_id) == (THING, MEMBER)
    assert link.expires_at == (NOW + LINKS.lifetime).replace(microsecond=0)


def test_link_ends_after_five_minutes() -> None:
    token = LINKS.make(VAULT, THING, MEMBER, now=NOW)

    assert LINKS.read(VAULT, token, now=NOW + LINKS.lifetime - timedelta(seconds=1))
    with pytest.raises(LinkInvalid):
        LINKS.read(VAULT, token, now=NOW + LINKS.lifetime)


def test_no_bit_of_a_link_can_be_changed() -> None:
    token = LINKS.make(VAULT, THING, MEMBER, now=NOW)
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    for bit in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LinkInvalid):
            LINKS.read(VAULT, base64.urlsafe_b64encode(altered).decode().rstrip("="), now=NOW)


def test_link_has_one_spelling_and_one_key() -> None:
    token = LINKS.make(VAULT, THING, MEMBER, now=NOW)

    odd = ["", "A", token[:-1], token + "A", token + "=", token + "\n", "é" * 70, token.lower()]
    odd += [token[:-1] + other for other in "ABCDEFGHabcdefgh0123-_" if other != token[-1]]
    for one in odd:
        with pytest.raises(LinkInvalid):
            LINKS.read(VAULT, one, now=NOW)
    with pytest.raises(LinkInvalid):
        LINKS.read(Vault(bytes([1]) * 32, bytes([3]) * 32), token, now=NOW)


def test_link_of_one_purpose_opens_nothing_of_another() -> None:
    token = LINKS.make(VAULT, THING, MEMBER, now=NOW)

    with pytest.raises(LinkInvalid):
        Links("data-copy-link", LINKS.lifetime).read(VAULT, token, now=NOW)
