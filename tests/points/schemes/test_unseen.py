"""Schemes of shapes that no document of ours has: what is not known yet must need no code."""

import pytest
import yaml

from tests.points.schemes import paper
from tests.points.schemes.test_published import check

FILES = {path.stem: path for path in sorted((paper.HERE / "unseen").glob("*.yaml"))}
CASES = [
    (name, number)
    for name, path in FILES.items()
    for number in range(path.read_text(encoding="utf-8").count("\n    expect:"))
]


def test_there_are_enough_shapes() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize(("name", "number"), CASES)
def test_invented_scheme_loads_and_counts_right(name: str, number: int) -> None:
    scheme, example = FILES[name].read_text(encoding="utf-8").split("\n---\n")
    members = yaml.safe_load(example)["members"]

    check(paper.read(scheme), members[number])
