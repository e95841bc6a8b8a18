"""Accounts: issuing, checking phone and password, changing the password, disabling."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import business_day
from core.db import vault_of
from core.errors import Conflict, Forbidden, NotFound, RuleViolation, Unauthenticated
from core.rows import dialect_of
from members import device_sessions
from members.access import ROSTER_ROLES, Actor, get_managed_member
from members.access_models import Account, Role
from members.device_sessions import Proven
from members.models import Member
from members.passwords import generate_temporary, hash_password, is_password, require_strong, weak
from members.phones import find_phone, index_phone
from members.role_grant_reading import find_live_grants
from members.role_rules import ROLE_NAMES, granters_of
from members.session_models import SessionEnd, SignInMeans

ISSUING_ROLES = ROSTER_ROLES | {Role.SYSTEM_ADMIN}


class BadCredentials(Unauthenticated):
    """Unknown phone, wrong password and disabled account: one answer for all three."""

    code = "auth.bad_credentials"
    title = "手机号或密码不对"


class OldPasswordWrong(Forbidden):
    """The present password, asked for before it is changed, is another."""

    code = "auth.old_password_wrong"
    title = "原密码不对"


class NoPhone(RuleViolation):
    """An account is signed in to with a phone, and this member has none."""

    code = "account.no_phone"
    title = "这名党员没有登记手机号，请先登记"


class PhoneTaken(Conflict):
    """Families share phones, but an account needs one of its own."""

    code = "account.phone_taken"
    title = "这个手机号已用于另一个账号"
    retry = "never"


class AccountAboveActor(Forbidden):
    """Whoever resets a password could act as that person, with all his roles."""

    code = "account.above_actor"
    title = "这名党员的账号须由上级办理"


class AccountDisabled(Conflict):
    """The account is disabled already."""

    code = "account.disabled"
    title = "这个账号已经停用"


class AccountChanged(Conflict):
    """The password was changed or reissued meanwhile."""

    code = "account.changed"
    title = "密码刚刚被改过，请重新登录"


def prove_password(session: Session, phone: str, password: str) -> Proven:
    """Whose phone and password these are; it writes nothing and takes as long for anybody.

    Raises:
        BadCredentials: the phone is unknown, the password wrong, or the account disabled.
    """
    normalised = find_phone(phone)
    account = _find_by_phone(session, normalised) if normalised else None
    is_right = is_password(session, password, account.password_hash if account else None)
    if account is None or not is_right or account.disabled_at is not None:
        raise BadCredentials
    return Proven(account.member_id, SignInMeans.PASSWORD, password_hash=account.password_hash)


def open_plain(session: Session, member_id: UUID, *, now: datetime) -> None:
    """See that a member has an account, for whom a code or a ticket vouches: without a password.

    Thus every session belongs to an account, and disabling one stops whatever opened it.
    """
    insert = sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert
    plain = {"member_id": member_id, "must_change_password": False, "issued_at": now}
    session.execute(insert(Account).values(plain).on_conflict_do_nothing())


def get_own(session: Session, actor: Actor) -> Account:
    """The actor's account.

    Raises:
        NotFound: he has none.
    """
    account = session.get(Account, actor.member_id)
    if account is None:
        raise NotFound
    return account


def change_password(session: Session, actor: Actor, *, old: str, new: str, now: datetime) -> None:
    """Choose a new password; every other device is signed out.

    Raises:
        OldPasswordWrong: `old` is not the present password.
        PasswordWeak: `new` is too short, too common, the old one or the phone.
        AccountChanged: the password was changed or reissued meanwhile.
    """
    # Before the old one is judged, or this answer would tell that it was right.
    require_strong(new)
    account = get_own(session, actor)
    if not is_password(session, old, account.password_hash):
        raise OldPasswordWrong
    # Full-width digits make another text of the same password, hence no comparison of texts.
    if is_password(session, new, account.password_hash):
        raise weak("新密码不能与原密码相同。")
    phone = find_phone(new)
    if phone and index_phone(vault_of(session), phone) == account.phone_index:
        raise weak("密码不能是自己的手机号。")
    changed = session.scalar(
        sa.update(Account)
        .where(
            Account.member_id == actor.member_id,
            # Each hash has its own salt, so this is the version of the password.
            Account.password_hash == account.password_hash,
        )
        .values(
            password_hash=hash_password(session, new),
            must_change_password=False,
        )
        .returning(Account.member_id)
    )
    if changed is None:
        raise AccountChanged
    device_sessions.end_all(
        session,
        actor.member_id,
        because=SessionEnd.PASSWORD_CHANGED,
        now=now,
        but=actor.session_id,
    )


def issue(session: Session, actor: Actor, member_id: UUID, *, now: datetime) -> str:
    """Open or reset a member's account; returns the temporary password, which is stored nowhere.

    His devices are signed out, the phone becomes the member's present one, and a
    disabled account works again.

    Raises:
        NotFound, Forbidden: the member is out of scope.
        AccountAboveActor: he is the actor himself, or holds a role that the actor cannot give.
        NoPhone, PhoneTaken: his phone cannot serve to sign in.
    """
    member = get_managed_member(session, actor, member_id, roles=ISSUING_ROLES)
    _require_above(session, actor, member_id, now)
    return _issue(session, member, issued_by=actor.member_id, now=now)


def issue_from_console(session: Session, member_id: UUID, *, now: datetime) -> str:
    """Like `issue`, for the operator at the command line, who answers to nobody's roles.

    Raises:
        NotFound: there is no such member.
        NoPhone, PhoneTaken: his phone cannot serve to sign in.
    """
    member = session.get(Member, member_id, with_for_update={"key_share": True})
    if member is None:
        raise NotFound
    return _issue(session, member, issued_by=None, now=now)


def has_account(session: Session, member_id: UUID) -> bool:
    """Whether the member can sign in, or could before his account was disabled."""
    return session.get(Account, member_id) is not None


def disable(session: Session, actor: Actor, member_id: UUID, *, now: datetime) -> None:
    """Stop an account at once, and every session of it.

    Raises:
        NotFound, Forbidden: the member is out of scope, or has no account.
        AccountAboveActor: he is the actor himself, or holds a role that the actor cannot give.
        AccountDisabled: it is disabled already.
    """
    get_managed_member(session, actor, member_id, roles=ISSUING_ROLES)
    _require_above(session, actor, member_id, now)
    if not has_account(session, member_id):
        raise NotFound
    stopped = session.scalar(
        sa.update(Account)
        .where(Account.member_id == member_id, Account.disabled_at.is_(None))
        .values(disabled_at=now)
        .returning(Account.member_id)
    )
    if stopped is None:
        raise AccountDisabled
    because = SessionEnd.ACCOUNT_DISABLED
    device_sessions.end_all(session, member_id, because=because, now=now)


def _find_by_phone(session: Session, phone: str) -> Account | None:
    index = index_phone(vault_of(session), phone)
    return session.scalar(sa.select(Account).where(Account.phone_index == index))


def _require_above(session: Session, actor: Actor, member_id: UUID, now: datetime) -> None:
    if member_id == actor.member_id:
        raise AccountAboveActor("自己的密码请用“修改密码”。")
    for role, path in find_live_grants(session, member_id, on=business_day(now)):
        if not actor.covers(path, granters_of(role)):
            raise AccountAboveActor(f"这名党员担任{ROLE_NAMES[role]}，账号须由上级办理。")


def _issue(session: Session, member: Member, *, issued_by: UUID | None, now: datetime) -> str:
    if member.phone_index is None:
        raise NoPhone
    holder = session.scalar(
        sa.select(Account.member_id).where(Account.phone_index == member.phone_index)
    )
    if holder not in (None, member.id):
        raise PhoneTaken
    password = generate_temporary()
    account = session.get(Account, member.id)
    if account is None:
        account = Account(member_id=member.id)
        session.add(account)
    account.phone_index = member.phone_index
    account.password_hash = hash_password(session, password)
    account.must_change_password = True
    account.disabled_at = None
    account.issued_by = issued_by
    account.issued_at = now
    session.flush()
    because = SessionEnd.ACCOUNT_REISSUED
    device_sessions.end_all(session, member.id, because=because, now=now)
    return password
