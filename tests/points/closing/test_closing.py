"""Closing a year: what stops it, what it writes, and that it can be killed and run again."""

import json
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from core.ids import new_id
from members.access_models import RoleGrant
from members.models import Affiliation, Member, MemberKind
from points import closing, ledger, periods, review, statements
from points.closing import (
    AlreadyClosed,
    BusinessWaiting,
    CloseTerms,
    LateReasonRequired,
    PeriodNotOver,
)
from points.models import Claim, LedgerEntry, Period, PeriodStatus
from points.periods import PeriodClosed
from points.review import Action, Decision, Outcome
from points.statement_models import PeriodClosing, PeriodSeal, PeriodStatement
from tests.points.closing.closings import (
    FORCED,
    LATER,
    LATER_DAY,
    close_year,
    statement_of,
)
from tests.statements import counted_statements
from tests.world import LONG_AGO, NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def approve(world: World, *claim_ids: object) -> list[review.Result]:
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claim_ids]  # type: ignore[arg-type]
    return review.review(world.session, world.actor("书记一"), decisions, now=NOW)


def begin(world: World, terms: CloseTerms = CloseTerms()) -> Period:  # noqa: B008
    return closing.begin(world.session, "2026", begun_by=None, terms=terms, now=LATER)


def test_close_writes_a_statement_for_everybody_and_the_totals(world: World) -> None:
    approve(world, world.add_claim("党员甲", "一支部", minutes=150))
    approve(world, world.add_claim("党员乙", "一支部", minutes=60))

    period = close_year(world.session)

    assert period.status == PeriodStatus.CLOSED
    found = world.session.scalars(sa.select(PeriodStatement)).all()
    assert {one.member_id for one in found} == set(world.members.values())
    seal = world.session.scalars(sa.select(PeriodSeal)).one()
    assert (seal.statements, seal.entries, seal.points) == (len(world.members), 2, 350)
    mine = statement_of(world.session, world.members["党员甲"])
    content = json.loads(mine.content)
    assert (mine.total, content["score"]["total"]) == (6250, 6250)
    assert content["entries"]["points"] == 250
    assert mine.sha256 == statements.digest_of(mine.content)


def test_year_is_not_closed_before_it_is_over(world: World) -> None:
    with pytest.raises(PeriodNotOver):
        closing.begin(world.session, "2026", begun_by=None, terms=FORCED, now=NOW)


def test_what_waits_is_listed_and_stops_the_close(world: World) -> None:
    world.add_claim("党员甲", "一支部")

    with pytest.raises(BusinessWaiting) as refusal:
        begin(world)

    assert [problem.code for problem in refusal.value.problems] == ["period.pending_claims"]
    assert "1 项申报" in refusal.value.detail
    assert periods.get_period(world.session, "2026").status == PeriodStatus.OPEN


def test_close_over_what_waits_needs_a_reason_and_keeps_it(world: World) -> None:
    world.add_claim("党员甲", "一支部")

    with pytest.raises(LateReasonRequired):
        begin(world, CloseTerms(force_late=True))
    begin(world, FORCED)

    record = world.session.scalars(sa.select(PeriodClosing)).one()
    assert (record.late_reason, record.waiting) == (FORCED.reason, {"pending_claims": 1})


def test_claims_may_still_come_until_the_cut_off(world: World) -> None:
    before = LATER.replace(day=10)

    with pytest.raises(BusinessWaiting) as refusal:
        closing.begin(world.session, "2026", begun_by=None, terms=CloseTerms(), now=before)

    assert [problem.code for problem in refusal.value.problems] == ["period.claim_window"]


def test_closing_period_takes_no_entry(world: World) -> None:
    posted = world.add_claim("党员甲", "一支部", minutes=150)
    (result,) = approve(world, posted)
    pending = world.add_claim("党员甲", "一支部")
    begin(world, FORCED)

    (refused,) = approve(world, pending)

    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "period.closed")
    assert result.entry_id is not None
    with pytest.raises(PeriodClosed):
        ledger.reverse(
            world.session, world.actor("书记一"), result.entry_id, reason="重复", now=NOW
        )


def test_next_year_takes_entries_while_the_old_one_closes(world: World) -> None:
    periods.ensure_year(world.session, 2027)
    claim_id = world.add_claim("党员甲", "一支部", happened_on=date(2027, 1, 9))
    begin(world)

    (result,) = approve(world, claim_id)

    assert result.outcome is Outcome.APPROVED
    close_year(world.session)
    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    assert entry.period_id == periods.get_period(world.session, "2027").id
    assert world.session.scalars(sa.select(PeriodSeal)).one().entries == 0


