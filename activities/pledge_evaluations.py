"""Evaluating pledges (评诺): a meeting's grades, and the points that follow from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_steps
from activities.pledge_gradings import SOURCE_KIND, Sitting, Verdict, YearTerms, judge
from activities.pledge_meetings import Grading, Meeting, counted_on
from activities.pledge_models import Pledge, PledgeEvaluation
from activities.pledge_states import STATUS_LABELS, PledgeStatus, PledgeStep, next_status
from activities.pledge_steps import Move
from core.clock import business_day
from core.errors import DomainError
from core.ids import new_id
from core.quantities import format_points
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.access import REVIEWING_ROLES, Actor, hold_roles
from members.models import Organization
from notifications import outbox
from points import crediting, periods, reversing, schemes, scores
from points.crediting import Credited

GRADINGS_MAX = 500
_CORRECTED = "承诺重新评定"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one grading: where the pledge is now and its points, or why not."""

    pledge_id: UUID
    status: PledgeStatus | None = None
    credited: Credited | None = None
    refusal: DomainError | None = None


def evaluate(
    session: Session, actor: Actor, grading: Grading, *, meeting: Meeting, now: datetime
) -> Result:
    """Write down what a meeting found about one pledge.

    Raises:
        NotFound, Forbidden, OwnPledge: not the actor's to decide.
        VersionConflict, StepImpossible: it was changed or evaluated meanwhile.
        MeetingRefused, GradingRefused, PrivateDataRefused: what is named cannot stand.
        PeriodClosed: the year is being closed.
        NoOpenPeriod: a correction of points, and no period is open to take it.
    """
    (result,) = evaluate_all(session, actor, [grading], meeting=meeting, now=now)
    if result.refusal is not None:
        raise result.refusal
    return result


def evaluate_all(
    session: Session, actor: Actor, gradings: Sequence[Grading], *, meeting: Meeting, now: datetime
) -> list[Result]:
    """Write down what a meeting found about many pledges; one that cannot stand is refused alone.

    Points follow from here and nowhere else (domain 2). A pledge that was evaluated before is
    corrected: its entry is reversed and the new grade credited in the same transaction, in the
    open year where its own is closed. Lock order: role grants, periods, pledges by id, quota
    rows by key, ledger.

    Args:
        gradings: at most GRADINGS_MAX, each pledge once.

    Raises:
        Forbidden: the actor's role was revoked meanwhile.
    """
    organizations = hold_roles(session, actor, REVIEWING_ROLES)
    held = periods.hold(session)
    pledges = _lock(session, [one.pledge_id for one in gradings], organizations)
    standing = reversing.live_entries(session, SOURCE_KIND, list(pledges))
    sitting = Sitting(
        actor=actor,
        meeting=meeting,
        today=business_day(now),
        held=held,
        published=schemes.load_published(session),
        years=_terms_by_year(session, pledges.values(), meeting, now),
    )
    verdicts = [
        judge(sitting, one, pledges.get(one.pledge_id), standing.get(one.pledge_id))
        for one in gradings
    ]
    accepted = [one for one in verdicts if isinstance(one, Verdict)]
    credited = _write(session, actor, accepted, now=now)
    return [_result(*pair, credited) for pair in zip(gradings, verdicts, strict=True)]


def _lock(
    session: Session, pledge_ids: Sequence[UUID], organizations: Collection[UUID]
) -> dict[UUID, Any]:
    """The rows of pledges that these bodies decide, locked until the transaction ends."""
    given = row_source(dialect_of(session), {"id": Pledge.__table__.c.id.type})
    rows = session.execute(
        sa.select(Pledge.__table__, Organization.path)
        .join(given, given.c.id == Pledge.id)
        .join(Organization, Organization.id == Pledge.organization_id)
        .where(pledge_steps.is_decided_by(organizations))
        .order_by(Pledge.id)
        .with_for_update(of=Pledge.__table__),
        rows_parameter(session, [{"id": pledge_id} for pledge_id in pledge_ids]),
    )
    return {row.id: row for row in rows}


def _terms_by_year(
    session: Session, pledges: Collection[Any], meeting: Meeting, now: datetime
) -> dict[int, YearTerms]:
    """What each year's pledges are judged by; a few statements for each, and one year is usual."""
    terms = {}
    held_on = meeting.held_on or business_day(now)
    for year in sorted({pledge.year for pledge in pledges}):
        member_ids = [pledge.member_id for pledge in pledges if pledge.year == year]
        day = counted_on(year, held_on)
        reasons = scores.find_exempting(session, member_ids, on=day)
        terms[year] = YearTerms(day, reasons)
    return terms


def _write(
    session: Session, actor: Actor, verdicts: Sequence[Verdict], *, now: datetime
) -> Mapping[UUID, Credited]:
    """Reverse what is corrected, credit the grades, move the pledges on; pledge -> points."""
    replaced = [one.replaces for one in verdicts if one.replaces is not None]
    reversing.reverse_all(session, actor, replaced, reason=_CORRECTED, now=now)
    credited = crediting.credit(session, actor, [one.occasion for one in verdicts], now=now)
    pledge_steps.take(session, actor, [_move(one, actor) for one in verdicts], now=now)
    rows = [_row(one, credited[one.pledge.id], actor, now) for one in verdicts]
    insert_rows(session, PledgeEvaluation, rows)
    messages = [_message(one, credited[one.pledge.id]) for one in verdicts]
    outbox.enqueue(session, messages, now=now)
    return credited


def _move(verdict: Verdict, actor: Actor) -> Move:
    values = {
        "grade": verdict.grading.grade,
        "evaluation_revision": verdict.occasion.revision,
        "evaluated_by": actor.member_id,
    }
    reason = verdict.grading.reason
    return Move(verdict.pledge, verdict.step, values, reason, verdict.meeting)


def _row(verdict: Verdict, credited: Credited, actor: Actor, now: datetime) -> dict[str, Any]:
    grading, meeting = verdict.grading, verdict.meeting
    return {
        "id": new_id(),
        "pledge_id": verdict.pledge.id,
        "member_id": verdict.pledge.member_id,
        "revision": verdict.occasion.revision,
        "is_fulfilled": grading.is_fulfilled,
        "member_rating": grading.member_rating,
        "masses_rating": grading.masses_rating,
        "organization_rating": grading.organization_rating,
        "grade": grading.grade,
        "body": meeting.body,
        "meeting_on": meeting.held_on,
        "reference": meeting.reference,
        "reason": grading.reason,
        "entry_id": credited.entry_id,
        "note": credited.note,
        "evaluated_by": actor.member_id,
        "evaluated_at": now,
    }


def _message(verdict: Verdict, credited: Credited) -> outbox.Message:
    is_kept = verdict.step is PledgeStep.EVALUATE
    result = verdict.grading.grade if is_kept else STATUS_LABELS[PledgeStatus.UNFULFILLED]
    return outbox.Message(
        verdict.pledge.member_id,
        "pledge_evaluated",
        f"{verdict.pledge.id}:{verdict.occasion.revision}",
        {
            "title": verdict.pledge.title,
            "result": result,
            "points": format_points(credited.points),
            "note": credited.note,
        },
    )


def _result(
    grading: Grading, verdict: Verdict | DomainError, credited: Mapping[UUID, Credited]
) -> Result:
    if isinstance(verdict, DomainError):
        return Result(grading.pledge_id, refusal=verdict)
    status = next_status(verdict.pledge.status, verdict.step)
    return Result(grading.pledge_id, status, credited[grading.pledge_id])
