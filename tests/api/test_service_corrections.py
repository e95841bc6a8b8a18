"""Requests to verify and correct: asked by the member, answered by the organiser in time."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from points import periods, verification
from points.models import ClaimEvent, LedgerEntry, Period
from tests.api.main_job_steps import decide, deliver, queue_of, record, refusal
from tests.api.volunteer_steps import NEXT_DAY, at, confirm, publish, served_by_community, sign_up
from tests.points.closing.closings import LATER, close_year
from tests.served import Service


def ask(
    service: Service, record_id: str | UUID, *, minutes: int = 120, name: str = "党员甲"
) -> Any:
    return service.caller(name).post(
        f"/service-records/{record_id}/corrections", {"minutes": minutes, "grounds": "漏记半小时"}
    )


def answer(service: Service, who: str, correction_id: str, **body: Any) -> Any:
    return service.caller(who).post(f"/service-corrections/{correction_id}/answer", body)


def shown(service: Service, record_id: str | UUID) -> dict[str, Any]:
    body: dict[str, Any] = service.caller("党员甲").get(f"/service-records/{record_id}").json
    return body


def test_corrected_hours_of_a_posted_claim_are_reversed_and_claimed_anew(service: Service) -> None:
    _, record_id = served_by_community(service)
    with at(NEXT_DAY):
        (first,) = queue_of(service, "书记一", "一支部")
        decide(service.caller("书记一"), (first, "approve", ""))
        asked = ask(service, record_id)
        done = answer(service, "书记二", asked.json["id"], minutes=120, reason="情况属实")
        (second,) = queue_of(service, "书记一", "一支部")
        (decision,) = decide(service.caller("书记一"), (second, "approve", ""))
        balance = service.caller("党员甲").get("/me/points").json

    assert (asked.status_code, asked.json["minutes_before"]) == (201, 90)
    assert asked.json["due_on"] == "2026-11-25"
    assert (done.status_code, done.json["outcome"]) == (200, "corrected")
    assert (second["id"] != first["id"], decision["points"]) == (True, "2")
    points = service.world.session.scalars(
        sa.select(LedgerEntry.points).order_by(LedgerEntry.seq)
    ).all()
    assert points == [150, -150, 200]
    assert balance["total"] == "62"
    numbers = shown(service, record_id)
    assert (numbers["claimed_minutes"], numbers["confirmed_minutes"]) == (90, 120)
    assert (numbers["claim_id"], numbers["claim_status"]) == (second["id"], "approved")
    steps = service.world.session.scalars(
        sa.select(ClaimEvent.kind).where(ClaimEvent.claim_id == UUID(first["id"]))
    ).all()
    assert sorted(steps) == ["approved", "submitted", "undone"]
    assert verification.verify(service.world.session).findings == []


def test_waiting_claim_waits_with_the_corrected_quantity(service: Service) -> None:
    _, record_id = served_by_community(service)
    with at(NEXT_DAY):
        (before,) = queue_of(service, "书记一", "一支部")
        asked = ask(service, record_id)
        answer(service, "书记二", asked.json["id"], minutes=120)
        (after,) = queue_of(service, "书记一", "一支部")
        (stale,) = decide(service.caller("书记一"), (before, "approve", ""))
        assert deliver(service) == 2

    assert (before["id"], before["version"]) == (after["id"], after["version"] - 1)
    assert stale["code"] == "claim.already_decided"
    assert shown(service, record_id)["confirmed_minutes"] == 120
    bodies = [m["body"] for m in service.caller("党员甲").get("/me/messages").json["items"]]
    assert any("更正为 2 小时" in body for body in bodies)


def test_refusal_needs_a_reason_and_changes_nothing(service: Service) -> None:
    _, record_id = served_by_community(service)
    with at(NEXT_DAY):
        asked = ask(service, record_id)
        bare = answer(service, "书记二", asked.json["id"])
        done = answer(service, "书记二", asked.json["id"], reason="签退时间无误")
        again = answer(service, "书记二", asked.json["id"], minutes=120)
        (own,) = (
            service.caller("党员甲").get(f"/service-records/{record_id}/corrections").json["items"]
        )

    assert refusal(bare)[:2] == (422, "correction.reason_missing")
    assert (done.json["outcome"], done.json["answer"]) == ("refused", "签退时间无误")
    assert refusal(again)[:2] == (409, "correction.answered")
    assert own["outcome"] == "refused"
    assert shown(service, record_id)["confirmed_minutes"] == 90


def test_request_is_the_members_and_its_answer_the_organisers(service: Service) -> None:
    _, record_id = served_by_community(service)
    with at(NEXT_DAY):
        for stranger in ("党员乙", "书记一", "书记二"):
            assert refusal(ask(service, record_id, name=stranger))[:2] == (404, "not_found")
        assert refusal(ask(service, record_id, minutes=90))[:2] == (422, "correction.nothing")
        asked = ask(service, record_id)
        assert refusal(ask(service, record_id))[:2] == (409, "correction.open")
        for stranger in ("书记一", "书记三"):
            given = answer(service, stranger, asked.json["id"], minutes=120)
            assert refusal(given)[:2] == (404, "not_found")


def test_nobody_answers_his_own_request(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    sign_up(service, "书记一", opportunity_id)
    with at(NEXT_DAY):
        result = confirm(service, "副书记一", opportunity_id, 书记一=60)["书记一"]
        asked = ask(service, result["record_id"], name="书记一")
        given = answer(service, "书记一", asked.json["id"], minutes=120)

    assert refusal(given)[:2] == (403, "perm.denied")


def test_branch_answers_for_what_nobody_organised(service: Service) -> None:
    kept = record(service.caller("党员甲"), minutes=60)
    asked = ask(service, kept["id"])
    done = answer(service, "书记一", asked.json["id"], minutes=120)
    (waiting,) = queue_of(service, "书记一", "一支部")
    (decision,) = decide(service.caller("书记一"), (waiting, "approve", ""))

    assert (done.status_code, decision["points"]) == (200, "2")
    numbers = shown(service, kept["id"])
    assert (numbers["claimed_minutes"], numbers["confirmed_minutes"]) == (60, 120)


def test_returned_claim_waits_again_on_the_organisers_word(service: Service) -> None:
    _, record_id = served_by_community(service)
    with at(NEXT_DAY):
        (first,) = queue_of(service, "书记一", "一支部")
        decide(service.caller("书记一"), (first, "return", "请社区核实"))
        asked = ask(service, record_id, minutes=90)
        done = answer(service, "书记二", asked.json["id"], minutes=90, reason="已核实")
        (again,) = queue_of(service, "书记一", "一支部")

    assert (done.status_code, again["id"], again["quantity"]) == (200, first["id"], 90)


def test_overdue_requests_are_seen_from_above(service: Service) -> None:
    _, record_id = served_by_community(service)
    with at(NEXT_DAY):
        asked = ask(service, record_id)

    def listed(name: str, place: str, **query: str) -> list[str]:
        path = f"/orgs/{service.world.organizations[place]}/service-corrections"
        answer = service.caller(name).get(path, **query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json["items"]]

    with at(datetime.fromisoformat("2026-11-25T23:00:00+08:00")):
        assert listed("街道干事", "街道", overdue="true") == []
        assert listed("街道干事", "街道") == [asked.json["id"]]
    with at(datetime.fromisoformat("2026-11-26T09:00:00+08:00")):
        assert listed("街道干事", "街道", overdue="true") == [asked.json["id"]]
        assert listed("书记二", "二支部", overdue="true") == [asked.json["id"]]
        assert listed("书记一", "一支部") == []
        foreign = f"/orgs/{service.world.organizations['街道']}/service-corrections"
        assert refusal(service.caller("书记一").get(foreign))[:2] == (404, "not_found")


def test_hours_of_a_closed_year_are_corrected_and_decided_in_the_open_one(
    service: Service,
) -> None:
    _, record_id = served_by_community(service)
    session = service.world.session
    with at(NEXT_DAY):
        (first,) = queue_of(service, "书记一", "一支部")
        decide(service.caller("书记一"), (first, "approve", ""))
        asked = ask(service, record_id)
    periods.ensure_year(session, 2027)
    close_year(session)
    session.commit()
    with at(LATER):
        done = answer(service, "书记二", asked.json["id"], minutes=120, reason="情况属实")
        (again,) = queue_of(service, "书记一", "一支部")
        (decision,) = decide(service.caller("书记一"), (again, "approve", ""))
        balance = service.caller("党员甲").get("/me/points", year="2027").json
        entries = service.caller("党员甲").get("/me/points/entries").json["items"]
        newest = service.caller("党员甲").get(f"/points/entries/{decision['entry_id']}/explain")

    assert (done.status_code, decision["points"]) == (200, "2")
    rows = session.execute(
        sa.select(LedgerEntry.points, Period.code)
        .join(Period, Period.id == LedgerEntry.period_id)
        .order_by(LedgerEntry.seq)
    )
    assert [tuple(row) for row in rows] == [(150, "2026"), (-150, "2027"), (200, "2027")]
    assert (balance["total"], len(entries)) == ("60.5", 3)
    assert (
        "这件事属于 2026 年度；该年度已结账，不再变动，所以记入 2027 年度。" in newest.json["steps"]
    )
    assert verification.verify(session).findings == []
