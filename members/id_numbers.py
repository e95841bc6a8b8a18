"""A member's ID number as it is stored, where the deployment keeps any: as a phone is."""

from typing import NamedTuple
from uuid import UUID

from core.crypto import SealingKey, Vault

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
