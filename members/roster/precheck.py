"""Checks of an uploaded file with the standard library alone, before a parser may see it."""

import re
import zipfile
import zlib
from pathlib import Path

from members.roster.refusals import (
    FileBroken,
    FileKindRefused,
    FileTooLarge,
    FileUnsafe,
    FormulaFound,
)

FILE_BYTES_MAX = 20 * 1024 * 1024
ENTRIES_MAX = 200
INFLATED_BYTES_MAX = 100 * 1024 * 1024
RATIO_MAX = 100
# Small XML parts of honest workbooks pack very well; the ratio means something only above this.
RATIO_FROM_BYTES = 1024 * 1024
COLUMNS_MAX = 200
ROWS_MAX = 200_000
TAG_BYTES_MAX = 64 * 1024
CHUNK_BYTES = 256 * 1024

XLSX, XLS, CSV = "xlsx", "xls", "csv"

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|table|meta|head|body)", re.I)
_SHEET_ROOT = re.compile(rb"<(?:\w+:)?worksheet[\s>]")
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"']")
# No search runs past the next "<", or a part of nothing but openings would take it hours.
_CELL_OR_FORMULA = re.compile(
    rb"<(?:\w+:)?(?:c|row)\b[^<>]*?\sr\s*=\s*[\"']([A-Za-z]*)(\d+)[\"']|<(?:\w+:)?f[\s/>]"
)
_RELATIONSHIP = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*>")
_DATE_1904 = re.compile(rb"<(?:\w+:)?workbookPr\b[^<>]*\bdate1904\s*=\s*[\"'](?:1|true)[\"']")
_DOCTYPES = (b"<!doctype", b"<!entity")


