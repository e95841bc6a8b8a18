"""Import of the organisation list: any order, once only, faults row by row."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.models import Organization, OrganizationKind, OrganizationPlacement, Sector
from members.organization_import import ImportOutcome, import_organizations
from members.organization_list import ListUnreadable, OrganizationRow, classify, read_rows
from tests.district import NOW, TODAY

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "organizations.csv"


def _import(session: Session, *lines: tuple[str, str, str]) -> ImportOutcome:
    rows = [OrganizationRow(number, *line) for number, line in enumerate(lines, start=2)]
    return import_organizations(session, rows, now=NOW)


def _reasons(outcome: ImportOutcome) -> dict[int, str]:
    return {refused.line: refused.reason for refused in outcome.refused}


def _by_name(session: Session) -> dict[str, Organization]:
    return {o.name: o for o in session.scalars(sa.select(Organization))}


def test_sample_list_becomes_one_tree(session: Session) -> None:
    outcome = import_organizations(session, read_rows(SAMPLE.read_bytes()), now=NOW)

    assert (outcome.created_count, outcome.unchanged_count, outcome.refused) == (20, 0, [])
    tree = _by_name(session)
    kinds = {name: tree[name].kind for name in ("杨陵街道", "李台镇", "区两新工委", "区国资党委")}
    assert kinds == {
        "杨陵街道": OrganizationKind.WORKING_COMMITTEE,
        "李台镇": OrganizationKind.COMMITTEE,
        "区两新工委": OrganizationKind.WORKING_COMMITTEE,
        "区国资党委": OrganizationKind.COMMITTEE,
    }
    joint = tree["云帆大厦联合党支部"]
    assert (joint.kind, joint.sector, joint.depth) == (OrganizationKind.BRANCH, Sector.JOINT, 2)
    assert joint.path.startswith(tree["区两新工委"].path)
    placements = session.scalars(sa.select(OrganizationPlacement)).all()
    assert {(p.valid_from, p.valid_to, p.changed_by) for p in placements} == {(TODAY, None, None)}
    assert len(placements) == 20


def test_second_import_changes_nothing(session: Session) -> None:
    rows = read_rows(SAMPLE.read_bytes())
    import_organizations(session, rows, now=NOW)

    outcome = import_organizations(session, rows, now=NOW)

    assert (outcome.created_count, outcome.unchanged_count, outcome.refused) == (0, 20, [])
    assert session.scalar(sa.select(sa.func.count()).select_from(OrganizationPlacement)) == 20


def test_children_may_come_before_their_parents(session: Session) -> None:
    outcome = _import(
        session,
        ("李台镇", "上川村党支部", "农村"),
        ("区委组织部", "李台镇", "党委"),
        ("", "区委组织部", "组织部"),
    )

    assert (outcome.created_count, outcome.refused) == (3, [])


def test_faulty_lines_are_refused_and_the_others_imported(session: Session) -> None:
    outcome = _import(
        session,
        ("", "区委组织部", "组织部"),
        ("区委组织部", "李台镇", "党委"),
        ("区委组织部", "李台镇", "党委"),
        ("区委组织部", "直属支部", "机关"),
        ("没有的党委", "下川村党支部", "农村"),
        ("李台镇", "东庄村党支部", "村庄"),
        ("李台镇", "", "农村"),
        ("", "另一个组织部", "组织部"),
        ("", "无上级党委", "党委"),
        ("李台镇", "上川村党支部", "农村"),
        ("李台镇", "不可\u200b见党支部", "农村"),
    )

    assert outcome.created_count == 3
    assert _reasons(outcome) == {
        4: "与第 3 行重复。",
        5: "党支部不能设在区委组织部之下。",
        6: "没有找到上级“没有的党委”，或它所在的行没有导入。",
        7: "没有“村庄”这个类别。",
        8: "名称为空。",
        9: "已有最上级的组织，只能有一个。",
        10: "党委必须有上级。",
        12: "名称含有不可见的字符。",
    }


def test_rings_of_parents_are_refused(session: Session) -> None:
    outcome = _import(
        session,
        ("", "区委组织部", "组织部"),
        ("乙党委", "甲党委", "党委"),
        ("甲党委", "乙党委", "党委"),
        ("乙党委", "丙党支部", "农村"),
        ("丁党委", "丁党委", "党委"),
    )

    assert outcome.created_count == 1
    assert _reasons(outcome) == {
        3: "上级关系成环。",
        4: "上级关系成环。",
        5: "上级“乙党委”的上级关系成环，没有导入。",
        6: "上级关系成环。",
    }


def test_parent_name_that_two_organizations_share_is_refused(session: Session) -> None:
    outcome = _import(
        session,
        ("", "区委组织部", "组织部"),
        ("区委组织部", "甲镇", "党委"),
        ("区委组织部", "乙镇", "党委"),
        ("甲镇", "村总支", "总支"),
        ("乙镇", "村总支", "总支"),
        ("村总支", "一支部", "农村"),
    )

    assert outcome.created_count == 5
    assert _reasons(outcome) == {7: "有几个组织都叫“村总支”，分不清上级。"}


def test_import_does_not_change_the_kind_of_what_exists(session: Session) -> None:
    lines = (("", "区委组织部", "组织部"), ("区委组织部", "李台镇", "党委"))
    _import(session, *lines, ("李台镇", "上川村党支部", "农村"))

    outcome = _import(session, *lines, ("李台镇", "上川村党支部", "社区"))

    assert _reasons(outcome) == {4: "这个组织已存在而类别不同，导入不改现有组织。"}
    assert _by_name(session)["上川村党支部"].sector == Sector.VILLAGE


@pytest.mark.parametrize(
    ("name", "category", "expected"),
    [
        ("开发区", "党工委", OrganizationKind.WORKING_COMMITTEE),
        ("区直机关工委", "党委", OrganizationKind.WORKING_COMMITTEE),
        ("李台镇", "党委", OrganizationKind.COMMITTEE),
        ("镇机关党总支", "总支", OrganizationKind.GENERAL_BRANCH),
        ("公交公司党支部", "国企", OrganizationKind.BRANCH),
    ],
)
def test_category_and_name_decide_the_kind(
    name: str, category: str, expected: OrganizationKind
) -> None:
    assert classify(name, category)[0] is expected


@pytest.mark.parametrize(
    "content",
    ["上级,名称,类别\n,部,组织部\n".encode("gb18030"), "上级,名称\n,部\n".encode(), b""],
)
def test_file_of_another_shape_is_refused(content: bytes) -> None:
    with pytest.raises(ListUnreadable):
        read_rows(content)


def test_byte_order_mark_and_short_lines_are_read() -> None:
    (row,) = read_rows("\ufeff上级,名称,类别\n李台镇, 上川村党支部\n".encode())

    assert row == OrganizationRow(2, "李台镇", "上川村党支部", "")
