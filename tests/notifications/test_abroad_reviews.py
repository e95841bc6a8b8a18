"""Years of study abroad: the committee is told twice, and nothing about the member changes."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from members.contact import abroad_reviews, preview, worklist
from members.contact.models import ContactCase, StageEntry
from members.contact.rules import abroad_since
from members.models import ExemptionKind, Member, MembershipStatus
from notifications import contact_reminders
from notifications.models import OutboxMessage
from tests.members.contact.scene import KIND, TODAY, Scene
from tests.statements import counted_statements
from tests.world import build_world

WHO, LEFT = "党员甲", date(2022, 5, 23)
HALF_YEAR_BEFORE, FULL = date(2026, 11, 23), date(2027, 5, 23)
AFTER = date(2028, 1, 1)


@pytest.fixture
def scene(session: Session) -> Scene:
    scene = Scene(build_world(session))
    middle = LEFT + timedelta(days=900)
    scene.exempt(WHO, ExemptionKind.ABROAD, LEFT, middle)
    scene.exempt(WHO, ExemptionKind.ABROAD, middle, AFTER)
    scene.exempt("党员乙", ExemptionKind.ABROAD, date(2025, 1, 1), AFTER)
    return scene


def run(scene: Scene, on: date) -> None:
    contact_reminders.scan_and_tell(scene.session, now=at_local(on, 9))


def entry(scene: Scene) -> tuple[int, date, date] | None:
    query = sa.select(StageEntry.stage, StageEntry.anchor_on, StageEntry.entered_on)
    row = scene.session.execute(query.filter_by(clock="abroad_review")).one_or_none()
    return tuple(row) if row else None


def told(scene: Scene) -> list[str]:
    names = {member_id: name for name, member_id in scene.world.members.items()}
    rows = scene.session.scalars(
        sa.select(OutboxMessage.member_id).where(OutboxMessage.kind == "abroad_review")
    )
    return [names[one] for one in rows]


def test_the_committee_is_told_half_a_year_before_and_when_the_years_are_full(scene: Scene) -> None:
    run(scene, HALF_YEAR_BEFORE - timedelta(days=1))
    assert (entry(scene), told(scene)) == (None, [])

    for passed in range(3):
        run(scene, HALF_YEAR_BEFORE + timedelta(days=passed))
    assert entry(scene) == (5, LEFT, HALF_YEAR_BEFORE)
    assert told(scene) == ["街道干事"]

    run(scene, FULL)
    assert entry(scene) == (6, LEFT, FULL)
    assert told(scene) == ["街道干事"] * 2
    assert scene.session.scalars(sa.select(ContactCase)).all() == []
    member = scene.session.get_one(Member, scene.world.members[WHO])
    assert member.membership_status == MembershipStatus.NORMAL


def test_the_worklist_and_the_preview_say_why(scene: Scene) -> None:
    scene.told("书记一", KIND.DUES_PAID, TODAY)
    run(scene, HALF_YEAR_BEFORE)
    street = scene.world.organizations["街道"]
    actor = scene.world.actor("街道干事", on=TODAY)

    page = worklist.list_work(scene.session, actor, street, after=None, limit=50)

    why = f"出国（境）年限第 5 级（期限将到）：自 {LEFT} 起在国（境）外，请按期研究；"
    why += "系统不作任何认定。"
    assert [item.why for item in page.items if item.reasons.clock == "abroad_review"] == [why]
    lines = preview.preview(scene.session, now=at_local(HALF_YEAR_BEFORE, 9))
    assert [one["why"] for one in lines if one["clock"] == "abroad_review"] == [why]


def test_contact_does_not_shorten_the_years_and_a_return_ends_the_line(scene: Scene) -> None:
    run(scene, FULL)
    scene.told(WHO, KIND.OWN_REPORT, FULL)
    run(scene, FULL)
    assert entry(scene) is not None

    run(scene, AFTER)

    assert entry(scene) is None


def test_a_gap_between_two_stays_begins_the_years_anew() -> None:
    first, second = (date(2020, 1, 1), date(2021, 1, 1)), (date(2021, 1, 1), date(2022, 1, 1))
    third = (date(2022, 3, 1), date(2027, 1, 1))

    assert abroad_since([first, second]) == date(2020, 1, 1)
    assert abroad_since([first, second, third]) == date(2022, 3, 1)


@pytest.mark.parametrize("members", [2, 40])
def test_statements_do_not_grow_with_those_abroad(scene: Scene, members: int) -> None:
    for number, member_id in enumerate(scene.add_members(members)):
        scene.world.members[f"成员{number}"] = member_id
        scene.exempt(f"成员{number}", ExemptionKind.ABROAD, date(2021, 1, 1), AFTER)
    with counted_statements(scene.session) as statements:
        reached = abroad_reviews.refresh(scene.session, now=at_local(HALF_YEAR_BEFORE, 9))
    with counted_statements(scene.session) as again:
        nobody = abroad_reviews.refresh(scene.session, now=at_local(HALF_YEAR_BEFORE, 9))

    assert (len(reached), nobody) == (members + 1, [])
    assert (len(statements), len(again)) == (4, 4)
