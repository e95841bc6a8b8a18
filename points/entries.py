"""Reading the ledger: one entry, lists of them, and where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from core.errors import NotFound
from core.paging import Page, cut, seq_key
from members.access import Actor, get_organization, within
from members.models import Member, Organization
from points.models import Claim, LedgerEntry, SchemeVersion, Subject
from points.subjects import readable_entries, roles_of_subject

LEDGER_ROLES = roles_of_subject(Subject.PARTY_MEMBERS)


@dataclass(frozen=True, slots=True)
class LedgerView:
    """Whose points, and as they were known at the end of which day; None for now.

    What was posted later is not there, and what was reversed later still stands.
    """

    subject: Subject = Subject.PARTY_MEMBERS
    as_of: date | None = None

    @property
    def until(self) -> datetime | None:
        """The first instant that the view does not know of."""
        return at_local(self.as_of + timedelta(days=1), 0) if self.as_of else None


OF_MEMBERS = LedgerView()


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
    view: LedgerView = OF_MEMBERS,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Entries of one subject awarded by an organisation and all below it, newest first.

    Raises:
        NotFound: the organisation is absent, or out of scope.
    """
    organization = get_organization(
        session, actor, organization_id, roles=roles_of_subject(view.subject)
    )
    here = within([organization.path]) & (LedgerEntry.subject == view.subject)
    return _list(session, here, after, limit, until=view.until)


def find_listed(session: Session, entry_ids: Sequence[UUID]) -> Sequence[Any]:
    """These entries as a list shows them, in the ledger's order; the caller knows their scope."""
    return session.execute(
        _lines().where(LedgerEntry.id.in_(entry_ids)).order_by(LedgerEntry.seq)
    ).all()


def _list(
    session: Session,
    where: sa.ColumnElement[bool],
    after: list[str | int] | None,
    limit: int,
    *,
    until: datetime | None = None,
) -> Page[Any]:
    query = _lines(until).where(where)
    if after is not None:
        query = query.where(LedgerEntry.seq < seq_key(after))
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


def _lines(until: datetime | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Entries with what stands beside them in a list, as known before an instant."""
    reversal = sa.orm.aliased(LedgerEntry)
    is_reversed = reversal.reverses_id == LedgerEntry.id
    is_known: sa.ColumnElement[bool] = sa.true()
    if until is not None:
        is_reversed &= reversal.posted_at < until
        is_known = LedgerEntry.posted_at < until
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            LedgerEntry,
            Member.name.label("member_name"),
            Organization.name.label("organization_name"),
            reversal.id.label("reversed_by"),
            SchemeVersion.version.label("scheme_version"),
            sa.func.coalesce(Claim.source_kind, LedgerEntry.source_kind).label("basis_kind"),
            sa.func.coalesce(Claim.source_id, LedgerEntry.source_id).label("basis_id"),
        )
        .join(Member, Member.id == LedgerEntry.member_id)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .join(SchemeVersion, SchemeVersion.id == LedgerEntry.scheme_version_id)
        .outerjoin(Claim, Claim.id == LedgerEntry.claim_id)
        .outerjoin(reversal, is_reversed)
        .where(is_known)
    )
    return query
