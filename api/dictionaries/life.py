"""Words about pledges, organisation life and volunteer service."""

from activities.attendance_codes import SCAN_LABELS, VERDICT_LABELS, ScanVerdict, Verdict
from activities.duties import STATE_LABELS, Cadence, DutyState
from activities.life_models import (
    AttendanceOrigin,
    AttendanceStatus,
    CheckInMethod,
    LeaveReason,
    LeaveStatus,
)
from activities.models import ActivityKind, ActivityStatus, ServiceOrigin
from activities.pledge_models import PledgeBody, PledgeCategory, PledgeKind, PledgeNoteKind
from activities.pledge_states import STATUS_LABELS, PledgeStatus, PledgeStep
from activities.roll_calls import MarkOutcome
from activities.service_confirmation import Outcome
from activities.service_models import CorrectionOutcome, IssuerKind, SheetKind
from activities.service_rules import FLAG_LABELS, ServiceFlag
from api.dictionaries.dictionary import named, worded

WORDS = {
    "pledge_kind": worded(PledgeKind, annual_pledge="年度承诺", ad_hoc_pledge="即时承诺"),
    "pledge_category": worded(
        PledgeCategory, study="学习", work="工作", self_discipline="自律", service="服务"
    ),
    "pledge_status": named(PledgeStatus, STATUS_LABELS),
    "pledge_step": worded(
        PledgeStep,
        create="写下",
        edit="修改",
        submit="提交",
        withdraw="撤回",
        amend="申请变更",
        note_progress="填写进展",
        report_fulfilment="报告完成",
        publish="公开",
        approve="审核通过",
        supervise="督促检查",
        extend="延期",
        suspend="暂缓",
        resume="恢复",
        excuse="认定因客观原因未兑现",
        evaluate="评定",
        find_unfulfilled="认定未兑现",
        close="结束",
        **{"return": "退回"},
    ),
    "pledge_body": worded(
        PledgeBody,
        branch_committee="支委会",
        general_meeting="党员大会",
        upper_committee="上级党组织",
    ),
    "pledge_note_kind": worded(PledgeNoteKind, progress="进展", supervision="督促检查"),
    "activity_kind": worded(
        ActivityKind,
        theme_day="主题党日",
        general_meeting="支部党员大会",
        committee_meeting="支委会",
        group_meeting="党小组会",
        party_lecture="党课",
        organization_life_meeting="组织生活会",
        democratic_appraisal="民主评议党员",
        fixed_study_day="固定学习日",
        training="集中培训",
        joint_activity="联合活动",
    ),
    "activity_status": worded(
        ActivityStatus,
        planned="已安排",
        published="已发布",
        started="进行中",
        closed="已结束",
        cancelled="已取消",
    ),
    "attendance_status": worded(
        AttendanceStatus,
        present="到会",
        present_remote="线上参加",
        present_elsewhere="在他处参加",
        leave_approved="请假",
        absent_unexcused="无故缺席",
        exempt="免于要求",
        made_up="已补学",
    ),
    "attendance_origin": worded(
        AttendanceOrigin,
        roll_call="点名",
        paper="纸质签到表",
        check_in="扫码签到",
        leave="请假",
        make_up="补学",
        exemption="免于要求",
        closing="结束时未到",
    ),
    "check_in_method": worded(
        CheckInMethod,
        token="二维码",  # noqa: S106 - what a QR code holds
        digits="数字码",
    ),
    "check_in_verdict": named(Verdict, VERDICT_LABELS),
    "check_in_scan_verdict": named(ScanVerdict, SCAN_LABELS),
    "mark_outcome": worded(
        MarkOutcome, recorded="已记录", unchanged="没有变化", refused="没有记录"
    ),
    "leave_reason": worded(
        LeaveReason, sick="生病", personal="个人事务", official="公务", other="其他"
    ),
    "leave_status": worded(
        LeaveStatus, requested="待审批", approved="已准假", refused="未准假", withdrawn="已销假"
    ),
    "duty_cadence": worded(Cadence, month="每月", quarter="每季度", year="每年"),
    "duty_state": named(DutyState, STATE_LABELS),
    "service_origin": worded(
        ServiceOrigin,
        scanned="扫码记录",
        organiser="组织者确认",
        self="本人填报",
        external="其他平台",
    ),
    "service_flag": named(ServiceFlag, FLAG_LABELS),
    "service_confirmation_outcome": worded(
        Outcome, confirmed="已确认", absent="没有到", refused="没有确认"
    ),
    "service_correction_outcome": worded(CorrectionOutcome, corrected="已更正", refused="不更正"),
    "service_issuer_kind": worded(
        IssuerKind,
        residents_committee="居民委员会",
        villagers_committee="村民委员会",
        volunteer_organization="志愿服务组织",
    ),
    "service_sheet_kind": worded(SheetKind, record="记录单", certificate="证明"),
}
