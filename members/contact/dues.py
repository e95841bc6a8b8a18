"""Dues paid up to which day: entered by the branch or imported from a file; never amounts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.db import vault_of
from core.errors import RuleViolation
from core.rows import dialect_of, row_source, rows_parameter
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_managed_member,
    get_organization,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.affiliations import require_not_future
from members.contact import facts
from members.contact.facts import ContactFact, day_source
from members.contact.models import ContactKind
from members.models import Affiliation, Member, Organization
from members.phones import find_phone, index_phone
from members.roster.columns import Cell
from members.roster.dates import parse_date
from members.roster.reading import OpenedSheet, SheetRow, open_sheet
from members.roster.values import CellError, clean_text, parse_name, shown_text

COLUMNS = {"name": "姓名", "phone": "手机号", "paid_until": "党费缴至"}
HEADER_ROWS_SEARCHED = 10
# Amounts are not this system's business, so a file with them is not read at all.
AMOUNT_WORDS = ("金额", "数额", "应缴", "实缴", "月薪", "工资", "元")


class DuesColumns(RuleViolation):
    """The file is not a list of names, phones and dates."""

    code = "dues.columns"
    title = "表头应为：姓名、手机号、党费缴至"


class DuesAmounts(RuleViolation):
    """The file holds amounts."""

    code = "dues.amounts"
    title = "只导入缴至日期，请删去金额等列后再导入"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was left out; the phone is masked nowhere because it is not told."""

    row_number: int
    name: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DuesImport:
    """What became of a file: rows recorded now, rows known before, rows refused."""

    recorded: int
    unchanged: int
    refusals: Sequence[Refusal]


@dataclass(frozen=True, slots=True)
class _Line:
    row_number: int
    name: str
    phone_index: str
    paid_until: date


_MESSAGES = {
    "dues.phone": "手机号认不出来，请核对。",
    "dues.date_missing": "没有填缴至日期。",
    "dues.unknown_phone": "名册里没有这个手机号，或不在您的管理范围内。",
    "dues.name_mismatch": "这个手机号在名册里是另一个人，请核对姓名。",
    "dues.same_name": "这个手机号下有几个同名的人，请逐个录入。",
    "dues.repeated": "这个人另有一行，日期更晚或相同。",
}


def enter(
    session: Session, actor: Actor, member_id: UUID, *, paid_until: date, now: datetime
) -> None:
    """Enter up to which day a member has paid his dues himself; again for the same day is no-op.

    Raises:
        NotFound, Forbidden: the member is out of the actor's scope.
        FutureDate: the day lies ahead.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    require_not_future(paid_until, now)
    branch_id = session.scalar(
        sa.select(Affiliation.organization_id)
        .join(Member, primary_affiliation_on(actor.on))
        .where(Member.id == member_id)
    )
    if branch_id is None:
        raise LookupError("a managed member has a branch")
    source = day_source(member_id, ContactKind.DUES_PAID, paid_until)
    fact = ContactFact(
        member_id, ContactKind.DUES_PAID, paid_until, branch_id, source, actor.member_id
    )
    facts.record(session, [fact], now=now)


def import_file(
    session: Session, actor: Actor, organization_id: UUID, *, path: Path, now: datetime
) -> DuesImport:
    """Import a file of dues dates for an organisation and everything below it.

    Raises:
        NotFound: the organisation is out of scope.
        RosterFileRefused, DuesColumns, DuesAmounts: the file cannot be read as one of these.
    """
    place = get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    return _import(session, place, actor.member_id, path, now)


def import_from_console(
    session: Session, place: Organization, *, path: Path, now: datetime
) -> DuesImport:
    """The same for the machine's operator."""
    return _import(session, place, None, path, now)


