"""Checking what a closed period was sealed with, what was carried over, and the guards."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of
from points import closing, opening, statement_texts
from points.models import LedgerEntry, Period, PeriodStatus, SchemeVersion
from points.statement_models import PeriodOpening, PeriodSeal, PeriodStatement
from points.verification_report import Report

# Every table that only ever grows (I4).
APPEND_ONLY = (
    "ledger_entry",
    "claim_event",
    "period_closing",
    "period_statement",
    "period_seal",
    "period_opening",
    "ledger_block",
    "ledger_leaf",
    "ledger_tile",
    "ledger_checkpoint",
    "bulletin_entry",
    "bulletin_confirmation",
    "objection_event",
    "review_batch_decision",
    "recusal",
)
# What keeps published schemes as they are, and one after the other.
_SCHEME_GUARDS = {
    "sqlite": frozenset(
        f"{guard}_{event}"
        for guard, events in {
            "no_change_of_published_scheme": ("update", "delete"),
            "no_overlapping_schemes": ("insert", "update"),
            "one_subject_per_scheme": ("insert", "update"),
        }.items()
        for event in events
    ),
    "postgresql": frozenset(
        f"points_scheme_version.{guard}"
        for guard in (
            "no_change_of_published_scheme",
            "no_truncate_of_schemes",
            "no_overlapping_schemes",
        )
    ),
}
_ROWS_AT_ONCE = 1000


def verify_periods(session: Session, report: Report) -> None:
    """Check I4, I9 and I13, the digests of statements, and what was carried over.

    The triggers that keep rows from being changed stand and are enabled; a closed period adds
    up to what it was closed with; statements are unchanged and say what their columns say; each
    one that hands something over has done so once, with the right number of points; an entry
    is of a day of its own period, or names the closed one before it whose day it is.
    """
    _verify_guards(session, report)
    _verify_seals(session, report)
    _verify_statements(session, report)
    _verify_carried(session, report)
    _verify_late(session, report)


def _verify_guards(session: Session, report: Report) -> None:
    if dialect_of(session) == "sqlite":
        wanted = {f"{table}_no_{event}" for table in APPEND_ONLY for event in ("update", "delete")}
        found = set(session.scalars(_SQLITE_TRIGGERS))
    else:
        wanted = {
            f"{table}.{trigger}"
            for table in APPEND_ONLY
            for trigger in ("append_only", "append_only_truncate")
        }
        found = set(session.scalars(_POSTGRESQL_TRIGGERS))
    wanted |= _SCHEME_GUARDS[dialect_of(session)]
    for name in sorted(wanted - found):
        report.add("数据库", f"防改触发器 {name} 不在或已停用。")


# A trigger whose text was emptied keeps nobody from anything.
_SQLITE_TRIGGERS = sa.text(
    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT%'"
)
# 'O' fires for everybody, 'A' even for a replica; 'D' is switched off, 'R' all but.
_POSTGRESQL_TRIGGERS = sa.text("""
    SELECT c.relname || '.' || t.tgname
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled IN ('O', 'A')
      AND p.prosrc LIKE '%RAISE EXCEPTION%'
""")


def _verify_seals(session: Session, report: Report) -> None:
    """A closed period is exactly what it was closed with (I9)."""
    rows = session.execute(
        sa.select(Period, PeriodSeal)
        .outerjoin(PeriodSeal, PeriodSeal.period_id == Period.id)
        .order_by(Period.starts_on)
    )
    for period, seal in rows.all():
        name = f"{period.code} 年度"
        if (period.status == PeriodStatus.CLOSED) != (seal is not None):
            report.add(name, "结账状态与封存的合计不相符。")
        if seal is None:
            continue
        today = closing.add_up(session, period, now=seal.sealed_at)
        for column, what in _TOTALS.items():
            said, found = getattr(seal, column), getattr(today, column)
            if said != found:
                report.add(name, f"结账时{what}为 {said}，现为 {found}。")


_TOTALS: Mapping[str, str] = {
    "statements": "结账单数",
    "entries": "记录数",
    "points": "积分合计（1/100 分）",
    "sha256": "结账单摘要",
}


def _verify_statements(session: Session, report: Report) -> None:
    for one, entries, points in _statements_with_sums(session):
        name = f"结账单 {one.id}"
        said = statement_texts.read(one.content)
        if statement_texts.digest_of(one.content) != one.sha256:
            report.add(name, "内容与封存时的摘要不一致。")
        elif said is None or not said.agrees_with(one):
            report.add(name, "各栏与封存的原文不一致。")
        elif (said.entries, said.points) != (entries, points):
            report.add(name, "封存的笔数或合计与账本不一致。")


def _statements_with_sums(session: Session) -> Iterator[tuple[PeriodStatement, int, int]]:
    """Each statement with today's count and sum of the entries that it is about."""
    summed = (
        sa.select(
            LedgerEntry.period_id,
            LedgerEntry.subject,
            LedgerEntry.member_id,
            sa.func.count().label("entries"),
            sa.func.sum(LedgerEntry.points).label("points"),
        )
        .group_by(LedgerEntry.period_id, LedgerEntry.subject, LedgerEntry.member_id)
        .subquery()
    )
    query = (
        sa.select(PeriodStatement, summed.c.entries, summed.c.points)
        .outerjoin(
            summed,
            (summed.c.period_id == PeriodStatement.period_id)
            & (summed.c.subject == PeriodStatement.subject)
            & (summed.c.member_id == PeriodStatement.member_id),
        )
        .order_by(PeriodStatement.id)
    )
    for row in session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield row[0], row[1] or 0, int(row[2] or 0)


