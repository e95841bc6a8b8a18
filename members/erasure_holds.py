"""Why a member may not be erased yet: what the law or an unfinished matter still needs."""

from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import Base
from members.access_models import RoleGrant
from members.feedback.models import Feedback, FeedbackStatus, FeedbackTopic
from members.models import Affiliation, AffiliationKind, Member, MembershipStatus
from members.role_grant_reading import not_over

_ENDED = (MembershipStatus.REMOVED, MembershipStatus.EXPELLED)


def find_holds(session: Session, member_id: UUID, *, on: date) -> list[str]:
    """A zh-CN sentence for each reason to keep the member; one statement."""
    conditions = {
        "党籍没有结束：请先登记除名、开除党籍或转出的决定。": _belongs(member_id, on),
        "待联系工作还没有结束。": _rows("contact_case", member_id, state="open"),
        "组织关系转接还没有办完。": _rows("transfer", member_id, status="sent"),
        "有积分申报在等待审核。": _rows("claim", member_id, status="pending"),
        "有加减分在等待公示或确认。": _rows("adjustment", member_id, status="pending"),
        "有异议还没有答复。": _rows("objection", member_id, status="open"),
        "有意见反馈还没有答复。": _has_open_feedback(member_id),
        "有职务还没有免去。": sa.exists().where(RoleGrant.member_id == member_id, *not_over(on)),
        "有积分记在还没有结账的年度，结账以后才能删除。": _has_open_points(member_id),
    }
    found = session.execute(sa.select(*conditions.values())).one()
    return [sentence for sentence, holds in zip(conditions, found, strict=True) if holds]


def _belongs(member_id: UUID, on: date) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Member.id == member_id,
        Member.membership_status.not_in(_ENDED),
        Affiliation.member_id == Member.id,
        Affiliation.kind == AffiliationKind.PRIMARY,
        Affiliation.valid_to.is_(None) | (Affiliation.valid_to > on),
    )


def _has_open_points(member_id: UUID) -> sa.ColumnElement[bool]:
    entry, period = _table("ledger_entry"), _table("points_period")
    return sa.exists().where(
        entry.c.member_id == member_id,
        period.c.id == entry.c.period_id,
        period.c.status != "closed",
    )


def _has_open_feedback(member_id: UUID) -> sa.ColumnElement[bool]:
    # To ask for one's own deletion must not stand in its way.
    return sa.exists().where(
        Feedback.member_id == member_id,
        Feedback.status != FeedbackStatus.ANSWERED,
        Feedback.topic != FeedbackTopic.DELETION,
    )


def _rows(table: str, member_id: UUID, **equal: str) -> sa.ColumnElement[bool]:
    columns = _table(table).c
    wanted = [columns[name] == value for name, value in equal.items()]
    return sa.exists().where(columns.member_id == member_id, *wanted)


def _table(name: str) -> Any:
    """A table of a package above this one, as foreign keys name them."""
    return Base.metadata.tables[name]
