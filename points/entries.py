"""Reading the ledger: one entry, lists of them, and where they came from."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import InvalidCursor, Page, cut
from members.access import Actor, get_organization, within
from members.models import Member, Organization
from points.models import LedgerEntry, Subject
from points.subjects import readable_entries, roles_of_subject

LEDGER_ROLES = roles_of_subject(Subject.PARTY_MEMBERS)


def get_entry(session: Session, actor: Actor, entry_id: UUID) -> LedgerEntry:
    """An entry of the actor's own, or awarded where he reads the ledger.

    Raises:
        NotFound: absent, or out of scope.
    """
    entry = session.scalar(
        sa.select(LedgerEntry)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .where(
            LedgerEntry.id == entry_id,
            (LedgerEntry.member_id == actor.member_id) | readable_entries(actor),
        )
    )
    if entry is None:
        raise NotFound
    return entry


def list_own(
    session: Session,
    actor: Actor,
    *,
    subject: Subject = Subject.PARTY_MEMBERS,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """The actor's entries of one subject, newest first."""
    mine = (LedgerEntry.member_id == actor.member_id) & (LedgerEntry.subject == subject)
    return _list(session, mine, after, limit)


def list_of_organization(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    subject: Subject = Subject.PARTY_MEMBERS,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Entries of one subject awarded by an organisation and all below it, newest first.

    Raises:
        NotFound: the organisation is absent, or out of scope.
    """
    organization = get_organization(
        session, actor, organization_id, roles=roles_of_subject(subject)
    )
    here = within([organization.path]) & (LedgerEntry.subject == subject)
    return _list(session, here, after, limit)


def _list(
    session: Session,
    where: sa.ColumnElement[bool],
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    query = _lines().where(where)
    if after is not None:
        query = query.where(LedgerEntry.seq < _seq(after))
    rows = session.execute(query.order_by(LedgerEntry.seq.desc()).limit(limit + 1)).all()
    return cut(rows, limit, lambda row: [row.LedgerEntry.seq])


def readable(actor: Actor) -> sa.Select[*tuple[Any, ...]]:
    """Members' entries with names: the actor's own, and those where he reads the ledger.

    Cadres' entries are not among them: they are read apart from these, and looked up.
    """
    members = Subject.PARTY_MEMBERS
    return _lines().where(
        LedgerEntry.subject == members,
        (LedgerEntry.member_id == actor.member_id) | within(actor.paths(roles_of_subject(members))),
    )


def _lines() -> sa.Select[*tuple[Any, ...]]:
    reversal = sa.orm.aliased(LedgerEntry)
    return (
        sa.select(
            LedgerEntry,
            Member.name.label("member_name"),
            Organization.name.label("organization_name"),
            reversal.id.label("reversed_by"),
        )
        .join(Member, Member.id == LedgerEntry.member_id)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
    )


def _seq(key: list[str | int]) -> int:
    if len(key) != 1 or not isinstance(key[0], int) or not 0 < key[0] < 2**63:
        raise InvalidCursor
    return key[0]
