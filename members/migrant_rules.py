"""Rules of keeping in touch with migrants: the cadence in calendar months, and what a city is."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from core.errors import FieldProblem, RuleViolation

# At most a province, then one city: no district, street, house or number (domain section 7).
_CITY = re.compile(
    r"(?:[\u4e00-\u9fff]{2,12}?(?:省|自治区))?"
    r"(?:景德镇|新乡|萍乡|(?:(?![省市区县旗镇乡村路街巷弄号楼栋幢室厂])[\u4e00-\u9fff]){2,12})"
    r"(?:市|地区|特别行政区)?"
)
_ADDRESS = re.compile("大道|胡同|公寓|大厦|广场|花园|公司|单元|工地|宿舍|酒店|学校|大学|医院|车站")


class NotACity(RuleViolation):
    """More than a city is nobody's business here, and less finds nobody."""

    code = "migrant.not_a_city"
    title = "外出地点只填到城市"


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a migrant is heard from: a light touch, and a real talk, in calendar months.

    The central text only says "经常" (domain 5.4); the numbers are a district's policy.
    """

    touch_months: int
    talk_months: int


MIGRANT_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Due:
    """When the next light touch and the next real talk are due."""

    touch_on: date
    talk_on: date

    def overdue(self, on: date) -> list[str]:
        """What should have happened before this day: "touch", "talk"."""
        days = (("touch", self.touch_on), ("talk", self.talk_on))
        return [name for name, day in days if day < on]


def find_due(
    since: date, *, last_touch_on: date | None, last_talk_on: date | None, cadence: Cadence
) -> Due:
    """The next due days, from the last time each happened, else from the registration.

    A talk is a touch as well. Counted in calendar months: 31 January and one month is the last
    day of February.

    Args:
        since: from which day on somebody keeps in touch.
        last_touch_on: the last touch of either sort.
    """
    touched_on = max(since, last_touch_on or since)
    talked_on = max(since, last_talk_on or since)
    return Due(_later(touched_on, cadence.touch_months), _later(talked_on, cadence.talk_months))


def last_day_due(on: date, months: int) -> date:
    """The last day from which so many months have passed by `on`: what SQL compares with."""
    day = on - relativedelta(months=months)
    while _later(day + timedelta(days=1), months) <= on:
        day += timedelta(days=1)
    return day


def migrant_since(left_on: date) -> date:
    """From when on an absence makes a migrant: six months away (the 2024 opinion's definition)."""
    return _later(left_on, MIGRANT_MONTHS)


def require_city(text: str) -> str:
    """The text, if it names a city and nothing closer.

    Raises:
        NotACity: a street, a house number, a company, or no name at all.
    """
    if not _CITY.fullmatch(text) or _ADDRESS.search(text):
        message = "请只填城市名，例如“西安市”或“陕西省西安市”，不要填街道、门牌和单位。"
        raise NotACity(message, problems=(FieldProblem("/city", "city", message),))
    return text


def _later(day: date, months: int) -> date:
    later: date = day + relativedelta(months=months)
    return later