def test_closed_year_is_not_closed_again(world: World) -> None:
    period = close_year(world.session)

    with pytest.raises(AlreadyClosed):
        begin(world)
    assert list(closing.close(world.session, period.id, now=LATER)) == []


def test_sealing_needs_the_first_step(world: World) -> None:
    period = periods.get_period(world.session, "2026")

    with pytest.raises(PeriodClosed):
        next(closing.close(world.session, period.id, now=LATER))


def test_killed_close_goes_on_where_it_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "CHUNK", 3)
    period = begin(world, FORCED)
    first = closing.close(world.session, period.id, now=LATER)
    next(first)
    next(first)
    first.close()
    kept = {one.id for one in world.session.scalars(sa.select(PeriodStatement))}

    progress = list(closing.close(world.session, period.id, now=LATER))

    assert len(kept) == 6
    assert (progress[0].done, progress[-1].done) == (9, len(world.members))
    found = {one.id for one in world.session.scalars(sa.select(PeriodStatement))}
    assert kept < found
    assert len(found) == len(world.members)


def test_second_statement_of_a_member_is_refused_by_the_database(world: World) -> None:
    close_year(world.session)
    mine = statement_of(world.session, world.members["党员甲"])
    values = {c.name: getattr(mine, c.name) for c in PeriodStatement.__table__.columns}

    with pytest.raises(sa.exc.IntegrityError), world.session.begin_nested():
        world.session.execute(sa.insert(PeriodStatement), [values | {"id": new_id()}])


def test_only_a_district_administrator_closes(world: World) -> None:
    with pytest.raises(Forbidden):
        closing.request(
            world.session,
            world.actor("街道干事", on=LATER_DAY),
            "2026",
            terms=CloseTerms(),
            now=LATER,
        )


def test_request_stops_postings_and_leaves_a_job(world: World) -> None:
    admin = world.actor("区管理员", on=LATER_DAY)

    job = closing.request(world.session, admin, "2026", terms=CloseTerms(), now=LATER)

    period = periods.get_period(world.session, "2026")
    assert (job.kind, job.subject_id, job.requested_by) == (
        "period.close",
        period.id,
        admin.member_id,
    )
    assert period.status == PeriodStatus.CLOSING


def test_role_that_was_revoked_meanwhile_does_not_close(world: World) -> None:
    admin = world.actor("区管理员", on=LATER_DAY)
    world.session.execute(sa.update(RoleGrant).values(revoked_at=NOW, revoked_by=admin.member_id))

    with pytest.raises(Forbidden):
        closing.request(world.session, admin, "2026", terms=CloseTerms(), now=LATER)


def test_absent_year_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        closing.begin(world.session, "1999", begun_by=None, terms=CloseTerms(), now=LATER)


def add_members(world: World, count: int) -> None:
    ids = [new_id() for _ in range(count)]
    common = {"kind": MemberKind.FULL_MEMBER, "created_at": NOW}
    place = {
        "organization_id": world.organizations["一支部"],
        "valid_from": LONG_AGO,
        "reason": "",
    }
    world.session.execute(
        sa.insert(Member), [{"id": i, "name": f"党员{i.hex[-4:]}"} | common for i in ids]
    )
    world.session.execute(sa.insert(Affiliation), [{"member_id": i} | place for i in ids])
    world.session.execute(
        sa.insert(Claim),
        [
            {
                "id": new_id(),
                "member_id": i,
                "organization_id": world.organizations["一支部"],
                "reviewer_organization_id": world.organizations["一支部"],
                "item_code": "volunteer_service",
                "source_kind": "test",
                "source_id": new_id(),
                "title": "清扫社区",
                "happened_on": date(2026, 11, 2),
                "quantity": 60,
                "submitted_by": world.members["党员甲"],
                "submitted_at": NOW,
            }
            for i in ids
        ],
    )
    approve(world, *world.session.scalars(sa.select(Claim.id)).all())


def test_close_takes_as_many_statements_for_one_member_as_for_five_hundred(
    session: Session,
) -> None:
    """The measured number is the one that the README quotes."""
    counts = {}
    for size in (1, 45, 487):  # With the 13 of the world, exactly one full chunk.
        savepoint = session.begin_nested()
        world = build_world(session)
        add_members(world, size)
        session.expire_all()
        with counted_statements(session) as sent:
            close_year(session)
        counts[size] = len([one for one in sent if "SAVEPOINT" not in one])
        savepoint.rollback()

    assert len(set(counts.values())) == 1, counts
    assert counts[1] <= 30, counts
