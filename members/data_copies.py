"""A member's copy of his own data (PIPL article 45): asking for one, and fetching it by link.

`points.own_data` writes it, because it explains points as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, undefer

from core import audit, background
from core.data_classes import term_of
from core.db import vault_of
from core.errors import NotFound
from core.ids import new_id
from core.signed_links import LinkInvalid, Links
from members import attempt_limits, member_keys
from members.access import Actor
from members.attempt_limits import Limit, Try
from members.data_copy_models import DataCopy

JOB = "data-copy"
DAILY = Limit("data_copy", 2, timedelta(days=1))
COPY_LINKS = Links("data-copy-link", timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class CopyFile:
    """The file of a copy."""

    content: bytes
    sha256: str


def request(session: Session, actor: Actor, *, now: datetime) -> DataCopy:
    """Ask for a copy; a job writes it in the background.

    Raises:
        TooManyTries: he has asked twice within a day.
    """
    attempt_limits.count(session, [Try(DAILY, str(actor.member_id))], now=now)
    copy_id = new_id()
    job = background.enqueue(
        session, kind=JOB, subject_id=copy_id, requested_by=actor.member_id, now=now
    )
    copy = DataCopy(
        id=copy_id,
        member_id=actor.member_id,
        job_id=job.id,
        requested_at=now,
        expires_at=now + term_of("data_copy"),
    )
    session.add(copy)
    session.flush()
    return copy


def list_own(session: Session, actor: Actor, *, now: datetime) -> Sequence[DataCopy]:
    """The actor's copies that can still be fetched or are being written, newest first."""
    return session.scalars(
        sa.select(DataCopy)
        .where(DataCopy.member_id == actor.member_id, DataCopy.expires_at > now)
        .order_by(DataCopy.id.desc())
    ).all()


def open_linked(session: Session, token: str, *, now: datetime) -> CopyFile:
    """The file that a link opens; that it was fetched is recorded with the member it is about.

    Raises:
        LinkInvalid: forged or too old, or the copy is gone.
    """
    link = COPY_LINKS.read(vault_of(session), token, now=now)
    copy = session.scalar(
        sa.select(DataCopy)
        .where(
            DataCopy.id == link.object_id,
            DataCopy.member_id == link.member_id,
            DataCopy.expires_at > now,
        )
        .options(undefer(DataCopy.content_sealed))
    )
    if copy is None or copy.content_sealed is None or copy.sha256 is None:
        raise LinkInvalid
    key = member_keys.keys_of(session, [copy.member_id]).get(copy.member_id)
    if key is None:
        raise LinkInvalid
    audit.note_reading(session, "data_copy", [copy.member_id])
    return CopyFile(key.open(copy.content_sealed, context=_context(copy.id)), copy.sha256)


def keep(session: Session, copy: DataCopy, content: bytes, sha256: str) -> None:
    """Store the written file, sealed with the member's own key."""
    key = member_keys.ensure(session, [copy.member_id])[copy.member_id]
    copy.content_sealed = key.seal(content, context=_context(copy.id))
    copy.byte_count, copy.sha256 = len(content), sha256


def get_requested(session: Session, copy_id: UUID) -> DataCopy:
    """A copy that a job is to write.

    Raises:
        NotFound: it went with its member.
    """
    copy = session.get(DataCopy, copy_id, with_for_update=True)
    if copy is None:
        raise NotFound
    return copy


def purge(session: Session, *, ended_before: datetime) -> int:
    """Delete the copies that were asked for before an instant; returns how many."""
    gone = session.scalars(
        sa.delete(DataCopy)
        .where(DataCopy.requested_at < ended_before)
        .returning(DataCopy.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _context(copy_id: UUID) -> str:
    return f"data_copy.content:{copy_id}"
