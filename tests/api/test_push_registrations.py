"""Apps that take pushes: several for a member, each while its session lasts."""

from typing import Any

import pytest
import sqlalchemy as sa

from notifications import addresses
from notifications.delivery_models import PushRegistration
from notifications.models import Channel
from tests.api.test_sessions import holder, sign_in
from tests.served import Caller, Service

APP = {"platform": "android", "provider": "jpush", "token": "1a0018970aaf54b6b3f"}
OTHER = APP | {"token": "2b0018970aaf54b6b3f"}
FIRST, SECOND = "0198c0de-0000-7000-8000-0000000000a1", "0198c0de-0000-7000-8000-0000000000a2"


def pushed_to(service: Service, name: str = "党员甲") -> set[str]:
    session, member_id = service.world.session, service.world.members[name]
    found = addresses.find_address(session, member_id, Channel.PUSH)
    return set(found.split()) if found else set()


def register(caller: Caller, registration_id: str, app: Any = APP) -> int:
    return caller.put(f"/me/devices/{registration_id}", app).status_code


def test_every_device_of_a_member_is_reached_until_it_is_signed_out(service: Service) -> None:
    old, new = (holder(service, sign_in(service)) for _ in range(2))

    assert [register(old, FIRST), register(new, SECOND, OTHER)] == [204, 204]
    assert register(new, SECOND, OTHER) == 204
    assert pushed_to(service) == {APP["token"], OTHER["token"]}
    shown = new.get("/me/channels").json["channels"]
    assert [one["address_masked"] for one in shown if one["channel"] == "push"] == [
        "1a0***",
        "2b0***",
    ]

    old.delete("/auth/sessions/current")
    assert pushed_to(service) == {OTHER["token"]}
    assert new.delete(f"/me/devices/{SECOND}").status_code == 204
    assert new.delete(f"/me/devices/{SECOND}").status_code == 404
    assert pushed_to(service) == set()
    sealed = service.world.session.scalars(sa.select(PushRegistration.token_sealed)).all()
    assert all(APP["token"].encode() not in one for one in sealed)


def test_app_that_changes_hands_is_each_ones_own(service: Service) -> None:
    service_of = {name: service.caller(name) for name in ("党员甲", "党员乙")}
    for caller in service_of.values():
        assert register(caller, FIRST) == 204

    service_of["党员乙"].delete(f"/me/devices/{FIRST}")

    assert (pushed_to(service), pushed_to(service, "党员乙")) == ({APP["token"]}, set())


@pytest.mark.parametrize(
    "app", [APP | {"token": "with blank"}, APP | {"token": "短"}, APP | {"provider": "apns"}]
)
def test_what_no_provider_issues_is_refused(service: Service, app: Any) -> None:
    assert register(service.caller("党员甲"), FIRST, app) == 422
