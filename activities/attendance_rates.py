"""The attendance rate by its published formula: counts in, exact fractions and text out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

ATTENDED = ("present", "present_remote", "present_elsewhere", "made_up")
# Shown wherever a rate is shown: whoever is counted may check the number.
FORMULA = (
    "出勤率（不计请假）＝（到会＋线上到会＋在其他支部参加＋补学）÷（应到－免于要求－批准请假）；"
    "出勤率（计请假）＝（到会＋线上到会＋在其他支部参加＋补学）÷（应到－免于要求）。"
    "列席、临时参加的不计入应到；应到为 0 时不计算出勤率。"
)


@dataclass(frozen=True, slots=True)
class AttendanceCounts:
    """Numbers of attendances of members expected; guests are not among them."""

    expected: int = 0
    present: int = 0
    present_remote: int = 0
    present_elsewhere: int = 0
    made_up: int = 0
    leave_approved: int = 0
    exempt: int = 0

    @property
    def attended(self) -> int:
        """Those who took part, at the time or afterwards."""
        return self.present + self.present_remote + self.present_elsewhere + self.made_up


@dataclass(frozen=True, slots=True)
class AttendanceRates:
    """Both rates; None where nobody was required to come."""

    leaving_out_leave: Fraction | None
    counting_leave: Fraction | None


def count_statuses(statuses: Iterable[str]) -> AttendanceCounts:
    """Count one status for each member expected; one not marked yet counts as not attended."""
    tally = Counter(statuses)
    counted = (*ATTENDED, "leave_approved", "exempt")
    return AttendanceCounts(tally.total(), **{status: tally[status] for status in counted})


def rates_of(counts: AttendanceCounts) -> AttendanceRates:
    """The rate without and with approved leave in the denominator."""
    required = counts.expected - counts.exempt
    return AttendanceRates(
        leaving_out_leave=_share(counts.attended, required - counts.leave_approved),
        counting_leave=_share(counts.attended, required),
    )


def percent_text(rate: Fraction | None) -> str | None:
    """Percent with one decimal, rounded half up ("66.7%"); None stays None."""
    if rate is None:
        return None
    tenths = (rate * 2000 + 1) // 2
    return f"{tenths // 10}.{tenths % 10}%"


def _share(attended: int, required: int) -> Fraction | None:
    return Fraction(attended, required) if required > 0 else None
