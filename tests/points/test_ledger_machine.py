"""The ledger against a model of it in memory: random histories, checked after every step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from core.errors import DomainError
from members import affiliations
from members.affiliations import Belonging
from members.models import Organization
from points import claims, crediting, ledger, periods, reproducing, review, verification
from points.crediting import Occasion
from points.definitions import Event
from points.models import Claim, LedgerEntry, Period, Quota
from points.review import Action, Decision
from tests.points.closing.closings import close_year
from tests.points.ledger_histories import (
    ACTIONS,
    BUCKETS,
    DAYS,
    MEMBERS,
    OLD_YEAR,
    PROFILE,
    REVIEWERS,
    SUBMISSIONS,
)
from tests.points.ledger_model import ATTENDED, OFFICER_ABOVE, Model, ModelClaim, ModelEntry
from tests.world import LONG_AGO, NOW, World, build_world


class LedgerMachine(RuleBasedStateMachine):
    """Submits, decides, sends in again, withdraws, reverses, closes; the model does the same.

    Once the year is closed for good, everything goes on as corrections of it in the next one.
    """

    claim_ids = Bundle("claim_ids")
    entry_ids = Bundle("entry_ids")

    def __init__(self, connection: Connection, world: World) -> None:
        super().__init__()
        self.history = connection.begin_nested()
        self.session = Session(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info=world.session.info,
        )
        self.world = replace(world, session=self.session)
        self.model = Model()
        self.transfers, self.places = 0, dict.fromkeys(MEMBERS, "一支部")

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
                # The foreign keys that wait for COMMIT.
                if self.session.get_bind().dialect.name == "postgresql":
                    self.session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
                    self.session.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
        except DomainError as error:
            codes.append(error.code)

    # Drawing from an empty bundle ends the history, hence claims to begin with.
    @initialize(target=claim_ids, new=st.lists(SUBMISSIONS, min_size=3, max_size=6))
    def begin(self, new: list[tuple[str, date, int]]) -> object:
        return multiple(*(self._submit(*one) for one in new))

    @rule(target=claim_ids, new=st.lists(SUBMISSIONS, min_size=1, max_size=3))
    def submit(self, new: list[tuple[str, date, int]]) -> object:
        return multiple(*(self._submit(*one) for one in new))

    def _submit(self, member: str, day: date, minutes: int) -> UUID:
        claim_id = self.world.add_claim(member, "一支部", minutes=minutes, happened_on=day)
        self.model.claims[claim_id] = ModelClaim(member, day, minutes)
        return claim_id

    @rule(
        target=entry_ids,
        reviewer=st.sampled_from((*REVIEWERS, OFFICER_ABOVE)),
        batch=st.lists(claim_ids, min_size=1, max_size=4, unique=True),
        # Old claims are soon decided; the queue as it stands is what reviewers work through.
        takes_whole_queue=st.booleans(),
        actions=st.lists(ACTIONS, min_size=3, max_size=3),
        is_stale=st.sampled_from((False, False, False, True)),
    )
    def decide(
        self,
        reviewer: str,
        batch: list[UUID],
        takes_whole_queue: bool,
        actions: list[tuple[Action, str]],
        is_stale: bool,
    ) -> object:
        waiting = [key for key, claim in self.model.claims.items() if claim.status == "pending"]
        batch = waiting if takes_whole_queue and waiting else batch
        decisions = [
            Decision(claim_id, self.model.claims[claim_id].version - is_stale, action, reason)
            for claim_id, (action, reason) in zip(batch, cycle(actions), strict=False)
        ]
        expected = {one.claim_id: self.model.verdict(reviewer, one) for one in decisions}

        with self.transaction():
            results = review.review(self.session, self.world.actor(reviewer), decisions, now=NOW)

        assert {r.claim_id: r.code or str(r.outcome) for r in results} == expected
        by_claim = {result.claim_id: result for result in results}
        model = self.model
        for claim_id in sorted(batch, key=lambda key: (model.claims[key].day, key)):
            claim, verdict, result = model.claims[claim_id], expected[claim_id], by_claim[claim_id]
            if verdict not in ("approved", "returned"):
                continue
            if verdict == "approved":
                granted = model.grant(claim)
                assert (result.asked, result.points) == (claim.minutes // 30 * 50, granted)
                assert result.entry_id is not None
                entry = ModelEntry(
                    claim.member, claim.day, granted, claim_id, is_late=model.is_closed
                )
                model.entries[result.entry_id] = entry
            claim.status, claim.version = verdict, claim.version + 1
        return multiple(*(result.entry_id for result in results if result.entry_id))

    @rule(claim_id=claim_ids, minutes=st.sampled_from((30, 90, 600)))
    def resubmit(self, claim_id: UUID, minutes: int) -> None:
        claim = self.model.claims[claim_id]
        with self.transaction() as codes:
            actor = self.world.actor(claim.member)
            changes = {"quantity": minutes}
            claims.resubmit(self.session, actor, claim_id, changes=changes, now=NOW)
        if claim.status == "returned":
            assert codes == []
            claim.status, claim.minutes, claim.version = "pending", minutes, claim.version + 1
            claim.is_decided_above = claim.member == "书记一"
        else:
            assert codes == ["claim.already_decided"]

    @rule(claim_id=claim_ids)
    def withdraw(self, claim_id: UUID) -> None:
        claim = self.model.claims[claim_id]
        with self.transaction() as codes:
            claims.withdraw(self.session, self.world.actor(claim.member), claim_id, now=NOW)
        if claim.status in ("pending", "returned"):
            assert codes == []
            claim.status, claim.version = "withdrawn", claim.version + 1
        else:
            assert codes == ["claim.already_decided"]

    @rule(target=entry_ids, entry_id=entry_ids, reviewer=st.sampled_from(REVIEWERS))
    def reverse(self, entry_id: UUID, reviewer: str) -> object:
        original = self.model.entries[entry_id]
        with self.transaction() as codes:
            actor = self.world.actor(reviewer)
            made = ledger.reverse(self.session, actor, entry_id, reason="误报", now=NOW)
        if codes:
            assert codes == [self.model.refusal_of_reversal(original, reviewer)]
            return multiple()
        assert self.model.refusal_of_reversal(original, reviewer) is None
        original.is_reversed = True
        self.model.entries[made.id] = replace(
            original,
            points=-original.points,
            source=entry_id,
            is_reversal=True,
            is_reversed=False,
            is_late=self.model.is_closed,
        )
        return made.id

    @rule(
        target=entry_ids,
        came=st.lists(
            st.tuples(st.sampled_from(MEMBERS), st.sampled_from(tuple(ATTENDED))),
            min_size=1,
            max_size=4,
        ),
        day=st.sampled_from(DAYS),
    )
    def attend(self, came: list[tuple[str, str]], day: date) -> object:
        """Attendance gives and takes points without a claim, the taker's own included."""
        branch = self.session.get_one(Organization, self.world.organizations["一支部"])
        occasions = [
            Occasion(
                source_kind="attendance",
                source_id=UUID(int=len(self.model.entries) * 10 + number),
                revision=1,
                member_id=self.world.members[member],
                organization_id=branch.id,
                path=branch.path,
                title="主题党日",
                happened_on=day,
                event=Event.ATTENDANCE,
                tags=frozenset({"theme_day"}),
                status=status,
            )
            for number, (member, status) in enumerate(came)
        ]
        with self.transaction() as codes:
            actor = self.world.actor("书记一")
            made = crediting.credit(self.session, actor, occasions, now=NOW)
        if codes:
            assert (codes, self.model.is_open) == (["period.closed"], False)
            return multiple()
        for occasion, (member, status) in zip(occasions, came, strict=True):
            points, credited = self.model.credit(member, status), made[occasion.source_id]
            assert (credited.points if credited.entry_id else None) == points
            if credited.entry_id is not None and points is not None:
                entry = ModelEntry(
                    member,
                    day,
                    points,
                    occasion.source_id,
                    status,
                    is_late=self.model.is_closed,
                )
                self.model.entries[credited.entry_id] = entry
        return multiple(*(one.entry_id for one in made.values() if one.entry_id))

    @rule(member=st.sampled_from(("党员甲", "党员乙")))
    def transfer(self, member: str) -> None:
        """The person moves; what he was awarded stays where it was awarded (I13)."""
        self.transfers += 1
        self.places[member] = "一支部" if self.places[member] == "二支部" else "二支部"
        to = Belonging(
            self.world.organizations[self.places[member]],
            None,
            LONG_AGO + timedelta(days=self.transfers),
        )
        with self.transaction() as codes:
            officer = self.world.actor("街道干事")
            affiliations.transfer(self.session, officer, self.world.members[member], to=to, now=NOW)
        assert codes == []

    @precondition(lambda self: not self.model.is_closed)
    @rule(is_open=st.sampled_from((True, True, True, False)))
    def close_or_open(self, is_open: bool) -> None:
        # From its first step on a close takes no entries; only its last one has a seal.
        status = "open" if is_open else "closing"
        self.session.execute(sa.update(Period).where(OLD_YEAR).values(status=status))
        self.session.expire_all()
        self.model.is_open = is_open

    # Late enough that there is something to correct.
    @precondition(lambda self: not self.model.is_closed and len(self.model.entries) >= 3)
    @rule()
    def close_for_good(self) -> None:
        """From here on all that is posted is late, and what was sealed stays as it is."""
        self.session.execute(sa.update(Period).where(OLD_YEAR).values(status="open"))
        self.session.expire_all()
        close_year(self.session)
        self.model.is_open = self.model.is_closed = True

    @invariant()
    def entries_are_those_of_the_model(self) -> None:
        """I4 too: an entry that was there once is there still, unchanged."""
        stored = self.session.execute(
            sa.select(
                LedgerEntry.id,
                LedgerEntry.points,
                sa.func.coalesce(
                    LedgerEntry.claim_id, LedgerEntry.reverses_id, LedgerEntry.source_id
                ),
                LedgerEntry.organization_id,
                Period.code,
                LedgerEntry.about_period_id,
            )
            .join(Period, Period.id == LedgerEntry.period_id)
            .order_by(LedgerEntry.seq)
        ).all()

        branch, old = self.world.organizations["一支部"], self.world.period_id
        assert {row[0]: tuple(row[1:]) for row in stored} == {
            key: (
                entry.points,
                entry.source,
                branch,
                "2027" if entry.is_late else "2026",
                old if entry.is_late else None,
            )
            for key, entry in self.model.entries.items()
        }

    @invariant()
    def claims_are_those_of_the_model(self) -> None:
        stored = self.session.execute(sa.select(Claim.id, Claim.status, Claim.version)).all()

        assert {row[0]: (row[1], row[2]) for row in stored} == {
            key: (claim.status, claim.version) for key, claim in self.model.claims.items()
        }

    @invariant()
    def quotas_are_the_sums_and_within_the_caps(self) -> None:
        names = {self.world.members[name]: name for name in MEMBERS}
        for quota in self.session.execute(sa.select(Quota.__table__)):
            kinds = BUCKETS[quota.bucket.split(":2026")[0]]
            is_of_day = ":day:" in quota.bucket
            on = date.fromisoformat(quota.bucket[-10:]) if is_of_day else None
            assert quota.used == self.model.used(names[quota.member_id], *kinds, day=on)
            assert 0 <= quota.used <= quota.cap

    @precondition(lambda self: self.model.is_closed)
    @invariant()
    def sealed_statements_are_reproduced(self) -> None:
        assert all(one.is_same for one in reproducing.reproduce(self.session, "2026"))

    @invariant()
    def verification_finds_nothing(self) -> None:
        assert verification.verify(self.session).findings == []


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    periods.ensure_year(session, 2027)
    return world


def test_ledger_does_what_the_model_does(connection: Connection, world: World) -> None:
    run_state_machine_as_test(lambda: LedgerMachine(connection, world), settings=PROFILE)
