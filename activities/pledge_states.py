"""The life of a pledge as one pure table: which step leads from which status to which, by whom."""

import enum


class PledgeStatus(enum.StrEnum):
    """Where a pledge is; `TRANSITIONS` says what leads where."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    PUBLISHED = "published"
    IN_PROGRESS = "in_progress"
    AMENDED = "amended"
    SUSPENDED = "suspended"
    FULFILMENT_REPORTED = "fulfilment_reported"
    EVALUATED = "evaluated"
    UNFULFILLED = "unfulfilled"
    UNFULFILLED_EXCUSED = "unfulfilled_excused"
    CLOSED = "closed"


class PledgeStep(enum.StrEnum):
    """What people do with a pledge; the kinds of its timeline."""

    CREATE = "create"
    EDIT = "edit"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    AMEND = "amend"
    NOTE_PROGRESS = "note_progress"
    REPORT_FULFILMENT = "report_fulfilment"
    PUBLISH = "publish"
    APPROVE = "approve"
    RETURN = "return"
    SUPERVISE = "supervise"
    EXTEND = "extend"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXCUSE = "excuse"
    EVALUATE = "evaluate"
    FIND_UNFULFILLED = "find_unfulfilled"
    CLOSE = "close"


S, P = PledgeStatus, PledgeStep

# Domain 2. Nothing leads back to a status before publication once the branch has read a pledge,
# so a promise cannot be made to disappear: while an amendment waits, and when it is refused, the
# approved text stays in force. A meeting may grade what nobody reported, so that a member without
# a phone loses nothing for a button that he did not press.
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
    (S.PUBLISHED, P.EVALUATE): S.EVALUATED,
    (S.PUBLISHED, P.EXCUSE): S.UNFULFILLED_EXCUSED,
    (S.PUBLISHED, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.IN_PROGRESS, P.NOTE_PROGRESS): S.IN_PROGRESS,
    (S.IN_PROGRESS, P.SUPERVISE): S.IN_PROGRESS,
    (S.IN_PROGRESS, P.REPORT_FULFILMENT): S.FULFILMENT_REPORTED,
    (S.IN_PROGRESS, P.AMEND): S.AMENDED,
    (S.IN_PROGRESS, P.EXTEND): S.IN_PROGRESS,
    (S.IN_PROGRESS, P.SUSPEND): S.SUSPENDED,
    (S.IN_PROGRESS, P.EVALUATE): S.EVALUATED,
    (S.IN_PROGRESS, P.EXCUSE): S.UNFULFILLED_EXCUSED,
    (S.IN_PROGRESS, P.FIND_UNFULFILLED): S.UNFULFILLED,
    (S.AMENDED, P.APPROVE): S.IN_PROGRESS,
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

# Who takes a step: the member, or a helper who entered the pledge for him; the body that decides
# it, for anybody but oneself; or whoever speaks for the branch, also about his own pledge.
MEMBER_STEPS = frozenset(
    {P.EDIT, P.SUBMIT, P.WITHDRAW, P.AMEND, P.NOTE_PROGRESS, P.REPORT_FULFILMENT}
)
BRANCH_STEPS = frozenset({P.PUBLISH})
DECIDING_STEPS = frozenset(
    {P.APPROVE, P.RETURN, P.SUPERVISE, P.EXTEND, P.SUSPEND, P.RESUME, P.EXCUSE}
    | {P.EVALUATE, P.FIND_UNFULFILLED, P.CLOSE}
)
# What a member writes for himself, or has taken back, is nobody else's to read.
PRIVATE = frozenset({S.DRAFT, S.WITHDRAWN})
# What the branch reads of its members.
PUBLIC = frozenset(S) - PRIVATE - {S.SUBMITTED, S.RETURNED, S.APPROVED}
# Promised and not yet kept: what a due day matters for.
RUNNING = frozenset({S.PUBLISHED, S.IN_PROGRESS, S.AMENDED})
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


def next_status(status: str, step: PledgeStep) -> PledgeStatus | None:
    """Where a step leads from a status; None if the step is not possible there."""
    return TRANSITIONS.get((PledgeStatus(status), step))


def allowed_steps(
    status: str, *, may_write: bool, may_publish: bool, may_decide: bool
) -> list[PledgeStep]:
    """The steps that somebody may take from a status, in the order of `PledgeStep`."""
    mine: set[PledgeStep] = set()
    for is_mine, steps in (
        (may_write, MEMBER_STEPS),
        (may_publish, BRANCH_STEPS),
        (may_decide, DECIDING_STEPS),
    ):
        mine |= steps if is_mine else frozenset()
    return [step for step in PledgeStep if step in mine and next_status(status, step)]
