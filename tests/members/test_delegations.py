"""Delegates for a known time, and the first administrator."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core.errors import NotFound
from members import delegations, role_grants
from members.access import Actor, find_actor
from members.access_models import Role, RoleGrant
from members.role_grants import (
    DelegateTooLong,
    RoleAlreadyGranted,
    RoleNotGrantable,
    RoleSeparation,
    Term,
)
from tests.devices import add_session
from tests.district import NOW, TODAY, District

DAY = timedelta(days=1)


@pytest.mark.parametrize("days", [None, 91])
def test_delegate_needs_an_end_within_ninety_days(
    district: District, secretary: Actor, session: Session, days: int | None
) -> None:
    end = None if days is None else TODAY + days * DAY
    term = Term(Role.DELEGATE, district.branch.id, TODAY, end)

    with pytest.raises(DelegateTooLong):
        role_grants.grant(session, secretary, district.enrol("王志").id, term=term, now=NOW)


def test_delegate_of_ninety_days_reviews_until_then(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志", phone="13800008000")
    district.open_account(member)
    session_id = add_session(session, member.id, now=NOW)

    delegations.name_delegate(
        session, secretary, district.branch.id, member.id, until=TODAY + 90 * DAY, now=NOW
    )

    def reviews_in(days: int) -> bool:
        actor = find_actor(session, member.id, session_id, on=TODAY + days * DAY, request_id="r")
        return actor is not None and actor.reviews(district.branch.id)

    assert [reviews_in(days) for days in (0, 89, 90)] == [True, True, False]


def test_naming_a_delegate_again_moves_the_end(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志")

    def name(days: int) -> RoleGrant:
        return delegations.name_delegate(
            session, secretary, district.branch.id, member.id, until=TODAY + days * DAY, now=NOW
        )

    first = name(10)
    assert name(10) is first
    second = name(20)

    session.expire_all()
    assert (first.revoked_at, second.revoked_at) == (NOW, None)
    assert second.valid_to == TODAY + 20 * DAY


def test_delegation_is_taken_back_once(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    branch_id = district.branch.id
    delegations.name_delegate(session, secretary, branch_id, member.id, until=TODAY + DAY, now=NOW)

    delegations.end_delegation(session, secretary, branch_id, member.id, now=NOW)

    with pytest.raises(NotFound):
        delegations.end_delegation(session, secretary, branch_id, member.id, now=NOW)


def _appoint_first(district: District, member_id: UUID, role: Role) -> RoleGrant:
    return role_grants.appoint_first(
        district.session, member_id, district.department.id, role=role, now=NOW
    )


def test_first_administrator_is_appointed_once(district: District, session: Session) -> None:
    member, other = district.enrol("王志"), district.enrol("赵敏")

    grant = _appoint_first(district, member.id, Role.DISTRICT_ADMIN)

    assert grant.granted_by is None
    with pytest.raises(RoleAlreadyGranted):
        _appoint_first(district, other.id, Role.DISTRICT_ADMIN)
    assert _appoint_first(district, other.id, Role.SYSTEM_ADMIN)
    with pytest.raises(RoleNotGrantable):
        _appoint_first(district, other.id, Role.AUDITOR)


def test_separation_binds_the_first_administrator_too(district: District) -> None:
    member = district.enrol("王志")
    district.appoint(member, Role.AUDITOR, district.department)

    with pytest.raises(RoleSeparation):
        _appoint_first(district, member.id, Role.DISTRICT_ADMIN)
