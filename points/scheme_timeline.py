"""Where versions stand in time: one enters, and the one before it ends the same day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, VersionConflict
from members.models import Organization
from points.models import LedgerEntry, Period, PeriodStatus, SchemeStatus, SchemeVersion

# What a closed year hands over keeps its version, and is dated into the next year.
_CARRIED = "carry_over"


class DayTaken(Conflict):
    """A version of the organisation begins on that very day."""

    code = "scheme.day_taken"
    title = "当日已有一版方案开始施行"
    retry = "never"


class EntriesPosted(Conflict):
    """Points of days behind the new end were posted under the version; they stay explainable."""

    code = "scheme.entries_posted"
    title = "原方案在这些日子已有积分记录"
    retry = "never"


class CodeTaken(Conflict):
    """A code names the rows of caps, so it has one subject."""

    code = "scheme.code_taken"
    title = "这个方案代码已用于另一类对象"
    retry = "never"


@dataclass(frozen=True, slots=True)
class Entering:
    """From which day a draft is in force, on which document, and which text of it was meant."""

    revision: int
    effective_from: date
    basis: str


def enter(
    session: Session,
    draft: SchemeVersion,
    *,
    terms: Entering,
    published_by: UUID | None,
    now: datetime,
) -> SchemeVersion:
    """Put a draft in force from a day on; a version in force that day ends with it.

    Raises:
        VersionConflict: the draft was edited or published meanwhile.
        DayTaken, EntriesPosted, CodeTaken: why it cannot begin that day.
    """
    hold(session, draft.organization_id)
    _require_one_subject(session, draft)
    until = _make_room(session, draft, terms.effective_from)
    entered = session.scalar(
        sa.update(SchemeVersion)
        .where(
            SchemeVersion.id == draft.id,
            SchemeVersion.status == SchemeStatus.DRAFT,
            SchemeVersion.revision == terms.revision,
        )
        .values(
            status=SchemeStatus.PUBLISHED,
            version=_next_number(session, draft),
            effective_from=terms.effective_from,
            effective_to=until,
            basis=terms.basis,
            published_by=published_by,
            published_at=now,
        )
        .returning(SchemeVersion)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if entered is None:
        raise VersionConflict
    return entered


def hold(session: Session, organization_id: UUID) -> None:
    """Wait for postings and publications under way, and let others wait for this one.

    Whoever posts holds the open periods before he reads which version is in force; taking them
    for oneself therefore leaves nobody who still goes by the version of before.
    """
    session.execute(
        sa.select(Period.id)
        .where(Period.status == PeriodStatus.OPEN)
        .order_by(Period.starts_on)
        .with_for_update()
    )
    session.execute(
        sa.select(Organization.id)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
    )


def require_no_entries(session: Session, version_id: UUID, since: date) -> None:
    """Check that no points of a day or later days were posted under a version.

    Raises:
        EntriesPosted: there are some; the sentence names the first day that is free.
    """
    latest = session.scalar(
        sa.select(sa.func.max(LedgerEntry.happened_on)).where(
            LedgerEntry.scheme_version_id == version_id,
            LedgerEntry.happened_on >= since,
            sa.func.coalesce(LedgerEntry.source_kind, "") != _CARRIED,
        )
    )
    if latest is not None:
        raise EntriesPosted(
            f"现行方案到 {latest} 为止已有积分记录，最早可自 {latest + timedelta(days=1)} 起变更。"
        )


def _make_room(session: Session, draft: SchemeVersion, day: date) -> date | None:
    """End what is in force on the day; returns when a later version begins, if one does."""
    neighbours: Sequence[Any] = session.execute(
        sa.select(SchemeVersion.id, SchemeVersion.effective_from, SchemeVersion.effective_to)
        .where(
            SchemeVersion.organization_id == draft.organization_id,
            SchemeVersion.subject == draft.subject,
            SchemeVersion.status != SchemeStatus.DRAFT,
        )
        .order_by(SchemeVersion.effective_from)
    ).all()
    later: date | None = None
    for version_id, begins, ends in reversed(neighbours):
        if begins == day:
            raise DayTaken(f"本组织已有一版方案自 {day} 起施行，请另选日期。")
        if begins > day:
            later = begins
        elif ends is None or ends > day:
            require_no_entries(session, version_id, day)
            session.execute(
                sa.update(SchemeVersion)
                .where(SchemeVersion.id == version_id)
                .values(effective_to=day)
            )
    return later


def _require_one_subject(session: Session, draft: SchemeVersion) -> None:
    other = sa.select(SchemeVersion.id).where(
        SchemeVersion.scheme_code == draft.scheme_code,
        SchemeVersion.subject != draft.subject,
        SchemeVersion.status != SchemeStatus.DRAFT,
    )
    if session.scalar(other.limit(1)) is not None:
        raise CodeTaken(f"方案代码“{draft.scheme_code}”已用于另一类对象，请换一个代码。")


def _next_number(session: Session, draft: SchemeVersion) -> int:
    newest = session.scalar(
        sa.select(sa.func.max(SchemeVersion.version)).where(
            SchemeVersion.organization_id == draft.organization_id,
            SchemeVersion.scheme_code == draft.scheme_code,
        )
    )
    return (newest or 0) + 1
