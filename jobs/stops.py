"""Stop conditions of messages: what is asked again of the tables above before one leaves."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.models import Activity
from notifications.preparing import Carried, StopCondition


def activity_is_on(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which notices tell of an activity that has not been cancelled since."""
    ids = {UUID(one.occasion) for one in carried}
    on = session.scalars(
        sa.select(Activity.id).where(Activity.id.in_(ids), Activity.cancelled_at.is_(None))
    )
    still = {str(activity_id) for activity_id in on}
    return {one.id for one in carried if one.occasion in still}


# The stop of a message kind -> the function that answers it.
STOPS: Mapping[str, StopCondition] = {"activity_is_on": activity_is_on}
