"""Passwords: how they are hashed, made up, refused and changed."""

import contextlib
import hashlib
from typing import Any
from uuid import UUID

import pytest
from argon2 import extract_parameters
from sqlalchemy.orm import Session

from members import accounts, passwords
from members.access import Actor, find_actor
from members.access_models import Account
from members.accounts import (
    AccountChanged,
    BadCredentials,
    OldPasswordWrong,
)
from members.models import Member
from members.passwords import PasswordWeak
from tests.devices import add_session
from tests.district import NOW, PASSWORD, TODAY, District

PHONE = "13800008000"


NEW_PASSWORD = "Spring-2026-bridge"


@pytest.fixture
def member(district: District) -> Member:
    return district.enrol("王志", phone=PHONE)


def test_product_hashes_with_argon2id_at_nineteen_mebibytes() -> None:
    parameters = extract_parameters(passwords.HASHER.hash("x"))

    assert parameters.type.name == "ID"
    assert (parameters.time_cost, parameters.memory_cost) == (2, 19 * 1024)
    assert parameters.parallelism == 1


def test_temporary_passwords_are_readable_and_differ() -> None:
    made = {passwords.generate_temporary() for _ in range(200)}

    assert len(made) == 200
    assert {len(password) for password in made} == {12}
    assert set("".join(made)).isdisjoint("01ilo")


def test_changed_password_signs_every_other_device_out(
    session: Session, district: District, member: Member
) -> None:
    account = district.open_account(member, must_change_password=True)

    this, other = (add_session(session, member.id, now=NOW) for _ in range(2))

    def acting(session_id: UUID) -> Actor | None:
        return find_actor(session, member.id, session_id, on=TODAY, request_id="r")

    actor = acting(this)
    assert actor is not None
    accounts.change_password(session, actor, old=PASSWORD, new=NEW_PASSWORD, now=NOW)

    session.expire_all()
    assert not account.must_change_password
    assert acting(this) is not None
    assert acting(other) is None
    assert accounts.prove_password(session, PHONE, NEW_PASSWORD)


@pytest.mark.parametrize(
    "new",
    ["Short-123", "x" * 129, "1234567890", "PASSWORD123", "aaaaaaaaaaaa", PHONE, PASSWORD,
     "qazwsxedcrfv", "woaini1314", "abcabcabcabc", "dangyuan2026", "zhonggong-1921",
     "Liverpool2019",
     "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10",
     PASSWORD.replace("R", "\uff32")],
)  # fmt: skip
def test_weak_password_is_refused(
    session: Session, district: District, member: Member, new: str
) -> None:
    account = district.open_account(member)
    before = account.password_hash

    with pytest.raises(PasswordWeak):
        accounts.change_password(session, district.actor(member), old=PASSWORD, new=new, now=NOW)

    assert account.password_hash == before


@pytest.mark.parametrize("new", ["几个不相干的词，连在一起" * 6, "mo-he-tan-bing-" * 8 + "gua"])
def test_long_password_is_taken(
    session: Session, district: District, member: Member, new: str
) -> None:
    district.open_account(member)

    accounts.change_password(session, district.actor(member), old=PASSWORD, new=new, now=NOW)

    assert 64 <= len(new) <= 128
    assert accounts.prove_password(session, PHONE, new)


@pytest.mark.parametrize("letter", ["\ufdfa", "a4@b8c({[<d6g9"])
def test_judging_does_no_work_without_bound(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def judge(password: str, **_: Any) -> dict[str, int]:
        judged.append(password)
        return {"guesses": passwords.GUESSES_MIN}

    monkeypatch.setattr("zxcvbn.zxcvbn", judge)
    with contextlib.suppress(PasswordWeak):
        passwords.require_strong((letter * 128)[:128])

    assert all(len(one) <= passwords.JUDGED_MAX for one in judged)


def test_old_password_is_asked_for(session: Session, district: District, member: Member) -> None:
    district.open_account(member)

    with pytest.raises(OldPasswordWrong):
        accounts.change_password(
            session, district.actor(member), old="Wrong-Password-1", new=NEW_PASSWORD, now=NOW
        )


def test_change_after_a_change_meanwhile_is_conflict(
    session: Session, district: District, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.open_account(member)
    hash_password = passwords.hash_password

    def change_meanwhile(session: Session, password: str) -> str:
        # Another session's commit, as this one would find it at its UPDATE.
        session.execute(
            Account.__table__.update()
            .where(Account.member_id == member.id)
            .values(password_hash="changed meanwhile")
        )
        return hash_password(session, password)

    monkeypatch.setattr(accounts, "hash_password", change_meanwhile)

    with pytest.raises(AccountChanged):
        accounts.change_password(
            session, district.actor(member), old=PASSWORD, new=NEW_PASSWORD, now=NOW
        )


def test_password_typed_in_full_width_is_the_same_password(
    session: Session, district: District, member: Member
) -> None:
    district.open_account(member)
    full_width = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in PASSWORD)

    assert full_width != PASSWORD
    assert accounts.prove_password(session, PHONE, full_width)


def test_password_that_utf8_cannot_carry_is_just_wrong(
    session: Session, district: District, member: Member
) -> None:
    district.open_account(member)

    with pytest.raises(BadCredentials):
        accounts.prove_password(session, PHONE, "\ud800" * 12)


def test_stored_hash_holds_no_plain_digest(
    session: Session, district: District, member: Member
) -> None:
    account = district.open_account(member)

    assert account.password_hash.startswith("$argon2id$")
    assert hashlib.sha256(PHONE.encode()).hexdigest() != account.phone_index
