"""Judging a meeting's gradings: which stand, and what each would be worth."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from activities import pledge_steps
from activities.pledge_meetings import (
    USUAL_GRADES,
    Grading,
    Meeting,
    require_grading,
    require_minuted,
    settle_meeting,
)
from activities.pledge_states import PledgeStep
from activities.pledge_steps import OwnPledge
from core.clock import business_day
from core.errors import DomainError, NotFound
from members.access import Actor
from members.models import MemberClass
from points import schemes
from points.crediting import Occasion
from points.definitions import Definition, Event, match_items
from points.models import LedgerEntry
from points.periods import HeldPeriods, NoOpenPeriod
from points.schemes import SchemeInForce

SOURCE_KIND = "pledge"


@dataclass(frozen=True, slots=True)
class YearTerms:
    """What the pledges of one year are judged by.

    Args:
        counted_on: the day that their points count on.
        reasons: member -> his class and exemptions on that day.
    """

    counted_on: date
    reasons: Mapping[UUID, set[str]]


@dataclass(frozen=True, slots=True)
class Sitting:
    """One meeting's evaluation: who enters it, and what every pledge is judged by."""

    actor: Actor
    meeting: Meeting
    today: date
    held: HeldPeriods
    published: Sequence[SchemeInForce]
    years: Mapping[int, YearTerms]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grading that stands, and all that writing it down needs.

    Args:
        pledge: its locked row.
        replaces: the entry of the evaluation before, which is taken back.
    """

    grading: Grading
    pledge: Any
    step: PledgeStep
    meeting: Meeting
    occasion: Occasion
    replaces: LedgerEntry | None


def judge(
    sitting: Sitting, grading: Grading, pledge: Any, standing: LedgerEntry | None
) -> Verdict | DomainError:
    """What a grading comes to, or the refusal of it alone.

    Args:
        pledge: the locked row; None where the actor's body does not decide it.
        standing: the entry of the evaluation before, if one stands.
    """
    try:
        return _accept(sitting, grading, pledge, standing)
    except DomainError as refusal:
        return refusal


def _accept(
    sitting: Sitting, grading: Grading, pledge: Any, standing: LedgerEntry | None
) -> Verdict:
    if pledge is None:
        raise NotFound
    if pledge.member_id == sitting.actor.member_id:
        raise OwnPledge
    step = PledgeStep.EVALUATE if grading.is_fulfilled else PledgeStep.FIND_UNFULFILLED
    pledge_steps.require_possible(pledge, step, grading.version)
    is_branch = pledge.reviewer_organization_id == pledge.organization_id
    meeting = settle_meeting(sitting.meeting, is_branch=is_branch, today=sitting.today)
    require_minuted(meeting, not_before=business_day(pledge.published_at))
    _require_period(sitting.held, sitting.years[pledge.year].counted_on, standing)
    occasion = _occasion(sitting, grading, pledge)
    return Verdict(grading, pledge, step, meeting, occasion, standing)


def _require_period(held: HeldPeriods, counted_on: date, standing: LedgerEntry | None) -> None:
    """Refuse while a close is under way, and a correction that no period would take.

    Where nothing is open, a first evaluation stands without points, as its note says.
    """
    if standing is not None:
        held.of_entry(standing.period_id)
    with suppress(NoOpenPeriod):
        held.find(counted_on)


def _occasion(sitting: Sitting, grading: Grading, pledge: Any) -> Occasion:
    terms = sitting.years[pledge.year]
    reasons = terms.reasons.get(pledge.member_id, set())
    member_class = next((word for word in MemberClass if word in reasons), "")
    scheme = schemes.choose(sitting.published, pledge.path, terms.counted_on)
    grades = _grades(scheme.definition, member_class) if scheme else USUAL_GRADES
    require_grading(grading, grades, is_correction=pledge.evaluation_revision > 0)
    return Occasion(
        source_kind=SOURCE_KIND,
        source_id=pledge.id,
        revision=pledge.evaluation_revision + 1,
        member_id=pledge.member_id,
        organization_id=pledge.organization_id,
        path=pledge.path,
        title=pledge.title,
        happened_on=terms.counted_on,
        event=Event.PLEDGE_EVALUATED,
        grade=grading.grade,
        member_class=member_class,
        is_exempt=scheme is not None and bool(reasons & scheme.definition.exempt),
    )


def _grades(definition: Definition, member_class: str) -> tuple[str, ...]:
    """The words that a scheme grades this member's pledges by, in its order."""
    items = match_items(definition, Event.PLEDGE_EVALUATED, member_class=member_class)
    words = dict.fromkeys(word for item in items for word in item.grades)
    return tuple(words) or USUAL_GRADES
