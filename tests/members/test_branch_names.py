"""A written branch name finds its branch exactly, by a safe alias, or only as a suggestion."""

import uuid

import pytest

from members.branch_names import (
    SUGGESTIONS_MAX,
    Branch,
    BranchMatch,
    BranchNames,
    BranchSuggestion,
)
from tests.roster_files import organization_branches


def branches(*names: tuple[str, ...]) -> BranchNames:
    return BranchNames(Branch(uuid.uuid4(), name, tuple(upper)) for *upper, name in names)


@pytest.mark.parametrize(
    "written",
    [
        "梧桐里社区第一党支部",
        " 梧桐里社区 第一党支部\u3000",
        "中共梧桐里社区第一党支部",
        "中共杨陵街道梧桐里社区第一党支部",
        "杨陵街道梧桐里社区第一党支部",
        "中共杨陵街道工委梧桐里社区第一党支部",
        "中共杨陵街道党工委梧桐里社区第一党支部",
        "中共示范区委杨陵街道工作委员会梧桐里社区第一党支部",
        "中国共产党示范区杨陵街道梧桐里社区第一党支部",
    ],
)
def test_name_and_full_name_are_exact(written):
    found = organization_branches().resolve(written)
    assert isinstance(found, BranchMatch)
    assert (found.branch.name, found.is_alias) == ("梧桐里社区第一党支部", False)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("云帆大厦联合支部", "云帆大厦联合党支部"),
        ("梧桐里社区第1党支部", "梧桐里社区第一党支部"),
        ("梧桐里社区第２支部", "梧桐里社区第二党支部"),
        ("公交公司第三党支部委员会", "公交公司第三党支部"),
        ("中共区国资党委公交公司第三支部", "公交公司第三党支部"),
        ("区水务局机关支部委员会", "区水务局机关党支部"),
    ],
)
def test_alias_is_accepted_and_marked(written, name):
    found = organization_branches().resolve(written)
    assert isinstance(found, BranchMatch)
    assert (found.branch.name, found.is_alias) == (name, True)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("不存在的党支部", ()),
        ("党支部", ()),
        ("第一党支部", None),
        ("梧桐里社区笫一党支部", ("梧桐里社区第一党支部",)),
        ("梧桐里社区第三党支部", None),
        ("中共李台镇梧桐里社区第一党支部", ("梧桐里社区第一党支部",)),
        ("新上川村党支部", ("上川村党支部",)),
        ("梧桐里社区党支部", ("梧桐里社区第一党支部", "梧桐里社区第二党支部")),
    ],
)
def test_anything_else_is_only_suggested(written, names):
    found = organization_branches().resolve(written)
    assert isinstance(found, BranchSuggestion)
    assert names is None or found.names == names


def test_same_name_under_two_bodies_needs_the_upper_body():
    known = branches(("东街道", "第一党支部"), ("西街道", "第一党支部"))
    found = known.resolve("第一党支部")
    assert isinstance(found, BranchSuggestion)
    assert found.is_ambiguous
    assert found.names == ("东街道第一党支部", "西街道第一党支部")
    assert known.resolve("第一支部").is_ambiguous
    chosen = known.resolve("中共西街道第一党支部")
    assert isinstance(chosen, BranchMatch)
    assert chosen.branch.ancestor_names == ("西街道",)


def test_exact_name_wins_over_another_branch_with_the_same_alias():
    known = branches(("甲镇", "东村党支部"), ("甲镇", "东村支部"))
    assert known.resolve("东村支部").branch.name == "东村支部"
    assert known.resolve("东村党支部").branch.name == "东村党支部"


def test_endlessly_repeated_upper_body_is_refused_at_once():
    found = organization_branches().resolve("区直机关工委" * 60 + "某区档案馆党支部")
    assert isinstance(found, BranchSuggestion)


def test_general_branch_is_not_a_branch():
    found = branches(("甲镇", "东村党支部")).resolve("东村党总支")
    assert isinstance(found, BranchSuggestion)


def test_a_file_full_of_wrong_names_gets_a_bounded_number_of_suggestions():
    known = branches(("甲镇", "上川村党支部"))
    found = [known.resolve(f"上川村{n}党支部").names for n in range(SUGGESTIONS_MAX + 5)]
    assert all(found[:SUGGESTIONS_MAX])
    assert not any(found[SUGGESTIONS_MAX:])
