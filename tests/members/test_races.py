"""Two writers at once, on real connections: one of them wins, and nothing is torn."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from core.config import Settings
from core.db import make_engine, make_sessions, unit_of_work
from core.errors import DomainError
from members import affiliations, organization_moves, role_grants
from members.access import Actor
from members.access_models import Role, RoleGrant
from members.affiliations import Belonging
from members.models import Affiliation, Organization, OrganizationKind
from members.organization_moves import Relocation
from members.role_grants import Term
from tests.district import NOW, TODAY, District, found

Work = Callable[[Session], object]


@dataclass
class Arena:
    """A committed district that several sessions write to."""

    sessions: sessionmaker[Session]
    district: District

    def run(self, *works: Work) -> list[str]:
        """Do the works at the same time, each in its own transaction; their error codes."""
        barrier = threading.Barrier(len(works))
        codes: list[str] = []

        def one(work: Work) -> None:
            with self.sessions() as session:
                barrier.wait()
                try:
                    with unit_of_work(session):
                        work(session)
                except DomainError as error:
                    codes.append(error.code)

        threads = [threading.Thread(target=one, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        return codes


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    engine = make_engine(fresh_settings)
    sessions = make_sessions(engine, fresh_settings.vault)
    with sessions() as session:
        with unit_of_work(session):
            district = District.build(session)
        yield Arena(sessions, district)
    engine.dispose()


def _officer(arena: Arena, role: Role) -> Actor:
    with unit_of_work(arena.district.session):
        return arena.district.officer("管理员", role, arena.district.department)


def _move(actor: Actor, what: UUID, to: UUID) -> Work:
    data = Relocation(to, "调整", 1)
    return lambda session: organization_moves.move(session, actor, what, data=data, now=NOW)


def test_crossing_moves_do_not_make_a_cycle(arena: Arena) -> None:
    admin = _officer(arena, Role.DISTRICT_ADMIN)
    session = arena.district.session
    with unit_of_work(session):
        other = found(session, arena.district.department, OrganizationKind.COMMITTEE, "下川镇")
    town_id, other_id = arena.district.town.id, other.id
    session.close()

    codes = arena.run(_move(admin, town_id, other_id), _move(admin, other_id, town_id))

    assert codes == ["org.cycle"]
    with arena.sessions() as reader:
        rows = reader.scalars(sa.select(Organization)).all()
        by_id = {row.id: row for row in rows}
        for row in rows:
            above = by_id[row.parent_id].path if row.parent_id else "/"
            assert row.path == f"{above}{row.id}/"
            assert row.depth == row.path.count("/") - 2


def test_auditor_and_secretary_granted_at_once_end_in_one(arena: Arena) -> None:
    admin = _officer(arena, Role.DISTRICT_ADMIN)
    system = _officer(arena, Role.SYSTEM_ADMIN)
    session = arena.district.session
    with unit_of_work(session):
        member_id = arena.district.enrol("王志").id
    department_id, branch_id = arena.district.department.id, arena.district.branch.id
    session.close()

    def grant(actor: Actor, role: Role, place_id: UUID) -> Work:
        term = Term(role, place_id, TODAY, TODAY + timedelta(days=30))
        return lambda session: role_grants.grant(session, actor, member_id, term=term, now=NOW)

    codes = arena.run(
        grant(system, Role.AUDITOR, department_id),
        grant(admin, Role.BRANCH_SECRETARY, branch_id),
    )

    assert codes == ["role.separation"]


def test_two_revocations_at_once_end_in_one_conflict(arena: Arena) -> None:
    admin = _officer(arena, Role.DISTRICT_ADMIN)
    session = arena.district.session
    with unit_of_work(session):
        member = arena.district.enrol("王志")
        grant_id = arena.district.appoint(member, Role.GROUP_LEADER, arena.district.group).id
    session.close()

    codes = arena.run(*[lambda session: role_grants.revoke(session, admin, grant_id, now=NOW)] * 2)

    assert codes == ["role.already_ended"]
    with arena.sessions() as reader:
        grant = reader.get(RoleGrant, grant_id)
        assert grant is not None
        assert grant.revoked_by == admin.member_id


def test_two_transfers_at_once_leave_one_place(arena: Arena) -> None:
    admin = _officer(arena, Role.DISTRICT_ADMIN)
    session = arena.district.session
    with unit_of_work(session):
        member_id = arena.district.enrol("王志").id
    places = [arena.district.second_branch.id, arena.district.village.id]
    session.close()

    def transfer(place_id: UUID) -> Work:
        to = Belonging(place_id, None, TODAY)
        return lambda session: affiliations.transfer(session, admin, member_id, to=to, now=NOW)

    codes = arena.run(*map(transfer, places))

    # They take turns: both moves happened, one after the other, on the same day.
    assert codes == []
    with arena.sessions() as reader:
        rows = reader.scalars(sa.select(Affiliation).where(Affiliation.member_id == member_id))
        spans = sorted((row.valid_from, row.valid_to or date.max) for row in rows)
    assert len(spans) == 3
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(spans))
