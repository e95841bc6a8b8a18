"""Reading schemes: lists, the one in force for oneself, what changes from one to another."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page, newest_first
from members.access import Actor
from points import cadre_points, scheme_differences, scheme_sentences, schemes
from points.definition_reading import parse_definition
from points.models import SchemeStatus, SchemeVersion, Subject
from points.scheme_scope import get_scheme, readable, select_schemes
from points.schemes import SchemeInForce


@dataclass(frozen=True, slots=True)
class Filter:
    """Which schemes to list; None: whatever it is."""

    organization_id: UUID | None = None
    status: str | None = None
    subject: str | None = None


def get_in_force(session: Session, actor: Actor, *, subject: Subject) -> SchemeInForce:
    """The rules by which the actor himself is scored today.

    Raises:
        NoSchemeInForce: none covers his branch.
        NotACadre: the cadres' scheme is for cadres.
    """
    if subject is Subject.CADRES:
        return cadre_points.get_own_scheme(session, actor, on=actor.on)
    return schemes.require_in_force(session, actor.organization_path, actor.on)


def list_schemes(
    session: Session,
    actor: Actor,
    *,
    wanted: Filter,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Versions and drafts that the actor may read, the newest first."""
    query = select_schemes().where(readable(session, actor))
    given = {
        SchemeVersion.organization_id: wanted.organization_id,
        SchemeVersion.status: wanted.status,
        SchemeVersion.subject: wanted.subject,
    }
    for column, value in given.items():
        if value is not None:
            query = query.where(column == value)
    return newest_first(session, query, SchemeVersion, after=after, limit=limit)


def find_differences(session: Session, actor: Actor, scheme_id: UUID, *, to: UUID) -> list[str]:
    """What changes from one version or draft to another, in sentences.

    Raises:
        NotFound: one of them is not for the actor to read.
    """
    before, after = (
        parse_definition(get_scheme(session, actor, one).SchemeVersion.definition)
        for one in (scheme_id, to)
    )
    return scheme_differences.compare(before, after)


def content_of(scheme: SchemeVersion) -> dict[str, Any]:
    """The text of a scheme, in its data form and in plain sentences."""
    sentences = scheme_sentences.describe(parse_definition(scheme.definition))
    return {"definition": scheme.definition, "sentences": sentences}


def get_from_console(
    session: Session, code: str, *, version: int | None, organization_id: UUID | None
) -> SchemeVersion:
    """A published version by its code, the newest unless a number is given; for the operator.

    Raises:
        NotFound: there is none, or several organisations have one.
    """
    query = sa.select(SchemeVersion).where(
        SchemeVersion.scheme_code == code, SchemeVersion.status != SchemeStatus.DRAFT
    )
    if version is not None:
        query = query.where(SchemeVersion.version == version)
    if organization_id is not None:
        query = query.where(SchemeVersion.organization_id == organization_id)
    found = session.scalars(query.order_by(SchemeVersion.version.desc())).all()
    if len({one.organization_id for one in found}) != 1:
        raise NotFound(
            "没有这个方案。" if not found else "几个组织都有这个方案，请用 --organization 指明。"
        )
    return found[0]
