"""Accounts: one answer for every failed sign-in, temporary passwords, who may reset whose."""

from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from members import accounts, people
from members.access import Actor, find_actor
from members.access_models import Account, Role
from members.accounts import (
    AccountAboveActor,
    AccountDisabled,
    BadCredentials,
    NoPhone,
    PhoneTaken,
)
from members.models import Member
from tests.devices import add_session
from tests.district import CHEAP_HASHER, NOW, PASSWORD, TODAY, District

PHONE = "13800008000"


@pytest.fixture
def member(district: District) -> Member:
    return district.enrol("王志", phone=PHONE)


class CountingHasher(PasswordHasher):
    """A cheap hasher that counts how often it was asked to verify."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified_count = 0

    def verify(self, *arguments: Any) -> bool:  # type: ignore[override]
        self.verified_count += 1
        return super().verify(*arguments)


def test_temporary_password_signs_in_and_must_be_changed(
    session: Session, secretary: Actor, member: Member
) -> None:
    password = accounts.issue(session, secretary, member.id, now=NOW)

    assert accounts.prove_password(session, "138-0000 8000", password).member_id == member.id
    account = session.get_one(Account, member.id)
    assert account.must_change_password
    assert (account.issued_by, account.issued_at) == (secretary.member_id, NOW)
    assert password not in str(account.password_hash)


@pytest.mark.parametrize("phone", [PHONE, "13911112222", "不是电话", "010-62345678"])
def test_wrong_phone_and_wrong_password_answer_alike_after_the_same_work(
    session: Session, district: District, member: Member, phone: str
) -> None:
    district.open_account(member)
    hasher = session.info["password_hasher"] = CountingHasher()

    with pytest.raises(BadCredentials) as refusal:
        accounts.prove_password(session, phone, "Wrong-Password-1")

    assert (refusal.value.code, refusal.value.detail) == (
        "auth.bad_credentials",
        "手机号或密码不对",
    )
    assert hasher.verified_count == 1


def test_disabled_account_answers_like_a_wrong_password(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    district.open_account(member)
    accounts.disable(session, secretary, member.id, now=NOW)
    hasher = session.info["password_hasher"] = CountingHasher()

    with pytest.raises(BadCredentials):
        accounts.prove_password(session, PHONE, PASSWORD)

    assert hasher.verified_count == 1
    session.info["password_hasher"] = CHEAP_HASHER
    with pytest.raises(AccountDisabled):
        accounts.disable(session, secretary, member.id, now=NOW)


def test_disabling_voids_the_tokens(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    district.open_account(member)
    ids = member.id, add_session(session, member.id, now=NOW)
    assert find_actor(session, *ids, on=TODAY, request_id="r")

    accounts.disable(session, secretary, member.id, now=NOW)

    assert find_actor(session, *ids, on=TODAY, request_id="r") is None
    accounts.issue(session, secretary, member.id, now=NOW)
    assert find_actor(session, *ids, on=TODAY, request_id="r") is None


def test_reissue_voids_the_old_password_and_tokens(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    account = district.open_account(member)
    accounts.disable(session, secretary, member.id, now=NOW)

    password = accounts.issue(session, secretary, member.id, now=NOW)

    session.expire_all()
    assert account.disabled_at is None
    assert account.must_change_password
    with pytest.raises(BadCredentials):
        accounts.prove_password(session, PHONE, PASSWORD)
    assert accounts.prove_password(session, PHONE, password).member_id == member.id


def test_reissue_reads_the_members_present_phone(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    district.open_account(member)
    people.change_phone(session, secretary, member.id, phone="13900009000", now=NOW)
    assert accounts.prove_password(session, PHONE, PASSWORD)

    password = accounts.issue(session, secretary, member.id, now=NOW)

    assert accounts.prove_password(session, "13900009000", password)
    with pytest.raises(BadCredentials):
        accounts.prove_password(session, PHONE, password)


def test_account_needs_a_phone_of_its_own(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    district.open_account(member)
    wife, nobody = district.enrol("李静", phone=PHONE), district.enrol("赵敏")

    with pytest.raises(PhoneTaken):
        accounts.issue(session, secretary, wife.id, now=NOW)
    with pytest.raises(NoPhone):
        accounts.issue(session, secretary, nobody.id, now=NOW)
    assert session.get(Account, wife.id) is None


def test_password_of_a_superior_is_not_reset(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    district.appoint(member, Role.DISTRICT_ADMIN, district.department)

    for decide in (accounts.issue, accounts.disable):
        with pytest.raises(AccountAboveActor):
            decide(session, secretary, member.id, now=NOW)


def test_deputy_does_not_reset_the_secretary(
    session: Session, district: District, member: Member
) -> None:
    deputy = district.officer("副书记", Role.DEPUTY_SECRETARY, district.branch)
    district.appoint(member, Role.BRANCH_SECRETARY, district.branch)

    with pytest.raises(AccountAboveActor):
        accounts.issue(session, deputy, member.id, now=NOW)


def test_own_account_and_others_accounts_are_refused(
    session: Session, district: District, secretary: Actor, member: Member
) -> None:
    stranger = district.enrol("村民", district.village, phone="13700007000")

    with pytest.raises(AccountAboveActor):
        accounts.issue(session, secretary, secretary.member_id, now=NOW)
    with pytest.raises(NotFound):
        accounts.issue(session, secretary, stranger.id, now=NOW)
    with pytest.raises(Forbidden):
        accounts.issue(session, district.actor(member), member.id, now=NOW)


def test_operator_issues_without_a_role(session: Session, member: Member) -> None:
    password = accounts.issue_from_console(session, member.id, now=NOW)

    assert accounts.prove_password(session, PHONE, password).member_id == member.id
    assert session.get_one(Account, member.id).issued_by is None
