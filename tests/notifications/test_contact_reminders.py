"""What a stage sends to whom, once; one alert for one outage."""

from collections import Counter
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from notifications import contact_reminders
from notifications.models import OutboxMessage
from tests.members.contact.scene import KIND, TODAY, Scene
from tests.world import build_world

HEARD = "书记二"


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(build_world(session))


def scan(scene: Scene, on: date = TODAY) -> None:
    now = at_local(on, 9)
    contact_reminders.remind(scene.session, scene.scan(on), now=now)
    contact_reminders.alert_outages(scene.session, now=now)


def sent(scene: Scene) -> Counter[tuple[str, str]]:
    names = {member_id: name for name, member_id in scene.world.members.items()}
    query = sa.select(OutboxMessage.member_id, OutboxMessage.kind)
    return Counter((names[row[0]], row[1]) for row in scene.session.execute(query))


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_each_stage_reaches_those_who_answer_for_it(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, ago(40))
    scene.told("党员乙", KIND.DUES_PAID, ago(100))
    scene.told("书记一", KIND.DUES_PAID, TODAY)

    scan(scene)

    assert sent(scene) == {
        ("党员甲", "contact_care"): 1,
        ("党员乙", "contact_care"): 1,
        ("组长", "contact_call"): 1,
        ("书记一", "contact_talk"): 1,
        ("街道干事", "contact_case"): 1,
    }


def test_a_week_of_scans_sends_each_message_once(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, ago(63))
    scene.told("书记一", KIND.DUES_PAID, TODAY)
    for passed in range(7):
        scan(scene, TODAY + timedelta(days=passed))
        scan(scene, TODAY + timedelta(days=passed))

    assert sent(scene) == {
        ("党员甲", "contact_care"): 1,
        # Told of the first stage, and two days later, as the secretary, of the second.
        ("组长", "contact_call"): 2,
        ("书记一", "contact_talk"): 1,
    }


def test_nobody_is_told_of_himself(scene: Scene) -> None:
    scene.told("书记一", KIND.DUES_PAID, ago(70))
    scene.told("党员甲", KIND.DUES_PAID, TODAY)

    scan(scene)

    assert ("书记一", "contact_talk") not in sent(scene)


def test_messages_to_leaders_hold_no_names(scene: Scene) -> None:
    scene.told("党员乙", KIND.DUES_PAID, ago(100))
    scene.told("书记一", KIND.DUES_PAID, TODAY)
    scan(scene)

    query = sa.select(OutboxMessage.params).where(OutboxMessage.kind != "contact_care")
    assert all(set(params) == {"count"} for params in scene.session.scalars(query))


def test_thirty_silent_days_of_a_district_are_one_alert(scene: Scene) -> None:
    begins = date(2026, 9, 1)
    for branch, who in (("一支部", "书记一"), ("二支部", "书记二"), ("三支部", "书记三")):
        scene.branch = branch
        scene.meets(begins - timedelta(days=60), begins, every=2, who=[who])
    scene.branch = "一支部"
    scene.told("党员甲", KIND.ATTENDANCE, begins - timedelta(days=70))
    for passed in range(31):
        scan(scene, begins + timedelta(days=passed))

    alerts = {who: count for (who, kind), count in sent(scene).items() if kind == "contact_outage"}
    assert alerts == {"区管理员": 1}


def test_one_silent_branch_is_told_to_the_body_above_it(scene: Scene) -> None:
    begins = date(2026, 9, 1)
    scene.meets(begins - timedelta(days=60), begins, every=5, who=["书记一"])
    scene.branch = "二支部"
    scene.meets(begins - timedelta(days=60), begins + timedelta(days=20), every=2, who=["书记二"])
    for passed in range(15):
        scan(scene, begins + timedelta(days=passed))

    alerts = {who: count for (who, kind), count in sent(scene).items() if kind == "contact_outage"}
    assert alerts == {"街道干事": 1}
