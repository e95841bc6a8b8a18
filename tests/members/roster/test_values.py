"""One cell of a roster: what it becomes, what is noted, what is refused."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.models import MemberKind, MembershipStatus
from members.roster.choices import (
    note_out_of_touch,
    parse_flag,
    parse_kind,
    parse_membership_status,
    parse_sex,
)
from members.roster.dates import parse_date
from members.roster.id_numbers import birth_date_in, parse_id_number, sex_in
from members.roster.phones import parse_phone
from members.roster.values import CellError, clean_text, parse_name, parse_text
from tests.roster_files import TODAY, id_number


def note_codes(parsed):
    return [note.code for note in parsed.notes]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("张三", "张三"),
        ("  何\u3000俊 ", "何俊"),
        ("王 \t小\n明", "王小明"),
        ("'李四", "李四"),
        ("徐㛃超", "徐㛃超"),
        ("汪䶮", "汪䶮"),
        ("汪\ue863", "汪䶮"),
        ("𠮷 田", "𠮷田"),
        ("买买提·吐尔逊", "买买提·吐尔逊"),
        ("买买提•吐尔逊", "买买提·吐尔逊"),
        ("买买提・吐尔逊", "买买提·吐尔逊"),
        ("买买提．吐尔逊", "买买提·吐尔逊"),
        ("买买提 ‧ 吐尔逊", "买买提·吐尔逊"),
        ("买买提.吐尔逊", "买买提·吐尔逊"),
        ("John  Smith", "John Smith"),
        ("ＪＡＣＫ", "JACK"),
        ("张\u200b三\ufeff", "张三"),
        ("㛃\ufe00", "㛃"),
        ("〇一", "〇一"),
    ],
)
def test_name_is_normalised(cell, name):
    assert parse_name(cell).value == name


def test_inner_spaces_of_a_name_are_noted_and_a_trailing_one_is_not():
    assert note_codes(parse_name("何\u3000俊")) == ["import.name_spaces"]
    assert note_codes(parse_name("何俊 ")) == []
    assert note_codes(parse_name("John Smith")) == []


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("", "import.name_missing"),
        ("无", "import.name_missing"),
        ("张?", "import.name_lost_character"),
        ("张*", "import.name_lost_character"),
        ("张\ufffd", "import.name_lost_character"),
        ("12345", "import.bad_name"),
        (5.0, "import.bad_name"),
        ("=cmd|'/c calc'!A0", "import.bad_name"),
        ("<b>张三</b>", "import.bad_name"),
        ("张\x00三", "import.bad_character"),
        ("张" * 61, "import.text_too_long"),
    ],
)
def test_what_is_no_name_is_refused(cell, code):
    with pytest.raises(CellError) as refused:
        parse_name(cell)
    assert refused.value.code == code


@given(st.text(alphabet="何俊㛃䶮𠮷· \u3000", min_size=1))
def test_normalised_name_is_stable(text):
    try:
        name = parse_name(text).value
    except CellError:
        return
    assert name is not None
    assert parse_name(name).value == name
    assert " " not in name


@pytest.mark.parametrize(
    "cell",
    [
        "13800138000",
        13800138000.0,
        "13800138000.0",
        "138 0013 8000",
        "138-0013-8000",
        "+86 13800138000",
        "+86 138 00138000",
        "+86-138-0013-8000",
        "0086 13800138000",
        "(+86)13800138000",
        "8613800138000",
        "013800138000",
        "１３８００１３８０００",
        "＋８６ １３８００１３８０００",
        " 13800138000\u3000",
        "'13800138000",
        '="13800138000"',
        "手机：13800138000",
        "1\u200b3800138000",
    ],
)
def test_phone_becomes_eleven_digits(cell):
    assert parse_phone(cell).value == "13800138000"


@pytest.mark.parametrize(
    ("cell", "value", "code"),
    [
        ("", None, "import.phone_missing"),
        ("无", None, "import.phone_missing"),
        ("008613800138000", "13800138000", "import.phone_format"),
        ("１３９50843752", "13950843752", "import.phone_fullwidth"),
        ("13800138000/13900139000", "13800138000", "import.phone_several"),
        ("13800138000、13900139000", "13800138000", "import.phone_several"),
        ("13800138000 13900139000", "13800138000", "import.phone_several"),
        ("029-87012345，13800138000", "13800138000", "import.phone_format"),
        ("029-87012345", None, "import.phone_landline"),
        ("(029)87012345", None, "import.phone_landline"),
        ("87012345", None, "import.phone_landline"),
        ("+852 9123 4567", None, "import.phone_foreign"),
        ("同父亲", None, "import.phone_not_a_number"),
    ],
)
def test_phone_notes(cell, value, code):
    parsed = parse_phone(cell)
    assert (parsed.value, note_codes(parsed)) == (value, [code])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1380013800", "import.bad_phone"),
        ("138001380001", "import.bad_phone"),
        ("12800138000", "import.bad_phone"),
        ("1.38E+10", "import.numeric_phone"),
    ],
)
def test_mistyped_phone_is_refused(cell, code):
    with pytest.raises(CellError) as refused:
        parse_phone(cell)
    assert refused.value.code == code


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_every_mobile_number_survives_every_dress(number):
    dressed = (number, float(number), f"+86 {number[:3]} {number[3:7]} {number[7:]}", number + ".0")
    assert {parse_phone(cell).value for cell in dressed} == {number}


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(1, 999))
def test_right_identity_number_is_accepted_and_any_changed_digit_refused(born_on, sequence):
    number = id_number(born_on.strftime("%Y%m%d"), sequence)
    assert parse_id_number(number.lower()).value == number
    assert birth_date_in(number) == born_on
    assert sex_in(number) == ("male" if sequence % 2 else "female")
    wrong = number[:16] + str((int(number[16]) + 1) % 10) + number[17]
    with pytest.raises(CellError):
        parse_id_number(wrong)


@pytest.mark.parametrize(
    "cell", ["99010119420515074x", "'99010119420515074X", "990101 19420515 074X"]
)
def test_identity_number_is_normalised(cell):
    assert parse_id_number(cell).value == "99010119420515074X"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (9.901011967082906e17, "import.numeric_id"),
        ("9.90101E+17", "import.numeric_id"),
        ("9.90101196708291e17", "import.numeric_id"),
        ("990101196708290000", "import.numeric_id"),
        ("130503670401001", "import.id_15_digits"),
        (130503670401001.0, "import.id_15_digits"),
        ("99010119420515074", "import.id_length"),
        ("990101194205150741X", "import.id_length"),
        ("99010119420515074Y", "import.id_format"),
        ("990101199206294021", "import.id_check_digit"),
    ],
)
def test_wrong_identity_number_has_its_reason(cell, code):
    with pytest.raises(CellError) as refused:
        parse_id_number(cell)
    assert refused.value.code == code


def test_identity_number_with_an_impossible_birth_date_is_refused():
    with pytest.raises(CellError) as refused:
        parse_id_number(id_number("19850230"))
    assert refused.value.code == "import.id_birth_date"


def test_missing_identity_number_is_allowed_with_a_note():
    assert note_codes(parse_id_number("")) == ["import.id_missing"]


def test_words_of_choice():
    assert parse_sex(" 男 ").value == "male"
    assert note_codes(parse_sex("未知")) == ["import.sex_unknown"]
    assert parse_kind("预备").value is MemberKind.PROBATIONARY_MEMBER
    assert parse_kind("中共正式党员 ").value is MemberKind.FULL_MEMBER
    assert [parse_flag(c).value for c in ("是", "否", "", True, "也许")] == [
        *(True, False, None, True, None),
    ]
    with pytest.raises(CellError):
        parse_kind("入党积极分子")


def test_no_status_but_normal_is_ever_taken():
    assert parse_membership_status("正常").value is MembershipStatus.NORMAL
    for cell in ("停止党籍", "停止", "已除名", "开除"):
        parsed = parse_membership_status(cell)
        assert (parsed.value, note_codes(parsed)) == (None, ["import.status_not_imported"])
    assert note_out_of_touch("是").value is None
    assert note_codes(note_out_of_touch("否")) == []


@pytest.mark.parametrize("cell", ["=1+1", "@x", "+cmd"])
def test_text_that_looks_like_a_formula_is_refused(cell):
    with pytest.raises(CellError):
        parse_text(cell, length_max=40)


@given(st.one_of(st.text(), st.floats(), st.booleans(), st.dates(), st.integers()))
def test_no_cell_breaks_a_parser(cell):
    parsers = (parse_name, parse_phone, parse_id_number, parse_sex, parse_kind, parse_flag)
    for parse in (*parsers, lambda c: parse_date(c, today=TODAY), clean_text):
        with contextlib.suppress(CellError):
            parse(cell)
