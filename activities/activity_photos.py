"""Up to three optional photos of an activity; no points depend on them.

A row and its file are written one after the other, never together: the store may be another
machine, and no transaction waits for one. The file comes first, so no row lacks its file.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

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


def require_room(
    session: Session, actor: Actor, activity_id: UUID, *, photo: CleanPhoto
) -> ActivityPhoto | None:
    """Whether a photo may be added, asked before its file is stored; itself if it is there.

    Raises:
        NotFound, ActivityCancelled: there is no such activity to show.
        TooManyPhotos: three are kept.
    """
    require_not_cancelled(get_led(session, actor, activity_id).activity)
    kept = list_photos(session, activity_id)
    same = next((one for one in kept if one.sha256 == photo.sha256), None)
    if same is None and len(kept) >= len(SLOTS):
        raise TooManyPhotos
    return same


def add(
    session: Session,
    actor: Actor,
    activity_id: UUID,
    *,
    photo: CleanPhoto,
    photo_id: UUID,
    now: datetime,
) -> ActivityPhoto:
    """Keep a cleaned photo whose file is stored under `photo_id`.

    The same picture a second time is the first: a phone that lost the answer sends it again.

    Raises:
        NotFound, ActivityCancelled: there is no such activity to show.
        TooManyPhotos: three are kept.
    """
    # Two phones must not choose the same slot.
    session.execute(sa.select(Activity.id).where(Activity.id == activity_id).with_for_update())
    same = require_room(session, actor, activity_id, photo=photo)
    if same is not None:
        return same
    taken = {one.slot for one in list_photos(session, activity_id)}
    kept = ActivityPhoto(
        id=photo_id,
        activity_id=activity_id,
        slot=next(slot for slot in SLOTS if slot not in taken),
        sha256=photo.sha256,
        byte_count=len(photo.data),
        added_by=actor.member_id,
        added_at=now,
    )
    session.add(kept)
    session.flush()
    return kept


def remove(session: Session, actor: Actor, activity_id: UUID, photo_id: UUID) -> None:
    """Forget a photo; the caller deletes its file after the commit.

    Raises:
        NotFound: the activity is out of scope, or has no such photo.
    """
    get_led(session, actor, activity_id)
    session.delete(_get(session, activity_id, photo_id))
    session.flush()


def get_photo(session: Session, actor: Actor, activity_id: UUID, photo_id: UUID) -> ActivityPhoto:
    """A photo of an activity that the actor may read.

    Raises:
        NotFound: out of scope, or no such photo.
    """
    get_readable(session, actor, activity_id)
    return _get(session, activity_id, photo_id)


def get_linked(session: Session, photo_id: UUID) -> ActivityPhoto:
    """The photo of a link, which only `list_photos` of somebody in scope has handed out.

    Raises:
        PhotoNotFound: it has been removed since.
    """
    photo = session.get(ActivityPhoto, photo_id)
    if photo is None:
        raise PhotoNotFound
    return photo


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
