"""The cadence in calendar months, and what is a city: pure rules."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.migrant_rules import (
    Cadence,
    NotACity,
    find_due,
    last_day_due,
    require_city,
)

SINCE = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("touch", "talk", "due"),
    [
        (None, None, (date(2026, 2, 28), date(2026, 4, 30))),
        (date(2026, 2, 10), None, (date(2026, 3, 10), date(2026, 4, 30))),
        (date(2026, 3, 31), date(2026, 3, 31), (date(2026, 4, 30), date(2026, 6, 30))),
        # What was before the registration does not put off what follows from it.
        (date(2025, 12, 1), date(2025, 12, 1), (date(2026, 2, 28), date(2026, 4, 30))),
    ],
)
def test_due_days_follow_the_last_time(
    touch: date | None, talk: date | None, due: tuple[date, date]
) -> None:
    found = find_due(SINCE, last_touch_on=touch, last_talk_on=talk, cadence=Cadence(1, 3))

    assert (found.touch_on, found.talk_on) == due


def test_overdue_begins_the_day_after_the_due_day() -> None:
    due = find_due(SINCE, last_touch_on=None, last_talk_on=None, cadence=Cadence(1, 3))

    assert due.overdue(date(2026, 2, 28)) == []
    assert due.overdue(date(2026, 3, 1)) == ["touch"]
    assert due.overdue(date(2026, 5, 1)) == ["touch", "talk"]


@given(st.dates(date(2020, 1, 1), date(2032, 1, 1)), st.integers(1, 6))
def test_bound_for_sql_is_the_last_day_that_is_due(on: date, months: int) -> None:
    bound = last_day_due(on, months)
    cadence = Cadence(months, months)

    def due_on(since: date) -> date:
        return find_due(since, last_touch_on=None, last_talk_on=None, cadence=cadence).touch_on

    assert due_on(bound) <= on < due_on(bound + timedelta(days=1))


@pytest.mark.parametrize(
    "text",
    [
        "西安", "西安市", "陕西省西安市", "景德镇市", "江西省萍乡市", "新乡市", "石家庄市",
        "内蒙古自治区呼和浩特市", "新疆维吾尔自治区克孜勒苏柯尔克孜自治州", "大兴安岭地区",
        "黔东南苗族侗族自治州", "香港特别行政区", "新加坡", "日本东京",
    ],
)  # fmt: skip
def test_city_is_taken(text: str) -> None:
    assert require_city(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "市", "西安市雁塔区", "西安市雁塔区高新路1号", "西安1", "西安１", "幸福路", "世纪大道",
        "三十二号", "昆山市花桥镇", "朝阳公寓", "科技园二栋", "张家村", "番禺工厂", "西安市 ",
        "108.9,34.2", "某某公司", "Xi'an",
    ],
)  # fmt: skip
def test_more_or_other_than_a_city_is_refused(text: str) -> None:
    with pytest.raises(NotACity):
        require_city(text)
