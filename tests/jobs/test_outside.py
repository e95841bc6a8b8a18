"""The dispatcher as the jobs process runs it: settings, real HTTP, its own connections."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from core.channel_settings import read_channel_settings
from core.clock import at_local
from core.config import Settings
from core.db import make_engine, make_sessions
from core.working_days import WorkCalendarDay
from jobs import outside
from notifications import outbox
from notifications.channels.sender import Answer, Outgoing
from notifications.delivery_models import MemberChannelAddress
from notifications.models import Channel, OutboxMessage, OutboxState
from tests.notifications.provider_servers import http_provider
from tests.world import build_world

TEN = at_local(date(2026, 11, 9), 10)


def test_configured_deployment_sends_with_no_connection_held(
    fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(fresh_settings)
    sessions = make_sessions(engine, fresh_settings.vault)
    with sessions.begin() as session:
        world = build_world(session)
        member_id = world.members["党员甲"]
        context = f"member_channel_address.address:{member_id}:webhook"
        address = MemberChannelAddress(
            member_id=member_id,
            channel=Channel.WEBHOOK,
            address_sealed=fresh_settings.vault.encrypt(b"gateway-id-7", context=context),
            address_masked="gat***",
            set_at=TEN,
        )
        session.add(address)
        params = {"title": "清扫社区", "points": "1", "note": "张三的电话是 13800001111"}
        told = outbox.Message(member_id, "claim_approved", "1", params)
        outbox.enqueue(session, [told], now=TEN - timedelta(hours=1))
    held: list[int] = []
    with http_provider((200, {"code": 0, "message_id": "m1"})) as provider:
        environ = {
            "CHANNELS": "webhook",
            "WEBHOOK_URL": provider.url,
            "WEBHOOK_SECRET": "canary-secret",
            "TRIAL_ADDRESSES": "gateway-id-7",
        }
        settings = read_channel_settings(
            {f"PARTY_POINTS_{name}": value for name, value in environ.items()}
        )
        ways_out = outside.make_outside(settings, clock=lambda: TEN)
        sender = ways_out.senders[Channel.WEBHOOK]
        send = sender.send

        def watched(one: Outgoing) -> Answer:
            assert isinstance(engine.pool, sa.QueuePool)
            held.append(engine.pool.checkedout())
            return send(one)

        monkeypatch.setattr(sender, "send", watched)

        assert outside.dispatch(sessions, ways_out, clock=lambda: TEN) == 1
        assert outside.dispatch(sessions, ways_out, clock=lambda: TEN) == 0

    assert held == [0]
    [received] = provider.received
    assert received.json["recipient"] == "gateway-id-7"
    assert "清扫社区".encode() not in received.body
    assert b"13800001111" not in received.body
    with sessions() as session:
        row = session.scalars(
            sa.select(OutboxMessage).where(OutboxMessage.channel == Channel.WEBHOOK)
        ).one()
        assert (row.state, row.provider_message_id) == (OutboxState.SENT, "m1")
    engine.dispose()


def test_end_of_the_work_calendar_is_said(
    fresh_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = make_engine(fresh_settings)
    with make_sessions(engine, fresh_settings.vault).begin() as session:
        late = at_local(date(2030, 12, 20), 9)
        assert outside.watch_calendar(session, now=at_local(date(2026, 6, 1), 9)) == 0
        assert outside.watch_calendar(session, now=late) == 1
        for year in (2030, 2031):
            session.add(
                WorkCalendarDay(
                    day=date(year, 1, 1),
                    is_working=False,
                    name="元旦",
                    notice_year=year,
                    set_at=late,
                )
            )
        session.flush()
        assert outside.watch_calendar(session, now=late) == 0
    engine.dispose()
    assert "work_calendar.ends" in capsys.readouterr().out
