"""Members already on the roster who may be the people of a chunk of rows: three queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import Vault
from members.id_numbers import index_id_number
from members.models import Affiliation, AffiliationKind, Member, Organization
from members.phones import index_phone
from members.roster.checking import RosterRow
from members.roster.values import normalise_name


@dataclass(frozen=True, slots=True)
class Person:
    """An accepted row with the digests by which its person is found."""

    row: RosterRow
    id_number_index: str | None
    phone_index: str | None

    @property
    def place(self) -> tuple[UUID, str]:
        """Branch and name: what identifies a person without numbers, if anything does."""
        return self.row.values.organization_id, self.row.values.name


@dataclass(frozen=True, slots=True)
class KnownMember:
    """A member as stored, with his open primary affiliation, if any."""

    id: UUID
    name: str
    version: int
    membership_status: str
    sex: str | None
    birth_year: int | None
    education: str | None
    post: str | None
    kind: str
    joined_on: date | None
    converted_on: date | None
    phone_sealed: bytes | None = field(repr=False)
    phone_index: str | None
    phone_masked: str | None
    id_number_sealed: bytes | None = field(repr=False)
    id_number_index: str | None
    id_number_masked: str | None
    affiliation_id: UUID | None
    organization_id: UUID | None
    organization_name: str | None
    organization_path: str | None


@dataclass(slots=True)
class Candidates:
    """Members by each of the three ways in which a row may mean them."""

    by_id_number: dict[str, KnownMember] = field(default_factory=dict)
    by_phone: defaultdict[tuple[str, str], list[KnownMember]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_place: defaultdict[tuple[UUID, str], list[KnownMember]] = field(
        default_factory=lambda: defaultdict(list)
    )


def identify(vault: Vault, row: RosterRow) -> Person:
    """The row with the digests of its numbers; of the ID number only where any are kept."""
    values = row.values
    id_number = values.id_number if vault.keeps_id_numbers else None
    return Person(
        row,
        index_id_number(vault, id_number) if id_number else None,
        index_phone(vault, values.phone) if values.phone else None,
    )


def find_candidates(
    session: Session, people: Sequence[Person], *, without: AbstractSet[UUID], locked: bool
) -> Candidates:
    """Everybody whom one of the rows may mean.

    Args:
        without: members whom this very import has created; no other row of it means them.
        locked: lock the members until the transaction ends, because the caller will change them.
    """
    id_numbers = {person.id_number_index for person in people if person.id_number_index}
    phones = {person.phone_index for person in people if person.phone_index}
    branches = {person.row.values.organization_id for person in people}
    names = {person.row.values.name for person in people}
    found = Candidates()
    for known in _find(session, Member.id_number_index.in_(id_numbers), without, locked):
        found.by_id_number[known.id_number_index or ""] = known
    for known in _find(session, Member.phone_index.in_(phones), without, locked):
        found.by_phone[known.phone_index or "", normalise_name(known.name)].append(known)
    in_place = Affiliation.organization_id.in_(branches) & Member.name.in_(names)
    for known in _find(session, in_place, without, locked):
        if known.organization_id:
            found.by_place[known.organization_id, known.name].append(known)
    return found


def _find(
    session: Session,
    condition: sa.ColumnElement[bool],
    without: AbstractSet[UUID],
    locked: bool,
) -> Iterable[KnownMember]:
    query = (
        sa.select(
            *(getattr(Member, name) for name in _MEMBER_COLUMNS),
            Affiliation.id.label("affiliation_id"),
            Affiliation.organization_id,
            Organization.name.label("organization_name"),
            Organization.path.label("organization_path"),
        )
        .outerjoin(Affiliation, open_primary())
        .outerjoin(Organization, Organization.id == Affiliation.organization_id)
        .where(condition)
        .order_by(Member.id)
    )
    if locked:
        query = query.with_for_update(key_share=True, of=Member)
    rows = session.execute(query).mappings().all()
    return [KnownMember(**row) for row in rows if row["id"] not in without]


def open_primary() -> sa.ColumnElement[bool]:
    """Join condition: the primary affiliation of a member that has no end yet."""
    return (
        (Affiliation.member_id == Member.id)
        & (Affiliation.kind == AffiliationKind.PRIMARY)
        & Affiliation.valid_to.is_(None)
    )


_OF_AFFILIATION = frozenset(
    {"affiliation_id", "organization_id", "organization_name", "organization_path"}
)
_MEMBER_COLUMNS = tuple(
    column.name for column in fields(KnownMember) if column.name not in _OF_AFFILIATION
)
