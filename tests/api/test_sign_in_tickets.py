"""A branch leader helps a member to sign in: once, for five minutes, and both are told."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from core.ids import new_id
from members.access_models import Account, Role
from members.models import Affiliation, Member, MemberKind
from members.sign_in_tickets import LIFE
from tests.api.test_sessions import holder, told
from tests.served import Service
from tests.world import LONG_AGO, NOW


def issue(service: Service, name: str, *, by: str = "书记一") -> Any:
    path = f"/members/{service.world.members[name]}/sign-in-tickets"
    return service.caller(by).post(path)


def redeem(service: Service, ticket: str) -> Any:
    return service.nobody.post("/auth/sessions", {"grant": "ticket", "ticket": ticket})


def test_ticket_signs_in_once_and_says_who_helped(service: Service) -> None:
    issued = issue(service, "党员甲")
    assert issued.status_code == 201
    assert issued.json["svg"].startswith("<svg")
    assert issued.headers["Cache-Control"] == "no-store"

    first, again = (redeem(service, issued.json["ticket"]) for _ in range(2))

    assert first.status_code == 201
    assert (again.status_code, again.json["code"]) == (401, "auth.ticket_invalid")
    [session] = [
        one
        for one in holder(service, first.json).get("/me/sessions").json["sessions"]
        if one["is_current"]
    ]
    assert (session["means"], session["assisted_by_name"]) == ("ticket", "书记一")
    assert told(service, "assisted_sign_in") == ["党员甲"]
    assert told(service, "helped_sign_in") == ["书记一"]


def test_member_without_phone_and_account_is_helped_in_and_can_be_stopped(
    service: Service,
) -> None:
    world, member_id = service.world, new_id()
    place = {"organization_id": world.organizations["一支部"], "valid_from": LONG_AGO}
    world.session.add(
        Member(id=member_id, name="王大爷", kind=MemberKind.FULL_MEMBER, created_at=NOW)
    )
    world.session.flush()
    world.session.add(Affiliation(member_id=member_id, **place))
    world.session.commit()
    world.members["王大爷"] = member_id

    elder = holder(service, redeem(service, issue(service, "王大爷").json["ticket"]).json)

    assert elder.get("/me").json["name"] == "王大爷"
    assert elder.get("/me/messages").status_code == 200
    assert service.caller("书记一").delete(f"/members/{member_id}/account").status_code == 204
    assert elder.get("/me").json["code"] == "auth.session_revoked"


def test_initial_password_that_was_never_used_does_not_bar_a_ticket(service: Service) -> None:
    member_id = service.world.members["党员甲"]
    service.caller("书记一").post(f"/members/{member_id}/account")

    signed_in = redeem(service, issue(service, "党员甲").json["ticket"]).json

    assert signed_in["must_change_password"] is False
    assert holder(service, signed_in).get("/me/messages").status_code == 200


def test_ticket_is_over_after_five_minutes(service: Service) -> None:
    ticket = issue(service, "党员甲").json["ticket"]

    with time_machine.travel(NOW + LIFE + timedelta(minutes=1)):
        late = redeem(service, ticket)

    assert (late.status_code, late.json["code"]) == (401, "auth.ticket_invalid")


@pytest.mark.parametrize(
    ("name", "by", "status", "code"),
    [
        ("书记一", "书记一", 403, "ticket.oneself"),
        ("副书记一", "书记一", 403, "ticket.holds_office"),
        ("组长", "书记一", 403, "ticket.holds_office"),
        ("党员丙", "书记一", 404, "not_found"),
        ("党员甲", "街道干事", 403, "perm.denied"),
        ("党员甲", "党员乙", 403, "perm.denied"),
    ],
)
def test_ticket_is_for_members_of_the_own_branch_without_office(
    service: Service, name: str, by: str, status: int, code: str
) -> None:
    refused = issue(service, name, by=by)

    assert (refused.status_code, refused.json["code"]) == (status, code)


def test_ticket_of_who_was_given_an_office_meanwhile_opens_nothing(service: Service) -> None:
    ticket = issue(service, "党员甲").json["ticket"]
    service.world.grant("党员甲", Role.GROUP_LEADER, "一组")
    service.world.session.commit()

    refused = redeem(service, ticket)

    assert (refused.status_code, refused.json["code"]) == (403, "ticket.holds_office")


def test_ticket_does_not_open_a_disabled_account(service: Service) -> None:
    ticket = issue(service, "党员甲").json["ticket"]
    service.world.session.execute(
        sa.update(Account)
        .where(Account.member_id == service.world.members["党员甲"])
        .values(disabled_at=NOW)
    )
    service.world.session.commit()

    refused = redeem(service, ticket)

    assert (refused.status_code, refused.json["code"]) == (401, "auth.refused")
