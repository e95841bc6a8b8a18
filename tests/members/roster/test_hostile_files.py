"""Hostile, broken and foreign files are refused with a sentence, within bounded memory."""

import random
import zipfile
from pathlib import Path

import psutil
import pytest
import xlsxwriter

from members.roster import precheck, reading
from members.roster.reading import open_roster
from members.roster.refusals import (
    FileBroken,
    FileKindRefused,
    FileTooLarge,
    FileUnsafe,
    FormulaFound,
    HeaderMissing,
    RosterFileRefused,
)
from tests.roster_files import (
    DATA,
    HEADER,
    check_file,
    person,
    replace_part,
    write_csv,
    write_xlsx,
)

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_xml(inner: str, prolog: str = "") -> bytes:
    return f'<?xml version="1.0"?>{prolog}<worksheet {MAIN}>{inner}</worksheet>'.encode()


def with_sheet(tmp_path: Path, xml: bytes) -> Path:
    source = write_xlsx(tmp_path / "clean.xlsx", [HEADER, person()])
    return replace_part(source, tmp_path / "roster.xlsx", sheet1=xml)


def add_part(tmp_path: Path, name: str, data: bytes, compression: int = 8) -> Path:
    path = write_xlsx(tmp_path / "roster.xlsx", [HEADER, person()])
    with zipfile.ZipFile(path, "a", compression) as archive:
        archive.writestr(name, data)
    return path


def refuse(path: Path, reason: type[RosterFileRefused]) -> str:
    before = psutil.Process().memory_info().rss
    with pytest.raises(reason) as refused, open_roster(path) as opened:
        list(opened.rows)
    assert psutil.Process().memory_info().rss - before < 60 * 1024 * 1024
    assert refused.value.detail.endswith(("。", "！"))
    return refused.value.detail


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", FileKindRefused),
        (b"   \n", FileKindRefused),
        (b"%PDF-1.7 x", FileKindRefused),
        (b"<html><table><tr><td>1</td></tr></table></html>", FileKindRefused),
        (b'<?xml version="1.0"?><Workbook/>', FileKindRefused),
        (b"PK\x03\x04garbage", FileBroken),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), FileBroken),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            FileKindRefused,
        ),
        ("姓名,支部\n张\x00三,甲".encode(), FileBroken),
        (b"\xff\xff\x80\x80\x00", FileBroken),
        (b"\x81\xff,\xff\xff\n", FileBroken),
        ('姓名,支部\n"张三,甲\n'.encode(), FileBroken),
        ("姓名,支部\n".encode() + b"," * 1_000_000, FileTooLarge),
        ("甲,乙\n1,2\n".encode(), HeaderMissing),
    ],
    ids=range(14),
)
def test_hostile_or_foreign_content_is_refused(tmp_path, content, reason):
    path = tmp_path / "roster.xlsx"
    path.write_bytes(content)
    refuse(path, reason)


def test_random_bytes_behind_the_mark_of_an_old_workbook_are_refused(tmp_path):
    source = (DATA / "roster_view_28.xls").read_bytes()
    chance = random.Random(7)
    for size in (600, 5_000, 100_000):
        path = tmp_path / f"{size}.xls"
        path.write_bytes(source[:512] + chance.randbytes(size))
        refuse(path, RosterFileRefused)