def detect_kind(path: Path) -> str:
    """Tell the kind of table from the content of the file, never from its name.

    Raises FileTooLarge, FileKindRefused.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise FileTooLarge(f"文件超过 {FILE_BYTES_MAX // 1024 // 1024} MB，请拆成几个文件再上传。")
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise FileKindRefused("文件是空的。")
    if head.startswith(b"PK"):
        return XLSX
    if head.startswith(_OLE_MAGIC):
        return _require_plain_ole(path)
    if _MARKUP.match(head):
        raise FileKindRefused("这其实是网页或 XML 表格，请用 Excel 打开后另存为 .xlsx 再上传。")
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf", b"Rar!", b"7z\xbc\xaf")):
        raise FileKindRefused("这不是表格文件，请上传 .xlsx、.xls 或 .csv。")
    return CSV


def _require_plain_ole(path: Path) -> str:
    if _ENCRYPTED_STREAM in path.read_bytes():
        raise FileKindRefused("这个工作簿加了打开密码，请去掉密码后再上传。")
    return XLS


def check_archive(path: Path) -> bool:
    """Check an .xlsx archive entry by entry; return whether it counts dates from 1904.

    Sizes are counted while inflating, because the declared ones may lie. Raises
    FileBroken, FileKindRefused, FileTooLarge, FileUnsafe, FormulaFound.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_directory(archive, path.stat().st_size)
            return _check_entries(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise FileBroken("压缩包已损坏，请用 Excel 重新保存后再上传。") from error
    except (RuntimeError, ValueError, KeyError) as error:
        raise FileBroken("工作簿内部结构不完整，请用 Excel 重新保存后再上传。") from error


def _check_directory(archive: zipfile.ZipFile, file_bytes: int) -> None:
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if len(entries) > ENTRIES_MAX:
        raise FileTooLarge(f"工作簿里有 {len(entries)} 个部件，超过 {ENTRIES_MAX} 个。")
    if len(names) != len(entries) or sum(entry.compress_size for entry in entries) > file_bytes:
        raise FileUnsafe("工作簿的压缩目录有重复或重叠的部件。")
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise FileKindRefused("这不是 .xlsx 工作簿，请用 Excel 另存为 .xlsx 再上传。")
    if sum(entry.file_size for entry in entries) > INFLATED_BYTES_MAX:
        raise FileTooLarge("工作簿展开后太大，请把数据复制到新工作簿再上传。")
    for entry in entries:
        _check_declared(entry)


def _check_declared(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if entry.flag_bits & 0x1:
        raise FileKindRefused("这个压缩包加了密码，请去掉密码后再上传。")
    if name.endswith("vbaProject.bin"):
        raise FileUnsafe("工作簿含有宏，请另存为不带宏的 .xlsx 再上传。")
    if name.startswith(("xl/externalLinks/", "xl/connections", "xl/embeddings/")):
        raise FileUnsafe("工作簿引用了外部文件或数据连接，请断开链接、只保留数值后再上传。")
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise FileUnsafe("工作簿里有不正常的部件路径。")


def _check_entries(archive: zipfile.ZipFile) -> bool:
    inflated_total = 0
    date_1904 = False
    for entry in archive.infolist():
        scan = _PartScan(entry.filename)
        inflated = 0
        with archive.open(entry) as part:
            while chunk := part.read(CHUNK_BYTES):
                inflated += len(chunk)
                _require_within_limits(inflated, inflated_total + inflated, entry)
                scan.feed(chunk)
        scan.finish()
        date_1904 = date_1904 or scan.date_1904
        inflated_total += inflated
    return date_1904


def _require_within_limits(inflated: int, total: int, entry: zipfile.ZipInfo) -> None:
    if total > INFLATED_BYTES_MAX:
        raise FileTooLarge("工作簿展开后太大，请把数据复制到新工作簿再上传。")
    if inflated > RATIO_FROM_BYTES and inflated > RATIO_MAX * max(entry.compress_size, 1):
        raise FileUnsafe("工作簿的压缩率异常，请把数据复制到新工作簿再上传。")


class _PartScan:
    """Reads one XML part chunk by chunk; a tag cut by a chunk border waits for the next chunk."""

    def __init__(self, name: str) -> None:
        self.date_1904 = False
        self._name = name
        self._is_xml = name.endswith((".xml", ".rels", ".vml"))
        self._is_sheet = False
        self._rest = b""
        self._is_first = True
        self._cell = ""

    def feed(self, chunk: bytes) -> None:
        if not self._is_xml:
            return
        data = self._rest + chunk
        if self._is_first:
            self._check_start(data)
        cut = data.rfind(b"<")
        complete = cut < 0 or data.find(b">", cut) >= 0
        self._scan(data if complete else data[:cut])
        self._rest = b"" if complete else data[cut:]
        if len(self._rest) > TAG_BYTES_MAX:
            raise FileUnsafe("工作簿里有超长的 XML 标记。")

    def finish(self) -> None:
        if self._rest:
            raise FileBroken("工作簿的 XML 没有写完，请用 Excel 重新保存后再上传。")

    def _check_start(self, data: bytes) -> None:
        self._is_first = False
        encoding = _ENCODING.search(data[:400])
        if b"\x00" in data[:64] or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileUnsafe("工作簿的 XML 不是 UTF-8 编码。")
        if encoding and encoding.group(1).lower() not in (b"utf-8", b"us-ascii"):
            raise FileUnsafe("工作簿的 XML 不是 UTF-8 编码。")

    def _scan(self, data: bytes) -> None:
        if b"<!" in data and any(mark in data.lower() for mark in _DOCTYPES):
            raise FileUnsafe("工作簿的 XML 里有 DOCTYPE 或实体定义，正常的表格没有这些。")
        self._is_sheet = self._is_sheet or _SHEET_ROOT.search(data) is not None
        if self._is_sheet:
            self._scan_sheet(data)
        elif self._name.endswith(".rels"):
            self._scan_relationships(data)
        elif self._name == "xl/workbook.xml" and _DATE_1904.search(data):
            self.date_1904 = True

    def _scan_sheet(self, data: bytes) -> None:
        for match in _CELL_OR_FORMULA.finditer(data):
            letters, digits = match.groups()
            if digits is None:
                raise FormulaFound(
                    f"{self._cell or '某个'}单元格是公式。请选中整张表复制，"
                    "再“选择性粘贴-数值”，保存后重新上传。"
                )
            if len(digits) > 6 or int(digits) > ROWS_MAX or _column_number(letters) > COLUMNS_MAX:
                raise FileTooLarge(
                    f"表格范围到了 {letters.decode()}{digits.decode()[:10]}，超过 {COLUMNS_MAX} 列"
                    f"或 {ROWS_MAX} 行，请把数据复制到新工作簿再上传。"
                )
            if letters:
                self._cell = f" {letters.decode()}{digits.decode()} "

    def _scan_relationships(self, data: bytes) -> None:
        for tag in _RELATIONSHIP.findall(data):
            # A clickable e-mail or web address is harmless: nothing here ever follows it.
            if b"External" in tag and b"/hyperlink" not in tag:
                raise FileUnsafe("工作簿引用了外部文件，请断开链接、只保留数值后再上传。")


def _column_number(letters: bytes) -> int:
    if len(letters) > 3:
        return COLUMNS_MAX + 1
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
