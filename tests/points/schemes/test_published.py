"""Published schemes: each loads as it is, and counts a member's year as worked out by hand."""

from typing import Any

import pytest

from core.quantities import format_points, parse_points
from points import rules
from points.definition_lines import load, read_yaml
from points.definitions import Definition
from tests.points.schemes import paper

SLUGS = sorted(path.stem for path in paper.SCHEMES.glob("*.yaml"))
EXAMPLES = [
    (slug, number)
    for slug in SLUGS
    if (paper.HERE / f"examples/{slug}.yaml").exists()
    for number in range(len(paper.members_of(f"examples/{slug}.yaml")))
]


def scheme(slug: str) -> Definition:
    return paper.read((paper.SCHEMES / f"{slug}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("slug", SLUGS)
def test_scheme_has_no_fault_a_source_and_an_example(slug: str) -> None:
    assert scheme(slug).source
    assert slug in {name for name, _ in EXAMPLES}


def test_manual_names_every_key_and_every_scheme() -> None:
    manual, keys = (paper.SCHEMES / "README.md").read_text(encoding="utf-8"), set()
    for text in paper.texts():
        data = load(text)
        keys |= set(data)
        for parts in ("components", "groups", "items", "bands"):
            keys |= {key for part in data.get(parts, ()) for key in part}

    assert len(keys) > 35
    assert [
        key for key in sorted(keys) if f"`{key}`" not in manual and f"{key}:" not in manual
    ] == []
    assert [slug for slug in SLUGS if f"| `{slug}` |" not in manual] == []


@pytest.mark.parametrize(("slug", "number"), EXAMPLES)
def test_year_comes_out_as_worked_out_by_hand(slug: str, number: int) -> None:
    member = paper.members_of(f"examples/{slug}.yaml")[number]
    check(scheme(slug), member)


def check(definition: Definition, member: dict[str, Any]) -> None:
    """Hold a member's score against what an example expects, each part of it."""
    expected, kept = member["expect"], paper.keep(definition, member)
    reasons = {member.get("class", ""), *member.get("exempted", ())}
    score = kept.score(is_exempt=bool(reasons & definition.exempt))

    if expected == "exempt":
        assert (score.status, score.total, score.band) == ("exempt", None, None)
        return
    assert score.total is not None
    components = {part.code: format_points(part.points) for part in score.components}
    assert components == expected["components"]
    if "spans" in expected:
        assert [format_points(span.total) for span in score.spans] == expected["spans"]
    assert (format_points(score.total), score.band) == (expected["total"], expected["band"])
    if "granted" in expected:
        assert [format_points(one.points) for one in kept.grants] == expected["granted"]
    assert score.steps[-1].startswith(f"合计 {expected['total']} 分，参考等次“{expected['band']}”")


def test_error_of_the_printed_scheme_is_found() -> None:
    """5 + 5 under a heading of 6, as the document of 宏和文化 has it."""
    text = (paper.HERE / "printed/honghe-culture-2024.yaml").read_text(encoding="utf-8")

    (problem,) = read_yaml(text).errors

    assert problem.pointer == "/components/1/cap"
    assert "name: 主题党日" in text.splitlines()[problem.params["line"] - 1]
    assert problem.message == ("组成部分“主题党日”上限 6 分，各项目合计可达 10 分，二者矛盾。")


@pytest.mark.parametrize(
    ("total", "band"),
    [("90", "优秀"), ("89.99", "良好"), ("89.5", "良好"), ("80", "良好"), ("79.5", "合格"),
     ("60", "合格"), ("59.99", "不合格"), ("0", "不合格")],
)  # fmt: skip
def test_bands_leave_nothing_open_between_whole_points(total: str, band: str) -> None:
    """Two published schemes say 80-89 and 90 upward, and leave 89.5 undefined."""
    assert rules.band_of(scheme("tanghe-2021").bands, parse_points(total)) == band
