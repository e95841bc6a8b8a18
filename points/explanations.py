"""Why a number is what it is, in sentences, rebuilt from what the entry pinned."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import SHANGHAI, business_day
from core.quantities import format_points
from members.access import Actor
from members.models import Member, Organization
from points import entries, entry_sentences, schemes
from points.definitions import Definition
from points.models import LedgerEntry, Period
from points.publicity_models import Adjustment, BulletinConfirmation


@dataclass(frozen=True, slots=True)
class Explanation:
    """An entry with the sentences that lead to its number."""

    entry: LedgerEntry
    scheme_name: str
    scheme_version: int
    steps: list[str]


def explain(session: Session, actor: Actor, entry_id: UUID) -> Explanation:
    """Explain an entry the actor may read.

    Raises:
        NotFound: absent, or out of scope.
    """
    entry = entries.get_entry(session, actor, entry_id)
    definition, version = schemes.get_definition(session, entry.scheme_version_id)
    steps = [scheme_of(entry, definition, version)]
    if entry.reverses_id is not None:
        steps += _of_reversal(session, entry)
    else:
        steps += _about(session, entry)
        steps += entry_sentences.compose(entry, definition)
        steps += _of_posting(session, entry)
    return Explanation(entry, definition.name, version, steps)


def scheme_of(entry: LedgerEntry, definition: Definition, version: int) -> str:
    """By which scheme an entry was reckoned."""
    return f"适用方案：{definition.name}第 {version} 版，依据活动当日（{entry.happened_on}）。"


def _about(session: Session, entry: LedgerEntry) -> list[str]:
    """That a late entry speaks about a year that was closed before (decision 6)."""
    if entry.about_period_id is None:
        return []
    return [entry_sentences.of_late(*_codes(session, entry.about_period_id, entry.period_id))]


def _codes(session: Session, *period_ids: UUID) -> tuple[str, ...]:
    return tuple(session.execute(sa.select(*map(_code_of, period_ids))).one())


def _code_of(period_id: UUID) -> sa.ScalarSelect[str]:
    return sa.select(Period.code).where(Period.id == period_id).scalar_subquery()


def _of_reversal(session: Session, entry: LedgerEntry) -> list[str]:
    original = session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.id == entry.reverses_id)
    ).one()
    approver, _ = _names(session, entry)
    was = f"{_day(original)}入账的“{entry.title}”"
    change = format_points(abs(entry.points))
    done = f"收回 {change} 分" if original.points >= 0 else f"退还 {change} 分"
    counted_in, posted_in, about = _codes(
        session, original.period_id, entry.period_id, entry.about_period_id or entry.period_id
    )
    return [
        *entry_sentences.of_correction(counted_in, posted_in),
        f"{_day(entry)} 由{approver}冲正{was}，{done}。",
        f"原因：{entry.reason}。{entry_sentences.of_freed_room(original.points, about, posted_in)}",
    ]


def _of_posting(session: Session, entry: LedgerEntry) -> list[str]:
    """Who posted it where and on what basis, and whether its bulletin has confirmed it."""
    approver, organization = _names(session, entry)
    adjustment, confirmed_at = session.execute(
        sa.select(Adjustment, BulletinConfirmation.confirmed_at)
        .select_from(LedgerEntry)
        .outerjoin(Adjustment, Adjustment.entry_id == LedgerEntry.id)
        .outerjoin(BulletinConfirmation, BulletinConfirmation.entry_id == LedgerEntry.id)
        .where(LedgerEntry.id == entry.id)
    ).one()
    if entry.claim_id is not None:
        how = f"由{organization}审核人{approver}通过。"
    elif adjustment is None:
        how = f"由{approver}登记，计入{organization}。"
    else:
        number = f"（{adjustment.document_number}）" if adjustment.document_number else ""
        how = f"由{organization}经办人{approver}记入，依据：{adjustment.basis}{number}。"
    return [f"{_day(entry)} {how}", _standing(confirmed_at)]


def _standing(confirmed_at: datetime | None) -> str:
    if confirmed_at is None:
        return "公示期满无异议后转为正式积分。"
    return f"公示期满无异议，已于 {business_day(confirmed_at)} 转为正式积分。"


def _names(session: Session, entry: LedgerEntry) -> tuple[str, str]:
    row = session.execute(
        sa.select(Member.name, Organization.name)
        .select_from(Member)
        .join(Organization, Organization.id == entry.organization_id)
        .where(Member.id == entry.actor_id)
    ).one()
    return row[0], row[1]


def _day(entry: LedgerEntry) -> str:
    return str(entry.posted_at.astimezone(SHANGHAI).date())
