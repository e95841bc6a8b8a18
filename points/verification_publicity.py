"""Checking bulletins, objections and adjustments against the ledger."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from points import adjustment_posting
from points.bulletin_texts import digest_of
from points.models import LedgerEntry
from points.publicity_models import (
    Adjustment,
    AdjustmentStatus,
    Bulletin,
    BulletinConfirmation,
    BulletinEntry,
    BulletinStatus,
    Objection,
    ObjectionStatus,
)
from points.verification_report import Report

_ROWS_AT_ONCE = 1000


def verify_publicity(session: Session, report: Report) -> None:
    """Check that what is confirmed follows from bulletins, and what was taken from notices.

    The rows of a bulletin have its digest and say what the ledger says; an entry is in one at
    most; it is confirmed if and only if its bulletin is closed and it stood then; no upheld
    objection has left its entry confirmed and standing; a posted adjustment is its entry.
    """
    _verify_bulletins(session, report)
    for query, message in _FAULTS:
        for entry_id in session.scalars(query):
            report.add(f"记录 {entry_id}", message)
    _verify_adjustments(session, report)


def _verify_bulletins(session: Session, report: Report) -> None:
    for bulletin, rows in _with_rows(session):
        name = f"公示 {bulletin.id}（{bulletin.month}）"
        if len(rows) != bulletin.entries or digest_of(bulletin, rows) != bulletin.sha256:
            report.add(name, "逐项内容与公示时的摘要不一致。")


def _with_rows(session: Session) -> Iterator[tuple[Bulletin, Sequence[BulletinEntry]]]:
    found = session.execute(
        sa.select(Bulletin, BulletinEntry)
        .outerjoin(BulletinEntry, BulletinEntry.bulletin_id == Bulletin.id)
        .order_by(Bulletin.id, BulletinEntry.position),
        execution_options={"yield_per": _ROWS_AT_ONCE},
    )
    for bulletin, rows in groupby(found, key=lambda row: row[0]):
        yield bulletin, [row[1] for row in rows if row[1] is not None]


def _verify_adjustments(session: Session, report: Report) -> None:
    rows: Sequence[Any] = session.execute(
        sa.select(Adjustment.id, LedgerEntry.id)
        .outerjoin(LedgerEntry, LedgerEntry.id == Adjustment.entry_id)
        .where(
            Adjustment.status == AdjustmentStatus.POSTED,
            LedgerEntry.id.is_(None)
            | (LedgerEntry.source_id != Adjustment.id)
            | (LedgerEntry.member_id != Adjustment.member_id)
            | (LedgerEntry.item_code != Adjustment.item_code)
            | (LedgerEntry.asked != Adjustment.asked),
        )
    ).all()
    for adjustment_id, _ in rows:
        report.add(f"手工记分 {adjustment_id}", "与账本中的记录不一致。")


def _faults() -> tuple[tuple[sa.Select[Any], str], ...]:
    reversal = aliased(LedgerEntry)
    is_reversed = sa.exists().where(reversal.reverses_id == BulletinEntry.entry_id)
    adjusted = LedgerEntry.source_kind.in_(
        (adjustment_posting.SOURCE, adjustment_posting.VETO_SOURCE)
    )
    return (
        (
            sa.select(BulletinConfirmation.entry_id)
            .outerjoin(BulletinEntry, BulletinEntry.entry_id == BulletinConfirmation.entry_id)
            .outerjoin(Bulletin, Bulletin.id == BulletinEntry.bulletin_id)
            .where(
                Bulletin.id.is_(None)
                | (Bulletin.id != BulletinConfirmation.bulletin_id)
                | (Bulletin.status != BulletinStatus.CLOSED)
            ),
            "记为正式，但没有已结束的公示。",
        ),
        (
            sa.select(BulletinEntry.entry_id)
            .join(Bulletin, Bulletin.id == BulletinEntry.bulletin_id)
            .outerjoin(
                BulletinConfirmation, BulletinConfirmation.entry_id == BulletinEntry.entry_id
            )
            .where(
                Bulletin.status == BulletinStatus.CLOSED,
                BulletinConfirmation.entry_id.is_(None),
                ~is_reversed,
            ),
            "公示已结束且没有冲正，却没有转为正式。",
        ),
        (
            sa.select(BulletinEntry.entry_id)
            .group_by(BulletinEntry.entry_id)
            .having(sa.func.count() > 1),
            "公示了不止一次。",
        ),
        (
            sa.select(BulletinEntry.entry_id)
            .join(Bulletin, Bulletin.id == BulletinEntry.bulletin_id)
            .outerjoin(LedgerEntry, LedgerEntry.id == BulletinEntry.entry_id)
            .where(
                LedgerEntry.id.is_(None)
                | (LedgerEntry.points != BulletinEntry.points)
                | (LedgerEntry.organization_id != Bulletin.organization_id)
                | (LedgerEntry.subject != Bulletin.subject)
            ),
            "公示的内容与账本不一致。",
        ),
        (
            sa.select(Objection.entry_id)
            .join(BulletinConfirmation, BulletinConfirmation.entry_id == Objection.entry_id)
            .outerjoin(reversal, reversal.reverses_id == Objection.entry_id)
            .where(Objection.status == ObjectionStatus.UPHELD, reversal.id.is_(None)),
            "异议成立，却没有冲正。",
        ),
        (
            sa.select(LedgerEntry.id)
            .outerjoin(Adjustment, Adjustment.entry_id == LedgerEntry.id)
            .where(adjusted, Adjustment.id.is_(None)),
            "所依据的手工记分不存在，或没有计入。",
        ),
    )


_FAULTS = _faults()
