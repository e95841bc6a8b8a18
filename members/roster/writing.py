"""Putting a chunk of matched rows onto the roster: one statement each, however many rows."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.crypto import SealingKey, Vault
from core.db import vault_of
from core.ids import new_id
from members import member_keys
from members.id_numbers import SealedIdNumber, seal_id_number
from members.models import Affiliation, AffiliationKind, Member, MembershipStatus
from members.phones import SealedPhone, seal_phone
from members.roster.candidates import KnownMember, Person
from members.roster.differing import PLAIN_COLUMNS, Difference, plain_values
from members.roster.undo_data import UndoData

# Every column that an import may write, and that a rollback restores.
WRITTEN_COLUMNS = (
    *PLAIN_COLUMNS,
    "phone_sealed",
    "phone_index",
    "phone_masked",
    "id_number_sealed",
    "id_number_index",
    "id_number_masked",
)
# What must still be as the import left it for a rollback to be harmless. A sealed number is
# another one each time that the same number is sealed.
WATCHED_COLUMNS = (
    "name",
    "membership_status",
    *(name for name in WRITTEN_COLUMNS if not name.endswith("_sealed")),
)
REASON = "名册导入"


class Enrolment(NamedTuple):
    """A result row and the new person it puts on the roster."""

    row_id: UUID
    person: Person


class Revision(NamedTuple):
    """A result row and the member it changes."""

    row_id: UUID
    person: Person
    member: KnownMember
    difference: Difference


class Written(NamedTuple):
    """What was done for a result row, and how to undo it."""

    row_id: UUID
    member_id: UUID
    undo: UndoData


def enrol(
    session: Session, enrolments: Sequence[Enrolment], *, by: UUID | None, created_at: datetime
) -> list[Written]:
    """Create members, each with the primary affiliation to his branch.

    The affiliation begins on the day of joining the Party if the sheet has it: the branch is the
    first that is known of the person, and activities of days before the import, which may still
    be claimed, find their branch by it. Without that day it begins on the day of the import.
    """
    vault = vault_of(session)
    keys = {new_id(): SealingKey.generate(vault.suite) for _ in enrolments}
    members, affiliations, written = [], [], []
    for (member_id, key), (row_id, person) in zip(keys.items(), enrolments, strict=True):
        member = {
            "id": member_id,
            "name": person.row.values.name,
            "membership_status": MembershipStatus.NORMAL,
            "created_at": created_at,
            "version": 1,
            **plain_values(person),
            **_number_values(vault, key, member_id, person),
        }
        since = person.row.values.joined_on or business_day(created_at)
        affiliation = _affiliation(member_id, person, since, by)
        members.append(member)
        affiliations.append(affiliation)
        undo = UndoData(affiliation["id"], None, after=_watched(member))
        written.append(Written(row_id, member_id, undo))
    _insert(session, Member, members)
    member_keys.store(session, keys)
    _insert(session, Affiliation, affiliations)
    return written


def revise(
    session: Session, revisions: Sequence[Revision], *, by: UUID | None, on: date
) -> list[Written]:
    """Change members whom the caller has locked; a new branch counts from the day `on`.

    The old affiliation ends that day and stays in the history.
    """
    vault = vault_of(session)
    keys = member_keys.ensure(session, [revision.member.id for revision in revisions])
    members: list[dict[str, Any]] = []
    affiliations: list[dict[str, Any]] = []
    written = []
    for revision in revisions:
        row_id, person, member, difference = revision
        before = {name: getattr(member, name) for name in WRITTEN_COLUMNS}
        after = before | _changed_values(vault, keys[member.id], revision)
        members.append({"id": member.id, "version": member.version + 1, **after})
        opened = None
        if difference.is_moving:
            opened = _affiliation(member.id, person, on, by)
            affiliations.append(opened)
        left = {"name": member.name, "membership_status": member.membership_status, **after}
        undo = UndoData(
            opened["id"] if opened else None,
            member.affiliation_id if opened else None,
            after=_watched(left),
            before=before,
        )
        written.append(Written(row_id, member.id, undo))
    if members:
        session.execute(sa.update(Member), members)
    # Closed before the next ones are opened, or the trigger would see both on the same days.
    _close(session, [undo.closed_affiliation_id for _, _, undo in written], on)
    _insert(session, Affiliation, affiliations)
    return written


def _watched(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: columns[name] for name in WATCHED_COLUMNS}


def _changed_values(vault: Vault, key: SealingKey, revision: Revision) -> dict[str, Any]:
    _, person, member, difference = revision
    numbers = _number_values(vault, key, member.id, person)
    changed = dict(difference.values)
    if difference.has_new_phone:
        changed |= {name: numbers[name] for name in numbers if name.startswith("phone_")}
    if difference.has_new_id_number:
        changed |= {name: numbers[name] for name in numbers if name.startswith("id_number_")}
    return changed


def _number_values(
    vault: Vault, key: SealingKey, member_id: UUID, person: Person
) -> dict[str, Any]:
    phone, id_number = person.row.values.phone, person.row.values.id_number
    stored = dict.fromkeys((*SealedPhone._fields, *SealedIdNumber._fields))
    if phone:
        stored |= seal_phone(vault, key, member_id, phone)._asdict()
    if id_number and vault.keeps_id_numbers:
        stored |= seal_id_number(vault, key, member_id, id_number)._asdict()
    return stored


def _affiliation(member_id: UUID, person: Person, since: date, by: UUID | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "member_id": member_id,
        "organization_id": person.row.values.organization_id,
        "kind": AffiliationKind.PRIMARY,
        "valid_from": since,
        "recorded_by": by,
        "reason": REASON,
    }


def _close(session: Session, affiliation_ids: Sequence[UUID | None], on: date) -> None:
    closed = [affiliation_id for affiliation_id in affiliation_ids if affiliation_id]
    if closed:
        session.execute(
            sa.update(Affiliation)
            .where(Affiliation.id.in_(closed))
            .values(valid_to=on)
            .execution_options(synchronize_session=False)
        )


def _insert(
    session: Session, table: type[Member] | type[Affiliation], rows: Sequence[dict[str, Any]]
) -> None:
    if rows:
        # Without this, each change between a value and a NULL begins another statement.
        session.execute(sa.insert(table).execution_options(render_nulls=True), rows)