def _verify_carried(session: Session, report: Report) -> None:
    """Both directions: statements that hand something over, and entries that say they were."""
    for row in session.execute(_CARRIED, execution_options={"yield_per": _ROWS_AT_ONCE}):
        for message in _faults_of_carried(row):
            report.add(f"结账单 {row.statement_id}", message)
    astray = session.execute(_ASTRAY)
    for seq, entry_id in astray:
        report.add(f"第 {seq} 号记录 {entry_id}", "所结转的结账单不存在。")


def _faults_of_carried(row: sa.Row[*tuple[Any, ...]]) -> Iterator[str]:
    rollover = opening.rollover_of(row.definition)
    if rollover is opening.Rollover.RESET or row.total is None:
        if row.entry_id is not None:
            yield "按方案应清零，却有结转记录。"
        return
    if row.entry_id is None:
        # Carrying goes on in the background; it is late only when the next year is through.
        if row.is_over:
            yield "应结转到下一年度，却没有结转记录。"
        return
    expected = (opening.carried_points(row.definition, row.total), row.member_id, row.opened_id)
    if (row.points, row.entry_member_id, row.entry_period_id) != expected:
        yield "结转的分数、人员或年度不对。"


def _carried_statement() -> sa.Select[*tuple[Any, ...]]:
    next_period = sa.orm.aliased(Period)
    return (
        sa.select(
            PeriodStatement.id.label("statement_id"),
            PeriodStatement.total,
            PeriodStatement.member_id,
            PeriodOpening.period_id.label("opened_id"),
            (next_period.status == PeriodStatus.CLOSED).label("is_over"),
            SchemeVersion.definition,
            LedgerEntry.id.label("entry_id"),
            LedgerEntry.points,
            LedgerEntry.member_id.label("entry_member_id"),
            LedgerEntry.period_id.label("entry_period_id"),
        )
        .join(SchemeVersion, SchemeVersion.id == PeriodStatement.scheme_version_id)
        .join(PeriodOpening, PeriodOpening.from_period_id == PeriodStatement.period_id)
        .join(next_period, next_period.id == PeriodOpening.period_id)
        .outerjoin(
            LedgerEntry,
            (LedgerEntry.source_kind == opening.SOURCE)
            & (LedgerEntry.source_id == PeriodStatement.id),
        )
        .order_by(PeriodStatement.id)
    )


_CARRIED = _carried_statement()
_ASTRAY = (
    sa.select(LedgerEntry.seq, LedgerEntry.id)
    .outerjoin(PeriodStatement, PeriodStatement.id == LedgerEntry.source_id)
    .where(LedgerEntry.source_kind == opening.SOURCE, PeriodStatement.id.is_(None))
    .order_by(LedgerEntry.seq)
)


def _verify_late(session: Session, report: Report) -> None:
    # The period whose day it is: the one that is named, or its own.
    spoken = sa.orm.aliased(Period)
    spoken_id = sa.func.coalesce(LedgerEntry.about_period_id, LedgerEntry.period_id)
    is_late = LedgerEntry.about_period_id.is_not(None)
    rows = session.execute(
        sa.select(LedgerEntry.seq, LedgerEntry.id)
        .join(Period, Period.id == LedgerEntry.period_id)
        .join(spoken, spoken.id == spoken_id)
        .where(
            ~LedgerEntry.happened_on.between(spoken.starts_on, spoken.ends_on)
            | (is_late & (spoken.status != PeriodStatus.CLOSED))
            | (is_late & (spoken.ends_on >= Period.starts_on))
        )
        .order_by(LedgerEntry.seq)
    )
    for seq, entry_id in rows:
        report.add(f"第 {seq} 号记录 {entry_id}", "所在年度不对，或所更正的年度没有结账。")
