"""What the rules against formalism ban gives no points, whatever it is called."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.definition_reading import FORBIDDEN, read_definition
from points.forbidden_words import FORBIDDEN_WORDS, find_forbidden
from tests.points.schemes.test_refused import (
    APPRAISAL,
    COMMENDED,
    PLEDGE,
    PRESENT,
    Change,
    item,
    part,
)
from tests.world import SCHEME

DISGUISES = [
    "ＬＯＧＩＮ", "lоgin", "l o g i n", "L-o-g-i-n", "lógin", "log1n", "dailyLogin", "Log in",
    "点 赞", "点\u200b赞", "点·赞", "點讚", "dian zan", "DianZan", "denglu 天数", "签到打卡天数",
    "每日签到", "连续 签到", "学习时长", "学 习 时 长", "學習時長", "在线时长", "浏览量", "瀏覽",
    "转发次数", "转发微信", "朋友圈转发", "安装客户端", "安裝", "下载客户端", "streak 奖励",
    "screen-time", "likes", "分享次数", "阅读文章", "学习强国", "积分排名", "GPS",
    "刷脸", "上传照片",
]  # fmt: skip


@pytest.mark.parametrize("name", DISGUISES)
@pytest.mark.parametrize("place", ["item", "component", "grade", "rater", "group"])
def test_banned_measure_is_refused_in_any_disguise(name: str, place: str) -> None:
    data = copy.deepcopy(SCHEME)
    changes: dict[str, tuple[Change, str]] = {
        "item": (item(PRESENT, name=name), "/items/1/name"),
        "component": (part(1, name=name), "/components/1/name"),
        "grade": (item(PLEDGE, grades={name: "1"}), f"/items/3/grades/{name}"),
        "rater": (item(APPRAISAL, raters={name: "1"}), f"/items/6/raters/{name}"),
        "group": (
            lambda d: d.update(groups=[{"code": "g", "name": name, "caps": {"year": "1"}}]),
            "/groups/0/name",
        ),
    }
    changes[place][0](data)

    assert (FORBIDDEN, changes[place][1]) in {
        (one.code, one.pointer) for one in read_definition(data).errors
    }


@pytest.mark.parametrize(
    "name",
    ["参加主题党日", "生日活动", "月度评议", "理论学习", "集中培训 32 学时",
     "交流分享心得", "讲党课", "志愿服务时长", "Interview", "unlike", "shareholder", "commentary",
     "岗位定位", "知识竞赛获奖"],
)  # fmt: skip
def test_ordinary_words_are_left_alone(name: str) -> None:
    assert find_forbidden("item", name) is None


def test_signing_in_is_the_roll_call_of_a_meeting_and_nothing_else() -> None:
    """Attendance is the organiser's; anything else that counts it is presence in the app."""
    meeting, other = copy.deepcopy(SCHEME), copy.deepcopy(SCHEME)
    item(PRESENT, name="主题党日签到")(meeting)
    item(COMMENDED, name="签到")(other)

    assert read_definition(meeting).errors == []
    (problem,) = read_definition(other).errors
    assert (problem.code, "组织者点名" in problem.message) == (FORBIDDEN, True)


@given(st.sampled_from(sorted(FORBIDDEN_WORDS)), st.text(alphabet=" \u200b\u3000·", max_size=2))
def test_no_filling_between_letters_hides_a_chinese_word(word: str, filling: str) -> None:
    name = filling.join(word) if not word.isascii() else word.upper()

    assert find_forbidden("item", f"每日{name}次数") is not None
