"""The words of a scheme's parts, as people read them."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from core.quantities import Points, format_points
from members.models import ExemptionKind, MemberClass
from points.definitions import (
    Annual,
    BaseModel,
    CapSpan,
    ComponentKind,
    Cutoff,
    EntryLevel,
    Event,
    Rollover,
    Span,
    Unit,
)

# Field of a definition, component or item -> what people call it.
FIELDS: Mapping[str, str] = {
    "code": "代码",
    "name": "名称",
    "subject": "对象",
    "source": "来源",
    "base_model": "计分方式",
    "carry_share": "结转比例",
    "span": "计分周期",
    "annual": "年度得分",
    "rollover": "跨年处理",
    "publicity_days": "公示工作日",
    "cutoff": "申报截止",
    "total_cap": "总分上限",
    "floor": "最低分",
    "exempt": "不计分人员",
    "kind": "类型",
    "start": "起始分",
    "starts": "分类起始分",
    "allowance": "免计分",
    "weight": "权重",
    "is_yearly": "按年一次",
    "at_most": "最高等次",
    "group": "共用上限",
    "cap": "上限",
    "deduct_cap": "扣分上限",
    "component": "所属部分",
    "event": "计分事项",
    "unit": "计量单位",
    "points": "分值",
    "per_units": "每多少单位",
    "step_units": "计量档",
    "grades": "等次分值",
    "caps": "项目上限",
    "activity_kinds": "活动种类",
    "statuses": "出勤情况",
    "classes": "适用类别",
    "entered_by": "登记人",
    "evidence_basis": "佐证依据",
    "raters": "评价主体",
}
WORDS: Mapping[str, str] = {
    "party_members": "党员",
    "cadres": "村（社区）干部",
    BaseModel.START_FULL: "满分扣减",
    BaseModel.FIXED_BASE: "基础分加减",
    BaseModel.ZERO: "零起点累加",
    BaseModel.CARRY_SHARE: "结转一部分",
    Span.MONTH: "月",
    Span.QUARTER: "季度",
    Span.HALF_YEAR: "半年",
    Span.YEAR: "年",
    CapSpan.ACTIVITY: "每次",
    CapSpan.DAY: "每日",
    Annual.SUM: "各期相加",
    Annual.MEAN: "各期平均",
    Rollover.RESET: "清零",
    Rollover.CARRY_OVER: "全部结转",
    ComponentKind.BASE: "基础",
    ComponentKind.BONUS: "加分",
    ComponentKind.DEDUCTION: "扣分",
    ComponentKind.APPRAISAL: "测评",
    ComponentKind.VETO: "一票否决",
    Unit.MINUTE: "分钟",
    Unit.OCCURRENCE: "次",
    Unit.GRADE: "等次",
    Unit.SCORE: "评分",
    Event.VOLUNTEER_SERVICE: "志愿服务",
    Event.ATTENDANCE: "参加组织生活",
    Event.PLEDGE_EVALUATED: "承诺评定",
    Event.MANUAL: "人工登记",
    Event.CARRY_OVER: "结转",
    EntryLevel.MEMBER: "本人",
    EntryLevel.GROUP_LEADER: "党小组长",
    EntryLevel.BRANCH: "党支部",
    EntryLevel.COMMITTEE: "党委",
    EntryLevel.DISTRICT: "区委组织部",
    "theme_day": "主题党日",
    "general_meeting": "支部党员大会",
    "committee_meeting": "支委会",
    "group_meeting": "党小组会",
    "party_lecture": "党课",
    "organization_life_meeting": "组织生活会",
    "democratic_appraisal": "民主评议",
    "fixed_study_day": "固定学习日",
    "training": "培训",
    "joint_activity": "共建活动",
    "present": "出席",
    "present_remote": "远程参加",
    "present_elsewhere": "异地参加",
    "leave_approved": "请假",
    "absent_unexcused": "无故缺席",
    "made_up": "补课",
    MemberClass.POST_HOLDER: "任职党员",
    MemberClass.ORDINARY: "普通党员",
    MemberClass.MIGRANT: "流动党员",
    MemberClass.AGED_OR_FRAIL: "老弱党员",
    ExemptionKind.AGED: "高龄",
    ExemptionKind.LIMITED_MOBILITY: "行动不便",
    ExemptionKind.LONG_TERM_CARE: "长期照护",
    ExemptionKind.LONG_LEAVE: "长期请假",
    ExemptionKind.ABROAD: "出国（境）",
    ExemptionKind.ORGANIZATION_DECISION: "组织决定",
}


def name_of(field: str) -> str:
    """What people call a field."""
    return FIELDS.get(field, field)


def word(value: str) -> str:
    """What people call a word of the vocabulary; a name that is none stands as it is."""
    return WORDS.get(value, value)


def shown(value: Any, kind: Any = None) -> str:
    """A value as it stands in a sentence.

    Args:
        kind: the type of the field, which tells points from other numbers.
    """
    if kind in (Points, Points | None):
        return "无" if value is None else f"{format_points(value)} 分"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Fraction):
        return f"{float(value * 100):g}%"
    if isinstance(value, Cutoff):
        month, day = value.year_end
        value = f"其后第 {value.months_after} 个月月底，年末为次年 {month} 月 {day} 日"
    elif isinstance(value, Mapping):
        value = [f"{word(name)} {_part(one)}" for name, one in value.items()]
    elif isinstance(value, frozenset):
        value = sorted(word(one) for one in value)
    return ("、".join(value) if isinstance(value, list) else word(str(value))) or "无"


def _part(value: Any) -> str:
    return shown(value) if isinstance(value, Fraction) else shown(value, Points)
