"""Role grants: who gives what to whom, separation, terms, delegates, revocation."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import new_id
from members import role_grant_reading, role_grants
from members.access import Actor, find_actor
from members.access_models import Role, RoleGrant
from members.models import Member, Organization, OrganizationKind
from members.role_grants import (
    RoleAlreadyEnded,
    RoleAlreadyGranted,
    RoleDatesInvalid,
    RoleDoesNotFit,
    RoleNotGrantable,
    RoleSeparation,
    Term,
)
from members.role_rules import MAY_GRANT, PLACES, ROLE_NAMES
from tests.devices import add_session
from tests.district import NOW, TODAY, District

DAY = timedelta(days=1)


def _grant(
    district: District, actor: Actor, member: Member, role: Role, place: Organization
) -> RoleGrant:
    end = TODAY + 30 * DAY if role is Role.DELEGATE else None
    term = Term(role, place.id, TODAY, end, "任职文件")
    return role_grants.grant(district.session, actor, member.id, term=term, now=NOW)


def _place_for(district: District, role: Role) -> Organization:
    by_kind = {
        OrganizationKind.PARTY_GROUP: district.group,
        OrganizationKind.BRANCH: district.branch,
        OrganizationKind.WORKING_COMMITTEE: district.street,
        OrganizationKind.DISTRICT_ORGANIZATION_DEPARTMENT: district.department,
    }
    return next(by_kind[kind] for kind in by_kind if kind in PLACES[role])


def test_every_role_has_a_name_and_a_place() -> None:
    assert set(ROLE_NAMES) == set(PLACES) == set(Role)


@pytest.mark.parametrize("granter", list(Role))
@pytest.mark.parametrize("role", list(Role))
def test_role_is_given_by_those_and_only_those_in_the_table(
    district: District, session: Session, granter: Role, role: Role
) -> None:
    actor = district.officer("授权人", granter, _place_for(district, granter))
    member = district.enrol("王志", district.group)
    place = _place_for(district, role)

    if role in MAY_GRANT.get(granter, ()):
        grant = _grant(district, actor, member, role, place)
        assert (grant.granted_by, grant.basis) == (actor.member_id, "任职文件")
    else:
        with pytest.raises((RoleNotGrantable, NotFound)):
            _grant(district, actor, member, role, place)


def test_system_administrator_is_given_by_nobody() -> None:
    assert not any(Role.SYSTEM_ADMIN in granted for granted in MAY_GRANT.values())


def test_nobody_grants_to_himself(district: District, admin: Actor, session: Session) -> None:
    member = session.get(Member, admin.member_id)
    assert member is not None

    with pytest.raises(RoleNotGrantable):
        _grant(district, admin, member, Role.BRANCH_SECRETARY, district.branch)


def test_database_refuses_a_grant_to_oneself(district: District, session: Session) -> None:
    member = district.enrol("王志")
    grant = district.appoint(member, Role.GROUP_LEADER, district.group)
    grant.granted_by = member.id

    with pytest.raises(IntegrityError, match="not_oneself"):
        session.flush()


def test_place_out_of_scope_is_not_found(district: District) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)
    member, villager = district.enrol("王志"), district.enrol("村民", district.village)

    with pytest.raises(NotFound):
        _grant(district, officer, member, Role.BRANCH_SECRETARY, district.village)
    with pytest.raises(NotFound):
        _grant(district, officer, villager, Role.BRANCH_SECRETARY, district.branch)


@pytest.mark.parametrize(
    ("role", "place"),
    [
        (Role.BRANCH_SECRETARY, "street"),
        (Role.GROUP_LEADER, "branch"),
        (Role.COMMITTEE_OFFICER, "department"),
        (Role.COMMITTEE_OFFICER, "branch"),
        (Role.DISTRICT_ADMIN, "town"),
    ],
)
def test_role_fits_its_kind_of_organization_only(
    district: District, admin: Actor, role: Role, place: str
) -> None:
    with pytest.raises(RoleDoesNotFit):
        _grant(district, admin, district.enrol("王志"), role, getattr(district, place))


def test_auditor_does_not_become_a_secretary(district: District, admin: Actor) -> None:
    member = district.enrol("王志")
    district.appoint(member, Role.AUDITOR, district.department)

    with pytest.raises(RoleSeparation):
        _grant(district, admin, member, Role.BRANCH_SECRETARY, district.branch)
    assert _grant(district, admin, member, Role.GROUP_LEADER, district.group)


def test_secretary_does_not_become_an_auditor(district: District) -> None:
    system = district.officer("系统管理员", Role.SYSTEM_ADMIN, district.department)
    member = district.enrol("王志")
    held = district.appoint(member, Role.BRANCH_SECRETARY, district.branch)

    with pytest.raises(RoleSeparation):
        _grant(district, system, member, Role.AUDITOR, district.department)

    held.valid_to = TODAY
    district.session.flush()
    assert _grant(district, system, member, Role.AUDITOR, district.department)


def test_role_held_already_is_conflict(district: District, admin: Actor) -> None:
    member = district.enrol("王志")
    _grant(district, admin, member, Role.BRANCH_SECRETARY, district.branch)

    with pytest.raises(RoleAlreadyGranted):
        _grant(district, admin, member, Role.BRANCH_SECRETARY, district.branch)
    assert _grant(district, admin, member, Role.BRANCH_SECRETARY, district.second_branch)


@pytest.mark.parametrize(("begin", "end"), [(-1, None), (0, 0), (5, 4)])
def test_term_begins_today_or_later_and_ends_after_it(
    district: District, admin: Actor, session: Session, begin: int, end: int | None
) -> None:
    term = Term(
        Role.BRANCH_SECRETARY,
        district.branch.id,
        TODAY + begin * DAY,
        None if end is None else TODAY + end * DAY,
    )

    with pytest.raises(RoleDatesInvalid):
        role_grants.grant(session, admin, district.enrol("王志").id, term=term, now=NOW)


def test_revoked_role_stops_at_the_next_look(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志", phone="13800008000")
    district.open_account(member)
    grant = _grant(district, admin, member, Role.BRANCH_SECRETARY, district.branch)
    ids = member.id, add_session(session, member.id, now=NOW)
    before = find_actor(session, *ids, on=TODAY, request_id="r")

    role_grants.revoke(session, admin, grant.id, now=NOW)

    after = find_actor(session, *ids, on=TODAY, request_id="r")
    assert before is not None
    assert before.has_role(Role.BRANCH_SECRETARY)
    assert after is not None
    assert after.held_roles == ()
    session.expire_all()
    assert (grant.revoked_at, grant.revoked_by) == (NOW, admin.member_id)


def test_second_revocation_is_conflict(district: District, admin: Actor, session: Session) -> None:
    grant = _grant(district, admin, district.enrol("王志"), Role.GROUP_LEADER, district.group)
    role_grants.revoke(session, admin, grant.id, now=NOW)

    with pytest.raises(RoleAlreadyEnded):
        role_grants.revoke(session, admin, grant.id, now=NOW)


def test_secretary_takes_back_what_he_gives_and_nothing_else(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    leader = district.appoint(member, Role.GROUP_LEADER, district.group)
    deputy = district.appoint(member, Role.DEPUTY_SECRETARY, district.branch)
    elsewhere = district.appoint(member, Role.DEPUTY_SECRETARY, district.village)

    role_grants.revoke(session, secretary, leader.id, now=NOW)

    with pytest.raises(RoleNotGrantable):
        role_grants.revoke(session, secretary, deputy.id, now=NOW)
    for grant_id in (elsewhere.id, new_id()):
        with pytest.raises(NotFound):
            role_grants.revoke(session, secretary, grant_id, now=NOW)


def test_list_shows_live_grants_of_the_subtree_page_by_page(
    district: District, session: Session
) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)
    member = district.enrol("王志")
    for place in (district.branch, district.second_branch, district.village):
        district.appoint(member, Role.BRANCH_SECRETARY, place)
    ended = district.appoint(member, Role.GROUP_LEADER, district.group)
    ended.valid_to = TODAY
    session.flush()

    first = role_grant_reading.list_grants(session, officer, after=None, limit=2)
    rest = role_grant_reading.list_grants(session, officer, after=first.next_key, limit=2)

    names = [line.organization_name for line in (*first.items, *rest.items)]
    assert sorted(names) == sorted(["杨陵街道", "青石桥社区党支部", "滨河苑社区党支部"])
    assert rest.next_key is None


def test_grants_of_a_member_are_found_with_their_paths(
    district: District, session: Session
) -> None:
    member = district.enrol("王志")
    district.appoint(member, Role.GROUP_LEADER, district.group)
    revoked = district.appoint(member, Role.DEPUTY_SECRETARY, district.branch)
    session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.id == revoked.id)
        .values(revoked_at=NOW, revoked_by=district.enrol("赵敏").id)
    )

    found = role_grant_reading.find_live_grants(session, member.id, on=TODAY)

    assert found == [(Role.GROUP_LEADER, district.group.path)]
