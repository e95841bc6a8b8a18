"""Why a number is what it is, in sentences, rebuilt from what the entry pinned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import SHANGHAI, business_day
from core.quantities import format_hours, format_points
from members.access import Actor
from members.models import Member, Organization
from points import entries, schemes
from points.definitions import Item, Unit
from points.models import LedgerEntry
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
    approver, organization, adjustment, confirmed_at = session.execute(
        sa.select(Member.name, Organization.name, Adjustment, BulletinConfirmation.confirmed_at)
        .select_from(Member)
        .join(Organization, Organization.id == entry.organization_id)
        .outerjoin(Adjustment, Adjustment.entry_id == entry.id)
        .outerjoin(BulletinConfirmation, BulletinConfirmation.entry_id == entry.id)
        .where(Member.id == entry.actor_id)
    ).one()
    header = f"适用方案：{definition.name}第 {version} 版，依据活动当日（{entry.happened_on}）。"
    day = entry.posted_at.astimezone(SHANGHAI).date()
    if entry.reverses_id is not None:
        taken = format_points(-entry.points)
        steps = [header, f"{day} 由{approver}冲正“{entry.title}”，收回 {taken} 分。"]
        steps.append(f"原因：{entry.reason}。收回的额度在同一年度内可再计。")
    else:
        item = definition.items[entry.item_code]
        steps = [header, _asked_sentence(entry, item), *_cap_sentences(entry.inputs["caps"])]
        steps.append(_granted_sentence(entry))
        steps.append(_origin_sentence(adjustment, f"{day} 由{organization}", approver))
        steps.append(_standing_sentence(confirmed_at))
    return Explanation(entry, definition.name, version, steps)


def _origin_sentence(adjustment: Adjustment | None, when_and_where: str, who: str) -> str:
    if adjustment is None:
        return f"{when_and_where}审核人{who}通过。"
    number = f"（{adjustment.document_number}）" if adjustment.document_number else ""
    return f"{when_and_where}经办人{who}记入，依据：{adjustment.basis}{number}。"


def _standing_sentence(confirmed_at: datetime | None) -> str:
    if confirmed_at is None:
        return "公示期满无异议后转为正式积分。"
    return f"公示期满无异议，已于 {business_day(confirmed_at)} 转为正式积分。"


def _asked_sentence(entry: LedgerEntry, item: Item) -> str:
    worth = f"应计 {format_points(entry.asked)} 分。"
    if item.raters:
        each = "、".join(
            f"{rater} {format_points(points)} 分（权重 {float(item.raters[rater]):g}）"
            for rater, points in entry.inputs["ratings"].items()
        )
        return f"{item.name}：{each}，加权合计，{worth}"
    if item.unit is Unit.GRADE:
        return f"{item.name}等次为“{entry.inputs['grade']}”，{worth}"
    if item.unit is Unit.SCORE:
        return f"{item.name}由经办人给分，{worth}"
    return _counted_sentence(entry, item)


def _counted_sentence(entry: LedgerEntry, item: Item) -> str:
    quantity = entry.inputs["quantity"]
    if item.unit is Unit.MINUTE:
        counted = quantity - quantity % item.step_units
        rate = f"每 {format_hours(item.per_units)} 小时 {format_points(item.points)} 分"
        return (
            f"{item.name} {quantity} 分钟，按 {item.step_units} 分钟为一档计 {counted} 分钟"
            f"（{format_hours(counted)} 小时）；{rate}，应计 {format_points(entry.asked)} 分。"
        )
    return f"{item.name} {quantity} 次，应计 {format_points(entry.asked)} 分。"


def _cap_sentences(caps: list[dict[str, Any]]) -> list[str]:
    return [
        f"{cap['name']} {format_points(cap['limit'])} 分，"
        f"此前已计 {format_points(cap['used'])} 分，还可计"
        f" {format_points(max(0, cap['limit'] - cap['used']))} 分。"
        for cap in caps
    ]


def _granted_sentence(entry: LedgerEntry) -> str:
    if entry.binding_cap is None:
        return f"未达到任何上限，实计 {format_points(entry.points)} 分。"
    name = next(c["name"] for c in entry.inputs["caps"] if c["bucket"] == entry.binding_cap)
    lost = format_points(abs(entry.asked - entry.points))
    word = "少扣" if entry.asked < 0 else "少计"
    return f"受{name}限制，实计 {format_points(entry.points)} 分，{word} {lost} 分。"
