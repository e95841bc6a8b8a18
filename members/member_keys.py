"""A key for each member: deleting it makes whatever it has sealed unreadable, in backups too.

Values of the first releases were sealed by the deployment's master key; they are opened with it
until `flask crypto rotate` has moved them.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.crypto import SealingKey, Vault
from core.db import vault_of
from core.errors import NotFound
from core.rows import dialect_of
from members.privacy_models import MemberKey


def keys_of(session: Session, member_ids: Collection[UUID]) -> dict[UUID, SealingKey]:
    """The keys of those members who have one; one statement."""
    vault = vault_of(session)
    rows = session.execute(
        sa.select(MemberKey.member_id, MemberKey.key_sealed).where(
            MemberKey.member_id.in_(member_ids)
        )
    ).all()
    return {row.member_id: unwrap(vault, row.member_id, row.key_sealed) for row in rows}


def ensure(session: Session, member_ids: Iterable[UUID]) -> dict[UUID, SealingKey]:
    """The keys of these members, made where there is none; three statements however many."""
    wanted = sorted(set(member_ids))
    keys = keys_of(session, wanted)
    if len(keys) == len(wanted):
        return keys
    suite = vault_of(session).suite
    store(session, {one: SealingKey.generate(suite) for one in wanted if one not in keys})
    return keys_of(session, wanted)


def store(session: Session, keys: Mapping[UUID, SealingKey]) -> None:
    """Keep new keys of members who are in the database; one statement."""
    vault = vault_of(session)
    rows = [
        {"member_id": member_id, "key_sealed": wrap(vault, member_id, key)}
        for member_id, key in keys.items()
    ]
    insert = sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert
    # Somebody else may make one at the same moment: the first is the one that counts.
    if rows:
        session.execute(insert(MemberKey).on_conflict_do_nothing(), rows)


def open_value(session: Session, member_id: UUID, sealed: bytes, *, context: str) -> str:
    """A value that was sealed for the member, in clear.

    Raises:
        NotFound: his key is gone, and with it the value.
    """
    vault = vault_of(session)
    if vault.has_sealed(sealed):
        return vault.decrypt(sealed, context=context).decode()
    key = keys_of(session, [member_id]).get(member_id)
    if key is None:
        raise NotFound
    return key.open(sealed, context=context).decode()


def unwrap(vault: Vault, member_id: UUID, key_sealed: bytes) -> SealingKey:
    """A member's key, ready to use."""
    return SealingKey(vault.decrypt(key_sealed, context=_context(member_id)), vault.suite)


def wrap(vault: Vault, member_id: UUID, key: SealingKey) -> bytes:
    """The stored form of a member's key, sealed by the master key of today."""
    return vault.encrypt(key.secret, context=_context(member_id))


def _context(member_id: UUID) -> str:
    return f"member_key.key:{member_id}"
