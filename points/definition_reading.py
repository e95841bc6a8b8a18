"""Reading a scheme from its data form, with every fault at its place."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from core.errors import FieldProblem, RuleViolation
from core.quantities import Points
from points import definition_checks, definition_doubts
from points.definition_fields import TEXT_LENGTH_MAX, Table, escape
from points.definitions import (
    ACTIVITY_KINDS,
    ATTENDANCE_STATUSES,
    EXEMPT,
    MEMBER_CLASSES,
    SUBJECTS,
    Annual,
    Band,
    BaseModel,
    CapSpan,
    Component,
    ComponentKind,
    Cutoff,
    Definition,
    EntryLevel,
    Event,
    Group,
    Item,
    Rollover,
    Span,
    Unit,
)
from points.forbidden_words import ROLL_CALL, find_forbidden

FORBIDDEN = "policy.forbidden_event"


class InvalidDefinition(RuleViolation):
    """A scheme definition that cannot be used; its problems say where and why."""

    code = "scheme.invalid"
    title = "积分方案有错误"


class ForbiddenItem(InvalidDefinition):
    """An item that the rules against formalism ban."""

    code = FORBIDDEN
    title = "不允许以登录、阅读、点赞、在线时长等计分"


@dataclass(slots=True)
class Reading:
    """What reading found: errors make a scheme unusable, warnings are worth a second look."""

    definition: Definition | None = None
    errors: list[FieldProblem] = field(default_factory=list)
    warnings: list[FieldProblem] = field(default_factory=list)


def read_definition(data: Any) -> Reading:
    """Read a scheme and find all its faults; the definition is None if there is an error."""
    reading = Reading()
    table = Table(data, "", reading.errors)
    definition = _definition(table)
    table.finish()
    if not reading.errors:
        # Contradictions between parts mean something only once each part can be read.
        reading.errors += definition_checks.find_errors(definition)
    if not reading.errors:
        reading.definition = definition
        reading.warnings += definition_doubts.find_warnings(definition)
    return reading


def parse_definition(data: Mapping[str, Any]) -> Definition:
    """Read a scheme from its data form (YAML or JSON).

    Raises:
        InvalidDefinition: a part is missing, malformed or contradicts another.
        ForbiddenItem: an item is of a banned kind.
    """
    reading = read_definition(data)
    if reading.definition is not None:
        return reading.definition
    first = reading.errors[0]
    kind = InvalidDefinition
    for problem in reading.errors:
        if problem.code == FORBIDDEN:
            first, kind = problem, ForbiddenItem
    raise kind(f"{first.pointer or '方案'}：{first.message}", problems=tuple(reading.errors))


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON form, pinned beside a published version."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _definition(table: Table) -> Definition:
    period, cutoff = table.table("period", {}), table.table("claim_cutoff", {})
    definition = Definition(
        code=table.code("code"),
        name=table.text("name"),
        subject=_subject(table),
        source=table.text("source", "", longest=TEXT_LENGTH_MAX),
        base_model=table.word("base_model", BaseModel),
        carry_share=table.share("carry_share", "0"),
        span=period.word("span", Span, Span.YEAR),
        annual=period.word("annual", Annual, Annual.SUM),
        rollover=table.word("rollover", Rollover, Rollover.RESET),
        publicity_days=table.units("publicity_days", 5),
        cutoff=Cutoff(
            cutoff.units("months_after", 1, least=0), cutoff.month_day("year_end", "01-15")
        ),
        total_cap=table.points_or_none("total_cap"),
        floor=table.points("floor", "0"),
        components=_by_code(table, "components", _component),
        groups=_by_code(table, "groups", _group) if "groups" in table.values else {},
        items=_by_code(table, "items", _item),
        exempt=table.words("exempt", EXEMPT),
        bands=tuple(_band(one) for one in table.tables("bands")),
    )
    period.finish()
    cutoff.finish()
    return definition


def _subject(table: Table) -> str:
    subject = table.get("subject", "party_members")
    if subject not in SUBJECTS:
        table.note("subject", "choice", f"应为{'、'.join(sorted(SUBJECTS))}之一。")
        return "party_members"
    return str(subject)


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


_Part = TypeVar("_Part", bound=_Coded)


def _by_code(table: Table, key: str, read: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for inner in table.tables(key):
        part = read(inner)
        inner.finish()
        if part.code in found:
            inner.note("code", "duplicate", f"代码“{part.code}”重复。")
        found[part.code] = part
    return found


def _component(table: Table) -> Component:
    kind, start = table.word("kind", ComponentKind), table.points("start", "0")
    starts = _points_by_class(table)
    # What starts with points can lose them all and no more, unless the scheme says otherwise.
    whole = max([start, *starts.values()]) if kind is ComponentKind.BASE else Points(0)
    has_deduct_cap = "deduct_cap" in table.values
    component = Component(
        code=table.code("code"),
        name=table.text("name"),
        kind=kind,
        start=start,
        starts=starts,
        cap=table.points_or_none("cap", None),
        deduct_cap=table.points_or_none("deduct_cap") if has_deduct_cap else whole or None,
        floor=table.points_or_none("floor", "0" if starts and not has_deduct_cap else None),
        allowance=table.points("allowance", "0"),
        weight=table.share("weight", "1"),
        is_yearly=table.flag("yearly"),
        at_most=table.text("at_most", ""),
    )
    _refuse_banned(table, component.code, component.name)
    return component


def _points_by_class(table: Table) -> dict[str, Points]:
    starts = {}
    for name, value in table.pairs("start_by_class"):
        key = f"start_by_class/{escape(name)}"
        if name not in MEMBER_CLASSES:
            table.note(key, "choice", f"党员类别只有{'、'.join(sorted(MEMBER_CLASSES))}。")
            continue
        starts[name] = table.as_points(key, value)
    return starts


def _group(table: Table) -> Group:
    group = Group(table.code("code"), table.text("name"), _caps(table))
    _refuse_banned(table, group.code, group.name)
    return group


def _item(table: Table) -> Item:
    event = table.word("event", Event)
    item = Item(
        code=table.code("code"),
        name=table.text("name"),
        component=table.code("component"),
        group=table.code("group") if "group" in table.values else "",
        event=event,
        unit=table.word("unit", Unit),
        points=table.points("points", "0"),
        per_units=table.units("per_units", 1),
        step_units=table.units("step_units", 1),
        grades=_points_by_name(table, "grades"),
        caps=_caps(table),
        activity_kinds=table.words("activity_kinds", ACTIVITY_KINDS),
        statuses=table.words("statuses", ATTENDANCE_STATUSES),
        classes=table.words("classes", MEMBER_CLASSES),
        entered_by=table.word("entered_by", EntryLevel, EntryLevel.BRANCH),
        evidence_basis=_evidence(table),
        raters={name: table.as_share("raters", value) for name, value in table.pairs("raters")},
    )
    _refuse_banned(table, item.code, item.name, is_attendance=event is Event.ATTENDANCE)
    for key, names in (("grades", item.grades), ("raters", item.raters)):
        for name in names:
            _refuse_banned(table, "", name, key=f"{key}/{escape(name)}")
    return item


def _refuse_banned(
    table: Table, code: str, name: str, *, key: str = "name", is_attendance: bool = False
) -> None:
    word = find_forbidden(code, name, is_attendance=is_attendance)
    if word is None:
        return
    message = f"“{name}”属于禁止计分的行为（{word}）。"
    if word in ROLL_CALL:
        message = f"“{name}”：签到只用于组织生活项目（event: attendance），由组织者点名。"
    table.note(key, FORBIDDEN, message)


def _points_by_name(table: Table, key: str) -> dict[str, Points]:
    return {
        name: table.as_points(f"{key}/{escape(name)}", value) for name, value in table.pairs(key)
    }


def _caps(table: Table) -> dict[CapSpan, Points]:
    caps = {}
    for name, value in table.pairs("caps"):
        if name not in set(CapSpan):
            table.note(f"caps/{escape(name)}", "choice", f"上限只能按{'、'.join(CapSpan)}。")
            continue
        caps[CapSpan(name)] = table.as_points(f"caps/{name}", value)
    return {span: caps[span] for span in CapSpan if span in caps}


def _evidence(table: Table) -> str:
    """The written basis; evidence without one may not be demanded (guardrail 4)."""
    evidence = table.table("evidence", {})
    required = evidence.get("required", False)
    basis = evidence.text("basis", "", longest=TEXT_LENGTH_MAX)
    evidence.finish()
    if not isinstance(required, bool) or required != bool(basis):
        evidence.note("", "basis", "须提供佐证材料的，应同时写明文件依据；没有依据不得要求佐证。")
    return basis


def _band(table: Table) -> Band:
    band = Band(table.text("name"), table.points("from"))
    table.finish()
    return band
