"""Nothing changes a membership, points or what somebody sees by itself (domain section 5.8).

The database refuses an undecided status; these read the tree, so that nobody even tries.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.engines import ROOT

PACKAGES = ("core", "members", "notifications", "points", "activities", "jobs", "api")
STATUS = "membership_status"
# Who is put on the roster is an ordinary member; everything else is a decision.
SETS_NORMAL = {"members/people.py", "members/roster/writing.py"}
# What may look at cases: the package itself, what reminds people, and the edges.
KNOWS_CASES = ("members/contact/", "notifications/", "api/routes/", "jobs/", "api/demo/")
CASE_WORDS = {"ContactCase", "StageEntry", "MembershipDecision", "contact_case"}


def files(*packages: str) -> Iterator[tuple[str, ast.AST]]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def writes_status(tree: ast.AST) -> list[int]:
    """Lines that give a status: by attribute, by keyword, or by key of a row."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [one.lineno for one in targets if getattr(one, "attr", "") == STATUS]
        elif isinstance(node, ast.keyword) and node.arg == STATUS:
            found.append(node.value.lineno)
        elif isinstance(node, ast.Dict):
            found += [
                value.lineno
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == STATUS and not _is_copy(value)
            ]
    return sorted(found)


def _is_copy(value: ast.expr) -> bool:
    """A row that repeats what a member has, how a cell is read, or words for people."""
    if isinstance(value, ast.Attribute):
        return value.attr in (STATUS, f"parse_{STATUS}")
    return not isinstance(value, ast.Constant | ast.Name)


def names_in(tree: ast.AST) -> set[str]:
    return {
        getattr(node, "id", getattr(node, "attr", getattr(node, "name", None)))
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
    }


def calls_in(tree: ast.AST) -> set[str]:
    """`module.function` of every such call."""
    return {
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    }


def test_no_code_writes_a_status_but_that_of_a_new_member() -> None:
    found = {name for name, tree in files(*PACKAGES) if writes_status(tree)}

    assert found == SETS_NORMAL


@pytest.mark.parametrize(
    "source",
    [
        "member.membership_status = 'removed'",
        "update(Member).values(membership_status='removed')",
        "rows = [{'membership_status': status}]",
        "rows = [{'membership_status': MembershipStatus.REMOVED}]",
    ],
)
def test_rule_sees_a_planted_change(source: str) -> None:
    assert writes_status(ast.parse(source)) == [1]


def test_no_points_and_no_activity_know_of_cases() -> None:
    """What does not know of an alarm cannot take points away, or hide anything, for its sake."""
    found = {
        name
        for name, tree in files(*PACKAGES)
        if names_in(tree) & CASE_WORDS and not name.startswith(KNOWS_CASES)
    }

    assert found == set()


@pytest.mark.parametrize(
    ("call", "callers"),
    [
        ("membership_decisions.enter", {"api/routes/membership_decisions.py"}),
        ("case_work.close", {"api/routes/contact_case_work.py"}),
        ("contests.answer", {"notifications/case_steps.py"}),
        ("case_steps.answer_contest", {"api/routes/contact_contests.py"}),
        ("case_reviews.record", {"notifications/case_steps.py"}),
        ("case_steps.record_review", {"api/routes/contact_case_reviews.py"}),
        ("assigned_work.answer", {"notifications/assigned_work_steps.py"}),
        ("assigned_work_steps.answer", {"api/routes/assigned_work.py"}),
    ],
)
def test_what_people_decide_is_called_by_their_request_only(call: str, callers: set[str]) -> None:
    """No job decides, and nobody's idleness ends a case (5.8, 8)."""
    # The demo plays the parts of people.
    calling = {name for name, tree in files(*PACKAGES) if call in calls_in(tree)}
    assert {name for name in calling if not name.startswith("api/demo/")} == callers
