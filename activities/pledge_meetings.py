"""Pure rules of the meetings that approve pledges and grade them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from activities.pledge_models import PledgeBody
from activities.pledge_rules import require_impersonal
from core.errors import FieldProblem, RuleViolation

# Where no scheme in force counts pledges, they are graded all the same, without points.
USUAL_GRADES = ("优", "良", "中", "差")


class MeetingRefused(RuleViolation):
    """The meeting that is named as deciding cannot have decided."""

    code = "pledge.meeting"
    title = "作出决定的会议填写不对"


class GradingRefused(RuleViolation):
    """A grade or rating that the scheme does not know, or one that lacks its reason."""

    code = "pledge.grading"
    title = "评定内容需要修改"


@dataclass(frozen=True, slots=True)
class Meeting:
    """The body that decided, on which day, and where that is written down; None: as usual."""

    body: PledgeBody | None = None
    held_on: date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Grading:
    """What a meeting finds about one pledge, as it saw it in that version.

    Args:
        is_fulfilled: false for a pledge that was not kept, which needs a reason and no ratings.
        grade: a word of the scheme in force; so are the ratings.
    """

    pledge_id: UUID
    version: int
    grade: str
    is_fulfilled: bool = True
    member_rating: str = ""
    masses_rating: str = ""
    organization_rating: str = ""
    reason: str = ""

    @property
    def ratings(self) -> tuple[str, str, str]:
        """What the member himself, the masses and the organisation say."""
        return self.member_rating, self.masses_rating, self.organization_rating


def settle_meeting(named: Meeting, *, is_branch: bool, today: date) -> Meeting:
    """The meeting with the body that usually decides, where none is named.

    Args:
        is_branch: the member's own branch decides, not the body above it.

    Raises:
        MeetingRefused: a day of the future, a body that does not decide this, or a general
            meeting without its minutes.
    """
    usual = PledgeBody.BRANCH_COMMITTEE if is_branch else PledgeBody.UPPER_COMMITTEE
    body = named.body or usual
    if is_branch and body is PledgeBody.UPPER_COMMITTEE:
        raise _meeting("/body", "支部决定的，请选支委会或党员大会。")
    if not is_branch and body is not PledgeBody.UPPER_COMMITTEE:
        raise _meeting("/body", "书记本人的承诺由上级党组织决定。")
    if named.held_on is not None and named.held_on > today:
        raise _meeting("/meeting_on", "会议日期不能在今天之后。")
    if body is PledgeBody.GENERAL_MEETING and (named.held_on is None or not named.reference):
        raise _meeting("/reference", "党员大会决定的，请填写会议日期和会议记录编号。")
    return replace(named, body=body)


def require_minuted(meeting: Meeting, *, not_before: date) -> None:
    """Refuse an evaluation without a day and minutes, or from before the promise was known.

    Raises:
        MeetingRefused: so it is.
    """
    if meeting.held_on is None or not meeting.reference:
        raise _meeting("/reference", "评定须写明会议日期和会议记录编号。")
    if meeting.held_on < not_before:
        raise _meeting("/meeting_on", f"承诺 {not_before} 才公开，评定会议不能早于这一天。")


def require_grading(grading: Grading, grades: Collection[str], *, is_correction: bool) -> None:
    """Refuse a grading that cannot stand.

    Args:
        grades: the words of the scheme in force.
        is_correction: the pledge was evaluated before.

    Raises:
        GradingRefused: an unknown word, a rating left out, or a reason left out.
        PrivateDataRefused: the reason holds somebody's number.
    """
    if grading.grade not in grades:
        raise _grading("/grade", f"等次应为以下之一：{'、'.join(grades)}。")
    needed = grades if grading.is_fulfilled else (*grades, "")
    if not all(rating in needed for rating in grading.ratings):
        raise _grading("/ratings", f"党员、群众、组织三方评价应为：{'、'.join(grades)}。")
    if not grading.reason and (is_correction or not grading.is_fulfilled):
        raise _grading("/reason", "认定未兑现或重新评定，须写明原因。")
    require_impersonal(reason=grading.reason)


def counted_on(year: int, held_on: date) -> date:
    """The day that an evaluation counts on: that of the meeting, within the year of the pledge.

    The meeting of January that evaluates last year's pledges gives last year's points.
    """
    return min(max(held_on, date(year, 1, 1)), date(year, 12, 31))


def _grading(pointer: str, message: str) -> GradingRefused:
    return GradingRefused(message, problems=(FieldProblem(pointer, GradingRefused.code, message),))


def _meeting(pointer: str, message: str) -> MeetingRefused:
    return MeetingRefused(message, problems=(FieldProblem(pointer, MeetingRefused.code, message),))
