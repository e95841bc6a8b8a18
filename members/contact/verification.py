"""Standings compared with the facts that they follow from, and derived again from them."""

from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.contact import standing
from members.contact.models import Standing
from members.contact.standing import PARTS

LABELS = {
    "last_attended_on": "参加组织生活",
    "last_dues_on": "党费缴至",
    "last_hard_on": "最近联系",
    "last_soft_on": "最近联系得上",
}


def find_differences(session: Session) -> list[str]:
    """Members whose standing is not what their facts say, with what differs."""
    return [
        f"党员 {row.member_id}：{LABELS[part]}记为 {getattr(row, part) or '无'}，"
        f"应为 {getattr(row, 'true_' + part) or '无'}"
        for row in session.execute(_differing())
        for part in PARTS
        if getattr(row, part) != getattr(row, "true_" + part)
    ]


def rebuild(session: Session) -> int:
    """Derive every standing that differs from its facts again; how many."""
    return len(session.scalars(_rebuilding()).all())


@cache
def _differing() -> sa.Select[*tuple[Any, ...]]:
    true = standing.derived()
    parts = [getattr(Standing, part) for part in PARTS]
    return (
        sa.select(
            Standing.member_id,
            *parts,
            *(true.c[part].label(f"true_{part}") for part in PARTS),
        )
        .outerjoin(true, true.c.member_id == Standing.member_id)
        .where(_differs(Standing.__table__.c, true.c))
        .order_by(Standing.member_id)
    )


@cache
def _rebuilding() -> Any:
    table = cast(sa.Table, Standing.__table__)
    true = standing.derived()
    mine = {
        part: sa.select(true.c[part])
        .where(true.c.member_id == table.c.member_id)
        .correlate(table)
        .scalar_subquery()
        for part in PARTS
    }
    differing = sa.select(_differing().subquery("differing").c.member_id)
    return (
        sa.update(table)
        .where(table.c.member_id.in_(differing))
        .values(mine)
        .returning(table.c.member_id)
    )


def _differs(stored: Any, true: Any) -> sa.ColumnElement[bool]:
    return sa.or_(*(stored[part].is_distinct_from(true[part]) for part in PARTS))
