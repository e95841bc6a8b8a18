"""Showing anew that it is oneself, before what cannot be taken back."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from api.auth import shown_tokens
from members import confirmations, device_sessions
from members.access_models import Account
from members.confirmations import LASTS
from members.device_sessions import Device, Proven, open_session
from members.refreshing import SessionRevoked
from members.session_models import DeviceSession, SessionEnd, SignInMeans
from tests.api.test_sessions import holder
from tests.api.test_sessions import sign_in as by_password
from tests.api.test_sms_codes import ask, digits, settings_in_use, wrong
from tests.served import Caller, Service
from tests.world import NOW, PASSWORD

__all__ = ["settings_in_use"]
CONFIRMATION = "/auth/sessions/current/confirmation"
REQUIRED = (403, "auth.confirmation_required")
FAILED = (403, "auth.confirmation_failed")


def reveal(service: Service, caller: Caller) -> tuple[int, str | None]:
    path = f"/members/{service.world.members['党员甲']}/number-disclosures"
    answer = caller.post(path, {"purpose": "通知改期"})
    return answer.status_code, answer.json.get("code")


def confirm(caller: Caller, **proof: str) -> tuple[int, str | None]:
    answer = caller.post(CONFIRMATION, proof)
    return answer.status_code, answer.json.get("code")


def unconfirmed(service: Service, name: str = "书记一") -> Caller:
    """Somebody on a device whose holder has shown nothing for long."""
    session, session_id = service.world.session, service.world.sessions[name]
    session.execute(
        sa.update(DeviceSession).where(DeviceSession.id == session_id).values(confirmed_at=None)
    )
    session.commit()
    return service.caller(name)


def test_signing_in_counts_for_a_quarter_of_an_hour(service: Service) -> None:
    secretary = holder(service, by_password(service, "书记一"))

    with time_machine.travel(NOW + LASTS - timedelta(seconds=30)):
        early = reveal(service, secretary)
    with time_machine.travel(NOW + LASTS + timedelta(seconds=30)):
        late = reveal(service, secretary)
        read = secretary.get("/me").status_code
        again = confirm(secretary, password=PASSWORD)
        then = reveal(service, secretary)

    assert (early[0], late, read) == (201, REQUIRED, 200)
    assert (again[0], then[0]) == (200, 201)


def test_code_to_ones_own_phone_confirms_and_anothers_does_not(service: Service) -> None:
    phones, secretary = service.world.phones, unconfirmed(service)
    ask(service, phones["党员甲"])
    foreign = confirm(secretary, phone=phones["党员甲"], code=digits(service.world))
    ask(service, phones["书记一"])
    code = digits(service.world)
    wrongly = confirm(secretary, phone=phones["书记一"], code=wrong(code))
    before = reveal(service, secretary)
    rightly = secretary.post(CONFIRMATION, {"phone": phones["书记一"], "code": code})
    twice = confirm(secretary, phone=phones["书记一"], code=code)

    assert (foreign, wrongly, before) == (FAILED, FAILED, REQUIRED)
    assert rightly.status_code == 200
    until = datetime.fromisoformat(rightly.json["confirmed_until"])
    assert NOW + LASTS <= until < NOW + 2 * LASTS
    assert twice == FAILED
    assert reveal(service, secretary)[0] == 201


def test_who_guesses_on_a_stolen_device_is_stopped_there_and_nowhere_else(
    service: Service,
) -> None:
    stolen = unconfirmed(service)

    guesses = [confirm(stolen, password=f"guess number {n}") for n in range(11)]

    assert guesses == [FAILED] * 10 + [(429, "auth.too_many")]
    assert confirm(stolen, password=PASSWORD) == (429, "auth.too_many")
    assert reveal(service, stolen) == REQUIRED
    owner = holder(service, by_password(service, "书记一"))
    assert (confirm(owner, password=PASSWORD)[0], reveal(service, owner)[0]) == (200, 201)


def test_changing_the_password_is_no_way_to_guess_it(service: Service) -> None:
    stolen = unconfirmed(service)

    def change(old: str, new: str) -> tuple[int, str]:
        answer = stolen.put("/auth/password", {"old": old, "new": new})
        return answer.status_code, answer.json["code"]

    # Whether the old one is right is not told by what is said of a weak new one.
    assert change(PASSWORD, "1234567890") == change("guess", "1234567890")
    guesses = [change(f"guess number {n}", "Mo-He-Tan-Bing-7") for n in range(11)]

    assert guesses == [(403, "auth.old_password_wrong")] * 10 + [(429, "auth.too_many")]
    assert confirm(stolen, password=PASSWORD) == (429, "auth.too_many")


@pytest.mark.parametrize("means", list(SignInMeans))
def test_password_and_code_confirm_and_anothers_word_does_not(
    service: Service, means: SignInMeans
) -> None:
    world = service.world
    member_id, helper = world.members["书记一"], world.members["街道干事"]
    stored = world.session.get_one(Account, member_id).password_hash
    is_ticket = means is SignInMeans.TICKET
    proven = Proven(member_id, means, stored, assisted_by=helper if is_ticket else None)
    opened = open_session(world.session, proven, device=Device(), life=timedelta(days=1), now=NOW)
    world.session.commit()
    with service.app.app_context():
        secretary = Caller(service.app, service.document, shown_tokens(opened)["access_token"])

    expected = 201 if means in (SignInMeans.PASSWORD, SignInMeans.SMS) else 403

    assert reveal(service, secretary)[0] == expected


def test_session_that_was_ended_is_not_confirmed(service: Service) -> None:
    """The password was right, and somebody changed it before that was noted."""
    session, name = service.world.session, "书记一"
    actor = service.world.actor(name)
    device_sessions.end_all(session, actor.member_id, because=SessionEnd.PASSWORD_CHANGED, now=NOW)

    with pytest.raises(SessionRevoked):
        confirmations.confirm(session, actor, now=NOW)


@pytest.mark.parametrize(
    "body", [{}, {"phone": "13800000002"}, {"code": "402917"}, {"password": "x", "code": "402917"}]
)
def test_one_whole_proof_is_asked_for(service: Service, body: dict[str, str]) -> None:
    assert confirm(service.caller("书记一"), **body) == (422, "validation")
