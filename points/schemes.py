"""Scheme versions: publishing, and finding the one in force for an organisation and a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import RuleViolation
from members.models import Organization
from points.definition_reading import digest, parse_definition
from points.definitions import Definition
from points.models import SchemeStatus, SchemeVersion

_PARSED: dict[str, Definition] = {}
_PUBLISHED = (
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
    .where(SchemeVersion.status == SchemeStatus.PUBLISHED)
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


def require_in_force(session: Session, path: str, day: date) -> SchemeInForce:
    """The version in force.

    Raises:
        NoSchemeInForce: there is none.
    """
    scheme = choose(load_published(session), path, day)
    if scheme is None:
        raise NoSchemeInForce(f"{day} 没有适用于本支部的积分方案，请联系区委组织部。")
    return scheme


def get_definition(session: Session, version_id: UUID) -> tuple[Definition, int]:
    """The definition and number of a pinned version, retired ones too."""
    row = session.execute(
        sa.select(
            SchemeVersion.definition, SchemeVersion.definition_sha256, SchemeVersion.version
        ).where(SchemeVersion.id == version_id)
    ).one()
    return _parsed(row[1], row[0]), row[2]


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

    Raises:
        InvalidDefinition: the data is not a usable scheme.
    """
    definition = parse_definition(data)
    same = (
        SchemeVersion.organization_id == organization_id,
        SchemeVersion.scheme_code == definition.code,
    )
    newest = session.scalar(sa.select(sa.func.max(SchemeVersion.version)).where(*same)) or 0
    session.execute(
        sa.update(SchemeVersion)
        .where(*same, SchemeVersion.effective_to.is_(None))
        .where(SchemeVersion.effective_from < effective_from)
        .values(effective_to=effective_from)
    )
    version = SchemeVersion(
        scheme_code=definition.code,
        organization_id=organization_id,
        version=newest + 1,
        status=SchemeStatus.PUBLISHED,
        effective_from=effective_from,
        definition=dict(data),
        definition_sha256=digest(data),
        published_by=published_by,
        published_at=now,
    )
    session.add(version)
    session.flush()
    return version


def _parsed(sha256: str, data: Mapping[str, Any]) -> Definition:
    # The digest names the content, so a parsed definition never goes stale.
    if sha256 not in _PARSED:
        _PARSED[sha256] = parse_definition(data)
    return _PARSED[sha256]
