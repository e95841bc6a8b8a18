"""Drafts of schemes: written by the district or a delegated committee, checked at each saving."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import VersionConflict
from members.access import Actor, get_organization
from points import scheme_texts, schemes
from points.models import SchemeStatus, SchemeVersion
from points.scheme_scope import (
    DRAFTING_ROLES,
    get_scheme,
    get_written,
    hold_drafting,
    require_drafting,
)
from points.scheme_texts import SchemeText, SourceAmbiguous

# A draft that says nothing yet: everybody starts full, and no item gives or takes points.
BLANK: dict[str, Any] = {
    "code": "new-scheme",
    "name": "新方案",
    "base_model": "start_full",
    "total_cap": "100",
    "components": [
        {"code": "base", "name": "基础分", "kind": "base", "start": "100", "cap": "100"}
    ],
    "items": [],
    "bands": [
        {"name": "优秀", "from": "90"},
        {"name": "良好", "from": "80"},
        {"name": "合格", "from": "60"},
        {"name": "不合格", "from": "0"},
    ],
}


def create(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    text: SchemeText | None,
    copy_of: UUID | None = None,
    now: datetime,
) -> SchemeVersion:
    """Begin a draft for an organisation: from a text, as a copy, or blank.

    Raises:
        NotFound: the organisation or the version to copy is out of the actor's scope.
        NotDelegated: the district has not let his committee write schemes.
        SourceAmbiguous, InvalidDefinition: the content is not usable.
    """
    if text is not None and copy_of is not None:
        raise SourceAmbiguous
    organization = get_organization(session, actor, organization_id, roles=DRAFTING_ROLES)
    require_drafting(hold_drafting(session, actor), organization)
    if copy_of is not None:
        text = SchemeText(get_scheme(session, actor, copy_of).SchemeVersion.definition)
    text = text or SchemeText(BLANK)
    scheme_texts.parse(text)
    return schemes.store_draft(
        session, organization_id, text.data, created_by=actor.member_id, now=now
    )


def edit(
    session: Session, actor: Actor, scheme_id: UUID, *, text: SchemeText, revision: int
) -> SchemeVersion:
    """Put another text in the place of a draft's.

    Args:
        revision: that of the text which the actor saw.

    Raises:
        NotFound: no draft that the actor may write.
        InvalidDefinition: the text is not usable.
        VersionConflict: somebody edited or published it meanwhile.
    """
    draft = get_written(session, hold_drafting(session, actor), scheme_id, is_draft=True)
    scheme_texts.parse(text)
    edited = session.scalar(
        sa.update(SchemeVersion)
        .where(*_unchanged(draft.id, revision))
        .values(revision=revision + 1, **schemes.columns_of(text.data))
        .returning(SchemeVersion)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if edited is None:
        raise VersionConflict
    return edited


def discard(session: Session, actor: Actor, scheme_id: UUID) -> None:
    """Throw a draft away, with what was simulated under it.

    Raises:
        NotFound: no draft that the actor may write.
        VersionConflict: it was published meanwhile.
    """
    draft = get_written(session, hold_drafting(session, actor), scheme_id, is_draft=True)
    gone = session.scalar(
        sa.delete(SchemeVersion)
        .where(*_unchanged(draft.id, draft.revision))
        .returning(SchemeVersion.id)
        .execution_options(synchronize_session=False)
    )
    if gone is None:
        raise VersionConflict
    session.expunge(draft)


def _unchanged(draft_id: UUID, revision: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SchemeVersion.id == draft_id,
        SchemeVersion.status == SchemeStatus.DRAFT,
        SchemeVersion.revision == revision,
    )
