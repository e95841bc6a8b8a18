"""What signing in leaves behind goes when its time is over, and not before."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from jobs import retention
from members import device_sessions, refreshing, sms_codes
from members.device_sessions import digest_of
from members.session_models import (
    AttemptLimit,
    CodePurpose,
    DeviceSession,
    RefreshToken,
    SessionEnd,
    SignInTicket,
    SmsCode,
    WechatTicket,
)
from members.sms_codes import Asked
from notifications.delivery_models import PushRegistration
from tests.devices import LIFE, sign_in
from tests.world import NOW, build_world

TABLES = (DeviceSession, RefreshToken, SmsCode, SignInTicket, WechatTicket, AttemptLimit)


def test_ended_sign_ins_are_kept_for_thirty_days(session: Session) -> None:
    world = build_world(session)
    member_id, leader_id = world.members["党员甲"], world.members["书记一"]
    session.execute(sa.delete(DeviceSession))
    kept = {}
    for days in (31, 29):
        at = NOW - timedelta(days=days)
        tokens = sign_in(session, member_id, now=at)
        _leave_behind(session, member_id, leader_id, at, str(days))
        session.add(_push(member_id, tokens.session_id, at))
        session.flush()
        device_sessions.end_all(session, member_id, because=SessionEnd.REVOKED, now=at)
        kept[days] = tokens.session_id

    assert retention.purge(session, now=NOW) == 4 + 4

    assert session.scalars(sa.select(DeviceSession.id)).all() == [kept[29]]
    assert session.scalars(sa.select(RefreshToken.session_id)).all() == [kept[29]]
    assert session.scalars(sa.select(PushRegistration.session_id)).all() == [kept[29]]
    counts = [session.scalar(sa.select(sa.func.count()).select_from(t)) for t in TABLES]
    assert counts == [1, 1, 1, 1, 1, 5]


def test_replaced_token_is_known_as_long_as_a_session_may_sleep(session: Session) -> None:
    world = build_world(session)
    began = NOW - timedelta(days=200)
    first = sign_in(session, world.members["党员甲"], now=began).refresh_token
    second = refreshing.refresh(session, first, life=LIFE, now=began + timedelta(days=100))
    assert isinstance(second, device_sessions.Tokens)
    refreshing.refresh(session, second.refresh_token, life=LIFE, now=NOW - timedelta(days=1))

    assert retention.purge(session, now=NOW) == 0
    assert retention.purge(session, now=NOW + timedelta(days=81)) == 1

    digests = session.scalars(sa.select(RefreshToken.digest)).all()
    assert digest_of(first) not in digests
    assert digest_of(second.refresh_token) in digests


def _leave_behind(
    session: Session, member_id: object, leader_id: object, at: datetime, name: str
) -> None:
    ended = at - timedelta(days=1, minutes=1)
    asked = Asked(f"139000000{name}", CodePurpose.SIGN_IN, f"10.0.{name}.1", 9)
    sms_codes.issue(session, asked, now=at)
    session.execute(sa.update(SmsCode).values(expires_at=SmsCode.created_at))
    session.execute(sa.update(AttemptLimit).where(AttemptLimit.ends_at > at).values(ends_at=at))
    ticket = {"member_id": member_id, "issued_by": leader_id, "issued_at": ended}
    session.add(SignInTicket(digest=name, expires_at=at, **ticket))
    session.add(WechatTicket(digest=name, openid_digest=name, expires_at=at))
    session.flush()


def _push(member_id: object, session_id: object, at: datetime) -> PushRegistration:
    return PushRegistration(
        member_id=member_id,
        id=session_id,
        session_id=session_id,
        platform="android",
        provider="jpush",
        token_sealed=b"x",
        token_masked="x***",
        app_version="",
        registered_at=at,
    )
