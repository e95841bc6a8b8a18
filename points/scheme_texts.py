"""Schemes as people write them: YAML with line numbers, or data; and written out again."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from core.errors import FieldProblem, RuleViolation
from points import definition_lines
from points.definition_fields import escape
from points.definition_reading import (
    FORBIDDEN,
    ForbiddenItem,
    InvalidDefinition,
    parse_definition,
    read_definition,
)
from points.definitions import CapSpan, Definition

TEXT_LENGTH_MAX = definition_lines.TEXT_LENGTH_MAX


class UnreadableScheme(InvalidDefinition):
    """A text that is no YAML mapping of plain values."""

    code = "scheme.unreadable"
    title = "方案文件无法读取"


class SourceAmbiguous(RuleViolation):
    """More than one of data, YAML and a version to copy, or none where one is needed."""

    code = "scheme.source_ambiguous"
    title = "方案内容请用一种方式提供"


@dataclass(frozen=True, slots=True)
class SchemeText:
    """A scheme in its data form, and on which line of its file each part stands."""

    data: Any
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, pointer: str) -> int | None:
        """The line of a part, or of what it would be part of; None for data without lines."""
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong or doubtful, where, and on which line of the file if there is one."""

    pointer: str
    line: int | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that examining a scheme found; with an error it cannot be used."""

    errors: list[Fault]
    warnings: list[Fault]


def from_yaml(text: str) -> SchemeText:
    """Read YAML: one mapping of plain values, without anchors, which could unfold without end.

    Raises:
        UnreadableScheme: it is anything else; the sentence names the line.
    """
    try:
        document = definition_lines.parse(text)
    except InvalidDefinition as error:
        raise UnreadableScheme(error.detail, problems=error.problems) from error
    if not isinstance(document.data, dict):
        raise UnreadableScheme("方案文件应为一组键值。")
    return SchemeText(document.data, document.lines)


def examine(text: SchemeText) -> Examination:
    """Find all faults of a scheme, and what is possible but hardly meant."""
    reading = read_definition(text.data)
    errors = [*reading.errors, *_unstorable(text.data, "")]
    return Examination(
        [_fault(text, problem) for problem in errors],
        [_fault(text, problem) for problem in reading.warnings],
    )


def parse(text: SchemeText) -> Definition:
    """Read a scheme that is to be kept.

    Raises:
        InvalidDefinition: it has errors; its problems name pointer and line.
        ForbiddenItem: one of its items is of a banned kind.
    """
    try:
        definition = parse_definition(text.data)
    except InvalidDefinition as error:
        raise _placed(text, error) from error
    strange = tuple(_unstorable(text.data, ""))
    if strange:
        raise InvalidDefinition(strange[0].message, problems=strange)
    return definition


def to_yaml(data: Mapping[str, Any]) -> str:
    """Write a scheme out; read again, it means exactly the same.

    PostgreSQL forgets the order of keys, so they are put into the order in which people write.
    """
    return yaml.dump(_ordered(data), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)


def _fault(text: SchemeText, problem: FieldProblem) -> Fault:
    return Fault(problem.pointer, text.line_of(problem.pointer), problem.code, problem.message)


def _placed(text: SchemeText, error: InvalidDefinition) -> InvalidDefinition:
    problems = tuple(
        replace(problem, params={"line": line})
        if (line := text.line_of(problem.pointer)) is not None
        else problem
        for problem in error.problems
    )
    wanted = FORBIDDEN if isinstance(error, ForbiddenItem) else problems[0].code
    told = next(one for one in problems if one.code == wanted)
    line = text.line_of(told.pointer)
    return type(error)(f"第 {line} 行：{error.detail}" if line else error.detail, problems=problems)


def _unstorable(value: Any, pointer: str) -> Iterator[FieldProblem]:
    """Texts that no database can keep: control characters and halves of surrogate pairs."""
    if isinstance(value, str) and any(unicodedata.category(one) in ("Cc", "Cs") for one in value):
        yield FieldProblem(pointer, "characters", "含有不能保存的字符。")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unstorable(key, pointer)
            yield from _unstorable(inner, f"{pointer}/{escape(str(key))}")
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unstorable(inner, f"{pointer}/{number}")


class _Dumper(yaml.SafeDumper):
    """Lists stand in under their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_ORDER = {
    name: number
    for number, name in enumerate(
        (
            "code", "name", "subject", "source", "base_model", "carry_share", "period", "span",
            "annual", "rollover", "publicity_days", "claim_cutoff", "months_after", "year_end",
            "total_cap", "floor", "kind", "component", "group", "event", "activity_kinds",
            "statuses", "classes", "unit", "start", "start_by_class", "cap", "deduct_cap",
            "allowance", "weight", "yearly", "at_most", "points", "per_units", "step_units",
            "grades", "caps", *CapSpan, "entered_by", "evidence", "required", "basis", "raters",
            "from", "components", "groups", "items", "exempt", "bands",
        )
    )
}  # fmt: skip


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: (_ORDER.get(key, len(_ORDER)), key))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(one) for one in value] if isinstance(value, list) else value
