"""The life of a pledge as one pure table: which step leads from which status to which."""

from activities.pledge_models import PledgeStatus, PledgeStep

S, P = PledgeStatus, PledgeStep

# Domain 2. Only the two steps of an evaluation give or take points; nothing leads back to a
# status before publication once the branch has read a pledge, so a promise cannot be made to
# disappear: a refused amendment leaves the approved text in force.
TRANSITIONS: dict[tuple[PledgeStatus, PledgeStep], PledgeStatus] = {
    (S.DRAFT, P.EDIT): S.DRAFT,
    (S.DRAFT, P.SUBMIT): S.SUBMITTED,
    (S.DRAFT, P.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, P.WITHDRAW): S.DRAFT,
    (S.SUBMITTED, P.APPROVE): S.APPROVED,
    (S.SUBMITTED, P.RETURN): S.RETURNED,
    (S.RETURNED, P.EDIT): S.RETURNED,
    (S.RETURNED, P.SUBMIT): S.SUBMITTED,
    (S.RETURNED, P.WITHDRAW): S.WITHDRAWN,
    (S.APPROVED, P.PUBLISH): S.PUBLISHED,
    (S.APPROVED, P.SUPERVISE): S.APPROVED,
    (S.PUBLISHED, P.NOTE_PROGRESS): S.IN_PROGRESS,
    (S.PUBLISHED, P.SUPERVISE): S.PUBLISHED,
    (S.PUBLISHED, P.REPORT_FULFILMENT): S.FULFILMENT_REPORTED,
    (S.PUBLISHED, P.AMEND): S.AMENDED,
    (S.PUBLISHED, P.EXTEND): S.PUBLISHED,
    (S.PUBLISHED, P.SUSPEND): S.SUSPENDED,
    (S.PUBLISHED, P.EXCUSE): S.UNFULFILLED_EXCUSED,
    (S.PUBLISHED, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.IN_PROGRESS, P.NOTE_PROGRESS): S.IN_PROGRESS,
    (S.IN_PROGRESS, P.SUPERVISE): S.IN_PROGRESS,
    (S.IN_PROGRESS, P.REPORT_FULFILMENT): S.FULFILMENT_REPORTED,
    (S.IN_PROGRESS, P.AMEND): S.AMENDED,
    (S.IN_PROGRESS, P.EXTEND): S.IN_PROGRESS,
    (S.IN_PROGRESS, P.SUSPEND): S.SUSPENDED,
    (S.IN_PROGRESS, P.EXCUSE): S.UNFULFILLED_EXCUSED,
    (S.IN_PROGRESS, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.AMENDED, P.APPROVE): S.APPROVED,
    (S.AMENDED, P.RETURN): S.IN_PROGRESS,
    (S.AMENDED, P.SUPERVISE): S.AMENDED,
    (S.SUSPENDED, P.SUPERVISE): S.SUSPENDED,
    (S.SUSPENDED, P.EXTEND): S.SUSPENDED,
    (S.SUSPENDED, P.RESUME): S.IN_PROGRESS,
    (S.SUSPENDED, P.EXCUSE): S.UNFULFILLED_EXCUSED,
    (S.FULFILMENT_REPORTED, P.NOTE_PROGRESS): S.FULFILMENT_REPORTED,
    (S.FULFILMENT_REPORTED, P.SUPERVISE): S.FULFILMENT_REPORTED,
    (S.FULFILMENT_REPORTED, P.EVALUATE): S.EVALUATED,
    (S.FULFILMENT_REPORTED, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.FULFILMENT_REPORTED, P.EXCUSE): S.UNFULFILLED_EXCUSED,
    # Evaluating again corrects the first evaluation, with a reason.
    (S.EVALUATED, P.EVALUATE): S.EVALUATED,
    (S.EVALUATED, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.EVALUATED, P.CLOSE): S.CLOSED,
    (S.UNFULFILLED, P.EVALUATE): S.EVALUATED,
    (S.UNFULFILLED, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.UNFULFILLED, P.CLOSE): S.CLOSED,
    (S.UNFULFILLED_EXCUSED, P.CLOSE): S.CLOSED,
}

# The only steps that points may follow from (domain 2).
EVALUATIONS = frozenset({P.EVALUATE, P.FIND_UNFULFILLED})
# What the branch reads of its members: published and not waiting for a decision again.
PUBLIC = frozenset(
    {
        S.PUBLISHED,
        S.IN_PROGRESS,
        S.SUSPENDED,
        S.FULFILMENT_REPORTED,
        S.EVALUATED,
        S.UNFULFILLED,
        S.UNFULFILLED_EXCUSED,
        S.CLOSED,
    }
)
STATUS_LABELS: dict[PledgeStatus, str] = {
    S.DRAFT: "草稿",
    S.SUBMITTED: "待审核",
    S.RETURNED: "已退回",
    S.WITHDRAWN: "已撤回",
    S.APPROVED: "已审核，待公开",
    S.PUBLISHED: "已公开",
    S.IN_PROGRESS: "践诺中",
    S.AMENDED: "变更待审核",
    S.SUSPENDED: "暂缓",
    S.FULFILMENT_REPORTED: "已报完成，待评定",
    S.EVALUATED: "已评定",
    S.UNFULFILLED: "未兑现",
    S.UNFULFILLED_EXCUSED: "因客观原因未兑现",
    S.CLOSED: "已结束",
}


def next_status(status: PledgeStatus, step: PledgeStep) -> PledgeStatus | None:
    """Where a step leads from a status; None if the step is not possible there."""
    return TRANSITIONS.get((status, step))
