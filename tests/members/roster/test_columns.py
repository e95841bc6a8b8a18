"""Headers, mappings, and the rows that are no people."""

import pytest

from members.roster.columns import (
    Header,
    apply_mapping,
    guess_mapping,
    ignored_columns,
    normalise_header,
)
from members.roster.refusals import ColumnsMissing, HeaderChanged
from members.roster.row_kinds import RowSieve
from tests.roster_files import HEADER, check_file, check_people, person, write_csv


@pytest.mark.parametrize(
    ("written", "word"),
    [
        (" 姓\u3000名 ", "姓名"),
        ("姓 名*", "姓名"),
        ("*姓名（必填）", "姓名"),
        ("公民\n身份号码\n(18位)", "公民身份号码"),
        ("1.姓名", "姓名"),
        ("手机号码：", "手机号码"),
        ("【手机号】", "手机号"),
        ("\ufeff姓\u200b名", "姓名"),
    ],
)
def test_header_word_is_bare(written, word):
    assert normalise_header(written) == word


@pytest.mark.parametrize(
    ("alias", "field"),
    [
        *((alias, "phone") for alias in ("手机号码", "联系电话", "移动电话", "手机号（11位）")),
        *((alias, "id_number") for alias in ("身份证号", "公民身份证号", "身份证号码")),
        *((alias, "branch_name") for alias in ("所在党组织", "所在支部", "所属支部", "党支部")),
        *((alias, "joined_on") for alias in ("入党时间", "入党日期", "加入党组织日期")),
        *((alias, "converted_on") for alias in ("转正日期", "转正时间", "转为正式党员日期")),
    ],
)
def test_alias_is_known(alias, field):
    assert guess_mapping(Header(1, 1, ("姓名", alias)))[1] == field


def test_preferred_word_wins_when_two_columns_may_hold_the_phone():
    header = Header(1, 1, ("姓名", "所在支部", "联系电话", "手机号码"))
    assert guess_mapping(header) == {0: "name", 1: "branch_name", 3: "phone"}
    assert ignored_columns(header, guess_mapping(header)) == ("联系电话",)


def test_mapping_of_the_user_beats_the_guess():
    header = Header(1, 1, ("姓名", "所在支部", "联系电话", "手机号码", "组织"))
    columns = apply_mapping(header, {"联系电话": "phone", "所在支部": None, "组织": "branch_name"})
    assert columns == {0: "name", 2: "phone", 4: "branch_name"}


def test_column_dropped_by_the_user_is_not_read():
    header = Header(1, 1, ("姓名", "所在支部", "手机号码"))
    assert apply_mapping(header, {"手机号码": None}) == {0: "name", 1: "branch_name"}


@pytest.mark.parametrize("texts", [("姓名", "手机号"), ("所在支部", "手机号", "性别")])
def test_header_without_name_or_branch_is_refused_in_a_sentence(texts):
    with pytest.raises(ColumnsMissing, match=r"第 1 行是表头，但缺少“.+”列。"):
        apply_mapping(Header(1, 1, texts), {})


@pytest.mark.parametrize("mapping", [{"姓名": "salary"}, {"姓名": "phone", "所在支部": "phone"}])
def test_impossible_mapping_is_refused(mapping):
    with pytest.raises(ColumnsMissing):
        apply_mapping(Header(1, 1, ("姓名", "所在支部")), mapping)


def test_header_under_title_rows_and_two_rows_high(tmp_path):
    top = ["序号", "基本信息", "", "组织信息", "联系方式", ""]
    second = ["", "姓名", "性别", "所在党支部", "手机号码", "固定电话"]
    path = write_csv(
        tmp_path / "a.csv",
        [
            *(["党员名册"], ["填报单位：某街道", "", "日期：2026.1.1"], [], top, second),
            ["1", "王一", "男", "上川村党支部", "13800138000", "029-1"],
        ],
    )
    layout, [row] = check_file(path)
    assert (layout.header.row_number, row.row_number) == (5, 6)
    assert row.values.phone == "13800138000"


def test_second_header_line_under_group_titles(tmp_path):
    path = write_csv(
        tmp_path / "a.csv",
        [
            ["姓名", "所在党支部", "联系信息", ""],
            ["", "", "手机号码", "固定电话"],
            ["王一", "上川村党支部", "13800138000", ""],
        ],
    )
    layout, [row] = check_file(path)
    assert (layout.header.row_number, layout.header.last_row_number) == (1, 2)
    assert row.values.phone == "13800138000"


@pytest.mark.parametrize(
    "cells",
    [
        ["合计", "1200"],
        ["合 计", "", "1200"],
        ["总计：1200人"],
        ["小计", "30"],
        ["上川村党支部小计", "30"],
        ["小计", "上川村党支部"],
        ["以下空白"],
        ["共 1200 人"],
        ["", "共1200名党员"],
        ["填表人：张三", "", "审核人：李四"],
        ["负责人（签字）：", "", "", "2026年1月1日"],
        ["（盖章）"],
        ["备注：1.本表一式两份"],
        ["一、上川村"],
        ["第一党小组（15人）"],
        ["1", "2", "3", "4", "5"],
        ["甲", "乙", "1", "2"],
        ["示例：张三", "上川村党支部", "990101199001011233"],
        ["", "上川村党支部"],
        [""],
    ],
)
def test_row_that_is_no_person(cells):
    sieve = RowSieve(dict(enumerate(["name", "branch_name", "id_number", "sex", "phone"])))
    assert not sieve.is_person(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["张三", "上川村党支部"],
        ["", "上川村党支部", "990101199001011233"],
        ["", "", "990101199001011233"],
        ["张三"],
        ["合计", "上川村党支部", "990101199001011233"],
        ["共青", "上川村党支部"],
        ["签字", "上川村党支部", "990101199001011233"],
        ["书记：张三", "上川村党支部", "990101199001011233"],
    ],
)
def test_row_that_may_be_a_person_is_never_passed_over(cells):
    sieve = RowSieve(dict(enumerate(["name", "branch_name", "id_number", "sex", "phone"])))
    assert sieve.is_person(cells)


def test_people_below_a_total_are_read_and_notes_are_not(tmp_path):
    rows = check_people(
        tmp_path,
        *(person(1), ["小计", "1"], person(2), ["", "", ""], ["合计", "2"]),
        *(["本表由支部保存", "两年"], person(3), ["填表人", "张三"]),
    )
    assert [row.row_number for row in rows] == [2, 4, 8]


def test_header_repeated_on_every_page_is_passed_over(tmp_path):
    rows = check_people(tmp_path, person(1), HEADER, person(2))
    assert [row.row_number for row in rows] == [2, 4]


def test_header_with_another_order_below_refuses_the_file(tmp_path):
    with pytest.raises(HeaderChanged, match="第 3 行"):
        check_people(tmp_path, person(1), HEADER[::-1], person(2))
