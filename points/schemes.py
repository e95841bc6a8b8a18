"""Scheme versions: storing one, and finding the one in force for an organisation and a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import RuleViolation
from members.models import Organization
from points import scheme_timeline
from points.definition_reading import digest, parse_definition
from points.definitions import Definition
from points.models import SchemeStatus, SchemeVersion

_PARSED: dict[str, Definition] = {}
# Retired ones among them: each is bounded by its days.
_PUBLISHED: sa.Select[*tuple[Any, ...]] = (
    sa.select(
        SchemeVersion.id,
        Organization.path,
        SchemeVersion.version,
        SchemeVersion.effective_from,
        SchemeVersion.effective_to,
        SchemeVersion.definition,
        SchemeVersion.definition_sha256,
    )
    .join(Organization, Organization.id == SchemeVersion.organization_id)
    .where(SchemeVersion.status != SchemeStatus.DRAFT)
    .order_by(Organization.depth.desc(), SchemeVersion.version.desc())
)


class NoSchemeInForce(RuleViolation):
    """No published scheme covers the organisation on the day."""

    code = "scheme.none_in_force"
    title = "当日没有适用的积分方案"


@dataclass(frozen=True, slots=True)
class SchemeInForce:
    """A published version with its parsed definition and where it applies from."""

    id: UUID
    path: str
    version: int
    effective_from: date
    effective_to: date | None
    definition: Definition

    def applies(self, path: str, day: date) -> bool:
        """Whether this version covers a node of the tree on a day."""
        return (
            path.startswith(self.path)
            and self.effective_from <= day
            and (self.effective_to is None or day < self.effective_to)
        )


def load_published(session: Session) -> list[SchemeInForce]:
    """Every published version, the nearest and newest first; one statement, few rows."""
    rows = session.execute(_PUBLISHED).all()
    return [
        SchemeInForce(row[0], row[1], row[2], row[3], row[4], _parsed(row[6], row[5]))
        for row in rows
    ]


def choose(
    schemes: Iterable[SchemeInForce], path: str, day: date, *, subject: str = "party_members"
) -> SchemeInForce | None:
    """The version in force for a node on a day: the nearest organisation's, then the newest."""
    return next(
        (
            scheme
            for scheme in schemes
            if scheme.definition.subject == subject and scheme.applies(path, day)
        ),
        None,
    )


def require_in_force(
    session: Session, path: str, day: date, *, subject: str = "party_members"
) -> SchemeInForce:
    """The version in force.

    Raises:
        NoSchemeInForce: there is none.
    """
    scheme = choose(load_published(session), path, day, subject=subject)
    if scheme is None:
        raise NoSchemeInForce(f"{day} 没有适用于本支部的积分方案，请联系区委组织部。")
    return scheme


def get_definition(session: Session, version_id: UUID) -> tuple[Definition, int]:
    """The definition and number of a pinned version, retired ones too; entries pin no drafts."""
    row = session.execute(
        sa.select(
            SchemeVersion.definition, SchemeVersion.definition_sha256, SchemeVersion.version
        ).where(SchemeVersion.id == version_id)
    ).one()
    return _parsed(row[1], row[0]), row[2] or 0


def get_definitions(session: Session, version_ids: Iterable[UUID]) -> dict[UUID, Definition]:
    """The definitions of pinned versions, retired ones too; one statement."""
    rows = session.execute(
        sa.select(
            SchemeVersion.id, SchemeVersion.definition_sha256, SchemeVersion.definition
        ).where(SchemeVersion.id.in_(version_ids))
    )
    return {row[0]: _parsed(row[1], row[2]) for row in rows}


def publish(
    session: Session,
    organization_id: UUID,
    data: Mapping[str, Any],
    *,
    effective_from: date,
    published_by: UUID | None,
    now: datetime,
) -> SchemeVersion:
    """Put a new version in force from a day on; the one before it ends the same day.

    For the operator; people draft first and publish in `scheme_publishing`.

    Raises:
        InvalidDefinition: the data is not a usable scheme.
        DayTaken, EntriesPosted, CodeTaken: why it cannot begin that day.
    """
    draft = store_draft(session, organization_id, data, created_by=published_by, now=now)
    terms = scheme_timeline.Entering(draft.revision, effective_from, "")
    return scheme_timeline.enter(session, draft, terms=terms, published_by=published_by, now=now)


def store_draft(
    session: Session,
    organization_id: UUID,
    data: Mapping[str, Any],
    *,
    created_by: UUID | None,
    now: datetime,
) -> SchemeVersion:
    """Keep a usable scheme as a draft.

    Raises:
        InvalidDefinition: the data is not a usable scheme.
    """
    draft = SchemeVersion(
        organization_id=organization_id,
        created_by=created_by,
        created_at=now,
        revision=1,
        **columns_of(data),
    )
    session.add(draft)
    session.flush()
    return draft


def columns_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a scheme's data.

    Raises:
        InvalidDefinition: the data is not a usable scheme.
    """
    definition = parse_definition(data)
    return {
        "scheme_code": definition.code,
        "subject": definition.subject,
        "definition": dict(data),
        "definition_sha256": digest(data),
    }


def _parsed(sha256: str, data: Mapping[str, Any]) -> Definition:
    # The digest names the content, so a parsed definition never goes stale.
    if sha256 not in _PARSED:
        _PARSED[sha256] = parse_definition(data)
    return _PARSED[sha256]
