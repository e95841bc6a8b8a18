"""Check-in by a member: a fresh code, in time, once; late from a phone without signal too."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from activities import attendance_codes, attendance_points, attendance_rows, expected_lists
from activities.activity_access import (
    get_led,
    get_placed,
    require_not_cancelled,
)
from activities.attendance_codes import Code, ScanVerdict, Verdict
from activities.attendance_rows import Change
from activities.calendar import AlreadyClosed
from activities.life_models import (
    ATTENDED,
    AttendanceOrigin,
    AttendanceStatus,
    CheckIn,
    CheckInMethod,
    CodeTry,
)
from activities.models import Activity
from core.db import vault_of
from core.errors import DomainError, NotFound, RuleViolation
from core.rows import dialect_of
from members.access import Actor

TRIES_MAX = 5
# Phones drift; a scan from so near a future is taken as made now.
DRIFT_MAX = timedelta(seconds=60)


class WrongCode(RuleViolation):
    """The code is not one of this activity, or not a fresh one."""

    code = "checkin.code"
    title = "签到码不对"


class TooManyTries(RuleViolation):
    """The digits were wrong as often as they may be."""

    code = "checkin.too_many"
    title = "输错次数过多，请扫码，或由组织者点名登记"


class OutOfTime(RuleViolation):
    """The scan was not made in the activity's time, or came too late."""

    code = "checkin.time"
    title = "不在签到时间内"


class NotInvited(RuleViolation):
    """He stands on no list of this activity."""

    code = "checkin.not_invited"
    title = "不在本次活动的名单上"


@dataclass(frozen=True, slots=True)
class Scan:
    """A code as a phone read it, or six digits as a person typed them.

    Args:
        scanned_at: when the phone says that it read the code; digits count when they arrive.
    """

    activity_id: UUID
    token: str = ""
    digits: str = ""
    scanned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """What became of a scan; a refusal is told after the wrong try has been counted."""

    status: str | None = None
    message: str = ""
    points: int | None = None
    refusal: DomainError | None = None


_DONE = "签到成功，可以关掉了。"
_DONE_LATE = "已补记到会。"
_BEFORE = "您已签到，不用再签。"
_KEPT = "签到已收到；支部对您的出席另有登记，请与支部核对。"


def issue_code(session: Session, actor: Actor, activity_id: UUID, *, now: datetime) -> Code:
    """The code to show now; for organisers only.

    Raises:
        NotFound: out of scope.
        ActivityCancelled, AlreadyClosed: nobody checks in any more.
    """
    activity = get_led(session, actor, activity_id).activity
    require_not_cancelled(activity)
    if activity.closed_at is not None:
        raise AlreadyClosed
    return attendance_codes.issue(_key(session), activity_id, at=now)


def check_in(session: Session, actor: Actor, *, scan: Scan, now: datetime) -> CheckedIn:
    """Record that the actor's signed-in device has read a fresh code of the activity.

    It proves that and no more; the organiser's roll call stands above it. A scan that arrives
    after the closing overturns a presumed absence by itself, and nothing that somebody said.

    Raises:
        WrongCode: no fresh code of an activity; absent activities answer alike.
        OutOfTime, NotInvited, ActivityCancelled, TooEarly: it cannot be recorded.
    """
    # Digits are typed while there is signal, so they count when they arrive.
    claimed = scan.scanned_at if scan.token and scan.scanned_at else now
    scan = replace(scan, scanned_at=now if now < claimed <= now + DRIFT_MAX else claimed)
    refusal = _judge_token(session, scan) if scan.token else _judge_digits(session, actor, scan)
    if refusal is not None:
        return CheckedIn(refusal=refusal)
    activity = _get_scanned(session, scan)
    _require_in_time(activity, scan, now)
    expected_lists.start(session, actor, activity, now=now)
    activity = get_placed(session, scan.activity_id, is_held=True).activity
    require_not_cancelled(activity)
    rows = attendance_rows.lock(session, activity.id, actor.member_id)
    if not rows:
        raise NotInvited
    return _record(session, actor, activity, rows[0], scan, now)


