"""Any entry is explained from what it pins: every unit, every event, every cap."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.quantities import Points, parse_points
from points import entry_sentences, rules
from points.definition_reading import parse_definition
from points.definitions import Definition
from points.models import LedgerEntry
from tests.points.schemes import paper
from tests.points.schemes.paper import Happening, Paper
from tests.world import SCHEME


def published(slug: str) -> Definition:
    return paper.read((paper.SCHEMES / f"{slug}.yaml").read_text(encoding="utf-8"))


def explained(definition: Definition, item_code: str, **given: Any) -> list[str]:
    """The sentences of the last of several like entries."""
    item, book = definition.items[item_code], Paper(definition, given.get("member_class", ""))
    inputs = {"quantity": 1, "status": "", "member_class": ""} | given
    one = Happening(
        on=date(2026, 5, 8),
        event=item.event,
        item_code=item_code,
        tags=item.activity_kinds,
        status=min(item.statuses, default=""),
        inputs=inputs,
        occasion="a",
    )
    for number in range(inputs.pop("times", 1)):
        used = dict(book.used)
        grant = book.post(replace(one, occasion=f"a{number}"))
        assert grant is not None
    caps = _caps(definition, item_code, replace(one, occasion=f"a{number}"), grant.asked, used)
    entry = LedgerEntry(
        item_code=item_code,
        component_code=item.component,
        asked=grant.asked,
        points=grant.points,
        binding_cap=grant.binding_cap.bucket if grant.binding_cap else None,
        inputs=inputs | {"status": one.status, "caps": caps},
        posted_at=datetime(2026, 5, 9, tzinfo=UTC),
    )
    return entry_sentences.compose(entry, definition)


def _caps(
    definition: Definition, item_code: str, one: Happening, asked: Points, used: dict[str, int]
) -> list[dict[str, Any]]:
    found = rules.caps_of(
        definition,
        definition.items[item_code],
        one.on,
        asked,
        one.occasion,
        one.inputs.get("member_class", ""),
    )
    return [
        {"bucket": c.bucket, "name": c.name, "limit": c.limit, "used": used.get(c.bucket, 0)}
        for c in found
    ]


START = parse_definition(SCHEME)


@pytest.mark.parametrize(
    ("definition", "item", "given", "sentences"),
    [
        (START, "volunteer_service", {"quantity": 100}, [
            (
                "志愿服务 100 分钟，按 30 分钟为一档计 90 分钟（1.5 小时）；每 1 小时 1 分，"
                "应计 1.5 分。"
            ),
            "志愿服务当日上限 8 分，此前已计 0 分，还可计 8 分。",
            "志愿服务全年上限 10 分，此前已计 0 分，还可计 10 分。",
            "加分全年上限 30 分，此前已计 0 分，还可计 30 分。",
            "全年总分上限 40 分，此前已计 0 分，还可计 40 分。",
            "未达到任何上限，实计 1.5 分。",
        ]),
        (START, "volunteer_service", {"quantity": 600}, [
            "受志愿服务当日上限限制，实计 8 分，少计 2 分。",
        ]),
        (START, "theme_day_absent", {"times": 31}, [
            "出勤情况：无故缺席。",
            "无故缺席主题党日 1 次，每次 -2 分，应扣 2 分。",
            "基础分全年可扣分 60 分，此前已扣 60 分，还可扣 0 分。",
            "受基础分全年可扣分限制，实扣 0 分，少扣 2 分。",
        ]),
        (START, "pledge_evaluated", {"grade": "良"}, ["承诺评定评定为“良”，应计 4 分。"]),
        (START, "commended", {"points": 450}, [
            "受到表彰：评定 4.5 分，本项至多 5 分，应计 4.5 分。",
        ]),
        (START, "commended", {"points": 900}, [
            "受到表彰：评定 9 分，本项至多 5 分，应计 5 分。",
        ]),
        (START, "democratic_appraisal",
         {"points": None, "ratings": {"自评": 1000, "党员互评": 900, "组织评定": 800}}, [
            (
                "民主测评：自评 10 分×10%，党员互评 9 分×40%，组织评定 8 分×50%，加权 8.6 分，"
                "本项至多 10 分，应计 8.6 分。"
            ),
        ]),
        (published("luoping-2018"), "duty_post_holder",
         {"member_class": "post_holder", "points": 500}, [
            "当日按任职党员计分，适用项目“任职党员当月履职”。",
        ]),
        (published("luoping-2018"), "complaint_true", {}, [
            "群众反映问题查实 1 次，每次 -5 分，应扣 5 分。", "没有上限，实扣 5 分。",
        ]),
        (published("hanshan-2022"), "honour_personal", {"grade": "市级以上", "times": 2}, [
            "荣誉全年上限 15 分，此前已计 10 分，还可计 5 分。",
            "受荣誉全年上限限制，实计 5 分，少计 5 分。",
        ]),
        (published("honghe-culture-2024"), "service", {"quantity": 45}, [
            "志愿服务按次计分，不论时长，应计 1 分。",
        ]),
        (published("honghe-culture-2024"), "key_work_failed", {}, [
            "关键工作一票否决：一票否决，本身不带分值，全年总分清零。",
        ]),
        (published("gaolan-five-bands"), "punished", {}, [
            "受到党内警告以上处分：本身不带分值，参考等次不高于“警示党员”。",
        ]),
        (published("leave-and-dues"), "leave_rate", {"grade": "超过50%"}, [
            "全年请假比例评定为“超过50%”，应扣 20 分。", "“组织生活”最低计 0 分。",
        ]),
    ],
)  # fmt: skip
def test_entry_is_explained(
    definition: Definition, item: str, given: dict[str, Any], sentences: list[str]
) -> None:
    told = explained(definition, item, **given)

    assert [one for one in told if one in sentences] == sentences


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rollover": "carry_over"}, "方案规定全部结转，计入 62.5 分"),
        (
            {"base_model": "carry_share", "carry_share": "0.2"},
            "方案规定按 20% 结转，不足 0.01 分的舍去，计入 12.5 分",
        ),
    ],
)
def test_carried_points_say_what_they_are_a_part_of(changes: dict[str, str], said: str) -> None:
    definition = parse_definition(SCHEME | changes)
    share = definition.carry_share or 1
    entry = LedgerEntry(
        item_code="carry_over",
        component_code="carry_over",
        points=int(parse_points("62.5") * share),
        inputs={"total": 6250, "caps": []},
    )

    carried, why_not_again = entry_sentences.compose(entry, definition)
    assert carried == f"上一年度结账总分 62.5 分，{said}。"
    assert why_not_again.endswith("不再重算结转。")
