"""Steps of organised volunteer service, as its callers take them over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import time_machine

from members.models import Affiliation, AffiliationKind
from tests.served import Service
from tests.world import LONG_AGO

START = datetime.fromisoformat("2026-11-10T14:00:00+08:00")
END = datetime.fromisoformat("2026-11-10T16:00:00+08:00")
NEXT_DAY = datetime.fromisoformat("2026-11-11T09:00:00+08:00")


@contextmanager
def at(moment: datetime | str) -> Iterator[None]:
    """The block runs at another time of the world; a text is an hour of its day."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(f"2026-11-10T{moment}:00+08:00")
    with time_machine.travel(moment, tick=False):
        yield


def plan(**changes: Any) -> dict[str, Any]:
    """What an organiser says about a service this afternoon."""
    return {
        "title": "清扫社区花坛",
        "place": "梧桐里花园",
        "starts_at": START.isoformat(),
        "ends_at": END.isoformat(),
        "planned_minutes": 120,
        "places": 5,
    } | changes


def publish(service: Service, organiser: str, place: str, **changes: Any) -> str:
    path = f"/orgs/{service.world.organizations[place]}/service-opportunities"
    answer = service.caller(organiser).post(path, plan(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def sign_up(service: Service, name: str, opportunity_id: str, **body: Any) -> str:
    path = f"/service-opportunities/{opportunity_id}/signups"
    answer = service.caller(name).post(path, body)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def confirm(service: Service, organiser: str, opportunity_id: str, **minutes: int) -> Any:
    """Confirm minutes for people by name; the answer's results by name."""
    caller = service.caller(organiser)
    path = f"/service-opportunities/{opportunity_id}"
    coming = {
        one["member_name"]: one["signup_id"] for one in caller.get(f"{path}/signups").json["items"]
    }
    items = [{"signup_id": coming[name], "minutes": number} for name, number in minutes.items()]
    answer = caller.post(f"{path}/confirmations", {"items": items})
    assert answer.status_code == 200, answer.text
    return dict(zip(minutes, answer.json["results"], strict=True))


def register(service: Service, name: str, community: str) -> None:
    """Report a member in at a community (双报到)."""
    session = service.world.session
    session.add(
        Affiliation(
            member_id=service.world.members[name],
            organization_id=service.world.organizations[community],
            kind=AffiliationKind.COMMUNITY_REGISTRATION,
            valid_from=LONG_AGO,
        )
    )
    session.flush()


def served_by_community(service: Service, minutes: int = 90) -> tuple[str, UUID]:
    """党员甲, registered at the second branch, served there; the opportunity and his record."""
    register(service, "党员甲", "二支部")
    opportunity_id = publish(service, "书记二", "二支部")
    sign_up(service, "党员甲", opportunity_id)
    with at(NEXT_DAY):
        result = confirm(service, "书记二", opportunity_id, 党员甲=minutes)["党员甲"]
    assert result["outcome"] == "confirmed", result
    return opportunity_id, result["record_id"]
