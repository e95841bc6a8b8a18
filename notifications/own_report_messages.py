"""“我在” sent by message: the link is made when it leaves and stands in no table."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.db import vault_of
from members.access import Actor
from members.contact import own_report_links
from members.contact.case_models import OwnReportLink
from members.contact.models import CaseState, ContactCase
from members.contact.own_report_links import IssuedLink
from notifications import outbox
from notifications.outbox import Message
from notifications.preparing import LinkMaker
from notifications.stop_conditions import (
    Carried,
    carried_parameter,
    carried_rows,
    occasion_of,
)

KIND = OWN_REPORT = "own_report_link"


def send(
    session: Session, actor: Actor, case_id: UUID, attempt_id: UUID, *, now: datetime
) -> IssuedLink:
    """Make the link of an attempt and let it be sent; raises as `own_report_links.issue`.

    It keeps to quiet hours and the week's budget. After three in vain, a person phones instead.
    """
    link = own_report_links.issue(session, actor, case_id, attempt_id, now=now)
    params = {"until": business_day(link.expires_at).isoformat()}
    topic = f"own_report:{case_id}"
    message = Message(link.member_id, KIND, occasion_of(link.id), params, topic=topic)
    outbox.enqueue(session, [message], now=now)
    return link


def link_maker(base_url: str) -> LinkMaker:
    """What makes the address of a message's link; without a page behind it there is none.

    Args:
        base_url: the page that the operator has put up; the token becomes its last part.
    """

    def make(session: Session, carried: Carried) -> str:
        if not base_url:
            return ""
        token = own_report_links.token_of(vault_of(session), UUID(carried.occasion))
        return f"{base_url.rstrip('/')}/{token}"

    return make


def is_waited_for(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Stop condition: whose link has not been answered, and whose case is still open."""
    given = carried_rows(session)
    query = (
        sa.select(given.c.id)
        .join(OwnReportLink, OwnReportLink.id == given.c.subject_id)
        .join(ContactCase, ContactCase.id == OwnReportLink.case_id)
        .where(OwnReportLink.answered_at.is_(None), ContactCase.state == CaseState.OPEN)
    )
    return set(session.scalars(query, carried_parameter(session, carried)))
