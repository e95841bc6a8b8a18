"""The tree of organisations: what may stand where, moves, history, import."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound, VersionConflict
from members import organization_moves, organization_reading, organizations
from members.access import Actor
from members.access_models import Role
from members.models import Organization, OrganizationKind, OrganizationPlacement, Sector
from members.organization_moves import OrganizationCycle, Relocation
from members.organizations import (
    MAY_STAND_UNDER,
    DuplicateName,
    KindNotAllowed,
    OrganizationData,
    TreeTooDeep,
)
from tests.district import NOW, TODAY, District, found

Kind = OrganizationKind


def _move(district: District, actor: Actor, what: Organization, to: Organization) -> Organization:
    data = Relocation(to.id, "区划调整", what.version)
    return organization_moves.move(district.session, actor, what.id, data=data, now=NOW)


def _found(
    session: Session, actor: Actor, parent_id: UUID, kind: Kind, data: OrganizationData
) -> Organization:
    return organizations.create(session, actor, parent_id, kind=kind, data=data, now=NOW)


def _history(session: Session, organization: Organization) -> list[OrganizationPlacement]:
    return list(
        session.scalars(
            sa.select(OrganizationPlacement)
            .where(OrganizationPlacement.organization_id == organization.id)
            .order_by(OrganizationPlacement.valid_from, OrganizationPlacement.id)
        )
    )


def test_table_covers_every_kind_and_has_one_root() -> None:
    assert set(MAY_STAND_UNDER) == set(Kind)
    roots = [kind for kind, parents in MAY_STAND_UNDER.items() if not parents]
    assert roots == [Kind.DISTRICT_ORGANIZATION_DEPARTMENT]


def test_new_branch_stands_below_its_parent_and_has_a_history(
    district: District, admin: Actor, session: Session
) -> None:
    data = OrganizationData("东庄村党支部", Sector.VILLAGE)

    created = _found(session, admin, district.town.id, Kind.BRANCH, data)

    assert created.path == f"{district.town.path}{created.id}/"
    assert (created.depth, created.sector, created.version) == (2, Sector.VILLAGE, 1)
    (placement,) = _history(session, created)
    assert (placement.parent_id, placement.valid_from) == (district.town.id, TODAY)
    assert placement.changed_by == admin.member_id


@pytest.mark.parametrize("kind", list(Kind))
def test_only_listed_kinds_stand_under_a_branch(
    district: District, admin: Actor, session: Session, kind: Kind
) -> None:
    data = OrganizationData("新组织")

    if kind is Kind.PARTY_GROUP:
        assert _found(session, admin, district.branch.id, kind, data)
    else:
        with pytest.raises(KindNotAllowed):
            _found(session, admin, district.branch.id, kind, data)


def test_second_organization_of_the_same_name_is_refused(
    district: District, admin: Actor, session: Session
) -> None:
    data = OrganizationData(district.branch.name)

    with pytest.raises(DuplicateName):
        _found(session, admin, district.street.id, Kind.BRANCH, data)

    assert _found(session, admin, district.town.id, Kind.BRANCH, data)


def test_tree_deeper_than_a_path_is_refused(
    district: District, admin: Actor, session: Session
) -> None:
    parent = district.town
    data = OrganizationData("下级党委")
    while parent.depth < organizations.DEPTH_MAX:
        parent = _found(session, admin, parent.id, Kind.COMMITTEE, data)

    with pytest.raises(TreeTooDeep):
        _found(session, admin, parent.id, Kind.COMMITTEE, data)


def test_secretary_founds_groups_in_his_branch_and_nothing_else(
    district: District, session: Session
) -> None:
    secretary = district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
    group = OrganizationData("第二党小组")

    _found(session, secretary, district.branch.id, Kind.PARTY_GROUP, group)

    with pytest.raises(NotFound):
        _found(session, secretary, district.village.id, Kind.PARTY_GROUP, group)
    branch = OrganizationData("新支部")
    with pytest.raises(NotFound):
        _found(session, secretary, district.street.id, Kind.BRANCH, branch)


def test_officer_reads_his_committee_but_does_not_change_the_tree(
    district: District, session: Session
) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)
    data = OrganizationData("新支部")

    assert organization_reading.get(session, officer, district.street.id)
    with pytest.raises(Forbidden):
        _found(session, officer, district.street.id, Kind.BRANCH, data)


def test_rename_goes_into_the_history(district: District, admin: Actor, session: Session) -> None:
    data = OrganizationData("上川社区党支部", Sector.COMMUNITY)

    organizations.update(session, admin, district.village.id, data=data, version=1, now=NOW)

    before, after = _history(session, district.village)
    assert (before.name, before.valid_to) == ("上川村党支部", TODAY)
    assert (after.name, after.valid_to) == ("上川社区党支部", None)
    session.expire_all()
    assert (district.village.sector, district.village.version) == (Sector.COMMUNITY, 2)


def test_update_of_an_older_version_is_conflict(
    district: District, admin: Actor, session: Session
) -> None:
    data = OrganizationData("上川社区党支部")
    organizations.update(session, admin, district.village.id, data=data, version=1, now=NOW)

    with pytest.raises(VersionConflict):
        organizations.update(session, admin, district.village.id, data=data, version=1, now=NOW)


def test_move_rewrites_the_whole_subtree_and_keeps_history(
    district: District, admin: Actor, session: Session
) -> None:
    general = found(session, district.town, Kind.GENERAL_BRANCH, "镇机关党总支")

    moved = _move(district, admin, district.branch, general)

    session.expire_all()
    assert moved.parent_id == general.id
    assert moved.path == f"{general.path}{moved.id}/"
    assert district.group.path == f"{moved.path}{district.group.id}/"
    assert (moved.depth, district.group.depth, moved.version) == (3, 4, 2)
    assert district.second_branch.path.startswith(district.street.path)
    before, after = _history(session, moved)
    assert (before.parent_id, before.valid_to) == (district.street.id, TODAY)
    assert (after.parent_id, after.valid_from) == (general.id, TODAY)
    assert after.reason == "区划调整"


def test_move_below_itself_is_a_cycle(district: District, admin: Actor, session: Session) -> None:
    inner = found(session, district.town, Kind.COMMITTEE, "村党委")

    with pytest.raises(OrganizationCycle):
        _move(district, admin, district.town, inner)
    with pytest.raises(OrganizationCycle):
        _move(district, admin, district.town, district.town)


def test_database_refuses_a_cycle_that_code_let_through(
    district: District, session: Session
) -> None:
    with pytest.raises(IntegrityError, match=r"no_organization_cycle|organization cycle"):
        session.execute(
            sa.update(Organization)
            .where(Organization.id == district.street.id)
            .values(parent_id=district.branch.id)
        )


def test_move_to_a_forbidden_kind_of_parent_is_refused(district: District, admin: Actor) -> None:
    with pytest.raises(KindNotAllowed):
        _move(district, admin, district.branch, district.department)
    with pytest.raises(KindNotAllowed):
        _move(district, admin, district.street, district.town)


def test_party_group_stays_in_its_branch(district: District, admin: Actor) -> None:
    with pytest.raises(KindNotAllowed):
        _move(district, admin, district.group, district.second_branch)


def test_move_of_an_older_version_is_conflict(
    district: District, admin: Actor, session: Session
) -> None:
    stale = Relocation(district.town.id, "", 1)
    _move(district, admin, district.branch, district.town)
    _move(district, admin, district.branch, district.street)

    with pytest.raises(VersionConflict):
        organization_moves.move(session, admin, district.branch.id, data=stale, now=NOW)


def test_move_out_of_the_actors_subtree_is_not_found(district: District, session: Session) -> None:
    local = district.officer("街道管理员", Role.DISTRICT_ADMIN, district.street)

    with pytest.raises(NotFound):
        _move(district, local, district.branch, district.town)


def test_tree_counts_members_at_every_level_above_them(
    district: District, admin: Actor, session: Session
) -> None:
    district.enrol("组员", district.group)
    district.enrol("村民", district.village)

    nodes = organization_reading.find_tree(session, admin, district.department.id, levels=1)

    # The administrator himself is in the first branch.
    counts = {node.organization.name: node.members_count for node in nodes}
    assert counts == {"示范区委组织部": 3, "杨陵街道": 2, "李台镇": 1}


def test_history_names_the_parents(district: District, admin: Actor, session: Session) -> None:
    _move(district, admin, district.branch, district.town)

    places = organization_reading.find_history(session, admin, district.branch.id)

    assert [place.parent_name for place in places] == ["杨陵街道", "李台镇"]
