"""Reading bulletins: the branch's own members, the bodies above, the auditor."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound
from core.paging import Page, newest_first
from members.access import Actor, within
from members.models import Organization
from points.entries import LEDGER_ROLES
from points.models import LedgerEntry
from points.publicity_models import Bulletin, BulletinConfirmation, BulletinEntry


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A frozen row, and what has become of its entry since."""

    row: BulletinEntry
    is_withdrawn: bool
    is_confirmed: bool


def get(session: Session, actor: Actor, bulletin_id: UUID) -> Bulletin:
    """A bulletin of the actor's branch, or in his reading scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    bulletin = session.scalar(_visible(actor).where(Bulletin.id == bulletin_id))
    if bulletin is None:
        raise NotFound
    return bulletin


def list_rows(session: Session, bulletin: Bulletin) -> list[PublishedRow]:
    """Its rows as they were published; one that was taken back since is shown as withdrawn."""
    reversal = aliased(LedgerEntry)
    rows = session.execute(
        sa.select(BulletinEntry, reversal.id.is_not(None), BulletinConfirmation.entry_id)
        .outerjoin(reversal, reversal.reverses_id == BulletinEntry.entry_id)
        .outerjoin(BulletinConfirmation, BulletinConfirmation.entry_id == BulletinEntry.entry_id)
        .where(BulletinEntry.bulletin_id == bulletin.id)
        .order_by(BulletinEntry.position)
    )
    return [PublishedRow(row[0], bool(row[1]), row[2] is not None) for row in rows]


def list_of_organization(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Bulletin]:
    """The bulletins of an organisation and below, the newest first.

    Raises:
        NotFound: the organisation is absent, or out of scope.
    """
    organization = session.get(Organization, organization_id)
    is_own = organization_id == actor.organization_id
    if organization is None or not (is_own or actor.covers(organization.path, LEDGER_ROLES)):
        raise NotFound
    query = _visible(actor).where(within([organization.path]))
    return newest_first(session, query, Bulletin, after=after, limit=limit)


def _visible(actor: Actor) -> sa.Select[Bulletin]:
    return (
        sa.select(Bulletin)
        .join(Organization, Organization.id == Bulletin.organization_id)
        .where(
            (Bulletin.organization_id == actor.organization_id) | within(actor.paths(LEDGER_ROLES))
        )
    )
