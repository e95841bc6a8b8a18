"""Reading bulletins: the branch's own members, the bodies above, the auditor.

Cadres' bulletins are read by whoever reads cadres' points; a cadre sees his own rows of one.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound
from core.paging import Page, newest_first
from members.access import Actor, within
from members.models import Organization
from points.models import LedgerEntry, Subject
from points.publicity_models import Bulletin, BulletinConfirmation, BulletinEntry
from points.subjects import may_read_subject, roles_of_subject


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A frozen row, and what has become of its entry since."""

    row: BulletinEntry
    is_withdrawn: bool
    is_confirmed: bool


def get(session: Session, actor: Actor, bulletin_id: UUID) -> Bulletin:
    """A bulletin of the actor's branch, of his own points as a cadre, or in his reading scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    bulletin = session.scalar(_visible(actor).where(Bulletin.id == bulletin_id))
    if bulletin is None:
        raise NotFound
    return bulletin


def list_rows(session: Session, actor: Actor, bulletin: Bulletin) -> list[PublishedRow]:
    """Its rows as they were published; one that was taken back since is shown as withdrawn.

    Of a bulletin of cadres somebody without a reading role sees his own rows only.
    """
    reversal = aliased(LedgerEntry)
    place = session.get_one(Organization, bulletin.organization_id)
    sees_all = bulletin.subject == Subject.PARTY_MEMBERS or may_read_subject(
        actor, bulletin.subject, place.path
    )
    rows = session.execute(
        sa.select(BulletinEntry, reversal.id.is_not(None), BulletinConfirmation.entry_id)
        .outerjoin(reversal, reversal.reverses_id == BulletinEntry.entry_id)
        .outerjoin(BulletinConfirmation, BulletinConfirmation.entry_id == BulletinEntry.entry_id)
        .where(
            BulletinEntry.bulletin_id == bulletin.id,
            sa.true() if sees_all else _is_own(actor),
        )
        .order_by(BulletinEntry.position)
    )
    return [PublishedRow(row[0], bool(row[1]), row[2] is not None) for row in rows]


def list_of_organization(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    subject: str = Subject.PARTY_MEMBERS,
    after: list[str | int] | None,
    limit: int,
) -> Page[Bulletin]:
    """The bulletins of one subject of an organisation and below, the newest first.

    Raises:
        NotFound: the organisation is absent, or out of scope.
    """
    organization = session.get(Organization, organization_id)
    is_own = organization_id == actor.organization_id
    if organization is None or not (is_own or may_read_subject(actor, subject, organization.path)):
        raise NotFound
    query = _visible(actor).where(within([organization.path]), Bulletin.subject == subject)
    return newest_first(session, query, Bulletin, after=after, limit=limit)


def readable(actor: Actor) -> sa.Select[Bulletin]:
    """Members' bulletins of the actor's branch, and those in his reading scope."""
    return _visible(actor).where(Bulletin.subject == Subject.PARTY_MEMBERS)


def _visible(actor: Actor) -> sa.Select[Bulletin]:
    has_own = sa.exists().where(BulletinEntry.bulletin_id == Bulletin.id, _is_own(actor))
    readers = {
        Subject.PARTY_MEMBERS: Bulletin.organization_id == actor.organization_id,
        Subject.CADRES: has_own,
    }
    return (
        sa.select(Bulletin)
        .join(Organization, Organization.id == Bulletin.organization_id)
        .where(
            sa.or_(
                *(
                    (Bulletin.subject == subject)
                    & (others | within(actor.paths(roles_of_subject(subject))))
                    for subject, others in readers.items()
                )
            )
        )
    )


def _is_own(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        LedgerEntry.id == BulletinEntry.entry_id, LedgerEntry.member_id == actor.member_id
    )
