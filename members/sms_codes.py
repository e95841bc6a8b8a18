"""Six digits in a text message: asked for by anybody, worth something to whom the phone belongs.

A code is an HMAC over the id of its row, so it is stored nowhere: not here, and not in the message
on its way. A phone that nobody has gets a row as well, and every answer and every count is the
same; only no message leaves.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.db import vault_of
from core.errors import Unauthenticated
from core.ids import new_id
from core.rows import insert_rows
from members import attempt_limits
from members.access_models import Account
from members.attempt_limits import Limit, Try
from members.models import Member
from members.phones import find_phone, index_phone, normalise_phone
from members.session_models import CODE_TRIES_MAX, CodePurpose, SmsCode

LIFE = timedelta(minutes=5)
PER_MINUTE = Limit("sms_minute", 1, timedelta(minutes=1))
PER_HOUR = Limit("sms_hour", 5, timedelta(hours=1))
PER_DAY = Limit("sms_day", 10, timedelta(days=1))
# An office behind one address may sign in together; a storm has to look for many blocks.
PER_BLOCK = Limit("sms_block", 30, timedelta(hours=1))
BUDGET = "sms_budget"
QUEUE_BATCH_MAX = 200


class CodeInvalid(Unauthenticated):
    """Wrong, used, too old, tried too often, never sent: one answer for all."""

    code = "auth.code_invalid"
    title = "验证码不对或已过期，请核对后重试，或重新获取"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a code, from where, for what, and how many a day the deployment pays for.

    Args:
        is_sent: false in a demo, where no message leaves.
    """

    phone: str
    purpose: CodePurpose
    address: str
    budget: int
    is_sent: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """What a code was worth; told after the try is committed, so that none is free."""

    member_id: UUID | None


def issue(session: Session, asked: Asked, *, now: datetime) -> UUID:
    """A new code, which takes the place of an earlier one; its message is written afterwards.

    Raises:
        PhoneInvalid: it is no phone number at all.
        TooManyTries: a limit of the phone, of its address block or of the day is reached.
    """
    phone = normalise_phone(asked.phone)
    attempt_limits.count(session, _tries(asked, phone), now=now)
    index, code_id = index_phone(vault_of(session), phone), new_id()
    row = {"id": code_id, "phone_index": index, "purpose": asked.purpose, "tries": 0}
    row |= {"member_id": _find_owner(session, index), "created_at": now, "expires_at": now + LIFE}
    insert_rows(session, SmsCode, [row | {"queued_at": None if asked.is_sent else now}])
    return code_id


def check(
    session: Session, phone: str, code: str, *, purpose: CodePurpose, now: datetime
) -> Checked:
    """Count a try of the phone's newest code and take the code if it is right.

    The UPDATE counts before anybody knows the result, and takes a code once.
    """
    found = find_phone(phone)
    index = index_phone(vault_of(session), found or "")
    newest = session.scalar(
        sa.select(SmsCode.id)
        .where(SmsCode.phone_index == index, SmsCode.purpose == purpose)
        .order_by(SmsCode.created_at.desc(), SmsCode.id.desc())
        .limit(1)
    )
    digits = digits_of(vault_of(session), newest or new_id())
    is_right = hmac.compare_digest(code.encode(), digits.encode()) and newest is not None
    taken = SmsCode.member_id.is_not(None) & sa.literal(is_right)
    tried = session.execute(
        sa.update(SmsCode)
        .where(
            SmsCode.id == newest,
            SmsCode.used_at.is_(None),
            SmsCode.expires_at > now,
            SmsCode.tries < CODE_TRIES_MAX,
        )
        .values(
            tries=SmsCode.tries + 1,
            used_at=sa.case((taken, sa.literal(now, SmsCode.used_at.type)), else_=None),
        )
        .returning(SmsCode.member_id, SmsCode.used_at)
        .execution_options(synchronize_session=False)
    ).first()
    is_taken = tried is not None and tried.used_at is not None
    return Checked(tried.member_id if tried is not None and is_taken else None)


def digits_of(vault: Vault, code_id: UUID) -> str:
    """The six digits of a code: only who has the server's key can tell them."""
    mac = hmac.digest(vault.derive("sms_code"), code_id.bytes, "sha256")
    return f"{int.from_bytes(mac[:8], 'big') % 1_000_000:06d}"


def take_unqueued(session: Session, *, now: datetime) -> Sequence[Row[UUID, UUID | None]]:
    """The codes whose messages have not been written, with whom they are for; taken once."""
    waiting = (
        sa.select(SmsCode.id)
        .where(SmsCode.queued_at.is_(None))
        .order_by(SmsCode.created_at)
        .limit(QUEUE_BATCH_MAX)
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    return session.execute(
        sa.update(SmsCode)
        .where(SmsCode.id.in_(sa.select(waiting.c.id)), SmsCode.queued_at.is_(None))
        .values(queued_at=now)
        .returning(SmsCode.id, SmsCode.member_id)
        .execution_options(synchronize_session=False)
    ).all()


def find_sendable(session: Session, code_id: UUID, *, now: datetime) -> str | None:
    """The digits for the sender; None when they would come too late, or to another phone."""
    is_sendable = session.scalar(
        sa.select(SmsCode.id)
        .join(
            Member, (Member.id == SmsCode.member_id) & (Member.phone_index == SmsCode.phone_index)
        )
        .where(SmsCode.id == code_id, SmsCode.used_at.is_(None), SmsCode.expires_at > now)
    )
    return digits_of(vault_of(session), code_id) if is_sendable else None


def _tries(asked: Asked, phone: str) -> list[Try]:
    block = attempt_limits.address_block(asked.address)
    budget = Limit(BUDGET, asked.budget, timedelta(days=1))
    of_phone = [Try(limit, phone) for limit in (PER_MINUTE, PER_HOUR, PER_DAY)]
    return [*of_phone, Try(PER_BLOCK, block), Try(budget, "all")]


def _find_owner(session: Session, index: str) -> UUID | None:
    """Whose phone it is by the roster; of several in a family, whose account it opens."""
    rows = session.execute(
        sa.select(Member.id, Account.phone_index, Account.disabled_at)
        .outerjoin(Account, Account.member_id == Member.id)
        .where(Member.phone_index == index)
        .limit(20)
    ).all()
    own = [row for row in rows if row.phone_index == index] or rows
    is_one = len(own) == 1 and own[0].disabled_at is None
    return own[0].id if is_one else None
