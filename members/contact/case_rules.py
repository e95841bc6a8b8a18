"""Cases: who is to act at which stage, how long somebody is away, and what may be considered.

Pure: `on` is a parameter. Nothing here decides anything about a person (domain 5.8); the strongest
word is that the conditions for an examination by people are there.
"""

import enum
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from members.contact.models import Clock
from members.contact.rules import FLOORS, REMOVAL_WARNINGS, months_after

LIMIT_STAGE, SUSPENDED_STAGE, REMOVAL_STAGE = 6, 7, 8
LIMIT_MONTHS, REMOVAL_MONTHS = FLOORS["limit_months"], FLOORS["removal_months"]
_RE_SEARCH_MONTHS = 6


class CaseTask(enum.StrEnum):
    """What the people responsible for a case have to do at its stage."""

    SEARCH = "search"
    COMMITTEE_SEARCH = "committee_search"
    FILE_REVIEW = "file_review"
    EXAMINATION = "examination"
    RE_SEARCH = "re_search"
    REMOVAL_WARNING = "removal_warning"
    REMOVAL_EXAMINATION = "removal_examination"


class LossBand(enum.StrEnum):
    """How long somebody is out of contact, in the bands of the yearly statistics."""

    UNDER_SIX_MONTHS = "under_6_months"
    SIX_TO_TWELVE_MONTHS = "6_12_months"
    ONE_TO_FIVE_YEARS = "1_5_years"
    SIX_TO_TEN_YEARS = "6_10_years"
    ELEVEN_YEARS_ON = "11_years_on"


TASK_NAMES: dict[CaseTask, str] = {
    CaseTask.SEARCH: "继续查找，并逐次记录",
    CaseTask.COMMITTEE_SEARCH: "由党委组织查找：走访、向流入地党组织核查、发函协查",
    CaseTask.FILE_REVIEW: "临近期限，请审阅查找材料，补齐缺项",
    CaseTask.EXAMINATION: "符合研究条件，请按程序研究；系统不作任何认定",
    CaseTask.RE_SEARCH: "停止党籍期间继续查找，每半年一次",
    CaseTask.REMOVAL_WARNING: "停止党籍将满两年，请抓紧查找，并准备材料",
    CaseTask.REMOVAL_EXAMINATION: "停止党籍已满两年，符合研究条件；系统不作任何认定",
}
BAND_NAMES: dict[LossBand, str] = {
    LossBand.UNDER_SIX_MONTHS: "不满 6 个月",
    LossBand.SIX_TO_TWELVE_MONTHS: "6 个月以上不满 1 年",
    LossBand.ONE_TO_FIVE_YEARS: "1 至 5 年",
    LossBand.SIX_TO_TEN_YEARS: "6 至 10 年",
    LossBand.ELEVEN_YEARS_ON: "11 年以上",
}
_TASKS: dict[int, CaseTask] = {
    3: CaseTask.SEARCH,
    4: CaseTask.COMMITTEE_SEARCH,
    5: CaseTask.FILE_REVIEW,
    6: CaseTask.EXAMINATION,
    7: CaseTask.RE_SEARCH,
    8: CaseTask.REMOVAL_EXAMINATION,
}
_RIPE_WORDS: dict[Clock, str] = {
    Clock.LOST_CONTACT: "失去联系满六个月，符合研究条件。",
    Clock.SELF_WITHDRAWAL: "已满六个月且没有记录正当理由，需支部研究。",
    Clock.ABROAD: "出国（境）已到期限，符合研究条件。",
}
# First month of a band -> the band; each ends where the next begins.
_BANDS: tuple[tuple[int, LossBand], ...] = (
    (0, LossBand.UNDER_SIX_MONTHS),
    (6, LossBand.SIX_TO_TWELVE_MONTHS),
    (12, LossBand.ONE_TO_FIVE_YEARS),
    (72, LossBand.SIX_TO_TEN_YEARS),
    (132, LossBand.ELEVEN_YEARS_ON),
)


@dataclass(frozen=True, slots=True)
class Examination:
    """Whether people may examine a matter now, and the sentence that says so or why not."""

    is_open: bool
    sentence: str


def task_of(stage: int) -> CaseTask:
    """What is to be done at a stage; stage 4 goes to the committee, 5 is the review of the file."""
    return _TASKS[stage]


def suspended_task(suspended_on: date, searched_on: date, on: date) -> CaseTask | None:
    """What is due for a suspended member at stage 7; None between the half-yearly searches.

    Args:
        searched_on: the day of the last attempt since, or that of the suspension.
    """
    week = timedelta(days=7)
    if any(day <= on < day + week for day in removal_warnings_on(suspended_on)):
        return CaseTask.REMOVAL_WARNING
    return CaseTask.RE_SEARCH if on >= next_search_on(suspended_on, searched_on) else None


def is_committee_task(task: CaseTask) -> bool:
    """Whether the committee has to act, and not the branch alone."""
    return task is not CaseTask.SEARCH


def band_of(anchor_on: date, on: date) -> LossBand:
    """The band of the statistics, counted in calendar months from the last contact.

    "1 至 5 年" holds until six full years, because the sheet has no gap between 5 and 6.
    """
    return next(
        band
        for first, band in reversed(_BANDS)
        if months_after(anchor_on, first) <= on or not first
    )


def limit_on(anchor_on: date) -> date:
    """The first day on which a suspension may be examined: six calendar months without contact."""
    return months_after(anchor_on, LIMIT_MONTHS)


def removal_on(suspended_on: date) -> date:
    """The first day on which a removal may be examined: two years after the suspension."""
    return months_after(suspended_on, REMOVAL_MONTHS)


def removal_warnings_on(suspended_on: date) -> tuple[date, ...]:
    """The days on which the committee is told that the two years are running out."""
    return tuple(months_after(suspended_on, REMOVAL_MONTHS - left) for left in REMOVAL_WARNINGS)


def next_search_on(suspended_on: date, searched_on: date) -> date:
    """When a suspended member is next searched for: the half-yearly day after the last search."""
    days = (months_after(suspended_on, _RE_SEARCH_MONTHS * half) for half in count(1))
    return next(day for day in days if day > searched_on)


def examination(clock: Clock, stage: int, *, removal_on: date | None, on: date) -> Examination:
    """What may be examined by people today; never what they will find.

    Args:
        removal_on: for a suspended member, the first day on which a removal may be examined.
    """
    if removal_on is not None:
        if on >= removal_on:
            return Examination(True, "停止党籍期限已满仍未取得联系，符合研究条件。")
        return Examination(False, f"停止党籍期限未满，{removal_on.isoformat()} 起方可研究。")
    if stage >= LIMIT_STAGE:
        return Examination(True, _RIPE_WORDS[clock])
    return Examination(False, "未到期限，请继续查找和联系。")
