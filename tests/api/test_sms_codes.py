"""Codes in text messages: the same answer for everybody, five tries, limits in the database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine

from core.channel_settings import ChannelSettings
from core.config import Settings
from core.db import vault_of
from members.models import Member
from members.session_models import AttemptLimit, SmsCode
from members.sms_codes import PER_DAY, PER_HOUR, digits_of
from notifications import code_messages
from notifications.models import OutboxMessage, OutboxState
from tests.api.test_sessions import holder
from tests.notifications.dispatching import Desk, FakeSender
from tests.served import Service
from tests.statements import counted_statements
from tests.world import NOW, World

UNKNOWN = "13911112222"
PAID = ChannelSettings(
    providers=("sms_aliyun",), values={"SMS_ALIYUN_CODE_TEMPLATE_CODE": "SMS_1"}, is_trial=False
)


@pytest.fixture(autouse=True)
def settings_in_use(service: Service, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings: Settings = replace(service.app.extensions["settings"], channels=PAID)
    monkeypatch.setitem(service.app.extensions, "settings", settings)
    return settings


def ask(service: Service, phone: str, purpose: str = "sign_in") -> Any:
    return service.nobody.post("/auth/sms-codes", {"phone": phone, "purpose": purpose})


def sign_in(service: Service, phone: str, code: str) -> Any:
    body = {"grant": "sms", "phone": phone, "code": code}
    return service.nobody.post("/auth/sessions", body)


def newest(world: World) -> SmsCode:
    query = sa.select(SmsCode).order_by(SmsCode.created_at.desc(), SmsCode.id.desc())
    found = world.session.scalars(query, execution_options={"populate_existing": True}).first()
    assert found is not None
    return found


def digits(world: World, code_id: UUID | None = None) -> str:
    return digits_of(vault_of(world.session), code_id or newest(world).id)


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 1_000_000:06d}"


def test_code_signs_in_once(service: Service) -> None:
    phone = service.world.phones["党员甲"]
    asked = ask(service, phone)
    code = digits(service.world)

    first, again = sign_in(service, phone, code), sign_in(service, phone, code)

    assert (asked.status_code, asked.json) == (202, {"retry_after": 60})
    assert first.status_code == 201
    assert holder(service, first.json).get("/me").json["name"] == "党员甲"
    assert (again.status_code, again.json["code"]) == (401, "auth.code_invalid")


def test_unknown_phone_is_answered_and_counted_like_a_known_one(service: Service) -> None:
    known = service.world.phones["党员甲"]
    answers, counts = [], []
    for phone in (known, UNKNOWN):
        with counted_statements(service.world.session) as statements:
            asked = [ask(service, phone) for _ in range(2)]
        counts.append(len(statements))
        code = digits(service.world)
        tried = [sign_in(service, phone, wrong(code)) for _ in range(6)]
        answers.append(
            [(one.status_code, one.json) for one in asked]
            + [(one.status_code, one.json["code"], one.json["detail"]) for one in tried]
        )

    assert answers[0] == answers[1]
    assert counts[0] == counts[1]
    # Nobody has the phone, so not even the right digits open anything.
    assert sign_in(service, UNKNOWN, digits(service.world)).status_code == 401
    assert code_messages.enqueue(service.world.session, now=NOW) == 1
    assert code_messages.enqueue(service.world.session, now=NOW) == 0
    [message] = service.world.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.kind == "sms_code")
    ).all()
    assert message.member_id == service.world.members["党员甲"]


def test_code_dies_with_its_fifth_wrong_try(service: Service) -> None:
    phone = service.world.phones["党员甲"]
    ask(service, phone)
    code = digits(service.world)
    for _ in range(5):
        assert sign_in(service, phone, wrong(code)).status_code == 401

    assert sign_in(service, phone, code).status_code == 401
    assert newest(service.world).tries == 5


def test_code_is_for_five_minutes_one_purpose_and_until_the_next(service: Service) -> None:
    phone = service.world.phones["党员甲"]
    ask(service, phone, "bind_wechat")
    assert sign_in(service, phone, digits(service.world)).status_code == 401
    with time_machine.travel(NOW + timedelta(minutes=2)):
        ask(service, phone)
        older = digits(service.world)
    with time_machine.travel(NOW + timedelta(minutes=4)):
        ask(service, phone)
        assert sign_in(service, phone, older).status_code == 401
    with time_machine.travel(NOW + timedelta(minutes=10)):
        assert sign_in(service, phone, digits(service.world)).status_code == 401


def test_phone_gets_five_codes_an_hour_and_ten_a_day(service: Service) -> None:
    phone, sent, waits = service.world.phones["党员甲"], 0, set[int]()
    for minute in range(0, 24 * 60, 10):
        with time_machine.travel(NOW + timedelta(minutes=minute)):
            answer = ask(service, phone)
        assert answer.status_code == 202
        waits.add(answer.json["retry_after"])
    sent = service.world.session.scalar(sa.select(sa.func.count()).select_from(SmsCode)) or 0

    assert (PER_HOUR.count_max, PER_DAY.count_max) == (5, 10)
    assert sent == 10
    assert max(waits) > 3600
    subjects = service.world.session.scalars(sa.select(AttemptLimit.subject)).all()
    assert phone not in "".join(subjects)


def test_budget_of_the_day_stops_a_storm_over_many_phones(
    service: Service, settings_in_use: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor = replace(settings_in_use, sms_codes_a_day=3)
    monkeypatch.setitem(service.app.extensions, "settings", poor)

    answers = [ask(service, f"1391111{number:04d}") for number in range(6)]

    assert [one.json["retry_after"] > 60 for one in answers] == [False] * 3 + [True] * 3
    assert service.world.session.scalar(sa.select(sa.func.count()).select_from(SmsCode)) == 3
    phone = service.world.phones["党员甲"]
    body = {"grant": "password", "phone": phone, "password": "Correct-Horse-2026"}
    assert service.nobody.post("/auth/sessions", body).status_code == 201


def test_code_leaves_at_night_by_text_message_and_is_read_nowhere_before(
    service: Service,
) -> None:
    night = NOW + timedelta(hours=14)
    with time_machine.travel(night):
        ask(service, service.world.phones["党员甲"])
    code = digits(service.world)
    code_messages.enqueue(service.world.session, now=night)
    desk = Desk(service.world.session, service.world, night + timedelta(minutes=1))
    stored = repr(list(desk.row.__dict__.values()))

    assert desk.dispatch() == 1

    assert code not in stored
    assert [one.code for one in desk.sender.log] == [code]
    assert desk.sender.log[0].address == service.world.phones["党员甲"]


@pytest.mark.parametrize("case", ["late", "phone changed"])
def test_code_that_would_come_too_late_or_to_another_phone_is_not_sent(
    service: Service, case: str
) -> None:
    ask(service, service.world.phones["党员甲"])
    code_messages.enqueue(service.world.session, now=NOW)
    desk = Desk(service.world.session, service.world, NOW)
    if case == "phone changed":
        member = service.world.session.get_one(Member, service.world.members["党员甲"])
        member.phone_index = "0" * 64
        service.world.session.flush()

    assert desk.dispatch(at=NOW + timedelta(minutes=6 if case == "late" else 1)) == 0

    assert isinstance(desk.sender, FakeSender)
    assert desk.sender.log == []
    assert desk.row.state == OutboxState.EXPIRED


def test_family_phone_opens_the_account_that_has_it(service: Service) -> None:
    world = service.world
    other = world.session.get_one(Member, world.members["党员乙"])
    owner = world.session.get_one(Member, world.members["党员甲"])
    other.phone_index = owner.phone_index
    world.session.commit()
    ask(service, world.phones["党员甲"])

    signed_in = sign_in(service, world.phones["党员甲"], digits(world))

    assert holder(service, signed_in.json).get("/me").json["name"] == "党员甲"


def test_demo_shows_the_code_where_it_runs(
    service: Service,
    settings_in_use: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo = replace(settings_in_use, demo=True, channels=ChannelSettings())
    monkeypatch.setitem(service.app.extensions, "settings", demo)

    assert ask(service, service.world.phones["党员甲"]).status_code == 202

    assert digits(service.world) in capsys.readouterr().err
    assert code_messages.enqueue(service.world.session, now=NOW) == 0


def test_deployment_without_a_template_says_so_whoever_asks(
    service: Service, settings_in_use: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = replace(settings_in_use, channels=ChannelSettings())
    monkeypatch.setitem(service.app.extensions, "settings", plain)

    for phone in (service.world.phones["党员甲"], UNKNOWN):
        answer = ask(service, phone)
        assert (answer.status_code, answer.json["code"]) == (422, "auth.sms_off")
