"""Putting a draft in force, and taking a version out of force on a day."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, RuleViolation, VersionConflict
from members.access import Actor
from points import scheme_texts, scheme_timeline
from points.models import SchemeStatus, SchemeVersion
from points.scheme_scope import get_written, hold_drafting
from points.scheme_texts import SchemeText
from points.scheme_timeline import Entering


class AlreadyEnded(Conflict):
    """The version is out of force on that day already."""

    code = "scheme.already_ended"
    title = "这版方案到那时已经停止施行"
    retry = "never"


class EndsBeforeBeginning(RuleViolation):
    """A version is in force for a day at least."""

    code = "scheme.ends_before_beginning"
    title = "停止施行的日期应晚于开始施行的日期"


@dataclass(frozen=True, slots=True)
class Retirement:
    """The first day without the version, and the document that says so."""

    effective_on: date
    basis: str


def publish(
    session: Session, actor: Actor, scheme_id: UUID, *, terms: Entering, now: datetime
) -> SchemeVersion:
    """Put a draft in force from a day on; the version of before ends the same day.

    Lock order: role grants, delegations, periods, organisation, versions.

    Raises:
        NotFound: no draft that the actor may write.
        InvalidDefinition: the rules for schemes have become stricter since it was saved.
        VersionConflict: the draft was edited or published meanwhile.
        DayTaken, EntriesPosted, CodeTaken: why it cannot begin that day.
    """
    draft = get_written(session, hold_drafting(session, actor), scheme_id, is_draft=True)
    if draft.revision != terms.revision:
        raise VersionConflict
    scheme_texts.parse(SchemeText(draft.definition))
    return scheme_timeline.enter(session, draft, terms=terms, published_by=actor.member_id, now=now)


def retire(
    session: Session, actor: Actor, scheme_id: UUID, *, terms: Retirement, now: datetime
) -> SchemeVersion:
    """Take a version out of force on a day, without another in its place.

    Its entries stay explainable for ever, because they pin it.

    Raises:
        NotFound: no version that the actor may write.
        EndsBeforeBeginning, AlreadyEnded, EntriesPosted: why it cannot end that day.
    """
    version = get_written(session, hold_drafting(session, actor), scheme_id, is_draft=False)
    scheme_timeline.hold(session, version.organization_id)
    if version.effective_from is not None and terms.effective_on <= version.effective_from:
        raise EndsBeforeBeginning
    scheme_timeline.require_no_entries(session, version.id, terms.effective_on)
    retired = session.scalar(
        sa.update(SchemeVersion)
        .where(
            SchemeVersion.id == version.id,
            SchemeVersion.status == SchemeStatus.PUBLISHED,
            sa.or_(
                SchemeVersion.effective_to.is_(None),
                SchemeVersion.effective_to > terms.effective_on,
            ),
        )
        .values(
            status=SchemeStatus.RETIRED,
            effective_to=terms.effective_on,
            retirement_basis=terms.basis,
            retired_by=actor.member_id,
            retired_at=now,
        )
        .returning(SchemeVersion)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if retired is None:
        raise AlreadyEnded
    return retired
