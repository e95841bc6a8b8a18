"""Words about keeping in touch: contact, cases, searches, decisions."""

from api.dictionaries.dictionary import named, worded
from members.contact.assigned_work_models import WorkState
from members.contact.case_models import AccessKind, ContactRelation, ContestState
from members.contact.case_review_models import ReviewFinding
from members.contact.case_reviews import FINDING_NAMES
from members.contact.case_rules import BAND_NAMES, TASK_NAMES, CaseTask, LossBand
from members.contact.forms import REASON_NAMES, TITLES, FormKind
from members.contact.membership_rules import KIND_NAMES, DecisionGround, DecisionKind
from members.contact.models import (
    AssigneeRole,
    CaseState,
    Clock,
    ContactKind,
    HoldKind,
    ReasonCode,
    Signal,
    Strength,
)
from members.contact.preview import CLOCK_LABELS, SIGNAL_LABELS
from members.contact.search_words import (
    METHOD_NAMES,
    OUTCOME_NAMES,
    PERSON_NAMES,
    ContactedPerson,
    Outcome,
    SearchMethod,
)
from members.contact.standing_reading import StandingState
from notifications.assigned_work_steps import STATE_NAMES

WORDS = {
    "contact_kind": worded(
        ContactKind,
        attendance="参加组织生活",
        dues_paid="缴纳党费",
        transfer_accepted="组织关系已接收",
        own_report="本人报告",
        answered_call="打通电话",
        reply="收到回复",
        visit="见到本人",
        host_confirmed="流入地确认",
    ),
    "contact_strength": worded(Strength, hard="重新起算", soft="可以联系上"),
    "contact_standing": worded(
        StandingState,
        in_contact="有联系",
        to_contact="待联系",
        held="已暂停",
        exempt="免于要求",
        not_recorded="支部没有记录",
        not_watched="不在提醒范围",
    ),
    "contact_clock": named(Clock, CLOCK_LABELS),
    "contact_signal": named(Signal, SIGNAL_LABELS),
    "contact_hold_kind": worded(
        HoldKind,
        long_training="长期学习培训",
        posting="派出工作",
        secret_post="涉密岗位",  # noqa: S106 - a kind of post
        custody="羁押",
        military="服役",
    ),
    "contact_case_state": worded(
        CaseState, open="办理中", recontacted="已重新取得联系", closed="已结束"
    ),
    "contact_case_task": named(CaseTask, TASK_NAMES),
    "contact_loss_band": named(LossBand, BAND_NAMES),
    "contact_reason": named(ReasonCode, REASON_NAMES),
    "contact_assignee_role": worded(
        AssigneeRole, group_leader="党小组长", branch_secretary="支部书记", committee="党委"
    ),
    "contact_form_kind": named(FormKind, TITLES),
    "contact_relation": worded(
        ContactRelation,
        member="本人",
        spouse="配偶",
        parent="父母",
        child="子女",
        other_relative="其他亲属",
        friend="朋友",
        employer="工作单位",
    ),
    "contact_method": named(SearchMethod, METHOD_NAMES),
    "contacted_person": named(ContactedPerson, PERSON_NAMES),
    "contact_outcome": named(Outcome, OUTCOME_NAMES),
    "contact_contest_state": worded(ContestState, open="待答复", upheld="成立", rejected="不成立"),
    "contact_case_access": worded(
        AccessKind, list="查看清单", case="查看一件", number="查看号码", form="打印登记表"
    ),
    "case_review_finding": named(ReviewFinding, FINDING_NAMES),
    "membership_decision_kind": named(DecisionKind, KIND_NAMES),
    "membership_decision_ground": worded(
        DecisionGround,
        lost_contact="失去联系",
        self_withdrawal="长期不参加",
        abroad="出国（境）",
        own_request="本人要求",
        discipline="纪律处分",
    ),
    "assigned_work_state": named(WorkState, STATE_NAMES),
}
