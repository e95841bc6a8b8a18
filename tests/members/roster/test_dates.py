"""The ways in which rosters write a date, and what is refused rather than guessed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.roster.dates import parse_date
from members.roster.values import CellError
from tests.roster_files import TODAY


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("1998.10.05", date(1998, 10, 5)),
        ("2014年10月22日", date(2014, 10, 22)),
        ("2014 年 10 月 2 日", date(2014, 10, 2)),
        ("2014年10月22号", date(2014, 10, 22)),
        ("20121001", date(2012, 10, 1)),
        (20121001.0, date(2012, 10, 1)),
        ("20121001.0", date(2012, 10, 1)),
        ("2003-04-01", date(2003, 4, 1)),
        ("1991/06/23", date(1991, 6, 23)),
        ("1987.7.1", date(1987, 7, 1)),
        ("1987. 7. 1.", date(1987, 7, 1)),
        ("１９８７．０７．０１", date(1987, 7, 1)),
        ("1987－07－01", date(1987, 7, 1)),
        ("2003-04-01 00:00:00", date(2003, 4, 1)),
        ("2003-04-01T00:00:00", date(2003, 4, 1)),
        ("'2003-04-01", date(2003, 4, 1)),
        ('="2003-04-01"', date(2003, 4, 1)),
        (date(2001, 2, 22), date(2001, 2, 22)),
        (36944.0, date(2001, 2, 22)),
        ("36944", date(2001, 2, 22)),
        (36944.5, date(2001, 2, 22)),
        ("2000-02-29", date(2000, 2, 29)),
        ("2026-11-24", TODAY),
    ],
)
def test_date_formats_of_rosters(cell, day):
    assert parse_date(cell, today=TODAY).value == day


@pytest.mark.parametrize("cell", ["", " ", "无", "/", "-", "——", "N/A"])
def test_placeholder_is_no_date(cell):
    assert parse_date(cell, today=TODAY).value is None


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("2031.02.30", "import.bad_date"),
        ("1990-02-29", "import.bad_date"),
        ("20121301", "import.bad_date"),
        ("05/10/1998", "import.bad_date"),
        ("98.10.05", "import.bad_date"),
        ("980705", "import.bad_date"),
        ("一九九八年十月五日", "import.bad_date"),
        ("0", "import.bad_date"),
        (60.0, "import.bad_date"),
        ("1e5", "import.bad_date"),
        (float("nan"), "import.bad_date"),
        (float("inf"), "import.bad_date"),
        ("12:30:00", "import.bad_date"),
        (True, "import.bad_date"),
        ("1887-07-01", "import.bad_date"),
        ("1987-07", "import.date_without_day"),
        ("1987.7", "import.date_without_day"),
        (1987.07, "import.date_without_day"),
        ("1987年7月", "import.date_without_day"),
        ("198707", "import.date_without_day"),
        (198707.0, "import.date_without_day"),
        ("1987", "import.date_without_day"),
        ("1987年", "import.date_without_day"),
        ("2026-11-25", "import.date_in_future"),
        (date(2030, 1, 1), "import.date_in_future"),
    ],
)
def test_what_is_no_date_is_refused(cell, code):
    with pytest.raises(CellError) as refused:
        parse_date(cell, today=TODAY)
    assert refused.value.code == code


def test_serial_number_counts_from_1904_in_such_a_workbook():
    assert parse_date(35482.0, today=TODAY, date_1904=True).value == date(2001, 2, 22)


@given(st.dates(date(1910, 1, 1), TODAY))
def test_every_way_to_write_a_date_means_the_same_day(day):
    serial = float((day - date(1899, 12, 30)).days)
    written = [
        *(day.strftime(f"%Y{mark}%m{mark}%d") for mark in ("-", "/", ".", "")),
        *(f"{day.year}年{day.month}月{day.day}日", serial, day),
    ]
    assert {parse_date(cell, today=TODAY).value for cell in written} == {day}
