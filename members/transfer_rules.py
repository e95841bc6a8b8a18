"""Rules of transfers under way: how long a letter is valid, and when somebody is reminded."""

from collections.abc import Sequence
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from core.errors import RuleViolation

LETTER_MONTHS_MAX = 3
# Days under way at which both branches and the bodies above them are told (domain 5.6).
FLAG_DAYS = (30, 60, 90)
# The relation of a graduate stays at the school for two years at most (条例 Art. 34).
GRADUATE_YEARS_MAX = 2


class LetterTooLong(RuleViolation):
    """A letter of transfer is valid for three months at most."""

    code = "transfer.letter_too_long"
    title = "介绍信有效期一般不超过三个月"


def require_letter(letter_on: date, valid_to: date) -> None:
    """Raise LetterTooLong unless the letter ends after it was written, within three months."""
    if not letter_on < valid_to <= letter_ends_on(letter_on):
        raise LetterTooLong


def letter_ends_on(letter_on: date) -> date:
    """The last day on which a letter can be valid."""
    last: date = letter_on + relativedelta(months=LETTER_MONTHS_MAX)
    return last


def find_step(sent_on: date, *, on: date, steps: Sequence[int] = FLAG_DAYS) -> int | None:
    """The highest number of days under way that has been reached; None before the first."""
    days = (on - sent_on).days
    return max((step for step in steps if step <= days), default=None)


def sent_by_first_step(on: date, steps: Sequence[int] = FLAG_DAYS) -> date:
    """The last day of sending for which the first step is reached."""
    return on - timedelta(days=min(steps))


def graduate_limit(graduated_on: date) -> date:
    """The day by which a graduate's relation should have left the school."""
    limit: date = graduated_on + relativedelta(years=GRADUATE_YEARS_MAX)
    return limit
