"""Schemes that contradict themselves are refused at the very place; doubts are only said."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from points.definition_lines import read_yaml
from points.definition_reading import read_definition
from tests.world import SCHEME

Data = dict[str, Any]
Change = Callable[[Data], object]
SERVICE, PRESENT, ABSENT, PLEDGE, COMMENDED, APPRAISAL = 0, 1, 2, 3, 5, 6
QUARTERLY = {"span": "quarter", "annual": "mean"}
VETO = {"code": "veto", "name": "否决", "kind": "veto"}
PUNISHED = {
    "code": "punished", "name": "受处分", "component": "veto", "event": "veto",
    "unit": "occurrence", "entered_by": "committee",
}  # fmt: skip


def item(number: int, **changes: Any) -> Change:
    return lambda data: data["items"][number].update(changes)


def part(number: int, **changes: Any) -> Change:
    return lambda data: data["components"][number].update(changes)


def veto(component: Data, entry: Data) -> Change:
    def change(data: Data) -> None:
        data["components"].append(VETO | component)
        data["items"].append(PUNISHED | entry)

    return change


def earned(**changes: Any) -> Change:
    """A part of 6 that is earned up by two items."""

    def change(data: Data) -> None:
        data["components"].append({"code": "life", "name": "主题", "kind": "base", "cap": "6"})
        for code, classes in (("one", ["ordinary"]), ("two", changes.get("classes", []))):
            data["items"].append(
                {"code": code, "name": code, "component": "life", "event": "manual",
                 "unit": "occurrence", "points": "5", "caps": {"year": "5"}, "classes": classes}
            )  # fmt: skip

    return change


CONTRADICTIONS: dict[str, tuple[Change, str, str]] = {
    "sub-items over their part": (earned(), "/components/4/cap", "可达 10 分，二者矛盾"),
    "an unknown part": (item(0, component="none"), "/items/0/component", "不存在"),
    "an unknown group": (item(0, group="none"), "/items/0/group", "不存在"),
    "a group without caps": (
        lambda d: d.update(groups=[{"code": "g", "name": "组"}]), "/groups/0/caps", "须写上限"),
    "a negative bonus": (item(SERVICE + 5, points="-1"), "/items/5/points", "不能小于零"),
    "a bonus with one negative grade": (
        item(PLEDGE, grades={"优": "6", "差": "-1"}), "/items/3/grades", "不能小于零"),
    "service that costs points": (item(SERVICE, points="-1"), "/items/0/points", "不能扣分"),
    "a cap on a deduction part": (
        lambda d: d["components"].append(
            {"code": "d", "name": "扣分", "kind": "deduction", "cap": "5"}),
        "/components/4/cap", "写作 deduct_cap"),
    "one entry above its part": (item(COMMENDED, points="31"), "/items/5/points", "一次就超过"),
    "study by the minute": (
        item(PRESENT, unit="minute"), "/items/1/unit", "只有志愿服务按时长计分"),
    "attendance by grade": (
        item(PRESENT, unit="grade", grades={"优": "1"}), "/items/1/unit", "只能是承诺评定"),
    "attendance by a given score": (item(PRESENT, unit="score"), "/items/1/unit", "人工登记或测评"),
    "weights that do not add up": (
        item(APPRAISAL, raters={"甲": "0.5", "乙": "0.4"}), "/items/6/raters", "应为 1"),
    "raters of what is no appraisal": (
        item(COMMENDED, raters={"甲": "1"}), "/items/5/raters", "只用于"),
    "a gap below the lowest band": (
        lambda d: d["bands"].pop(), "/bands", "60 分以下没有等次"),
    "a floor below the lowest band": (lambda d: d.update(floor="-10"), "/bands", "没有等次"),
    "a veto below the lowest band": (
        lambda d: (veto({}, {})(d), d.update(floor="40"), d["bands"][3].update({"from": "40"})),
        "/bands", "没有等次"),
    "bands in the wrong order": (lambda d: d["bands"].reverse(), "/bands", "从高到低"),
    "two bands": (lambda d: d.update(bands=d["bands"][2:]), "/bands", "3 至 6 个"),
    "seven bands": (
        lambda d: d.update(bands=[{"name": str(n), "from": str(n)} for n in range(6, -1, -1)]),
        "/bands", "3 至 6 个"),
    "a band that nobody can reach": (
        lambda d: d["bands"][0].update({"from": "101"}), "/bands/0/from", "谁也达不到"),
    "a sum that cannot reach the bands": (
        lambda d: d.update(period={"span": "quarter", "annual": "mean"}, total_cap=None,
                           components=[d["components"][0], part_of("bonus", "29"),
                                       part_of("appraisal", "0")],
                           bands=d["bands"]),
        "/bands/0/from", "谁也达不到"),
    "a mean of one year": (
        lambda d: d.update(period={"span": "year", "annual": "mean"}), "/period/annual", "平均"),
    "a start above its cap": (part(0, start="61"), "/components/0/start", "起始分"),
    "a class that starts above the cap": (
        part(0, start_by_class={"migrant": "61"}), "/components/0/start", "起始分"),
    "a floor above the start": (part(0, floor="61"), "/components/0/floor", "不能高于起始分"),
    "a weight of nothing": (part(1, weight="0"), "/components/1/weight", "权重为零"),
    "an allowance where points start": (part(0, allowance="1"), "/components/0/allowance", "免计"),
    "a limit of bands without veto": (
        part(1, at_most="合格"), "/components/1/at_most", "不是一票否决"),
    "a veto that limits to the best band": (
        veto({"at_most": "优秀"}, {}), "/components/4/at_most", "限定不了什么"),
    "a veto with points": (veto({}, {"points": "-5"}), "/items/8/points", "不带分值"),
    "a veto outside its part": (
        item(COMMENDED, event="veto", unit="occurrence"), "/items/5/component", "相互对应"),
    "the reserved part": (part(1, code="carry_over"), "/components/1/code", "留给上年结转"),
    "an item of carried points": (
        item(COMMENDED, event="carry_over"), "/items/5/event", "不设项目"),
    "starts under a start at zero": (
        lambda d: d.update(base_model="zero"), "/base_model", "不能有起始分"),
    "full without a full part": (part(0, cap=None), "/base_model", "满分扣减"),
    "a share without the model": (lambda d: d.update(carry_share="0.2"), "/carry_share", "比例"),
    "a share and the whole": (
        lambda d: d.update(base_model="carry_share", carry_share="0.2", rollover="carry_over"),
        "/rollover", "不能同时"),
    "two days of publicity": (lambda d: d.update(publicity_days=2), "/publicity_days", "3 至 10"),
    "evidence without a basis": (
        item(0, evidence={"required": True}), "/items/0/evidence", "文件依据"),
}  # fmt: skip


def part_of(code: str, cap: str) -> Data:
    kind = {"bonus": "bonus", "appraisal": "appraisal"}[code]
    return {"code": code, "name": code, "kind": kind, "cap": cap}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_contradiction_is_refused_with_place_line_and_sentence(contradiction: str) -> None:
    change, pointer, words = CONTRADICTIONS[contradiction]
    data = copy.deepcopy(SCHEME)
    change(data)

    reading = read_yaml(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))

    assert reading.definition is None
    found = [one for one in reading.errors if one.pointer == pointer and words in one.message]
    assert found, reading.errors
    assert found[0].params["line"] > 1


def test_items_of_two_classes_do_not_add_up() -> None:
    data = copy.deepcopy(SCHEME)
    earned(classes=["migrant"])(data)

    assert read_definition(data).errors == []


DOUBTS: dict[str, tuple[Change, str, str]] = {
    "a day's cap above the year's": (
        item(SERVICE, caps={"day": "10", "year": "10"}), "/items/0/caps/day", "不会起作用"),
    "a cap above the part's": (item(SERVICE, caps={"year": "31"}), "/items/0/caps/year", "加分"),
    "a cap above the group's": (
        lambda d: (d.update(groups=[{"code": "g", "name": "组", "caps": {"year": "5"}}]),
                   d["items"][0].update(group="g")),
        "/items/0/caps/year", "不低于“组”"),
    "a cap of nothing": (item(SERVICE, caps={"year": "0"}), "/items/0/caps/year", "是零"),
    "a deduction cap above the part's": (
        item(ABSENT, caps={"year": "61"}), "/items/2/caps/year", "可扣的分"),
    "a deduction where none is taken": (
        part(0, deduct_cap="0"), "/items/2/points", "扣不了分"),
    "an item of nothing": (item(PRESENT, points="0"), "/items/1/points", "不加分也不扣分"),
    "an item above its own cap": (
        item(PRESENT, caps={"year": "1"}), "/items/1/points", "超过它自己的上限"),
    "a gain in a part that starts full": (item(ABSENT, points="2"), "/items/2/points", "加不上"),
    "a part without items": (
        lambda d: d["components"].append(part_of("bonus", "5") | {"code": "x"}),
        "/components/4", "没有任何项目"),
    "a group without items": (
        lambda d: d.update(groups=[{"code": "g", "name": "组", "caps": {"year": "5"}}]),
        "/groups/0", "没有任何项目"),
    "sub-items that cannot fill their part": (
        lambda d: (earned(classes=["migrant"])(d), d["components"][-1].update(cap="7")),
        "/components/4/cap", "达不到上限"),
    "a total that parts cannot reach": (
        lambda d: d.update(total_cap="110"), "/total_cap", "不会起作用"),
}  # fmt: skip


@pytest.mark.parametrize("doubt", DOUBTS)
def test_doubt_is_said_but_does_not_stop(doubt: str) -> None:
    change, pointer, words = DOUBTS[doubt]
    data = copy.deepcopy(SCHEME)
    change(data)

    reading = read_definition(data)

    assert reading.errors == []
    assert words in {one.pointer: one.message for one in reading.warnings}[pointer]
