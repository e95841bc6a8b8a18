"""Up to three optional photos of an activity; no points depend on them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import photos
from activities.activity_access import get_led, get_readable, require_not_cancelled
from activities.models import Activity
from activities.photos import CleanPhoto, PhotoNotFound
from activities.record_models import ActivityPhoto
from core.errors import RuleViolation
from members.access import Actor

SLOTS = (1, 2, 3)


class TooManyPhotos(RuleViolation):
    """Three photos are kept already."""

    code = "photo.count"
    title = "每次活动最多保存 3 张照片"


def add(
    session: Session,
    actor: Actor,
    activity_id: UUID,
    *,
    photo: CleanPhoto,
    folder: Path,
    now: datetime,
) -> ActivityPhoto:
    """Keep a cleaned photo; the file is written before the row, so no row lacks its file.

    Raises:
        NotFound, ActivityCancelled: there is no such activity to show.
        TooManyPhotos: three are kept.
    """
    require_not_cancelled(get_led(session, actor, activity_id).activity)
    # Two phones must not choose the same slot.
    session.execute(sa.select(Activity.id).where(Activity.id == activity_id).with_for_update())
    taken = set(session.scalars(sa.select(ActivityPhoto.slot).filter_by(activity_id=activity_id)))
    slot = next((slot for slot in SLOTS if slot not in taken), None)
    if slot is None:
        raise TooManyPhotos
    kept = ActivityPhoto(
        activity_id=activity_id,
        slot=slot,
        sha256=photo.sha256,
        byte_count=len(photo.data),
        added_by=actor.member_id,
        added_at=now,
    )
    session.add(kept)
    session.flush()
    photos.store(folder, kept.id, photo.data)
    return kept


def remove(session: Session, actor: Actor, activity_id: UUID, photo_id: UUID) -> None:
    """Forget a photo; the caller discards its file after the commit.

    Raises:
        NotFound: the activity is out of scope, or has no such photo.
    """
    get_led(session, actor, activity_id)
    session.delete(_get(session, activity_id, photo_id))
    session.flush()


def read(
    session: Session, actor: Actor, activity_id: UUID, photo_id: UUID, *, folder: Path
) -> bytes:
    """A photo of an activity that the actor may read, as JPEG.

    Raises:
        NotFound: out of scope, or no such photo.
    """
    get_readable(session, actor, activity_id)
    return photos.read(folder, _get(session, activity_id, photo_id).id)


def list_photos(session: Session, activity_id: UUID) -> Sequence[ActivityPhoto]:
    """The photos of an activity that the caller has checked, by slot."""
    return session.scalars(
        sa.select(ActivityPhoto).filter_by(activity_id=activity_id).order_by(ActivityPhoto.slot)
    ).all()


def _get(session: Session, activity_id: UUID, photo_id: UUID) -> ActivityPhoto:
    photo = session.scalar(sa.select(ActivityPhoto).filter_by(id=photo_id, activity_id=activity_id))
    if photo is None:
        raise PhotoNotFound
    return photo
