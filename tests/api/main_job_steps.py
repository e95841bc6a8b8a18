"""Steps of the main job, as its callers take them over HTTP."""

from datetime import datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from core.clock import utc_now
from core.db import unit_of_work
from notifications import inbox
from tests.served import Caller, Service


def facts(day: str = "2026-11-07", hour: int = 9, minutes: int = 60, **changes: Any) -> dict:
    """What a member says about a service that began at `hour` Shanghai time."""
    starts = datetime.fromisoformat(f"{day}T{hour:02d}:00:00+08:00")
    return {
        "title": "清扫社区花坛",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(minutes=minutes)).isoformat(),
        "planned_minutes": minutes,
        "claimed_minutes": minutes,
    } | changes


def record(member: Caller, **given: Any) -> dict[str, Any]:
    answer = member.post("/service-records", facts(**given))
    assert answer.status_code == 201, answer.text
    return answer.json


def queue_of(service: Service, reviewer: str, organization: str, **query: str) -> list[dict]:
    path = f"/orgs/{service.world.organizations[organization]}/claims"
    answer = service.caller(reviewer).get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def decide(reviewer: Caller, *decisions: tuple[dict[str, Any], str, str]) -> list[dict]:
    """Decide claims, each with an action and a reason, in one call."""
    answer = reviewer.post(
        "/claims/review",
        {
            "decisions": [
                {"id": claim["id"], "version": claim["version"], "action": action, "reason": why}
                for claim, action, why in decisions
            ]
        },
    )
    assert answer.status_code == 200, answer.text
    return answer.json["results"]


def approved_entry(service: Service, member: str = "党员甲", **given: Any) -> dict[str, Any]:
    """One service of a member of the first branch, recorded and approved."""
    kept = record(service.caller(member), **given)
    claim = {"id": kept["claim_id"], "version": 1}
    (result,) = decide(service.caller("书记一"), (claim, "approve", ""))
    assert result["outcome"] == "approved", result
    return result


def deliver(service: Service) -> int:
    """Do what the jobs process does with the outbox."""
    with unit_of_work(service.world.session) as session:
        return inbox.deliver(session, now=utc_now())


def refusal(answer: TestResponse) -> tuple[int, str, str]:
    return answer.status_code, answer.json["code"], answer.json["detail"]


def anonymous(answer: TestResponse) -> tuple[int, bytes]:
    """An answer without the request id, the one thing that differs every time."""
    return answer.status_code, answer.data.replace(answer.headers["X-Request-Id"].encode(), b"")
