"""Files and functions stay small enough to read in one sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Migrations may be long, a release adds many tables at once; their functions may not.
PACKAGES = (
    "core", "members", "notifications", "points", "activities", "jobs", "api", "bench", "tests",
)  # fmt: skip
FILE_LINES_MAX = 350
FUNCTION_LINES_MAX = 70


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_files_are_short(package: str) -> None:
    lengths = {str(f.relative_to(ROOT)): len(f.read_text().splitlines()) for f in _files(package)}

    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


@pytest.mark.parametrize("package", [*PACKAGES, "migrations"])
def test_functions_are_short(package: str) -> None:
    lengths = {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for file in _files(package)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }

    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}
