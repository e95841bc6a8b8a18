"""Which problem codes each operation can answer with, read from the code that it runs.

What an operation refuses is decided many calls below its view, so nobody could keep such a list
by hand. It errs on the side of too much: what a class may do counts wherever the class is named.
"""

import ast
import functools
import importlib
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import flask
import sqlalchemy as sa
from flask.sansio.scaffold import Scaffold

from api import problems
from api.auth import Access, Policy
from api.constraints import CONSTRAINTS
from api.problem_responses import OF_ALL
from core.db import Base
from core.errors import DomainError

PACKAGES = frozenset({"api", "activities", "points", "notifications", "members", "core", "jobs"})
OF_MEMBERS = frozenset(
    {"auth.required", "auth.token_expired", "auth.token_invalid", "auth.session_revoked"}
)
WRITERS = frozenset({"insert", "update", "insert_rows", "ordered_insert", "plain_insert"})
# Raised by triggers, which have no table in the metadata.
TRIGGERS = {
    "membership_decision_follows": "membership_decision",
    "no_overlapping_primary": "affiliation",
    "no_organization_cycle": "organization",
}


def find_codes(app: flask.Flask) -> dict[str, list[str]]:
    """The codes of each operation by its operationId, but for those that every one has."""
    seen = _Reach()
    return {
        rule.endpoint.rpartition(".")[2]: sorted(
            _of_view(app.view_functions[rule.endpoint], rule.methods or set(), seen) - OF_ALL
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in app.blueprints
    }


def _of_view(view: Any, methods: Collection[str], seen: "_Reach") -> set[str]:
    codes = seen.codes_below(view) | _of_policy(view.access_policy, view.asks_confirmation)
    # Only of what is written the outcome can be unknown; the edge says it, not the view.
    return codes if "GET" in methods else codes | {"outcome_unknown"}


def _of_policy(policy: Policy, asks_confirmation: bool) -> set[str]:
    """What `api.auth.guard` may answer before the view is called."""
    if policy is Access.PUBLIC:
        return set()
    codes = set(OF_MEMBERS)
    if policy is not Access.SIGNED_IN:
        codes.add("auth.password_change_required")
    if isinstance(policy, frozenset):
        codes.add("perm.denied")
    if asks_confirmation:
        codes.add("auth.confirmation_required")
    return codes


class _Said(NamedTuple):
    """The code of an edge error, where a function says it."""

    text: str


class _Written(NamedTuple):
    """A table, where a function writes to it."""

    table: sa.FromClause


class _Reach:
    """What functions lead to: each is read once, however many operations come by."""

    def __init__(self) -> None:
        self._defined: dict[str, dict[int, ast.AST]] = {}
        self._steps: dict[tuple[str, int], list[Any]] = {}

    def codes_below(self, start: Any) -> set[str]:
        """The codes of everything that can be reached from a view."""
        codes: set[str] = set()
        # By identity, because not all can be hashed; they are kept, so that it stays theirs.
        met: dict[int, Any] = {}
        ahead = [start]
        while ahead:
            one = ahead.pop()
            if id(one) in met:
                continue
            met[id(one)] = one
            codes |= _own_codes(one)
            ahead.extend(self._below(one))
        return codes

    def _below(self, one: Any) -> Iterable[Any]:
        if isinstance(one, types.FunctionType):
            return self._below_function(one)
        return _parts(one)

    def _below_function(self, function: types.FunctionType) -> list[Any]:
        code = function.__code__
        # What the guard itself does depends on the policy, which is known.
        is_read = code.co_qualname != "guard.<locals>.guarded" and _is_ours(
            function.__globals__["__name__"]
        )
        if not is_read:
            return _cells(function)
        place = (code.co_filename, code.co_firstlineno)
        if place not in self._steps:
            node = self._node_of(code)
            self._steps[place] = [] if node is None else list(_named_in(node, function))
        return self._steps[place] + _cells(function)

    def _node_of(self, code: types.CodeType) -> ast.AST | None:
        if code.co_filename.startswith("<"):
            # What dataclasses write for themselves refuses nothing.
            return None
        if code.co_filename not in self._defined:
            tree = ast.parse(Path(code.co_filename).read_text(encoding="utf-8"))
            self._defined[code.co_filename] = {
                min(
                    [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]
                ): node
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.Lambda)
            }
        return self._defined[code.co_filename].get(code.co_firstlineno)


