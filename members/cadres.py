"""Village and community cadres: who is one, recorded by the district or the committee above."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.rows import dialect_of, row_source, rows_parameter
from members.access import Actor, get_managed_member, get_organization, hold_roles
from members.access_models import Role
from members.cadre_models import CadreAppointment
from members.models import Member, Organization

APPOINTING_ROLES = frozenset({Role.DISTRICT_ADMIN, Role.COMMITTEE_OFFICER})
CADRE_READING_ROLES = APPOINTING_ROLES | {Role.AUDITOR}


class CadreDatesReversed(RuleViolation):
    """The last day lies before the first."""

    code = "cadre.dates"
    title = "任职的结束日期应晚于开始日期"


class CadreOverlap(Conflict):
    """The person is a cadre on some of these days already."""

    code = "cadre.overlap"
    title = "这个人在这段时间已任村（社区）干部"


class CadreEnded(Conflict):
    """The appointment ends on that day or before."""

    code = "cadre.ended"
    title = "这项任职到那时已经结束"
    retry = "never"


@dataclass(frozen=True, slots=True)
class Appointment:
    """Which post where, on the days [valid_from, valid_to), and on what basis."""

    organization_id: UUID
    post: str
    basis: str
    valid_from: date
    valid_to: date | None = None


def appoint(
    session: Session, actor: Actor, member_id: UUID, *, terms: Appointment, now: datetime
) -> CadreAppointment:
    """Record that a member is a cadre.

    Raises:
        NotFound, Forbidden: the member or the organisation is out of the actor's scope, the
            member is the actor himself, or his role was revoked meanwhile.
        CadreDatesReversed, CadreOverlap: the days are not possible.
    """
    hold_roles(session, actor, APPOINTING_ROLES)
    get_organization(session, actor, terms.organization_id, roles=APPOINTING_ROLES)
    # Locks the member: two appointments of one person take turns.
    get_managed_member(session, actor, member_id, roles=APPOINTING_ROLES)
    if member_id == actor.member_id:
        raise Forbidden("不能登记自己的任职，请由其他负责人或上级办理。")
    if terms.valid_to is not None and terms.valid_to <= terms.valid_from:
        raise CadreDatesReversed
    overlapping = sa.select(CadreAppointment.id).where(
        CadreAppointment.member_id == member_id,
        CadreAppointment.valid_to.is_(None) | (CadreAppointment.valid_to > terms.valid_from),
        sa.true() if terms.valid_to is None else CadreAppointment.valid_from < terms.valid_to,
    )
    if session.scalar(overlapping.limit(1)) is not None:
        raise CadreOverlap
    appointment = CadreAppointment(
        member_id=member_id,
        organization_id=terms.organization_id,
        post=terms.post,
        basis=terms.basis,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(appointment)
    session.flush()
    return appointment


def end(session: Session, actor: Actor, appointment_id: UUID, *, on: date) -> CadreAppointment:
    """End an appointment on a day, the first on which he is no cadre any more.

    Raises:
        NotFound: absent, or out of the actor's scope.
        Forbidden: it is his own, or his role was revoked meanwhile.
        CadreDatesReversed, CadreEnded: it cannot end that day.
    """
    hold_roles(session, actor, APPOINTING_ROLES)
    found = session.get(CadreAppointment, appointment_id)
    if found is None:
        raise NotFound
    get_organization(session, actor, found.organization_id, roles=APPOINTING_ROLES)
    if found.member_id == actor.member_id:
        raise Forbidden("不能结束自己的任职，请由其他负责人或上级办理。")
    if on <= found.valid_from:
        raise CadreDatesReversed
    ended = session.scalar(
        sa.update(CadreAppointment)
        .where(
            CadreAppointment.id == appointment_id,
            CadreAppointment.valid_to.is_(None) | (CadreAppointment.valid_to > on),
        )
        .values(valid_to=on)
        .returning(CadreAppointment)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if ended is None:
        raise CadreEnded
    return ended


def list_cadres(session: Session, actor: Actor, organization_id: UUID) -> Sequence[Any]:
    """Today's cadres of an organisation and all below it: by place, then name.

    Raises:
        NotFound: the organisation is absent or out of scope.
    """
    top = get_organization(session, actor, organization_id, roles=CADRE_READING_ROLES)
    return session.execute(
        sa.select(
            CadreAppointment,
            Member.name.label("member_name"),
            Organization.name.label("organization_name"),
        )
        .join(Member, Member.id == CadreAppointment.member_id)
        .join(Organization, Organization.id == CadreAppointment.organization_id)
        .where(Organization.path.startswith(top.path), covers(actor.on))
        .order_by(Organization.path, Member.name, Member.id)
    ).all()


def find_appointments(
    session: Session, member_ids: Collection[UUID], *, on: date
) -> dict[UUID, tuple[UUID, str]]:
    """Cadre -> the organisation whose cadre he is that day, and its path; one statement."""
    given = row_source(dialect_of(session), {"id": CadreAppointment.__table__.c.member_id.type})
    rows = session.execute(
        sa.select(CadreAppointment.member_id, Organization.id, Organization.path)
        .join(Organization, Organization.id == CadreAppointment.organization_id)
        .join(given, given.c.id == CadreAppointment.member_id)
        .where(covers(on)),
        rows_parameter(session, [{"id": member_id} for member_id in member_ids]),
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def covers(on: date) -> sa.ColumnElement[bool]:
    """Filter: appointments in force on a day."""
    return (CadreAppointment.valid_from <= on) & (
        CadreAppointment.valid_to.is_(None) | (CadreAppointment.valid_to > on)
    )
