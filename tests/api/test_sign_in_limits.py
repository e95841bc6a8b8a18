"""How often signing in may fail, and what a flood of it does to everybody else."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from members import passwords
from members.attempt_limits import address_block
from members.session_models import AttemptLimit
from members.sign_in_limits import PER_PHONE, PER_PHONE_AND_BLOCK
from tests.api.test_sessions import sign_in
from tests.district import CHEAP_HASHER
from tests.served import Service
from tests.statements import counted_statements
from tests.world import NOW, PASSWORD

WRONG = "Wrong-Horse-1"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", CHEAP_HASHER)


def guess(service: Service, phone: str, secret: str = WRONG, at: str = "1") -> Any:
    body = {"grant": "password", "phone": phone, "password": secret}
    place = {"REMOTE_ADDR": f"10.0.{at}.7"}
    return service.nobody.send("POST", "/auth/sessions", json=body, environ_base=place)


@pytest.mark.parametrize("phone", ["known", "13911112222"])
def test_eleventh_guess_from_one_place_is_not_looked_at(service: Service, phone: str) -> None:
    phone = service.world.phones["党员甲"] if phone == "known" else phone
    for _ in range(PER_PHONE_AND_BLOCK.count_max):
        assert guess(service, phone).json["code"] == "auth.bad_credentials"

    stopped = guess(service, phone, PASSWORD)

    assert (stopped.status_code, stopped.json["code"]) == (429, "auth.too_many")
    assert 0 < int(stopped.headers["Retry-After"]) <= 15 * 60 + 1
    with time_machine.travel(NOW + timedelta(minutes=17)):
        assert guess(service, phone).json["code"] == "auth.bad_credentials"


def test_who_guesses_elsewhere_does_not_lock_the_member_out(service: Service) -> None:
    phone = service.world.phones["党员甲"]
    for _ in range(PER_PHONE_AND_BLOCK.count_max + 1):
        guess(service, phone)

    assert guess(service, phone, PASSWORD, at="2").status_code == 201
    kept = sa.select(AttemptLimit.count).where(AttemptLimit.name == PER_PHONE.name)
    # Only failures use a limit up.
    assert service.world.session.scalars(kept).all() == [PER_PHONE_AND_BLOCK.count_max]


def test_signing_in_rightly_uses_nothing_up(service: Service) -> None:
    for _ in range(PER_PHONE_AND_BLOCK.count_max + 2):
        sign_in(service)


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_block_is_what_one_subscriber_moves_within(address: str, block: str) -> None:
    assert address_block(address) == block


def test_third_password_at_a_time_is_told_to_come_back(service: Service) -> None:
    """The other threads of the process go on reading; nothing is counted, nothing looked up."""
    phone = service.world.phones["党员甲"]
    with (
        passwords.place(),
        passwords.place(),
        counted_statements(service.world.session) as statements,
    ):
        busy = guess(service, phone, PASSWORD)

    assert (busy.status_code, busy.json["code"], statements) == (429, "auth.busy", [])
    assert guess(service, phone, PASSWORD).status_code == 201
