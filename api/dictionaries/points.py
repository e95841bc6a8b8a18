"""Words about schemes, claims, the ledger and publicity."""

from api.dictionaries.dictionary import worded
from points.definitions import (
    Annual,
    BaseModel,
    CapSpan,
    ComponentKind,
    EntryLevel,
    Event,
    Span,
    Unit,
)
from points.models import ClaimEventKind, ClaimStatus, PeriodStatus, SchemeStatus, Subject
from points.objection_decisions import Verdict
from points.opening import Rollover
from points.publicity_models import (
    AdjustmentStatus,
    BulletinStatus,
    ObjectionEventKind,
    ObjectionStatus,
)
from points.review import Action, Outcome

_WIDTHS = {"month": "每月", "quarter": "每季度", "half_year": "每半年", "year": "全年"}

WORDS = {
    "scheme_status": worded(SchemeStatus, draft="草稿", published="已发布", retired="已停止施行"),
    "scheme_event": worded(
        Event,
        volunteer_service="志愿服务",
        attendance="参加组织生活",
        pledge_evaluated="承诺评定",
        manual="手工记分",
        appraisal="测评",
        veto="一票否决",
        carry_over="结转",
    ),
    "scheme_component": worded(
        ComponentKind,
        base="基础分",
        bonus="加分",
        deduction="扣分",
        appraisal="测评分",
        veto="一票否决",
    ),
    "scheme_base_model": worded(
        BaseModel,
        start_full="满分起扣",
        fixed_base="基础分加减",
        zero="从零累计",
        carry_share="上年结转",
    ),
    "scheme_unit": worded(Unit, minute="分钟", occurrence="次", grade="等次", score="分数"),
    "scheme_cap_span": worded(CapSpan, activity="每次", day="每天", **_WIDTHS),
    "scheme_span": worded(Span, **_WIDTHS),
    "scheme_annual": worded(Annual, sum="合计", mean="平均"),
    "scheme_rollover": worded(
        Rollover, reset="不结转", carry_over="全部结转", carry_share="按比例结转"
    ),
    "scheme_entry_level": worded(
        EntryLevel,
        member="本人",
        group_leader="党小组",
        branch="党支部",
        committee="党委",
        district="区委",
    ),
    "points_subject": worded(Subject, party_members="党员", cadres="村（社区）干部"),
    "period_status": worded(PeriodStatus, open="进行中", closing="正在结账", closed="已结账"),
    "claim_status": worded(
        ClaimStatus,
        pending="待审核",
        approved="已通过",
        returned="已退回",
        withdrawn="已撤回",
        undone="审核已撤销",
    ),
    "claim_event": worded(
        ClaimEventKind,
        submitted="提交",
        resubmitted="再次提交",
        returned="退回",
        approved="通过",
        withdrawn="撤回",
        undone="撤销审核",
    ),
    "review_action": worded(Action, approve="通过", **{"return": "退回"}),
    "review_outcome": worded(Outcome, approved="已通过", returned="已退回", refused="没有办成"),
    "adjustment_status": worded(
        AdjustmentStatus,
        pending="告知期内",
        posted="已计入",
        withdrawn="已撤回",
        dismissed="不予计入",
    ),
    "bulletin_status": worded(BulletinStatus, open="公示中", closed="公示结束"),
    "objection_status": worded(
        ObjectionStatus, open="待答复", upheld="成立", rejected="不成立", withdrawn="已撤回"
    ),
    "objection_event": worded(
        ObjectionEventKind,
        filed="提出",
        appealed="申诉",
        upheld="成立",
        rejected="不成立",
        withdrawn="撤回",
        escalated="转上一级",
    ),
    "objection_verdict": worded(Verdict, upheld="成立", rejected="不成立"),
}
