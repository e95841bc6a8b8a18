"""Check the rows of a roster one by one: each comes out as a row to import or a refused row."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from members.branch_names import BranchMatch, BranchNames
from members.models import MemberKind, MembershipStatus
from members.roster import choices, dates, id_numbers, phones
from members.roster.columns import Cell, Header, has_same_columns, is_repeated_header
from members.roster.person_checks import check_person
from members.roster.reading import SheetRow
from members.roster.refusals import HeaderChanged
from members.roster.row_kinds import RowSieve
from members.roster.values import (
    CellError,
    Note,
    Parsed,
    clean_text,
    parse_name,
    parse_row_number,
    parse_text,
)

EDUCATION_LENGTH_MAX = 40
POST_LENGTH_MAX = 60
DESTINATION_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class RosterValues:
    """What one accepted row says about a person; None where the sheet says nothing."""

    name: str
    branch_name: str
    organization_id: UUID
    id_number: str | None = field(default=None, repr=False)
    sex: str | None = None
    birth_on: date | None = None
    education: str | None = None
    kind: MemberKind | None = None
    joined_on: date | None = None
    converted_on: date | None = None
    post: str | None = None
    phone: str | None = field(default=None, repr=False)
    is_migrant: bool | None = None
    migrant_destination: str | None = None
    # Never anything but normal or None; the database half must not restore anybody by it.
    membership_status: MembershipStatus | None = None


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One reason or warning; `column` is the header text as the sheet has it."""

    column: str
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A row that can be imported."""

    row_number: int
    original_row_number: int
    values: RosterValues
    warnings: tuple[CellProblem, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not imported, why, and its cells for the marked workbook."""

    row_number: int
    original_row_number: int
    name: str
    problems: tuple[CellProblem, ...]
    cells: tuple[Cell, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RosterLayout:
    """How to read the sheet: its header, column index -> field, and its way to count days."""

    header: Header
    columns: Mapping[int, str]
    date_1904: bool = False

    def problem(self, field: str, code: str, message: str) -> CellProblem:
        """A reason or warning under the sheet's own header word for the field."""
        texts = self.header.texts
        column = next((texts[c] for c, name in self.columns.items() if name == field), "")
        return CellProblem(column, field, code, message)


def check_rows(
    rows: Iterable[SheetRow], layout: RosterLayout, *, branches: BranchNames, today: date
) -> Iterator[RosterRow | RefusedRow]:
    """Yield every person row in sheet order, accepted or refused; other rows are passed over.

    Raises HeaderChanged when a second header with another order of columns stands below.
    """
    sieve = RowSieve(layout.columns)
    checker = _RowChecker(layout, branches, today)
    for row in rows:
        if is_repeated_header(row.cells):
            _require_same_columns(layout.header, row)
        elif sieve.is_person(row.cells):
            yield checker.check(row)


def _require_same_columns(header: Header, row: SheetRow) -> None:
    if not has_same_columns(header, row.cells):
        raise HeaderChanged(
            f"第 {row.row_number} 行又是一个表头，列的次序和第 {header.row_number} 行不同，"
            "请拆成两个文件分别上传。"
        )


class _RowChecker:
    """Checks one row after the other; remembers who stood in the rows above."""

    def __init__(self, layout: RosterLayout, branches: BranchNames, today: date) -> None:
        self._layout = layout
        self._branches = branches
        self._today = today
        self._row_by_id_number: dict[str, int] = {}
        self._row_by_person: dict[tuple[Any, ...], int] = {}
        self._row_by_phone: dict[str, int] = {}
        self._parsers = self._make_parsers()

    def check(self, row: SheetRow) -> RosterRow | RefusedRow:
        values: dict[str, Any] = {}
        problems: list[CellProblem] = []
        warnings: list[CellProblem] = []
        for column, name in self._layout.columns.items():
            cell = row.cells[column] if column < len(row.cells) else ""
            try:
                parsed = self._parse(name, cell, values)
            except CellError as error:
                problems.append(self._layout.problem(name, error.code, error.message))
                continue
            values[name] = parsed.value
            warnings.extend(
                self._layout.problem(name, note.code, note.message) for note in parsed.notes
            )
        original_row_number = values.pop("original_row_number", None) or row.row_number
        self._check_person(values, problems, warnings)
        problems.extend(self._repeated(row.row_number, values, warnings))
        if problems:
            name = values.get("name") or ""
            return RefusedRow(row.row_number, original_row_number, name, tuple(problems), row.cells)
        return RosterRow(row.row_number, original_row_number, _values(values), tuple(warnings))

    def _parse(self, name: str, cell: Cell, values: dict[str, Any]) -> Parsed[Any]:
        if name != "branch_name":
            return self._parsers[name](cell)
        branch, notes = self._parse_branch(cell)
        values["organization_id"] = branch.branch.organization_id
        return Parsed(branch.branch.name, notes)

    def _parse_branch(self, cell: Cell) -> tuple[BranchMatch, tuple[Note, ...]]:
        written = clean_text(cell)
        if not written:
            raise CellError("import.branch_missing", "所在党支部为空。")
        found = self._branches.resolve(written)
        if isinstance(found, BranchMatch):
            message = f"支部按“{found.branch.name}”导入，请确认。"
            return found, (Note("import.branch_alias", message),) if found.is_alias else ()
        names = "”“".join(found.names)
        if found.is_ambiguous:
            raise CellError(
                "import.ambiguous_branch", f"有几个支部叫这个名字，请写明上级：“{names}”。"
            )
        hint = f"没有这个支部，是不是“{names}”？" if names else "没有这个支部，请核对名称。"
        raise CellError("import.unknown_branch", hint)

    def _check_person(
        self, values: dict[str, Any], problems: list[CellProblem], warnings: list[CellProblem]
    ) -> None:
        for finding in check_person(values, today=self._today):
            found = self._layout.problem(finding.field, finding.code, finding.message)
            (problems if finding.is_refusal else warnings).append(found)

    def _repeated(
        self, row_number: int, values: dict[str, Any], warnings: list[CellProblem]
    ) -> Iterator[CellProblem]:
        # A valid number counts from its first row on, even if that row is refused for something
        # else: two rows then claim one person, and choosing between them is not for a program.
        id_number, phone = values.get("id_number"), values.get("phone")
        if id_number:
            first = self._row_by_id_number.setdefault(id_number, row_number)
            if first != row_number:
                message = f"身份证号与第 {first} 行重复，只导入前一行。"
                yield self._layout.problem("id_number", "import.duplicate_id", message)
        elif values.get("name") and values.get("organization_id"):
            person = (values["name"], values["organization_id"], phone, values.get("birth_on"))
            first = self._row_by_person.setdefault(person, row_number)
            if first != row_number:
                message = f"没有身份证号，又与第 {first} 行的姓名、支部、手机号都相同。"
                yield self._layout.problem("name", "import.duplicate_person", message)
        if phone:
            first = self._row_by_phone.setdefault(phone, row_number)
            if first != row_number:
                message = f"手机号与第 {first} 行相同，请核对。"
                warnings.append(self._layout.problem("phone", "import.phone_shared", message))

    def _make_parsers(self) -> dict[str, Callable[[Cell], Parsed[Any]]]:
        def parse_date(cell: Cell) -> Parsed[date]:
            return dates.parse_date(cell, today=self._today, date_1904=self._layout.date_1904)

        def text_of(length_max: int) -> Callable[[Cell], Parsed[str]]:
            return lambda cell: parse_text(cell, length_max=length_max)

        return {
            "original_row_number": parse_row_number,
            "name": parse_name,
            "id_number": id_numbers.parse_id_number,
            "sex": choices.parse_sex,
            "birth_on": parse_date,
            "education": text_of(EDUCATION_LENGTH_MAX),
            "kind": choices.parse_kind,
            "joined_on": parse_date,
            "converted_on": parse_date,
            "post": text_of(POST_LENGTH_MAX),
            "phone": phones.parse_phone,
            "is_migrant": choices.parse_flag,
            "migrant_destination": text_of(DESTINATION_LENGTH_MAX),
            "membership_status": choices.parse_membership_status,
            "is_out_of_touch": choices.note_out_of_touch,
            "out_of_touch_on": choices.note_out_of_touch,
        }


def _values(values: dict[str, Any]) -> RosterValues:
    kept = {name: values[name] for name in RosterValues.__dataclass_fields__ if name in values}
    return RosterValues(**kept)
