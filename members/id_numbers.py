"""A member's ID number as it is stored, where the deployment keeps any: as a phone is."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import SealingKey, Vault
from core.db import vault_of
from members.models import Member

INDEX_PURPOSE = "id_number"


class SealedIdNumber(NamedTuple):
    """The three stored forms of an ID number."""

    id_number_sealed: bytes
    id_number_index: str
    id_number_masked: str


def index_id_number(vault: Vault, id_number: str) -> str:
    """The keyed digest by which an ID number is found."""
    return vault.blind_index(id_number, purpose=INDEX_PURPOSE)


def seal_id_number(
    vault: Vault, key: SealingKey, member_id: UUID, id_number: str
) -> SealedIdNumber:
    """The stored forms of an ID number; the sealed one opens with his key, in his row."""
    sealed = key.seal(id_number.encode(), context=id_number_context(member_id))
    return SealedIdNumber(sealed, index_id_number(vault, id_number), mask_id_number(id_number))


def mask_id_number(id_number: str) -> str:
    """The last four characters: with the area and the year of birth, few numbers would be left."""
    return "*" * 14 + id_number[-4:]


def id_number_context(member_id: UUID) -> str:
    """The place that a sealed ID number is bound to."""
    return f"member.id_number:{member_id}"


def purge_unwanted(session: Session, *, ended_before: datetime) -> int:
    """Where no ID number is kept, clear what an earlier setting has left; return how many."""
    if vault_of(session).keeps_id_numbers:
        return 0
    cleared = session.execute(
        sa.update(Member)
        .where(Member.id_number_masked.is_not(None), Member.created_at < ended_before)
        .values(dict.fromkeys(SealedIdNumber._fields))
        .returning(Member.id)
        .execution_options(synchronize_session=False)
    )
    return len(cleared.all())
