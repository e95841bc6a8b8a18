"""What a points scheme is: its parts, with no number of ours in them."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.quantities import Points
from members.models import ExemptionKind, MemberClass


class Unit(enum.StrEnum):
    """What an item counts."""

    MINUTE = "minute"
    OCCURRENCE = "occurrence"
    GRADE = "grade"
    # A person gives the number, up to the item's points.
    SCORE = "score"


class CapSpan(enum.StrEnum):
    """The stretch of time that an item's cap covers, from narrow to wide."""

    ACTIVITY = "activity"
    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


class Event(enum.StrEnum):
    """What has to happen for an item to give or take points; life cycles ask by event."""

    VOLUNTEER_SERVICE = "volunteer_service"
    ATTENDANCE = "attendance"
    PLEDGE_EVALUATED = "pledge_evaluated"
    MANUAL = "manual"
    APPRAISAL = "appraisal"
    VETO = "veto"
    CARRY_OVER = "carry_over"


class ComponentKind(enum.StrEnum):
    """What a component does to the total."""

    BASE = "base"
    BONUS = "bonus"
    DEDUCTION = "deduction"
    APPRAISAL = "appraisal"
    # One entry of it sets the total to zero, or shuts the better bands.
    VETO = "veto"


class BaseModel(enum.StrEnum):
    """Where a member starts (domain 1.2)."""

    START_FULL = "start_full"
    FIXED_BASE = "fixed_base"
    ZERO = "zero"
    CARRY_SHARE = "carry_share"


class Span(enum.StrEnum):
    """The stretch that one score covers; component and total caps hold in each."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


SPANS_A_YEAR = {Span.MONTH: 12, Span.QUARTER: 4, Span.HALF_YEAR: 2, Span.YEAR: 1}


class Annual(enum.StrEnum):
    """How the scores of a year's spans become the year's."""

    SUM = "sum"
    MEAN = "mean"


class Rollover(enum.StrEnum):
    """What becomes of a year's total in the next."""

    RESET = "reset"
    CARRY_OVER = "carry_over"


class EntryLevel(enum.StrEnum):
    """Who may enter an item by hand."""

    MEMBER = "member"
    GROUP_LEADER = "group_leader"
    BRANCH = "branch"
    COMMITTEE = "committee"
    DISTRICT = "district"


SUBJECTS = frozenset({"party_members", "cadres"})
# Kinds and statuses are the words of organisation life; a contract test holds the two together.
ACTIVITY_KINDS = frozenset(
    {"theme_day", "general_meeting", "committee_meeting", "group_meeting", "party_lecture"}
    | {"organization_life_meeting", "democratic_appraisal", "fixed_study_day", "training"}
    | {"joint_activity"}
)
ATTENDANCE_STATUSES = frozenset(
    {"present", "present_remote", "present_elsewhere", "leave_approved", "absent_unexcused"}
    | {"made_up"}
)
MEMBER_CLASSES = frozenset(MemberClass)
EXEMPT = MEMBER_CLASSES | frozenset(ExemptionKind)


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the total: where it starts, and the most that it can hold in one span.

    Args:
        starts: member class -> where its members start, if not at `start`.
        cap: None where nothing limits it.
        deduct_cap: the most that deductions take from it in one span; None: no limit.
        floor: its value never counts as less; None: no limit.
        allowance: the first so many points that it gives, or takes, do not count.
        weight: its share in the total, where parts are scored on scales of their own.
        is_yearly: it counts once for the year, beside the spans, and not in each of them.
        at_most: for a veto that does not set the total to zero: the best band it leaves.
    """

    code: str
    name: str
    kind: ComponentKind
    start: Points
    starts: Mapping[str, Points]
    cap: Points | None
    deduct_cap: Points | None
    floor: Points | None
    allowance: Points
    weight: Fraction
    is_yearly: bool
    at_most: str

    def start_for(self, member_class: str) -> Points:
        """Where a member of a class starts; empty for an ordinary one."""
        return self.starts.get(member_class or MemberClass.ORDINARY, self.start)

    @property
    def highest_start(self) -> Points:
        """Where the class starts that starts highest."""
        return max(self.start, *self.starts.values()) if self.starts else self.start


@dataclass(frozen=True, slots=True)
class Group:
    """Items that have caps together, within one component or across several."""

    code: str
    name: str
    caps: Mapping[CapSpan, Points]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that gives or takes points.

    Args:
        group: the code of the group whose caps it shares; empty: none.
        evidence_basis: the document that demands evidence; empty where none is needed.
        raters: who rates an appraisal -> the weight of his rating; they add up to one.
    """

    code: str
    name: str
    component: str
    group: str
    event: Event
    unit: Unit
    points: Points
    per_units: int
    step_units: int
    grades: Mapping[str, Points]
    caps: Mapping[CapSpan, Points]
    activity_kinds: frozenset[str]
    statuses: frozenset[str]
    classes: frozenset[str]
    entered_by: EntryLevel
    evidence_basis: str
    raters: Mapping[str, Fraction]

    @property
    def is_claimable(self) -> bool:
        """Whether a member may ask for it: service that gives points, not a grade or a loss."""
        return self.event is Event.VOLUNTEER_SERVICE and self.points > 0

    @property
    def most(self) -> Points:
        """The most that one occasion is worth; negative for a deduction."""
        return max(self.grades.values(), default=self.points)

    @property
    def least(self) -> Points:
        """The least that one occasion is worth, or the most that it costs."""
        return min(self.grades.values(), default=self.points)

    def is_for(self, event: Event, tags: frozenset[str], status: str, member_class: str) -> bool:
        """Whether something that happened is what this item counts.

        Args:
            tags: the kinds of an activity; an item that names none counts every kind.
            status: how somebody attended; likewise.
            member_class: the class of the member on that day, empty for an ordinary one.
        """
        return (
            self.event is event
            and (not self.activity_kinds or bool(self.activity_kinds & tags))
            and (not self.statuses or status in self.statuses)
            and (not self.classes or (member_class or MemberClass.ORDINARY) in self.classes)
        )


@dataclass(frozen=True, slots=True)
class Band:
    """A named half-open range of totals, from `lower` up to the next band."""

    name: str
    lower: Points


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Until when a day may be claimed: the end of a later month; for a year's end, a day of
    January, when the year's points are returned upward."""

    months_after: int
    year_end: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole scheme."""

    code: str
    name: str
    subject: str
    source: str
    base_model: BaseModel
    carry_share: Fraction
    span: Span
    annual: Annual
    rollover: Rollover
    publicity_days: int
    cutoff: Cutoff
    total_cap: Points | None
    floor: Points
    components: Mapping[str, Component]
    groups: Mapping[str, Group]
    items: Mapping[str, Item]
    exempt: frozenset[str]
    bands: tuple[Band, ...]

    @property
    def years_most(self) -> Points | None:
        """The most that a year can come to; None where nothing limits it."""
        return self.of_year(self.total_cap) if self.total_cap is not None else None

    def of_year(self, of_span: Points) -> Points:
        """What a year comes to when every span of it comes to so much."""
        return Points(of_span * (SPANS_A_YEAR[self.span] if self.annual is Annual.SUM else 1))


def match_items(
    definition: Definition,
    event: Event,
    *,
    tags: frozenset[str] = frozenset(),
    status: str = "",
    member_class: str = "",
) -> list[Item]:
    """The items that count something that happened, in the order of the scheme."""
    return [
        item for item in definition.items.values() if item.is_for(event, tags, status, member_class)
    ]