def test_corrupted_and_cut_archives_are_refused(tmp_path):
    whole = (DATA / "roster_national_19.xlsx").read_bytes()
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(whole[: len(whole) // 2])
    refuse(cut, FileBroken)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(flipped)
    refuse(damaged, RosterFileRefused)


def test_zip_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    refuse(path, FileKindRefused)


def test_zip_bomb_is_refused_by_its_ratio_and_by_its_size(tmp_path):
    refuse(add_part(tmp_path, "xl/media/a.bin", bytes(40_000_000)), FileUnsafe)
    refuse(add_part(tmp_path, "xl/media/b.bin", bytes(275_000_000)), FileTooLarge)


def test_archive_that_lies_about_its_size_is_refused(tmp_path):
    path = add_part(tmp_path, "xl/media/a.bin", bytes(150_000_000))
    data = path.read_bytes()
    path.write_bytes(
        data.replace((150_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    )
    refuse(path, RosterFileRefused)


def test_far_cell_is_refused_by_name(tmp_path):
    xml = sheet_xml('<sheetData><row r="1"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert "XFD1048576" in refuse(with_sheet(tmp_path, xml), FileTooLarge)


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_far_row_is_refused_in_any_notation(tmp_path, quote, prefix):
    xml = sheet_xml(f"<{prefix}row s='1' r = {quote}900000{quote}/>")
    refuse(with_sheet(tmp_path, xml), FileTooLarge)


def test_doctype_and_entities_are_refused(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    refuse(with_sheet(tmp_path, sheet_xml("<sheetData/>", bomb)), FileUnsafe)
    utf_16 = sheet_xml("<sheetData/>", bomb).decode().encode("utf-16")
    refuse(with_sheet(tmp_path, utf_16), FileUnsafe)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("xl/externalLinks/externalLink1.xml", b"<externalLink/>"),
        ("xl/vbaProject.bin", b"x"),
        ("xl/connections.xml", b"<connections/>"),
        ("xl/embeddings/oleObject1.bin", b"x"),
        ("../../etc/passwd", b"x"),
        (
            "xl/worksheets/_rels/sheet9.xml.rels",
            b'<R><Relationship Type="x/oleObject" Target="x" TargetMode="External"/></R>',
        ),
    ],
)
def test_parts_that_a_roster_never_needs_are_refused(tmp_path, name, data):
    refuse(add_part(tmp_path, name, data), FileUnsafe)


def test_clickable_address_is_no_outside_link(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, person())
        sheet.write_url(1, 9, "http://example.invalid/", string="主页")
    assert len(check_file(path)[1]) == 1


def test_thousands_of_entries_are_refused(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, person()])
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(5000):
            archive.writestr(f"xl/junk/{number}", b"")
    refuse(path, FileTooLarge)


def test_formula_is_refused_by_the_name_of_its_cell(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, person(sex="=1+1")])
    assert "D2" in refuse(path, FormulaFound)


def test_formula_cut_by_a_chunk_border_is_still_seen(tmp_path, monkeypatch):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, person(sex="=1+1")])
    for size in range(1, 40, 3):
        monkeypatch.setattr(precheck, "CHUNK_BYTES", size)
        with pytest.raises(FormulaFound):
            precheck.check_archive(path)


def test_too_big_a_file_is_refused_unread(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(precheck.FILE_BYTES_MAX + 1)
    refuse(path, FileTooLarge)


def test_dense_sheet_beyond_the_memory_limit_ends_the_child_not_us(tmp_path):
    cells = "".join(f'<c r="{column}200000"><v>1</v></c>' for column in ("A", "GR"))
    first = '<row r="1"><c r="A1"><v>1</v></c></row>'
    xml = sheet_xml(f'<sheetData>{first}<row r="200000">{cells}</row></sheetData>')
    refuse(with_sheet(tmp_path, xml), RosterFileRefused)


def test_parser_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.0)
    path = write_csv(tmp_path / "a.csv", [HEADER, person()])
    refuse(path, FileTooLarge)


@pytest.mark.parametrize(
    ("part", "end", "opening"),
    [
        ("sheet1", b"</sheetData>", b"<c "),
        ("workbook", b"</workbook>", b"<workbookPr date1904"),
    ],
)
def test_part_of_nothing_but_openings_is_refused_at_once(tmp_path, part, end, opening):
    source = write_xlsx(tmp_path / "clean.xlsx", [HEADER, person()])
    with zipfile.ZipFile(source) as archive:
        name = next(n for n in archive.namelist() if n.endswith(f"/{part}.xml"))
        attacked = archive.read(name).replace(end, opening * (900_000 // len(opening)) + end)
    detail = refuse(replace_part(source, tmp_path / "a.xlsx", **{part: attacked}), FileBroken)
    # Not by the limit of CPU time, which would keep the uploader waiting for half a minute.
    assert "超出限制" not in detail
