"""Words about the first screen, jobs, the audit trail and the deployment."""

from api.dictionaries.dictionary import worded
from core.attribution import ActorKind
from core.audit_models import MentionRole, Outcome
from core.background import JobState
from core.client_settings import Platform
from core.crypto import Suite
from core.todo import TodoKind
from core.working_days import Source

WORDS = {
    "todo_kind": worded(
        TodoKind,
        own_report="报告“我在”",
        meeting="近期活动",
        service="近期志愿服务",
        claim_returned="申报被退回",
        deduction_told="拟扣分告知",
        bulletin_open="积分公示",
        objection_replied="异议已答复",
        pledge_returned="承诺被退回",
        pledge_due="承诺到期",
        assigned_work="组织分配的工作",
        claims_clean="待审核（没有提示）",
        claims_flagged="待审核（有提示）",
        objections_open="待答复的异议",
        pledges_submitted="待审核的承诺",
        leaves_requested="待审批的请假",
        contact_cases="待联系党员",
        feedback="待答复的意见",
        transfers_in="待接收的组织关系",
    ),
    "job_state": worded(JobState, queued="排队中", running="进行中", done="已完成", failed="失败"),
    "audit_actor_kind": worded(
        ActorKind, member="党员", job="后台任务", command="运维命令", public="公开访问"
    ),
    "audit_outcome": worded(Outcome, done="已办成", denied="没有权限", refused="不符合规定"),
    "audit_mention_role": worded(
        MentionRole, object="操作对象", subject="涉及的人", shown="被查看的人"
    ),
    "work_calendar_source": worded(
        Source, notice="放假通知", package="内置日历", estimated="按周一至周五估算"
    ),
    "client_platform": worded(
        Platform, android="安卓", ios="苹果", harmony="鸿蒙", wechat="微信小程序", web="网页"
    ),
    "crypto_suite": worded(Suite, intl="国际算法", gm="国密算法"),
}
