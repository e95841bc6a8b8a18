"""What attendance gives and takes: credited in one pass at the closing, by revision afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from activities import attendance_contacts, attendance_rows
from activities.attendance_rows import Change
from activities.life_models import ATTENDED, AttendanceStatus
from activities.models import Activity
from core.clock import business_day
from members.access import Actor
from members.models import MemberClass
from points import crediting, reversing, schemes, scores
from points.crediting import Credited, Occasion
from points.definitions import Event

SOURCE_KIND = "attendance"


def record(
    session: Session,
    actor: Actor,
    activity: Activity,
    changes: Sequence[Change],
    *,
    now: datetime,
    reversed_by: UUID | None = None,
) -> dict[UUID, Credited]:
    """Write changes of locked rows, as contact too; after the closing also their points.

    A corrected fact takes back the entry of the fact before and is credited as the next
    revision, in the same transaction. Lock order: attendance rows, standings of contact, then as
    in `credit`.

    Args:
        reversed_by: in whose name entries are taken back, where it is not the actor.

    Returns:
        attendance -> what became of it; empty before the closing.
    """
    attendance_rows.revise(session, actor.member_id, changes, now=now)
    attendance_contacts.record(session, actor.member_id, activity, changes, now=now)
    if activity.closed_at is None or not changes:
        return {}
    ids = [one.row.id for one in changes]
    live = reversing.live_entries(session, SOURCE_KIND, ids)
    taker = replace(actor, member_id=reversed_by) if reversed_by else actor
    # One member's reason is nobody else's business.
    reasons = {one.reason for one in changes}
    reason = (reasons.pop() if len(reasons) == 1 else "") or "考勤更正"
    reversing.reverse_all(session, taker, list(live.values()), reason=reason, now=now)
    return credit(session, actor, activity, changes, now=now)


def credit(
    session: Session, actor: Actor, activity: Activity, changes: Sequence[Change], *, now: datetime
) -> dict[UUID, Credited]:
    """Post what these attendances give or take by the scheme; a constant number of statements."""
    counted = [one for one in changes if _counts(one)]
    if not counted:
        return {}
    day = business_day(activity.starts_at)
    words = scores.find_exempting(session, [one.row.member_id for one in counted], on=day)
    published = schemes.load_published(session)
    occasions = []
    for one in counted:
        mine = words.get(one.row.member_id, set())
        scheme = schemes.choose(published, one.row.home_path, day)
        is_exempt = scheme is not None and bool(mine & scheme.definition.exempt)
        occasions.append(_occasion(activity, one, mine, is_exempt or one.row.is_exempt))
    return crediting.credit(session, actor, occasions, now=now)


def _counts(change: Change) -> bool:
    if change.status == AttendanceStatus.EXEMPT:
        return False
    # A guest gains by coming and loses nothing by staying away.
    return bool(change.row.is_expected) or change.status in ATTENDED


def _occasion(activity: Activity, change: Change, words: set[str], is_exempt: bool) -> Occasion:
    row = change.row
    return Occasion(
        source_kind=SOURCE_KIND,
        source_id=row.id,
        revision=change.revision,
        member_id=row.member_id,
        organization_id=row.home_organization_id,
        path=row.home_path,
        title=activity.title,
        happened_on=business_day(activity.starts_at),
        event=Event.ATTENDANCE,
        tags=activity.kinds,
        status=change.status,
        member_class=next(iter(words & set(MemberClass)), ""),
        is_exempt=is_exempt,
    )
