"""Channels, choices and failures through HTTP."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.clock import at_local
from core.ids import new_id
from members.models import Member
from notifications import addresses, outbox
from notifications.delivery_models import MemberChannelAddress, OutboxOutcome
from notifications.models import Channel, InboxMessage, OutboxMessage, OutboxState
from tests.api.failed_messages import failed, stored
from tests.served import Service
from tests.world import NOW, PASSWORD, TODAY

# --- Preferences and channels --------------------------------------------------------------------


def test_member_switches_off_a_service_and_moves_a_duty(service: Service) -> None:
    member = service.caller("党员甲")
    chosen = [
        {"kind": "claim_approved", "choice": "off"},
        {"kind": "deduction_notice", "choice": "sms"},
    ]

    put = member.put("/me/notification-preferences", {"choices": chosen})
    kept = {one["kind"]: one for one in member.get("/me/notification-preferences").json["choices"]}

    assert put.status_code == 200
    assert (kept["claim_approved"]["choice"], kept["claim_approved"]["is_duty"]) == ("off", False)
    assert (kept["deduction_notice"]["choice"], kept["deduction_notice"]["is_duty"]) == (
        "sms", True,
    )  # fmt: skip
    assert kept["leave_decided"]["choice"] == "automatic"
    assert "pledge_approved" not in kept, "it stays in the inbox anyway"

    member.put("/me/notification-preferences", {"choices": []})
    again = member.get("/me/notification-preferences").json["choices"]
    assert {one["choice"] for one in again} == {"automatic"}


@pytest.mark.parametrize(
    "choices",
    [
        [{"kind": "deduction_notice", "choice": "off"}],
        [{"kind": "pledge_approved", "choice": "off"}],
        [{"kind": "claim_approved", "choice": "inbox"}],
        [{"kind": "no_such_kind", "choice": "off"}],
        [{"kind": "claim_approved", "choice": "off"}] * 2,
    ],
)
def test_choice_that_cannot_be_is_refused(service: Service, choices: Any) -> None:
    answer = service.caller("党员甲").put("/me/notification-preferences", {"choices": choices})

    assert answer.status_code == 422


def test_address_is_sealed_shown_masked_and_removed(service: Service) -> None:
    member, session = service.caller("党员甲"), service.world.session
    address = "zhang.san@example.cn"

    assert member.put("/me/channels", {"channel": "email", "address": address}).status_code == 204
    member.put("/me/channels", {"channel": "email", "address": address})
    shown = member.get("/me/channels").json["channels"]

    assert shown[0] == {"channel": "email", "address_masked": "z***@example.cn"}
    assert shown[1]["channel"] == "sms"
    row = session.scalars(sa.select(MemberChannelAddress)).one()
    assert address.encode() not in row.address_sealed
    member_id = service.world.members["党员甲"]
    assert addresses.find_address(session, member_id, Channel.EMAIL) == address
    assert member.delete("/me/channels/email").status_code == 204
    assert member.delete("/me/channels/email").status_code == 404


@pytest.mark.parametrize(
    ("channel", "address", "status"),
    [
        ("email", "no address", 422),
        ("email", "a@b.cn\r\nBcc: x@y.cn", 422),
        ("wecom", "https://evil.example/cgi-bin", 422),
        ("dingtalk", "token-without-secret", 422),
        ("dingtalk", "token-12345 SEC-12345", 204),
        # An app registers itself, for its session.
        ("push", "1a0018970aaf54b6b3f", 422),
        ("sms", "13800000000", 422),
        ("inbox", "abcdefgh", 422),
        ("pigeon", "abcdefgh", 422),
    ],
)
def test_channel_takes_its_own_form_of_address_only(
    service: Service, channel: str, address: str, status: int
) -> None:
    body = {"channel": channel, "address": address}
    answer = service.caller("党员甲").put("/me/channels", body)

    assert answer.status_code == status


# --- Failures ------------------------------------------------------------------------------------


def test_secretary_sees_what_failed_below_masked_and_nothing_else(service: Service) -> None:
    branch = service.world.organizations["一支部"]
    unknown = failed(service, "党员甲")
    rejected = failed(service, "党员乙", OutboxState.REJECTED)
    for name, state in (("党员丙", OutboxState.UNKNOWN), ("党员甲", OutboxState.SENT)):
        failed(service, name, state)

    listed = service.caller("书记一").get(f"/orgs/{branch}/message-failures")

    shown = {one["id"]: one for one in listed.json["items"]}
    assert shown.keys() == {str(rejected), str(unknown)}
    phone = service.world.phones["党员甲"]
    assert phone not in listed.text
    assert shown[str(unknown)]["address_masked"] == f"{phone[:3]}****{phone[-4:]}"


def test_failures_are_those_of_one_s_own_scope(service: Service) -> None:
    other, district = (service.world.organizations[name] for name in ("二支部", "区委"))
    message_id = failed(service, "党员丙")
    body = {"resolution": "reached", "note": "电话"}

    for name, status in (("书记一", 404), ("党员甲", 403), ("审计员", 403), ("街道干事", 200)):
        answer = service.caller(name).get(f"/orgs/{other}/message-failures")
        assert answer.status_code == status, name
    assert service.caller("区管理员").get(f"/orgs/{district}/message-failures").json["items"]
    refused = service.caller("书记一").post(f"/messages/{message_id}/resolution", body)
    assert refused.status_code == 404
    inbox_only = failed(service, "党员甲", OutboxState.PENDING, channel=Channel.INBOX)
    refused = service.caller("书记一").post(f"/messages/{inbox_only}/resolution", body)
    assert refused.status_code == 404


@pytest.mark.parametrize(
    ("before", "resolution", "after"),
    [
        (OutboxState.UNKNOWN, "reached", OutboxState.DELIVERED),
        (OutboxState.UNKNOWN, "not_reached", OutboxState.REJECTED),
        (OutboxState.REJECTED, "reached", OutboxState.REJECTED),
    ],
)
def test_person_settles_what_nobody_knew_once(
    service: Service, before: OutboxState, resolution: str, after: OutboxState
) -> None:
    branch = service.world.organizations["一支部"]
    message_id = failed(service, "党员甲", before)
    body = {"resolution": resolution, "note": "已电话核实。"}

    first = service.caller("书记一").post(f"/messages/{message_id}/resolution", body)
    second = service.caller("副书记一").post(f"/messages/{message_id}/resolution", body)

    assert (first.status_code, second.status_code) == (204, 409)
    row = stored(service, message_id)
    assert (row.state, row.resolution_note) == (after, "已电话核实。")
    assert row.resolved_by == service.world.members["书记一"]
    outcome = service.world.session.scalars(sa.select(OutboxOutcome)).one()
    assert (outcome.source, outcome.told_by) == ("person", row.resolved_by)
    listed = service.caller("书记一").get(f"/orgs/{branch}/message-failures")
    assert listed.json["items"] == []


def test_nobody_settles_a_message_to_himself(service: Service) -> None:
    message_id = failed(service, "书记一")
    body = {"resolution": "reached", "note": "收到了"}

    refused = service.caller("书记一").post(f"/messages/{message_id}/resolution", body)

    assert refused.status_code == 403
    assert stored(service, message_id).state == OutboxState.UNKNOWN


def test_message_that_is_being_repeated_is_left_alone(service: Service) -> None:
    held = {"leased_by": new_id(), "lease_until": NOW + timedelta(minutes=1)}
    message_id = failed(service, "党员甲", OutboxState.LEASED, **held)
    body = {"resolution": "reached", "note": "电话"}

    answer = service.caller("书记一").post(f"/messages/{message_id}/resolution", body)

    assert (answer.status_code, answer.json["code"]) == (409, "message.settled")


# --- Account events and counts -------------------------------------------------------------------


def test_member_is_told_of_a_changed_password_and_of_a_role(service: Service) -> None:
    changed = service.caller("党员甲").put(
        "/auth/password", {"old": PASSWORD, "new": "Another-Horse-2026"}
    )
    body = {
        "member_id": str(service.world.members["党员乙"]),
        "role": "group_leader",
        "organization_id": str(service.world.organizations["一组"]),
        "valid_to": None,
        "basis": "支部决定",
    }
    granted = service.caller("书记一").post("/admin/role-grants", body)

    assert (changed.status_code, granted.status_code) == (204, 201)
    told = service.world.session.execute(
        sa.select(Member.name, OutboxMessage.kind).join(
            Member, Member.id == OutboxMessage.member_id
        )
    )
    assert {tuple(row) for row in told} == {
        ("党员甲", "password_changed"),
        ("党员乙", "role_granted"),
    }
    assert service.world.session.scalars(sa.select(InboxMessage)).all() == []


def test_operator_sees_what_became_of_messages(service: Service) -> None:
    session = service.world.session
    params = {"title": "某事", "points": "1", "note": ""}
    message = outbox.Message(service.world.members["党员甲"], "claim_approved", "1", params)
    outbox.enqueue(session, [message], now=at_local(TODAY, 9))
    session.execute(sa.update(OutboxMessage).values(suppressed_because="no_address"))
    session.commit()

    runner = service.app.test_cli_runner()
    shown = runner.invoke(args=["messages", "report", "--from", "2026-11-09", "--to", "2026-11-10"])
    empty = runner.invoke(args=["messages", "report", "--from", "2026-11-08", "--to", "2026-11-09"])

    assert "claim_approved\tinbox\tpending\tno_address\t1\n" in shown.output
    assert "合计 1 条；站外 0 条" in shown.output
    assert "合计 0 条" in empty.output
