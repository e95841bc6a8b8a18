"""Pledges against a model in memory: random steps, grades and corrections, checked after each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from activities.pledge_states import TRANSITIONS, PledgeStatus, PledgeStep
from core.errors import DomainError
from points import verification
from points.models import LedgerEntry
from tests.pledging import Pledging
from tests.world import World, build_world

S, P = PledgeStatus, PledgeStep
# The same histories on every run, so that a change passes or fails by what it changed.
PROFILE = settings(
    max_examples=3,
    stateful_step_count=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
MEMBERS = ("党员甲", "党员乙")
GRADES = {"优": 600, "良": 400, "中": 200, "差": 0}
YEAR_CAP = 1200
OTHER_STEPS = sorted({step for _, step in TRANSITIONS} - {P.EVALUATE, P.FIND_UNFULFILLED})


@dataclass
class ModelPledge:
    """Where a pledge should be, and what stands for it in the ledger."""

    member: str
    status: PledgeStatus
    points: int = 0


class PledgeMachine(RuleBasedStateMachine):
    """Takes steps, possible or not, and grades; the model does the same by the table."""

    pledge_ids = Bundle("pledge_ids")

    def __init__(self, connection: Connection, world: World) -> None:
        super().__init__()
        self.history = connection.begin_nested()
        self.session = Session(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info=world.session.info,
        )
        self.pledging = Pledging(replace(world, session=self.session))
        self.model: dict[UUID, ModelPledge] = {}

    def teardown(self) -> None:
        self.session.close()
        self.history.rollback()

    @contextmanager
    def transaction(self) -> Iterator[list[str]]:
        """One use case: a refusal rolls back and leaves its code in the list."""
        codes: list[str] = []
        try:
            with self.session.begin_nested():
                yield codes
        except DomainError as error:
            codes.append(error.code)

    @initialize(
        target=pledge_ids, members=st.lists(st.sampled_from(MEMBERS), min_size=3, max_size=5)
    )
    def begin(self, members: list[str]) -> object:
        return multiple(*(self._add(member, S.PUBLISHED) for member in members))

    @rule(
        target=pledge_ids,
        member=st.sampled_from(MEMBERS),
        status=st.sampled_from((S.DRAFT, S.SUBMITTED, S.FULFILMENT_REPORTED)),
    )
    def write(self, member: str, status: PledgeStatus) -> UUID:
        return self._add(member, status)

    def _add(self, member: str, status: PledgeStatus) -> UUID:
        pledge_id = self.pledging.at(status, member)
        self.model[pledge_id] = ModelPledge(member, status)
        return pledge_id

    @rule(pledge_id=pledge_ids, step=st.sampled_from(OTHER_STEPS))
    def take(self, pledge_id: UUID, step: PledgeStep) -> None:
        pledge = self.model[pledge_id]
        target = TRANSITIONS.get((pledge.status, step))
        is_extended = step is P.EXTEND and self.pledging.get(pledge_id).due_on.year == 2027
        with self.transaction() as codes:
            self.pledging.take(pledge_id, step)
        if target is None:
            # What was never put forward, nobody else knows of.
            assert codes in (["pledge.state"], ["not_found"])
        elif is_extended:
            assert codes == ["pledge.due_on"]
        else:
            assert codes == []
            pledge.status = target

    @rule(pledge_id=pledge_ids, grade=st.sampled_from((*GRADES, "")))
    def evaluate(self, pledge_id: UUID, grade: str) -> None:
        """A grade, or that it was not kept; of a graded one, a correction."""
        pledge = self.model[pledge_id]
        step = P.EVALUATE if grade else P.FIND_UNFULFILLED
        target = TRANSITIONS.get((pledge.status, step))
        with self.transaction() as codes:
            if grade:
                result = self.pledging.grade(pledge_id, grade, reason="复核")
            else:
                result = self.pledging.find_unfulfilled(pledge_id)
        if target is None:
            assert codes in (["pledge.state"], ["not_found"])
            return
        assert codes == []
        others = (one for one in self.model.values() if one is not pledge)
        used = sum(one.points for one in others if one.member == pledge.member)
        pledge.status, pledge.points = target, min(GRADES.get(grade, 0), YEAR_CAP - used)
        assert result.credited is not None
        assert result.credited.points == pledge.points

    @invariant()
    def pledges_and_points_are_those_of_the_model(self) -> None:
        rows = self.session.execute(
            sa.select(LedgerEntry.id, LedgerEntry.points, LedgerEntry.source_id)
        ).all()
        taken_back = set(self.session.scalars(sa.select(LedgerEntry.reverses_id)))
        standing = {row[2]: row[1] for row in rows if row[2] and row[0] not in taken_back}
        for pledge_id, pledge in self.model.items():
            assert self.pledging.get(pledge_id).status == pledge.status
            assert standing.get(pledge_id, 0) == pledge.points

    @invariant()
    def verification_finds_nothing(self) -> None:
        assert verification.verify(self.session).findings == []


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def test_pledges_do_what_the_model_does(connection: Connection, world: World) -> None:
    run_state_machine_as_test(lambda: PledgeMachine(connection, world), settings=PROFILE)
