"""The edge opens and ends transactions: domain code may flush, and nothing more."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "members", "notifications", "points", "activities")
ENDING = {"commit", "rollback", "begin"}
# The one place that may: core.db.unit_of_work.
ALLOWED = {("core/db.py", "commit"), ("core/db.py", "rollback")}


def _transaction_calls(source: str) -> list[tuple[int, str]]:
    """Line and name of every call of a method that begins or ends a transaction."""
    return [
        (node.lineno, node.func.attr)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ENDING
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_domain_code_does_not_end_transactions(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, "the package has moved, and this rule no longer reads it"

    found = [
        f"{name}:{line}: .{call}()"
        for name, text in ((str(f.relative_to(ROOT)), f.read_text()) for f in files)
        for line, call in _transaction_calls(text)
        if (name, call) not in ALLOWED
    ]

    assert found == []


def test_rule_sees_a_commit_inside_a_function() -> None:
    source = "def approve(session):\n    if True:\n        session.commit()\n"

    assert _transaction_calls(source) == [(3, "commit")]