def _record(
    session: Session, actor: Actor, activity: Activity, row: Row[Any], scan: Scan, now: datetime
) -> CheckedIn:
    is_open = activity.closed_at is None
    # Nobody takes back his own entry: who closed the meeting himself asks somebody else.
    is_presumed = row.origin == AttendanceOrigin.CLOSING and activity.closed_by != actor.member_id
    is_applied = is_open or is_presumed
    if row.status in ATTENDED or not _keep(session, actor, scan, is_applied, now):
        return CheckedIn(row.status, _BEFORE)
    if not is_applied:
        return CheckedIn(row.status, _KEPT)
    reason = "" if is_open else "离线签到补传"
    change = Change(row, AttendanceStatus.PRESENT, AttendanceOrigin.CHECK_IN, reason)
    credited = attendance_points.record(
        session, actor, activity, [change], now=now, reversed_by=activity.closed_by
    )
    made = credited.get(row.id)
    points = made.points if made and made.entry_id else None
    return CheckedIn(change.status, _DONE if is_open else _DONE_LATE, points)


def _judge_token(session: Session, scan: Scan) -> WrongCode | None:
    verdict = attendance_codes.check_token(
        _key(session), scan.activity_id, scan.token, scanned_at=_instant(scan)
    )
    return None if verdict is Verdict.ACCEPTED else _wrong(verdict)


def _judge_digits(session: Session, actor: Actor, scan: Scan) -> DomainError | None:
    """Count the try before it is looked at, so that no crowd of guesses passes the limit."""
    if session.get(Activity, scan.activity_id) is None:
        return _wrong(Verdict.FOREIGN)
    key = {"activity_id": scan.activity_id, "member_id": actor.member_id}
    insert = sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert
    counted = session.execute(
        insert(CodeTry)
        .values(wrong=1, **key)
        .on_conflict_do_update(
            index_elements=list(key),
            set_={"wrong": CodeTry.wrong + 1},
            where=CodeTry.wrong < TRIES_MAX,
        )
        .returning(CodeTry.wrong)
    ).first()
    if counted is None:
        return TooManyTries()
    verdict = attendance_codes.check_digits(
        _key(session), scan.activity_id, scan.digits, entered_at=_instant(scan)
    )
    if verdict is not Verdict.ACCEPTED:
        return _wrong(verdict)
    session.execute(sa.delete(CodeTry).filter_by(**key))
    return None


def _wrong(verdict: Verdict) -> WrongCode:
    return WrongCode(attendance_codes.VERDICT_LABELS[verdict] + "。")


def _get_scanned(session: Session, scan: Scan) -> Activity:
    activity = session.get(Activity, scan.activity_id)
    if activity is None:
        # A code that verifies was issued for an activity, and none is ever deleted.
        raise NotFound
    require_not_cancelled(activity)
    return activity


def _require_in_time(activity: Activity, scan: Scan, now: datetime) -> None:
    verdict = attendance_codes.judge_scan(
        activity.starts_at, activity.ends_at, scanned_at=_instant(scan), received_at=now
    )
    if verdict is not ScanVerdict.ACCEPTED:
        raise OutOfTime(attendance_codes.SCAN_LABELS[verdict] + "。")


def _keep(session: Session, actor: Actor, scan: Scan, is_applied: bool, now: datetime) -> bool:
    """Keep the scan unless the member's first one is kept already; True when it was kept now.

    The member's row on the list is locked, so two of his phones take turns.
    """
    kept = sa.select(CheckIn.id).where(
        CheckIn.activity_id == scan.activity_id, CheckIn.member_id == actor.member_id
    )
    if session.scalar(kept) is not None:
        return False
    session.add(
        CheckIn(
            activity_id=scan.activity_id,
            member_id=actor.member_id,
            method=CheckInMethod.TOKEN if scan.token else CheckInMethod.DIGITS,
            scanned_at=_instant(scan),
            received_at=now,
            is_applied=is_applied,
        )
    )
    session.flush()
    return True


def _instant(scan: Scan) -> datetime:
    if scan.scanned_at is None:
        raise ValueError("a scan has its time before it is judged")
    return scan.scanned_at


def _key(session: Session) -> bytes:
    return attendance_codes.code_key(vault_of(session))


def purge_tries(session: Session, *, ended_before: datetime) -> int:
    """Delete the wrong digits of activities that ended before an instant; return how many."""
    over = sa.select(Activity.id).where(Activity.ends_at < ended_before)
    tries = session.execute(
        sa.delete(CodeTry)
        .where(CodeTry.activity_id.in_(over))
        .returning(CodeTry.member_id)
        .execution_options(synchronize_session=False)
    )
    return len(tries.all())
