"""The expected list: who takes part by where he belonged that day, frozen once at the start."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from activities.life_models import (
    ActivityOrganization,
    Attendance,
    AttendanceEvent,
    AttendanceOrigin,
    AttendanceStatus,
    LeaveRequest,
    LeaveStatus,
)
from activities.models import Activity
from core.clock import business_day
from core.errors import RuleViolation
from core.rows import dialect_of, row_source, rows_parameter
from members.access import Actor
from members.models import (
    Affiliation,
    AffiliationKind,
    Exemption,
    Member,
    MembershipStatus,
    Organization,
    OrganizationKind,
)

# The first roll call or scan starts the activity; hours ahead, it is a mistake.
EARLY_MAX = timedelta(hours=2)
# There, members belong for a time only, and are expected all the same.
TEMPORARY = (OrganizationKind.TEMPORARY_BRANCH, OrganizationKind.FUNCTIONAL_BRANCH)


class TooEarly(RuleViolation):
    """The activity begins hours from now."""

    code = "activity.too_early"
    title = "活动还没有开始"


def start(session: Session, actor: Actor, activity: Activity, *, now: datetime) -> bool:
    """Start an activity and freeze its list, unless it was started or cancelled before.

    One conditional UPDATE decides who starts it; whoever comes second waits for the first and
    finds the list made. The list is one INSERT..SELECT over the affiliations of that day.

    Returns:
        True when it was started now.

    Raises:
        TooEarly: it begins more than two hours from now.
    """
    if activity.started_at is not None or activity.cancelled_at is not None:
        return False
    if now < activity.starts_at - EARLY_MAX:
        raise TooEarly("最早可在开始前 2 小时点名或签到。")
    started = session.execute(
        sa.update(Activity)
        .where(
            Activity.id == activity.id,
            Activity.started_at.is_(None),
            Activity.cancelled_at.is_(None),
        )
        .values(started_at=now, version=Activity.version + 1)
        .returning(Activity.id)
    ).first()
    if started is None:
        return False
    session.execute(
        _freezing(dialect_of(session), bool(activity.invited)), _parameters(session, activity, now)
    )
    session.execute(
        _noting(dialect_of(session)),
        {"activity": activity.id, "actor": actor.member_id, "now": now} | _prefix(now),
    )
    return True


def find_members(session: Session, activity: Activity, *, now: datetime) -> Sequence[UUID]:
    """Whom the list would hold if the activity were started; one statement."""
    query = _listed(dialect_of(session), bool(activity.invited), Affiliation.member_id)
    ids = session.scalars(query, _parameters(session, activity, now))
    return list(dict.fromkeys(ids))


def _parameters(session: Session, activity: Activity, now: datetime) -> dict[str, Any]:
    invited = [{"id": UUID(member_id)} for member_id in activity.invited]
    return (
        {"activity": activity.id, "day": business_day(activity.starts_at)}
        | _prefix(now)
        | (rows_parameter(session, invited) if invited else {})
    )


def _prefix(now: datetime) -> dict[str, str]:
    # The time part and the version of the UUIDv7s that the statement makes.
    return {"prefix": f"{int(now.timestamp() * 1000):012x}7"}


def _new_ids(dialect: str) -> sa.ColumnElement[Any]:
    """A new UUIDv7 for each row: time and version from the parameter, 72 random bits."""
    prefix = sa.bindparam("prefix", type_=sa.Text)
    if dialect == "sqlite":
        random = sa.func.lower(sa.func.hex(sa.func.randomblob(9)))
        return prefix + sa.func.substr(random, 1, 3) + "8" + sa.func.substr(random, 4, 15)
    random = sa.func.replace(sa.cast(sa.func.gen_random_uuid(), sa.Text), "-", "")
    text = prefix + sa.func.substr(random, 1, 3) + "8" + sa.func.substr(random, 18, 15)
    return sa.cast(text, sa.Uuid)


def _listed(dialect: str, is_by_name: bool, *columns: Any) -> sa.Select[Any]:
    """Those who belong, on the day, to an organisation that takes part; primary ones first."""
    activity = sa.bindparam("activity", type_=sa.Uuid)
    places = sa.union_all(
        sa.select(Activity.organization_id).where(Activity.id == activity),
        sa.select(ActivityOrganization.organization_id).where(
            ActivityOrganization.activity_id == activity
        ),
    ).subquery("places")
    wanted = sa.select(places.c.organization_id)
    query = (
        sa.select(*columns)
        .select_from(Affiliation)
        .join(Member, Member.id == Affiliation.member_id)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(
            Affiliation.organization_id.in_(wanted) | Affiliation.party_group_id.in_(wanted),
            _covers_day(Affiliation),
            Member.membership_status.in_((MembershipStatus.NORMAL, MembershipStatus.RESTORED)),
        )
        .order_by(
            sa.case((Affiliation.kind == AffiliationKind.PRIMARY, 0), else_=1), Affiliation.id
        )
    )
    if is_by_name:
        given = row_source(dialect, {"id": sa.Uuid()})
        query = query.join(given, given.c.id == Affiliation.member_id)
    return query


@cache
def _freezing(dialect: str, is_by_name: bool) -> sa.Insert:
    home = aliased(Affiliation)
    is_expected = (Affiliation.kind == AffiliationKind.PRIMARY) | Organization.kind.in_(TEMPORARY)
    is_exempt = sa.exists().where(
        Exemption.member_id == Affiliation.member_id, _covers_day(Exemption)
    )
    has_leave = LeaveRequest.id.is_not(None)

    def known(exempt: str, leave: str) -> sa.Case[Any]:
        return sa.case((is_exempt & is_expected, exempt), (has_leave, leave), else_=None)

    columns = {
        "id": _new_ids(dialect),
        "activity_id": sa.bindparam("activity", type_=sa.Uuid),
        "member_id": Affiliation.member_id,
        "organization_id": Affiliation.organization_id,
        "party_group_id": Affiliation.party_group_id,
        "home_organization_id": sa.func.coalesce(home.organization_id, Affiliation.organization_id),
        "affiliation_kind": Affiliation.kind,
        "member_kind": Member.kind,
        "is_expected": is_expected,
        "is_exempt": is_exempt,
        "status": known(AttendanceStatus.EXEMPT, AttendanceStatus.LEAVE_APPROVED),
        "origin": known(AttendanceOrigin.EXEMPTION, AttendanceOrigin.LEAVE),
        "revision": sa.case((is_exempt & is_expected, 1), (has_leave, 1), else_=0),
    }
    query = (
        _listed(dialect, is_by_name, *columns.values())
        .outerjoin(
            home,
            (home.member_id == Affiliation.member_id)
            & (home.kind == AffiliationKind.PRIMARY)
            & _covers_day(home),
        )
        .outerjoin(
            LeaveRequest,
            (LeaveRequest.activity_id == sa.bindparam("activity", type_=sa.Uuid))
            & (LeaveRequest.member_id == Affiliation.member_id)
            & (LeaveRequest.status == LeaveStatus.APPROVED),
        )
    )
    insert = _insert(dialect, Attendance).from_select(list(columns), query)
    # Who belongs in two ways stands on the list once, by his primary affiliation.
    return insert.on_conflict_do_nothing(index_elements=["activity_id", "member_id"])


@cache
def _noting(dialect: str) -> sa.Insert:
    """The first revision of those whose status the start itself knows."""
    columns = {
        "id": _new_ids(dialect),
        "attendance_id": Attendance.id,
        "revision": Attendance.revision,
        "status": Attendance.status,
        "origin": Attendance.origin,
        "reason": sa.literal(""),
        "entered_by": sa.bindparam("actor", type_=sa.Uuid),
        "entered_at": sa.bindparam("now", type_=AttendanceEvent.__table__.c.entered_at.type),
    }
    query = sa.select(*columns.values()).where(
        Attendance.activity_id == sa.bindparam("activity", type_=sa.Uuid),
        Attendance.status.is_not(None),
    )
    return _insert(dialect, AttendanceEvent).from_select(list(columns), query)


def _insert(dialect: str, model: Any) -> postgresql.Insert | sqlite.Insert:
    table = cast(sa.Table, model.__table__)
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _covers_day(model: Any) -> sa.ColumnElement[bool]:
    day = sa.bindparam("day", type_=sa.Date)
    return sa.and_(model.valid_from <= day, sa.or_(model.valid_to.is_(None), model.valid_to > day))
