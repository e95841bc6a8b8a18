"""A branch's calendar of duties: what each month, quarter and year asks, and what was done.

Pure: the caller brings the activities and the excuses of the time in question. Days are dates in
Shanghai. A duty without anything held is "not met" only once its time has passed; a reason that
the branch recorded makes it "excused" and stays visible.
"""

import enum
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

# 《中国共产党支部工作条例（试行）》: from seven full members on, a branch elects a committee.
COMMITTEE_FULL_MEMBERS_MIN = 7


class Cadence(enum.StrEnum):
    """How often a duty recurs."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class DutyState(enum.StrEnum):
    """How a duty stands in one span."""

    MET = "met"
    NOT_MET = "not_met"
    EXCUSED = "excused"
    PLANNED = "planned"
    NOT_YET_DUE = "not_yet_due"


STATE_LABELS: dict[DutyState, str] = {
    DutyState.MET: "已完成",
    DutyState.NOT_MET: "未完成",
    DutyState.EXCUSED: "有说明",
    DutyState.PLANNED: "已安排",
    DutyState.NOT_YET_DUE: "未到期",
}


class ActivityState(enum.StrEnum):
    """Where an activity stands: only a closed one, with its record, meets a duty."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Duty:
    """One kind of organisation life that a branch owes once in each span."""

    kind: str
    cadence: Cadence
    label: str
    basis: str


@dataclass(frozen=True, slots=True)
class BranchShape:
    """What decides which duties a branch has."""

    full_members: int
    group_ids: tuple[UUID, ...] = ()
    # No central text counts lectures; a district that does not ask for them says None.
    lecture_cadence: Cadence | None = Cadence.QUARTER


@dataclass(frozen=True, slots=True)
class DutyActivity:
    """An activity as far as duties are concerned; it counts for its kind and for each tag."""

    id: UUID
    kind: str
    held_on: date
    state: ActivityState
    tags: frozenset[str] = frozenset()
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Excuse:
    """The branch's recorded reason why a duty could not be met in the span around a day."""

    kind: str
    excused_on: date
    reason: str
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A calendar month, quarter or year; both days included."""

    first_on: date
    last_on: date

    def has(self, day: date) -> bool:
        """Whether a day lies in the span."""
        return self.first_on <= day <= self.last_on


@dataclass(frozen=True, slots=True)
class DutyStanding:
    """One duty in one span, for one group where groups owe it: its state and what shows it."""

    duty: Duty
    span: Span
    group_id: UUID | None
    state: DutyState
    activity_ids: tuple[UUID, ...] = ()
    reason: str = ""


_BRANCH_RULES = "《中国共产党支部工作条例（试行）》"
_EDUCATION_RULES = "《中国共产党党员教育管理工作条例》"
_THEME_DAY = Duty("theme_day", Cadence.MONTH, "主题党日", _EDUCATION_RULES + "第十六条")
_COMMITTEE = Duty("committee_meeting", Cadence.MONTH, "支委会", _BRANCH_RULES + "第十二条")
_GROUP = Duty("group_meeting", Cadence.MONTH, "党小组会", _BRANCH_RULES + "第十四条")
_GENERAL = Duty("general_meeting", Cadence.QUARTER, "支部党员大会", _BRANCH_RULES + "第十一条")
_LIFE = Duty("organization_life_meeting", Cadence.YEAR, "组织生活会", _EDUCATION_RULES + "第十七条")
_APPRAISAL = Duty(
    "democratic_appraisal", Cadence.YEAR, "民主评议党员", _EDUCATION_RULES + "第十八条"
)


def duties_of(branch: BranchShape) -> list[Duty]:
    """What a branch owes, in the order of the calendar: monthly, quarterly, yearly."""
    duties = [_THEME_DAY]
    if branch.full_members >= COMMITTEE_FULL_MEMBERS_MIN:
        duties.append(_COMMITTEE)
    if branch.group_ids:
        duties.append(_GROUP)
    duties.append(_GENERAL)
    if branch.lecture_cadence is not None:
        duties.append(Duty("party_lecture", branch.lecture_cadence, "党课", "当地规定"))
    return [*duties, _LIFE, _APPRAISAL]


def judge_duties(
    branch: BranchShape,
    activities: Sequence[DutyActivity],
    excuses: Sequence[Excuse],
    *,
    within: Span,
    today: date,
) -> list[DutyStanding]:
    """Each duty in each span that touches `within`, a group's duty once for each group.

    Activities and excuses must cover those spans whole: `covering(within)` says from when to when.
    """
    return [
        _judge(duty, span, group_id, activities, excuses, today)
        for duty in duties_of(branch)
        for span in spans(duty.cadence, within)
        for group_id in (branch.group_ids if duty is _GROUP else (None,))
    ]


def covering(within: Span) -> Span:
    """The whole years around a span, which hold every month and quarter that touches it."""
    return Span(
        date(within.first_on.year, 1, 1),
        date(within.last_on.year, 12, 31),
    )


def spans(cadence: Cadence, within: Span) -> Iterator[Span]:
    """The calendar spans that touch `within`, in order."""
    day = within.first_on
    while day <= within.last_on:
        span = span_around(cadence, day)
        yield span
        day = span.last_on + timedelta(days=1)


def span_around(cadence: Cadence, day: date) -> Span:
    """The calendar month, quarter or year that a day lies in."""
    months = {Cadence.MONTH: 1, Cadence.QUARTER: 3, Cadence.YEAR: 12}[cadence]
    first_month = (day.month - 1) // months * months + 1
    last_month = first_month + months - 1
    return Span(
        date(day.year, first_month, 1),
        date(day.year, last_month, monthrange(day.year, last_month)[1]),
    )


def _judge(
    duty: Duty,
    span: Span,
    group_id: UUID | None,
    activities: Sequence[DutyActivity],
    excuses: Sequence[Excuse],
    today: date,
) -> DutyStanding:
    fitting = [one for one in activities if _fits(one, duty, span, group_id)]
    held = tuple(one.id for one in fitting if one.state == ActivityState.CLOSED)
    if held:
        return DutyStanding(duty, span, group_id, DutyState.MET, held)
    for excuse in excuses:
        if _excuses(excuse, duty, span, group_id):
            return DutyStanding(duty, span, group_id, DutyState.EXCUSED, (), excuse.reason)
    if span.last_on < today:
        return DutyStanding(duty, span, group_id, DutyState.NOT_MET)
    planned = tuple(one.id for one in fitting if one.state == ActivityState.OPEN)
    state = DutyState.PLANNED if planned else DutyState.NOT_YET_DUE
    return DutyStanding(duty, span, group_id, state, planned)


def _fits(activity: DutyActivity, duty: Duty, span: Span, group_id: UUID | None) -> bool:
    counts_as = activity.tags | {activity.kind}
    if duty.kind not in counts_as or not span.has(activity.held_on):
        return False
    # A meeting that names no group was one of all groups together.
    return group_id is None or activity.group_id in (None, group_id)


def _excuses(excuse: Excuse, duty: Duty, span: Span, group_id: UUID | None) -> bool:
    same_duty = excuse.kind == duty.kind and span.has(excuse.excused_on)
    # A reason without a group holds for the whole branch, and so for each of its groups.
    return same_duty and excuse.group_id in (None, group_id)
