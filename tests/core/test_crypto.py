"""Keys derived from the vault's own."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from core.crypto import Vault

VAULT = Vault(bytes([1]) * 32, bytes([2]) * 32)


def test_derived_key_is_hkdf_of_the_index_key() -> None:
    prk = hmac.new(bytes(32), VAULT.index_key, hashlib.sha256).digest()
    expected = hmac.new(prk, b"derive:attendance_code\x01", hashlib.sha256).digest()

    assert VAULT.derive("attendance_code") == expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_each_purpose_has_a_key_of_its_own(one: str, other: str) -> None:
    if one.isprintable() and other.isprintable():
        assert (VAULT.derive(one) == VAULT.derive(other)) == (one == other)


def test_derived_key_is_no_blind_index() -> None:
    index = VAULT.blind_index("attendance_code", purpose="derive")

    assert VAULT.derive("attendance_code").hex() != index
