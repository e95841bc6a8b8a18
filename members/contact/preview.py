"""Who is at which stage on a day and why, without writing anything."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.rows import dialect_of
from members.contact import abroad_reviews, crossing, hearing, outages, policies
from members.contact.abroad_reviews import ReviewDue
from members.contact.hearing import Ladder
from members.contact.models import Clock, Signal
from members.models import Member, Organization

CLOCK_LABELS = {
    Clock.LOST_CONTACT: "待联系",
    Clock.SELF_WITHDRAWAL: "可以联系上但长期不参加",
    Clock.ABROAD: "境外联系",
    Clock.ABROAD_REVIEW: "出国（境）年限",
}
STAGE_LABELS = {
    1: "关心提醒",
    2: "谈话了解",
    3: "立案查找",
    4: "逐项查找",
    5: "期限将到",
    6: "符合研究条件",
    7: "已停止党籍",
    8: "停止党籍期满，符合研究条件",
}
SIGNAL_LABELS = {Signal.LIFE: "组织生活", Signal.DUES: "缴纳党费", Signal.WORK: "分配的工作"}


@dataclass(frozen=True, slots=True)
class Reasons:
    """The dates that a stage follows from."""

    clock: str
    signal: str | None
    stage: int
    since_on: date
    uncounted_days: int
    last_attended_on: date | None
    last_dues_on: date | None
    heard_on: date | None = None


def preview(session: Session, *, now: datetime) -> Iterator[dict[str, Any]]:
    """Everybody whom a scan on this day would find at a stage, by branch and name, with why.

    Only facts of that day or before count, so any day gives what a scan on it gave.
    """
    on = business_day(now)
    dialect = dialect_of(session)
    thresholds = policies.find_all(session)
    grounds = hearing.find_parameters(session, on=on, thresholds=thresholds)
    for ladder, parameters in grounds.items():
        for row in session.execute(_listing(dialect, ladder), parameters).mappings():
            yield _line(ladder, row)
    for review in abroad_reviews.find_due(session, on=on):
        yield _review_line(review)


def listing(session: Session, *, now: datetime) -> Iterator[dict[str, Any]]:
    """The same for people to read: a line for each member, then how many are at which stage."""
    counts: Counter[tuple[Clock, int]] = Counter()
    for row in preview(session, now=now):
        counts[row["clock"], row["stage"]] += 1
        yield {"支部": row["organization_name"], "姓名": row["name"], "为什么": row["why"]}
    for (clock, stage), count in sorted(counts.items()):
        label = f"{CLOCK_LABELS[clock]}第 {stage} 级（{STAGE_LABELS[stage]}）"
        yield {"级别": label, "人次": count}


def explain(reasons: Reasons) -> str:
    """One sentence on why somebody is at a stage: the dates, and the days that do not count."""
    label = f"{CLOCK_LABELS[Clock(reasons.clock)]}第 {reasons.stage} 级"
    label = f"{label}（{STAGE_LABELS[reasons.stage]}）"
    if reasons.clock == Clock.ABROAD_REVIEW:
        return f"{label}：自 {reasons.since_on} 起在国（境）外，请按期研究；系统不作任何认定。"
    attended = f"最近一次参加组织生活：{reasons.last_attended_on or '无记录'}"
    dues = f"党费缴至：{reasons.last_dues_on or '无记录'}"
    parts = [attended, dues]
    if reasons.signal == Signal.WORK:
        parts.append(f"分配的工作自 {reasons.since_on} 起到期未做")
    elif reasons.signal is not None:
        parts.append(f"{SIGNAL_LABELS[Signal(reasons.signal)]}自 {reasons.since_on} 起没有记录")
    else:
        parts.append(f"自 {reasons.since_on} 起没有联系记录")
    if reasons.uncounted_days:
        parts.append(f"其中 {reasons.uncounted_days} 天不计（支部没有记录，或免于、暂停期间）")
    if reasons.heard_on is not None:
        parts.append(f"按支部的记录计到 {reasons.heard_on}")
    return f"{label}：" + "；".join(parts) + "。"


def _line(ladder: Ladder, row: Mapping[Any, Any]) -> dict[str, Any]:
    reasons = Reasons(
        clock=ladder.clock,
        signal=ladder.signal,
        heard_on=date(1970, 1, 1) + timedelta(days=row["heard"]),
        **{
            name: row[name]
            for name in ("stage", "since_on", "uncounted_days", "last_attended_on", "last_dues_on")
        },
    )
    return {
        "member_id": row["member_id"],
        "name": row["name"],
        "organization_id": row["organization_id"],
        "organization_name": row["organization_name"],
        "clock": ladder.clock,
        "signal": ladder.signal,
        "stage": reasons.stage,
        "since_on": reasons.since_on,
        "uncounted_days": reasons.uncounted_days,
        "why": explain(reasons),
    }


def _review_line(review: ReviewDue) -> dict[str, Any]:
    reasons = Reasons(Clock.ABROAD_REVIEW, None, review.stage, review.left_on, 0, None, None)
    line = asdict(review)
    line["since_on"] = line.pop("left_on")
    why = {"signal": None, "uncounted_days": 0, "why": explain(reasons)}
    return line | {"clock": Clock.ABROAD_REVIEW} | why


@cache
def _listing(dialect: str, ladder: Ladder) -> sa.Select[Any]:
    # The outages as the records show them now, because nothing is written here.
    silent = outages.found(dialect).cte("found_outages")
    at = crossing.standing_at(dialect, ladder, outages=silent).subquery("at_stage")
    return (
        sa.select(at, Member.name, Organization.name.label("organization_name"))
        .join(Member, Member.id == at.c.member_id)
        .join(Organization, Organization.id == at.c.organization_id)
        .order_by(Organization.path, at.c.stage.desc(), Member.name, at.c.member_id)
    )
