"""What waits for a member, or for somebody in office, about points."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from core.todo import Part, TodoKind, Words, part
from members.access import REVIEWING_ROLES, Actor
from points import queue
from points.models import Claim, ClaimStatus, Period, PeriodStatus, Subject
from points.objection_routing import DECIDING_ROLES
from points.publicity_models import (
    Adjustment,
    AdjustmentStatus,
    Bulletin,
    BulletinStatus,
    Objection,
    ObjectionStatus,
)

# For so long an answer to an objection is news; an appeal has ten working days.
REPLIED = timedelta(days=14)

WORDS: Mapping[TodoKind, Words] = {
    TodoKind.CLAIM_RETURNED: Words(
        "“{title}”的申报被退回，请修改后再报", "有 {count} 项申报被退回，请修改后再报"
    ),
    TodoKind.DEDUCTION_TOLD: Words(
        "拟扣分“{title}”，{day}前可以提出异议", "有 {count} 项拟扣分，最早的到{day}为止可以提出异议"
    ),
    TodoKind.BULLETIN_OPEN: Words(
        "{title} 的积分正在公示，{day}前可以提出异议", "有 {count} 次积分公示，最早的到{day}为止"
    ),
    TodoKind.OBJECTION_REPLIED: Words("“{title}”的异议已有答复", "有 {count} 项异议已有答复"),
    TodoKind.CLAIMS_CLEAN: Words(
        "有 1 项申报待审核，没有提示", "有 {count} 项申报待审核，没有提示"
    ),
    TodoKind.CLAIMS_FLAGGED: Words(
        "有 1 项申报待审核，请看提示", "有 {count} 项申报待审核，请看提示"
    ),
    TodoKind.OBJECTIONS_OPEN: Words(
        "“{title}”的异议待答复，{day}到期", "有 {count} 项异议待答复，最早的{day}到期"
    ),
}

_MEMBER = sa.bindparam("member", type_=sa.Uuid)
_DAY = sa.bindparam("day", type_=sa.Date)


def own_parts() -> list[Part]:
    """What waits for a member himself; for the parameters member, branch, day and replied_after."""
    return [_returned(), _told(), _published(), _replied()]


def office_parts(actor: Actor) -> Sequence[Part]:
    """What waits for the actor in the bodies where he decides; nothing without a role."""
    parts: list[Part] = []
    reviewing = actor.places(REVIEWING_ROLES)
    if reviewing:
        waiting = queue.waiting(actor, reviewing)
        for kind, is_flagged in (
            (TodoKind.CLAIMS_CLEAN, False),
            (TodoKind.CLAIMS_FLAGGED, True),
        ):
            place = Claim.reviewer_organization_id
            head = part(kind, counted=Claim.id, place=place)
            parts.append(
                head.select_from(Claim)
                .where(waiting, Claim.is_flagged == is_flagged)
                .group_by(place)
            )
    bodies = actor.places(DECIDING_ROLES)
    return [*parts, _to_answer(actor).where(_AT.in_(bodies))] if bodies else parts


_AT = Objection.deciding_organization_id


def _returned() -> Part:
    is_open = sa.exists().where(
        Period.status == PeriodStatus.OPEN,
        Claim.happened_on.between(Period.starts_on, Period.ends_on),
    )
    return part(TodoKind.CLAIM_RETURNED, counted=Claim.id, title=Claim.title).where(
        Claim.member_id == _MEMBER, Claim.status == ClaimStatus.RETURNED, is_open
    )


def _told() -> Part:
    until = Adjustment.objection_until
    head = part(
        TodoKind.DEDUCTION_TOLD, counted=Adjustment.id, on_day=until, title=Adjustment.title
    )
    return head.where(
        Adjustment.member_id == _MEMBER,
        Adjustment.status == AdjustmentStatus.PENDING,
        until >= _DAY,
    )


def _published() -> Part:
    head = part(
        TodoKind.BULLETIN_OPEN,
        counted=Bulletin.id,
        place=Bulletin.organization_id,
        on_day=Bulletin.ends_on,
        title=Bulletin.month,
    )
    return head.where(
        Bulletin.organization_id == sa.bindparam("branch", type_=sa.Uuid),
        # Cadres' points are not read in the branch.
        Bulletin.subject == Subject.PARTY_MEMBERS,
        Bulletin.status == BulletinStatus.OPEN,
        Bulletin.ends_on >= _DAY,
    ).group_by(Bulletin.organization_id)


def _replied() -> Part:
    appeal = aliased(Objection)
    head = part(TodoKind.OBJECTION_REPLIED, counted=Objection.id, title=Objection.title)
    return head.where(
        Objection.objector_id == _MEMBER,
        Objection.status.in_((ObjectionStatus.UPHELD, ObjectionStatus.REJECTED)),
        Objection.decided_at
        >= sa.bindparam("replied_after", type_=Objection.__table__.c.decided_at.type),
        ~sa.exists().where(appeal.appeal_of_id == Objection.id),
    )


def _to_answer(actor: Actor) -> Part:
    head = part(
        TodoKind.OBJECTIONS_OPEN,
        counted=Objection.id,
        place=_AT,
        on_day=Objection.reply_due_on,
        title=Objection.title,
    )
    concerned = (
        Objection.member_id,
        Objection.objector_id,
        Objection.approved_by,
        Objection.confirmed_by,
        Objection.first_decided_by,
    )
    return head.where(
        Objection.status == ObjectionStatus.OPEN,
        # Whoever has a part in it does not answer it, so for him it does not wait.
        *(sa.func.coalesce(one, Objection.objector_id) != actor.member_id for one in concerned),
    ).group_by(_AT)
