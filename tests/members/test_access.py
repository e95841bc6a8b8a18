"""Scope: absent and out of scope answer alike, roles are those of today."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from core.ids import new_id
from members.access import (
    READING_ROLES,
    ROSTER_ROLES,
    find_actor,
    get_managed_member,
    get_member,
    get_organization,
    hold_roles,
    within,
)
from members.access_models import Role
from members.models import Organization
from tests.devices import add_session
from tests.district import NOW, TODAY, District

DAY = timedelta(days=1)


def test_role_reaches_its_organization_and_everything_below(
    district: District, session: Session
) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)

    for place in (district.street, district.branch, district.group):
        assert get_organization(session, officer, place.id, roles=READING_ROLES) is place
    for place_id in (district.department.id, district.village.id, new_id()):
        with pytest.raises(NotFound) as refusal:
            get_organization(session, officer, place_id, roles=READING_ROLES)
        assert refusal.value.detail == NotFound.title


def test_group_leader_sees_his_group_and_not_the_branch(
    district: District, session: Session
) -> None:
    leader = district.officer("组长", Role.GROUP_LEADER, district.group)
    inside, outside = district.enrol("组员", district.group), district.enrol("无组")

    assert get_member(session, leader, inside.id, roles=READING_ROLES) is inside
    with pytest.raises(NotFound):
        get_member(session, leader, outside.id, roles=READING_ROLES)


def test_secretary_sees_members_of_his_groups(district: District, session: Session) -> None:
    secretary = district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
    member = district.enrol("组员", district.group)

    assert get_member(session, secretary, member.id, roles=READING_ROLES) is member


def test_member_sees_himself_but_does_not_manage_himself(
    district: District, session: Session
) -> None:
    member, other = district.enrol("王志"), district.enrol("赵敏")
    actor = district.actor(member)

    assert get_member(session, actor, member.id, roles=()) is member
    with pytest.raises(Forbidden):
        get_managed_member(session, actor, member.id, roles=ROSTER_ROLES)
    with pytest.raises(NotFound):
        get_managed_member(session, actor, other.id, roles=ROSTER_ROLES)


def test_role_outside_the_asked_ones_gives_no_access(district: District, session: Session) -> None:
    auditor = district.officer("审计员", Role.AUDITOR, district.department)
    member = district.enrol("王志")

    assert get_managed_member(session, auditor, member.id, roles=READING_ROLES) is member
    with pytest.raises(NotFound):
        get_managed_member(session, auditor, member.id, roles=ROSTER_ROLES)


def test_member_who_left_is_out_of_scope(district: District, session: Session) -> None:
    secretary = district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
    newcomer = district.enrol("新人", since=TODAY + DAY)

    with pytest.raises(NotFound):
        get_member(session, secretary, newcomer.id, roles=READING_ROLES)


def test_no_paths_admit_no_rows(district: District, session: Session) -> None:
    assert session.query(Organization).where(within([])).all() == []


def test_actor_holds_the_roles_of_the_day(district: District, session: Session) -> None:
    member = district.enrol("王志", phone="13800008000")
    district.open_account(member)
    grant = district.appoint(member, Role.DEPUTY_SECRETARY, district.branch)
    grant.valid_from, grant.valid_to = TODAY, TODAY + DAY
    session.flush()

    session_id = add_session(session, member.id, now=NOW)

    def roles_in(days: int) -> list[Role]:
        actor = find_actor(session, member.id, session_id, on=TODAY + days * DAY, request_id="r")
        assert actor is not None
        return [held.role for held in actor.held_roles]

    assert [roles_in(days) for days in (-1, 0, 1)] == [[], [Role.DEPUTY_SECRETARY], []]


def test_token_of_another_session_belongs_to_nobody(district: District, session: Session) -> None:
    member = district.enrol("王志", phone="13800008000")
    district.open_account(member)
    other = district.enrol("赵敏", phone="13800008001")
    district.open_account(other)
    own, foreign = (add_session(session, one.id, now=NOW) for one in (member, other))

    def found(member_id: UUID, session_id: UUID) -> bool:
        actor = find_actor(session, member_id, session_id, on=TODAY, request_id="r")
        return actor is not None and actor.session_id == session_id

    assert found(member.id, own)
    assert not found(member.id, foreign)
    assert not found(member.id, new_id())
    assert not found(new_id(), own)


def test_revoked_grant_is_not_held_any_more(district: District, session: Session) -> None:
    member = district.enrol("王志")
    grant = district.appoint(member, Role.BRANCH_SECRETARY, district.branch)
    actor = district.actor(member, grant)
    assert hold_roles(session, actor, {Role.BRANCH_SECRETARY}) == {district.branch.id}

    grant.revoked_at, grant.revoked_by = NOW, district.enrol("赵敏").id
    session.flush()

    with pytest.raises(Forbidden):
        hold_roles(session, actor, {Role.BRANCH_SECRETARY})
