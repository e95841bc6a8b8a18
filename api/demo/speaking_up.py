"""What members told the bodies above their branch: one answered, one overdue, one just sent."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import District
from api.demo.timeline import Event
from core import audit
from core.attribution import KEY
from core.clock import at_local, business_day
from members.feedback.models import FeedbackKind, FeedbackTopic
from members.feedback.rules import Draft
from notifications import feedback_overdue, feedback_steps

SUGGESTED = Draft(
    FeedbackKind.SUGGESTION, FeedbackTopic.OTHER, "希望签到页的字再大一些。", page="活动签到"
)
COMPLAINED = Draft(
    FeedbackKind.COMPLAINT,
    FeedbackTopic.FORMALISM,
    "每次活动都要求交五张照片，占去半个小时。",
    is_anonymous=True,
)
ASKED = Draft(
    FeedbackKind.DATA_REQUEST, FeedbackTopic.CORRECTION, "名册里我的学历应为大学本科，请更正。"
)
REPLY = "已在设置里加入大字选项，打开后各页字号随之放大。"
# Days before the end of the story.
_SUGGESTED, _COMPLAINED, _TOLD, _ASKED, _ANSWERED_AFTER = 65, 60, 20, 14, 5


def events(session: Session, district: District, *, today: date) -> Iterator[Event]:
    """A suggestion with its answer, an anonymous complaint that waits too long, a data request."""
    at = at_local(today - timedelta(days=_SUGGESTED), 20)
    yield Event(at, partial(_suggest, session, district))
    at = at_local(today - timedelta(days=_COMPLAINED), 21)
    yield Event(at, partial(_complain, session, district))
    yield Event(at_local(today - timedelta(days=_ASKED), 8), partial(_ask, session, district))
    at = at_local(today - timedelta(days=_TOLD), 9)
    yield Event(at, lambda now: feedback_overdue.tell_overdue(session, now=now))


def _suggest(session: Session, district: District, now: datetime) -> None:
    actor = district.person(cast.MEMBER).actor(business_day(now))
    sent = feedback_steps.send(session, actor, draft=SUGGESTED, now=now)
    answered_at = now + timedelta(days=_ANSWERED_AFTER)
    officer = district.officers[sent.handling_organization_id].actor(business_day(answered_at))
    feedback_steps.answer(session, officer, sent.id, reply=REPLY, version=1, now=answered_at)


def _complain(session: Session, district: District, now: datetime) -> None:
    home = district.branches[cast.HOME_BRANCH]
    sender = home.helpers(business_day(now))[-1].actor(business_day(now))
    attribution = session.info[KEY]
    feedback_steps.send(session, sender, draft=COMPLAINED, now=now)
    # The story goes on in the same session, on the account of the command again.
    audit.attribute(session, attribution)


def _ask(session: Session, district: District, now: datetime) -> None:
    actor = district.person(cast.MEMBER).actor(business_day(now))
    feedback_steps.send(session, actor, draft=ASKED, now=now)
