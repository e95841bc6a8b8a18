"""Reading a scheme from YAML text strictly, and telling on which line each fault stands."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from core.errors import FieldProblem
from points.definition_fields import escape
from points.definition_reading import InvalidDefinition, Reading, read_definition

# The longest scheme that we ship has 10,000 characters and a depth of 4.
TEXT_LENGTH_MAX = 100_000
DEPTH_MAX = 8
_TAG = "tag:yaml.org,2002:"
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class Document:
    """What a text holds, and the line of each part by its JSON pointer."""

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[FieldProblem] = field(default_factory=list)

    def line_of(self, pointer: str) -> int:
        """The line, from 1, of a part, or of the part around one that is absent."""
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read_yaml(text: str) -> Reading:
    """Read a scheme from YAML text; each problem carries its line in `params["line"]`."""
    document = _read(text)
    if document.problems:
        return Reading(errors=document.problems)
    reading = read_definition(document.data)
    reading.errors = _placed(document, reading.errors)
    reading.warnings = _placed(document, reading.warnings)
    return reading


def load(text: str) -> Any:
    """The data that a text holds: what a scheme is published from.

    Raises:
        InvalidDefinition: not YAML, or YAML that could be read in two ways.
    """
    return parse(text).data


def locate(text: str, pointer: str) -> int:
    """The line, from 1, of the part at a JSON pointer; of the part around one that is absent.

    Raises:
        InvalidDefinition: as `load`.
    """
    return parse(text).line_of(pointer)


def parse(text: str) -> Document:
    """The data that a text holds, with the lines of its parts.

    Raises:
        InvalidDefinition: as `load`.
    """
    document = _read(text)
    if document.problems:
        first = document.problems[0]
        where = f"第 {first.params['line']} 行：{first.message}"
        raise InvalidDefinition(where, problems=tuple(document.problems))
    return document


def _placed(document: Document, problems: Iterable[FieldProblem]) -> list[FieldProblem]:
    return [
        replace(one, params=one.params | {"line": document.line_of(one.pointer)})
        for one in problems
    ]


def _read(text: str) -> Document:
    document = Document()

    def note(line: int, message: str, pointer: str = "", code: str = "yaml") -> None:
        document.problems.append(FieldProblem(pointer, code, message, {"line": line}))

    text = text.removeprefix("\ufeff")
    if len(text) > TEXT_LENGTH_MAX:
        note(1, f"文件过长，至多 {TEXT_LENGTH_MAX} 个字符。")
        return document
    try:
        _refuse_tricks(text, note)
        if not document.problems:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            document.data = _Builder(document.lines, note).build(node, "")
    except yaml.YAMLError as error:
        note(_line_of_error(text, error), "不是有效的 YAML，请检查缩进、引号和冒号。")
    return document


def _line_of_error(text: str, error: yaml.YAMLError) -> int:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return int(error.problem_mark.line) + 1
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1


def _refuse_tricks(text: str, note: Callable[[int, str], None]) -> None:
    """Stop at aliases, tags, second documents and great depth, before anything is built.

    A few aliases of aliases unfold to gigabytes, and a tag can ask for any Python object.
    """
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            return note(line, "不能使用锚点（&）和别名（*）。")
        if getattr(event, "tag", None) is not None:
            return note(line, "不能使用标签（!）。")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > DEPTH_MAX:
            return note(line, f"嵌套过深，至多 {DEPTH_MAX} 层。")
        if documents > 1:
            return note(line, "一个文件只能有一个方案。")
    return None


class _Builder:
    """Builds data from nodes; what YAML would guess the meaning of is asked for in quotes."""

    def __init__(self, lines: dict[str, int], note: Callable[..., None]) -> None:
        self.lines, self.note = lines, note

    def build(self, node: yaml.Node | None, pointer: str) -> Any:
        self.lines.setdefault(pointer, node.start_mark.line + 1 if node else 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(one, f"{pointer}/{n}") for n, one in enumerate(node.value)]
        return self._scalar(node, pointer) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, pointer: str) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._scalar(key_node, pointer) if key_node.id == "scalar" else None
            if not isinstance(key, str):
                self.note(line, "键应为文字，数字和特殊词请加引号。", pointer)
                continue
            inner = f"{pointer}/{escape(key)}"
            if key in data:
                self.note(line, f"“{key[:40]}”写了两次。", inner, "duplicate")
                continue
            self.lines[inner] = line
            data[key] = self.build(value_node, inner)
        return data

    def _scalar(self, node: yaml.ScalarNode, pointer: str) -> Any:
        text, tag = str(node.value), node.tag.removeprefix(_TAG)
        # A scalar in quotes is a text, whatever it looks like.
        if node.style is not None or tag == "str":
            return text
        if tag in ("bool", "null") and text in _WORDS:
            return _WORDS[text]
        # At most six digits: no number of a scheme has more, and "010" is eight to YAML.
        if tag == "int" and text.isdigit() and text == str(int(text[:6])):
            return int(text)
        line, shown = node.start_mark.line + 1, text[:40]
        self.note(line, f'“{shown}”请加引号写作 "{shown}"，以免误读。', pointer, "unquoted")
        return text