def _import(
    session: Session, place: Organization, by: UUID | None, path: Path, now: datetime
) -> DuesImport:
    today = business_day(now)
    with open_sheet(path) as sheet:
        parsed = list(_parse(session, sheet, today))
    refusals = [one for one in parsed if isinstance(one, Refusal)]
    lines = [one for one in parsed if isinstance(one, _Line)]
    told: dict[UUID, tuple[_Line, ContactFact]] = {}
    for line, found in _matched(session, place, lines, today):
        if isinstance(found, str):
            refusals.append(_refusal(line, found))
        elif found.member_id in told and told[found.member_id][0].paid_until >= line.paid_until:
            refusals.append(_refusal(line, "dues.repeated"))
        else:
            if found.member_id in told:
                refusals.append(_refusal(told[found.member_id][0], "dues.repeated"))
            told[found.member_id] = (line, _fact(found, line, by))
    recorded = facts.record(session, [fact for _, fact in told.values()], now=now)
    refusals.sort(key=lambda one: one.row_number)
    return DuesImport(len(recorded), len(told) - len(recorded), refusals)


def _parse(session: Session, sheet: OpenedSheet, today: date) -> Iterator[_Line | Refusal]:
    rows = iter(sheet.rows)
    columns = _find_columns(rows)
    vault = vault_of(session)
    for row in rows:
        cells = {field: _cell(row, column) for field, column in columns.items()}
        shown = shown_text(cells["name"])
        if not shown and not shown_text(cells["phone"]):
            continue
        try:
            name, phone = _name(cells["name"]), find_phone(clean_text(cells["phone"]))
            paid = parse_date(cells["paid_until"], today=today, date_1904=sheet.date_1904).value
        except CellError as error:
            yield Refusal(row.row_number, shown, error.code, error.message)
            continue
        if phone is None or paid is None:
            code = "dues.phone" if phone is None else "dues.date_missing"
            yield Refusal(row.row_number, name, code, _MESSAGES[code])
            continue
        yield _Line(row.row_number, name, index_phone(vault, phone), paid)


def _find_columns(rows: Iterator[SheetRow]) -> Mapping[str, int]:
    for row, _ in zip(rows, range(HEADER_ROWS_SEARCHED), strict=False):
        texts = [shown_text(cell) for cell in row.cells]
        if not set(COLUMNS.values()) <= set(texts):
            continue
        if any(word in text for text in texts for word in AMOUNT_WORDS):
            raise DuesAmounts
        return {field: texts.index(header) for field, header in COLUMNS.items()}
    raise DuesColumns


def _name(cell: Cell) -> str:
    """Raises CellError for control characters only."""
    try:
        return parse_name(cell).value or ""
    except CellError:
        # It will match nobody, and the refusal shows it as it is written.
        return clean_text(cell)


def _cell(row: SheetRow, column: int) -> Cell:
    return row.cells[column] if column < len(row.cells) else ""


def _matched(
    session: Session, place: Organization, lines: Sequence[_Line], today: date
) -> Iterable[tuple[_Line, Any]]:
    """Each line with the member that its phone and name find, or why they find none."""
    given = row_source(dialect_of(session), {"phone_index": sa.Text()})
    query = (
        sa.select(
            Member.id.label("member_id"),
            Member.name,
            Member.phone_index,
            Affiliation.organization_id,
        )
        .join(Affiliation, primary_affiliation_on(today))
        .join(Organization, place_of_affiliation())
        .where(within([place.path]), Member.phone_index.in_(sa.select(given.c.phone_index)))
    )
    wanted = [{"phone_index": index} for index in {line.phone_index for line in lines}]
    owners: dict[str, list[Any]] = {}
    for row in session.execute(query, rows_parameter(session, wanted)):
        owners.setdefault(row.phone_index, []).append(row)
    for line in lines:
        sharing = owners.get(line.phone_index, [])
        named = [row for row in sharing if row.name == line.name]
        if len(named) == 1:
            yield line, named[0]
        elif named:
            yield line, "dues.same_name"
        else:
            yield line, "dues.name_mismatch" if sharing else "dues.unknown_phone"


def _fact(found: Any, line: _Line, by: UUID | None) -> ContactFact:
    return ContactFact(
        member_id=found.member_id,
        kind=ContactKind.DUES_PAID,
        happened_on=line.paid_until,
        organization_id=found.organization_id,
        source_id=day_source(found.member_id, ContactKind.DUES_PAID, line.paid_until),
        recorded_by=by,
    )


def _refusal(line: _Line, code: str) -> Refusal:
    return Refusal(line.row_number, line.name, code, _MESSAGES[code])
