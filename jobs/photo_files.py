"""Removing the files of photos that are forgotten: after the commit, and again after a crash."""

from sqlalchemy.orm import Session, sessionmaker

from activities import photo_retention, photos
from core.db import unit_of_work
from core.files import FileStore


def discard(sessions: sessionmaker[Session], store: FileStore) -> int:
    """Remove the files of forgotten photos; returns how many. Two processes do no harm."""
    with sessions() as session:
        photo_ids = photo_retention.find_discarded(session)
    for photo_id in photo_ids:
        store.delete(photos.name_of(photo_id))
    if photo_ids:
        with sessions() as session, unit_of_work(session):
            photo_retention.note_removed(session, photo_ids)
    return len(photo_ids)