def _own_codes(one: Any) -> set[str]:
    if isinstance(one, _Said):
        return {one.text}
    if isinstance(one, _Written):
        return _of_table(one.table)
    is_error = isinstance(one, type) and issubclass(one, DomainError) and one is not DomainError
    return {one.code} if is_error else set()


@functools.cache
def _of_table(table: Any) -> set[str]:
    """What the constraints of a table refuse."""
    names = {str(one.name) for one in (*table.constraints, *table.indexes) if one.name}
    names |= {name for name, guarded in TRIGGERS.items() if guarded == table.name}
    return {CONSTRAINTS[name][0] for name in names & CONSTRAINTS.keys()}


def _parts(one: Any) -> Iterable[Any]:
    """What is held by something that is no function."""
    if isinstance(one, functools.partial):
        return (one.func, *one.args, *one.keywords.values())
    if isinstance(one, types.MethodType):
        return (one.__func__, one.__self__)
    # Of the edge's errors the one that is meant is said.
    if isinstance(one, Mapping) and one is not problems.EDGE_ERRORS:
        return one.values()
    if isinstance(one, list | tuple | set | frozenset):
        return one
    if isinstance(one, type):
        return _members(one) if _is_ours(one.__module__) else ()
    # A blueprint would lead to its other views.
    is_ours = _is_ours(type(one).__module__) and not isinstance(one, Scaffold)
    return (type(one), *_values(one)) if is_ours else ()


def _members(cls: type) -> Iterator[Any]:
    if issubclass(cls, DomainError | Base):
        return
    for value in vars(cls).values():
        if isinstance(value, property):
            yield value.fget
        elif isinstance(value, functools.cached_property):
            yield value.func
        else:
            yield getattr(value, "__func__", value)
    yield from cls.__bases__


def _values(one: Any) -> Iterator[Any]:
    names = getattr(type(one), "__slots__", ()) or vars(one)
    return (getattr(one, name, None) for name in names)


def _cells(function: types.FunctionType) -> list[Any]:
    return [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]


def _is_filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _named_in(node: ast.AST, function: types.FunctionType) -> Iterator[Any]:
    """What the names in a function's body stand for; what it only catches is left out."""
    # What it holds of another call is looked at for each function: see `_cells`.
    known: dict[str, Any] = dict.fromkeys(function.__code__.co_freevars)
    ahead: list[ast.AST] = [node]
    while ahead:
        one = ahead.pop()
        if isinstance(one, ast.ImportFrom) and one.module:
            module = importlib.import_module(one.module)
            known |= {name.asname or name.name: getattr(module, name.name) for name in one.names}
        elif isinstance(one, ast.Constant) and one.value in problems.EDGE_ERRORS:
            yield _Said(one.value)
        elif isinstance(one, ast.Call):
            yield from _written_by(one, known, function.__globals__)
        elif isinstance(one, ast.Name | ast.Attribute):
            found = _resolve(one, known, function.__globals__)
            if found is not None:
                yield found
                continue
        ahead.extend(_children(one))


def _written_by(call: ast.Call, known: dict[str, Any], scope: dict[str, Any]) -> Iterator[_Written]:
    """Tables that a call writes: `Model(...)`, `sa.update(Model)`, `insert_rows(_, Model, _)`."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    named = [call.func, *(call.args if name in WRITERS else ())]
    for one in named:
        model = _resolve(one, known, scope)
        if isinstance(model, type) and issubclass(model, Base) and hasattr(model, "__table__"):
            yield _Written(model.__table__)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.ExceptHandler) and child is node.type:
            continue
        if isinstance(node, ast.FunctionDef) and child in (*node.decorator_list, node.returns):
            continue
        if isinstance(node, ast.arg):
            continue
        yield child


def _resolve(node: ast.AST, known: dict[str, Any], scope: dict[str, Any]) -> Any:
    """What a dotted name stands for, as far as it leads through modules and classes."""
    if isinstance(node, ast.Name):
        return known.get(node.id, scope.get(node.id))
    if isinstance(node, ast.Attribute):
        base = _resolve(node.value, known, scope)
        if isinstance(base, types.ModuleType) or (
            isinstance(base, type) and _is_ours(base.__module__)
        ):
            return getattr(base, node.attr, None)
        # Of an object, its class says what it can do.
        return base
    return None
