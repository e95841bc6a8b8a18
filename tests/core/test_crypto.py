"""The vault: two suites, a ring of keys, digests, and keys derived from its own."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from core import openssl
from core.config import ConfigError, Settings
from core.crypto import SealingKey, Suite, UnknownKey, Vault
from core.signing import SigningKey, VerifyingKey

VAULT = Vault(bytes([1]) * 32, bytes([2]) * 32)
SUITES = pytest.mark.parametrize("suite", Suite)


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


@SUITES
def test_sealed_value_opens_in_its_place_only(suite: Suite) -> None:
    vault = replace(VAULT, suite=suite)
    sealed = vault.encrypt(b"13800008000", context="member.phone:1")

    assert vault.decrypt(sealed, context="member.phone:1") == b"13800008000"
    with pytest.raises(InvalidTag):
        vault.decrypt(sealed, context="member.phone:2")
    with pytest.raises(InvalidTag):
        vault.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), context="member.phone:1")


@SUITES
def test_deployment_that_switched_reads_old_values(suite: Suite) -> None:
    before = replace(VAULT, suite=suite)
    after = replace(VAULT, suite=Suite.GM if suite is Suite.INTL else Suite.INTL)
    sealed = before.encrypt(b"x", context="c")

    assert after.decrypt(sealed, context="c") == b"x"
    assert not after.master.sealed(sealed)
    assert after.blind_index("1", purpose="phone") != before.blind_index("1", purpose="phone")


def test_former_keys_open_and_seal_nothing() -> None:
    rotated = Vault(bytes([3]) * 32, VAULT.index_key, former_keys=(VAULT.field_key,))
    sealed = VAULT.encrypt(b"x", context="c")

    assert rotated.decrypt(sealed, context="c") == b"x"
    assert rotated.master.sealed(rotated.encrypt(b"y", context="c"))
    with pytest.raises(UnknownKey):
        VAULT.decrypt(rotated.encrypt(b"y", context="c"), context="c")


def test_values_of_the_first_releases_open_after_a_rotation() -> None:
    nonce = bytes(12)
    first = b"\x01" + nonce + AESGCM(VAULT.field_key).encrypt(nonce, b"x", b"c")
    rotated = Vault(bytes([3]) * 32, VAULT.index_key, former_keys=(VAULT.field_key,))

    assert VAULT.decrypt(first, context="c") == rotated.decrypt(first, context="c") == b"x"
    assert not VAULT.master.sealed(first)


def test_index_under_gm_is_hmac_with_sm3() -> None:
    message = b"phone:13800008000"

    def sm3(data: bytes) -> bytes:
        return hashlib.new("sm3", data).digest()

    padded = VAULT.index_key + bytes(32)
    inner = sm3(bytes(b ^ 0x36 for b in padded) + message)
    expected = sm3(bytes(b ^ 0x5C for b in padded) + inner).hex()

    assert replace(VAULT, suite=Suite.GM).blind_index("13800008000", purpose="phone") == expected


def test_keys_are_not_shown() -> None:
    key = SealingKey.generate(Suite.INTL)

    assert repr(key.secret) not in repr(key)
    assert repr(VAULT.field_key) not in repr(VAULT)


@SUITES
def test_signature_is_of_one_key_and_one_message(suite: Suite) -> None:
    key = SigningKey.generate(suite)
    public = VerifyingKey.from_pem(key.public_key().pem)
    signature = key.sign(b"head")

    assert (len(signature), public) == (64, key.public_key())
    assert public.is_signed(signature, b"head")
    assert not public.is_signed(signature, b"Head")
    assert not public.is_signed(signature[:-1] + bytes([signature[-1] ^ 1]), b"head")
    assert not SigningKey.generate(suite).public_key().is_signed(signature, b"head")


def test_gm_without_openssl_does_not_start(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openssl, "_PROGRAM", "no-such-openssl")

    assert Settings.from_env(environ).vault.suite is Suite.INTL
    with pytest.raises(ConfigError, match="openssl 命令，本机没有找到"):
        Settings.from_env(environ | {"PARTY_POINTS_CRYPTO_SUITE": "gm"})


def test_suite_and_former_keys_come_from_the_environment(environ: dict[str, str]) -> None:
    given_keys = {"PARTY_POINTS_FORMER_FIELD_KEYS": "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="}
    vault = Settings.from_env(environ | given_keys | {"PARTY_POINTS_CRYPTO_SUITE": "gm"}).vault

    assert (vault.suite, vault.former_keys) == (Suite.GM, (bytes([5]) * 32,))
    with pytest.raises(ConfigError, match="intl 或 gm"):
        Settings.from_env(environ | {"PARTY_POINTS_CRYPTO_SUITE": "GM"})


@pytest.fixture
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"PARTY_POINTS_DATA_DIR": str(tmp_path_factory.mktemp("settings"))}
