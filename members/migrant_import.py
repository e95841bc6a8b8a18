"""The columns on flow of the national register: each row a proposal for its branch to accept."""

from collections.abc import Iterator, Mapping, Sequence
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
from core.ids import new_id
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_organization,
    hold_roles,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.contact.models import ReasonCode
from members.migrant_models import MigrantRegistration, RegistrationStatus
from members.migrant_rules import NotACity, require_city
from members.migrants import LIVE
from members.models import Affiliation, Member, Organization
from members.phones import find_phone, index_phone
from members.roster.dates import parse_date
from members.roster.reading import OpenedSheet, open_sheet
from members.roster.values import CellError, clean_text, parse_name, shown_text

COLUMNS = ("姓名", "手机号", "是否流动", "外出流向", "外出日期", "原因", "持活动证", "结束日期")
HEADER_ROWS_SEARCHED = 10
REASONS = {
    "外出务工经商": ReasonCode.WORK_ELSEWHERE,
    "单位改制或破产": ReasonCode.EMPLOYER_GONE,
    "毕业后去向不明": ReasonCode.AFTER_GRADUATION,
    "工作单位改变": ReasonCode.EMPLOYER_CHANGED,
    "出国(境)": ReasonCode.ABROAD,
    "居住地改变": ReasonCode.HOME_MOVED,
    "其他": ReasonCode.OTHER,
}


class RegisterColumns(RuleViolation):
    """The file is not the register of migrants."""

    code = "migrant.columns"
    title = "表头应为：" + "、".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was left out, and why."""

    row_number: int
    name: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RegisterImport:
    """Proposals made now, members who have a live registration already, rows left out."""

    proposed: int
    unchanged: int
    refusals: Sequence[RefusedRow]


@dataclass(frozen=True, slots=True)
class _Line:
    row_number: int
    name: str
    phone_index: str
    left_on: date
    city: str
    reason_code: ReasonCode
    holds_card: bool


def import_file(
    session: Session, actor: Actor, organization_id: UUID, *, path: Path, now: datetime
) -> RegisterImport:
    """Propose an absence for each row of a register; its branch accepts it and names a contact.

    A constant number of statements. The same file again proposes nothing.

    Raises:
        NotFound, Forbidden: the organisation is out of scope, or the role was revoked.
        RosterFileRefused, RegisterColumns: the file cannot be read as a register.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    place = get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    with open_sheet(path) as sheet:
        parsed = list(_parse(session, sheet, business_day(now)))
    refusals = [one for one in parsed if isinstance(one, RefusedRow)]
    lines = [one for one in parsed if isinstance(one, _Line)]
    owners = _find_owners(session, actor, place, lines)
    rows: dict[UUID, dict[str, Any]] = {}
    unchanged = 0
    for line in lines:
        named = [row for row in owners.get(line.phone_index, ()) if row.name == line.name]
        if len(named) != 1 or named[0].member_id in rows:
            message = "按姓名和手机号不能对应到管理范围内的一名党员，或此人另有一行。"
            refusals.append(RefusedRow(line.row_number, line.name, "migrant.unknown", message))
        elif named[0].registration_id is not None:
            unchanged += 1
        else:
            rows[named[0].member_id] = _row(line, named[0], actor, now)
    insert_rows(session, MigrantRegistration, list(rows.values()))
    return RegisterImport(len(rows), unchanged, sorted(refusals, key=lambda one: one.row_number))


def _parse(session: Session, sheet: OpenedSheet, today: date) -> Iterator[_Line | RefusedRow]:
    rows = iter(sheet.rows)
    columns = _find_columns(rows)
    for row in rows:
        cells = {
            name: row.cells[place] if place < len(row.cells) else ""
            for name, place in columns.items()
        }
        name = shown_text(cells["姓名"])
        if shown_text(cells["是否流动"]) != "是":
            continue
        try:
            yield _read(session, row.row_number, cells, sheet.date_1904, today)
        except CellError as error:
            yield RefusedRow(row.row_number, name, error.code, error.message)
        except NotACity as error:
            yield RefusedRow(row.row_number, name, error.code, error.detail)


def _read(
    session: Session, row_number: int, cells: Mapping[str, Any], is_1904: bool, today: date
) -> _Line:
    """One row of a migrant. Raises CellError, NotACity."""
    texts = {name: clean_text(cell) for name, cell in cells.items()}
    if texts["结束日期"]:
        raise CellError("migrant.ended", "已经结束的外出不导入。")
    phone = find_phone(texts["手机号"])
    if phone is None:
        raise CellError("migrant.phone", "手机号认不出来，请核对。")
    left_on = parse_date(cells["外出日期"], today=today, date_1904=is_1904).value
    if left_on is None:
        raise CellError("migrant.date_missing", "没有填外出日期。")
    reason = REASONS.get(texts["原因"])
    if reason is None:
        raise CellError("migrant.reason", "原因应为：" + "、".join(REASONS))
    return _Line(
        row_number,
        parse_name(cells["姓名"]).value or "",
        index_phone(vault_of(session), phone),
        left_on,
        require_city(texts["外出流向"]),
        reason,
        texts["持活动证"] == "是",
    )


def _find_columns(rows: Iterator[Any]) -> dict[str, int]:
    for row, _ in zip(rows, range(HEADER_ROWS_SEARCHED), strict=False):
        texts = [shown_text(cell) for cell in row.cells]
        if set(COLUMNS) <= set(texts):
            return {name: texts.index(name) for name in COLUMNS}
    raise RegisterColumns


def _find_owners(
    session: Session, actor: Actor, place: Organization, lines: Sequence[_Line]
) -> dict[str, list[Any]]:
    """Phone -> the members below the place who have it, each with his live registration."""
    given = row_source(dialect_of(session), {"phone_index": sa.Text()})
    query = (
        sa.select(
            Member.id.label("member_id"),
            Member.name,
            Member.phone_index,
            Affiliation.organization_id,
            MigrantRegistration.id.label("registration_id"),
        )
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .outerjoin(
            MigrantRegistration,
            (MigrantRegistration.member_id == Member.id) & MigrantRegistration.status.in_(LIVE),
        )
        .where(within([place.path]), Member.phone_index.in_(sa.select(given.c.phone_index)))
    )
    wanted = [{"phone_index": index} for index in {line.phone_index for line in lines}]
    owners: dict[str, list[Any]] = {}
    for row in session.execute(query, rows_parameter(session, wanted)):
        owners.setdefault(row.phone_index, []).append(row)
    return owners


def _row(line: _Line, owner: Any, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "member_id": owner.member_id,
        "home_organization_id": owner.organization_id,
        "status": RegistrationStatus.PROPOSED,
        "left_on": line.left_on,
        "city": line.city,
        "reason_code": line.reason_code,
        "holds_card": line.holds_card,
        "card_number": "",
        "entered_by": actor.member_id,
        "entered_at": now,
        "decision_reason": "",
        "class_decision": "",
        "closing_note": "",
    }
