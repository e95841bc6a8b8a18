"""The scan: stages and cases by the dates, days that do not count, nothing written twice."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from core.clock import at_local, business_day
from members.contact import holds, membership_decisions, outages, preview
from members.contact.holds import HoldTerms
from members.contact.membership_rules import DecisionFacts, DecisionGround, DecisionKind
from members.contact.models import (
    CaseState,
    ContactCase,
    HoldKind,
    Outage,
    RecordedDay,
    StageEntry,
)
from members.contact.rules import usual_silence
from members.models import ExemptionKind, Member
from tests.members.contact.scene import KIND, TODAY, Scene
from tests.statements import counted_statements
from tests.world import NOW

# The days of the sample file: how long before 26 November they lie, the stages begin.
SAMPLE = {
    "党员甲": (date(2026, 4, 15), 6),
    "党员乙": (date(2026, 5, 25), 5),
    "组长": (date(2026, 7, 24), 3),
    "副书记一": (date(2026, 8, 23), 2),
    "书记一": (date(2026, 10, 1), 1),
}
HEARD = "书记一"


def days_ago(days: int, on: date = TODAY) -> date:
    return on - timedelta(days=days)


def test_dues_dates_alone_put_everybody_at_his_stage(scene: Scene) -> None:
    for name, (day, _) in SAMPLE.items():
        scene.told(name, KIND.DUES_PAID, day)
    scene.told(HEARD, KIND.DUES_PAID, date(2026, 10, 1))

    result = scene.scan()

    assert {name: scene.stage(name) for name in SAMPLE} == {
        name: stage for name, (_, stage) in SAMPLE.items()
    }
    assert (result.cases_opened, result.cases_raised) == (3, 0)
    opened = scene.case("党员甲")
    assert opened is not None
    assert (opened.anchor_on, opened.stage, opened.assignee_role) == (
        date(2026, 4, 15),
        6,
        "committee",
    )


def test_a_second_scan_of_the_day_writes_nothing(scene: Scene) -> None:
    for name, (day, _) in SAMPLE.items():
        scene.told(name, KIND.DUES_PAID, day)
    scene.scan()
    before = scene.session.execute(sa.select(StageEntry.__table__)).all()
    cases = scene.session.execute(sa.select(ContactCase.__table__)).all()

    again = scene.scan()

    assert (again.crossings, again.cases_opened, again.cases_raised) == ([], 0, 0)
    assert scene.session.execute(sa.select(StageEntry.__table__)).all() == before
    assert scene.session.execute(sa.select(ContactCase.__table__)).all() == cases


def test_day_by_day_a_case_is_opened_once_and_raised(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(90))
    crossed, member_id = [], scene.world.members["党员甲"]
    for passed in range(40):
        on = TODAY + timedelta(days=passed)
        scene.told(HEARD, KIND.DUES_PAID, on)
        mine = [one for one in scene.scan(on).crossings if one.member_id == member_id]
        crossed += [(one.stage, on) for one in mine]

    assert crossed == [
        (2, TODAY),
        (3, TODAY + timedelta(days=5)),
        (4, TODAY + timedelta(days=35)),
    ]
    assert scene.session.scalar(sa.select(sa.func.count()).select_from(ContactCase)) == 1


def test_a_hard_contact_ends_stage_and_case_and_is_named(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(100))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)
    scene.scan()
    assert scene.case("党员甲").state == CaseState.OPEN  # type: ignore[union-attr]

    scene.told("党员甲", KIND.OWN_REPORT, TODAY)

    closed = scene.case("党员甲")
    assert closed is not None
    assert (closed.state, closed.closing_note) == (CaseState.RECONTACTED, "已取得联系")
    assert closed.closed_fact_id is not None
    assert scene.stage("党员甲") == 0
    scene.scan(TODAY + timedelta(days=1))
    assert scene.stage("党员甲") == 0


def test_a_soft_contact_pauses_the_ladder_and_leaves_the_case_to_people(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(100))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)
    scene.scan()

    scene.told("党员甲", KIND.ANSWERED_CALL, TODAY)

    assert scene.stage("党员甲") == 0
    assert scene.case("党员甲").state == CaseState.OPEN  # type: ignore[union-attr]
    scene.told(HEARD, KIND.DUES_PAID, TODAY + timedelta(days=34))
    scene.scan(TODAY + timedelta(days=34))
    assert scene.stage("党员甲") == 0
    scene.told(HEARD, KIND.DUES_PAID, TODAY + timedelta(days=36))
    scene.scan(TODAY + timedelta(days=36))
    assert scene.stage("党员甲") == 1


def test_thirty_days_without_any_record_open_no_case_and_recovery_brings_no_burst(
    scene: Scene,
) -> None:
    begins = date(2026, 9, 1)
    scene.meets(begins - timedelta(days=119), begins, every=7, who=[HEARD])
    waiting = ["党员甲", "党员乙", "组长", "副书记一"]
    for name in waiting:
        scene.told(name, KIND.ATTENDANCE, begins - timedelta(days=70))
    opened = [scene.scan(begins + timedelta(days=passed)).cases_opened for passed in range(31)]
    back = begins + timedelta(days=31)
    scene.told(HEARD, KIND.ATTENDANCE, back)

    recovered = scene.scan(back)

    assert (sum(opened), recovered.cases_opened) == (0, 0)
    assert {scene.stage(name) for name in waiting} == {2}
    outage = scene.session.scalars(sa.select(Outage)).one()
    assert (outage.begins_on, outage.ends_on) == (
        begins + timedelta(days=1),
        back - timedelta(days=1),
    )
    scene.meets(back, back + timedelta(days=25), every=7, who=[HEARD])
    assert scene.scan(back + timedelta(days=25)).cases_opened == 0
    scene.told(HEARD, KIND.ATTENDANCE, back + timedelta(days=28))
    assert scene.scan(back + timedelta(days=28)).cases_opened == len(waiting)


def test_a_record_entered_late_takes_the_outage_away(scene: Scene) -> None:
    scene.meets(days_ago(140), days_ago(70), every=7, who=[HEARD])
    scene.told("党员甲", KIND.ATTENDANCE, days_ago(140))
    scene.told(HEARD, KIND.ATTENDANCE, TODAY)
    scene.scan()
    assert scene.stage("党员甲") == 2

    scene.meets(days_ago(70), TODAY, every=7, who=[HEARD])
    scene.scan()

    assert scene.session.scalars(sa.select(Outage)).all() == []
    assert scene.stage("党员甲") == 4


@pytest.mark.parametrize("gaps", [[3, 9, 8, 20, 2], [30, 31, 29, 40, 36], [1, 300, 7, 8, 400, 9]])
def test_outages_are_what_the_pure_rule_says(scene: Scene, gaps: list[int]) -> None:
    days = [date(2025, 1, 1)]
    for gap in gaps:
        days.append(days[-1] + timedelta(days=gap))
    scene.told(HEARD, KIND.ATTENDANCE, *days)
    expected = []
    for number, (day, following) in enumerate(pairwise(days)):
        usual = usual_silence(
            [
                gap
                for gap, end in zip(gaps[:number], days[1:], strict=False)
                if (day - end).days <= 365
            ]
        )
        if (following - day).days > usual:
            expected.append((day + timedelta(days=1), following - timedelta(days=1)))

    outages.refresh(scene.session)

    query = sa.select(Outage.begins_on, Outage.ends_on).order_by(Outage.begins_on)
    assert [tuple(row) for row in scene.session.execute(query)] == expected


def test_a_branch_that_has_recorded_nothing_has_nobody_to_contact(scene: Scene) -> None:
    members = sa.update(Member).values(created_at=at_local(date(2025, 1, 1), 9))
    scene.session.execute(members)

    assert scene.scan().crossings == []


def test_who_was_never_heard_counts_from_the_branch_s_first_record(scene: Scene) -> None:
    scene.session.execute(sa.text("UPDATE contact_standing SET watched_from = '2025-01-01'"))
    scene.meets(days_ago(50), TODAY, every=5, who=[HEARD])
    scene.scan()

    entry = scene.session.scalars(
        sa.select(StageEntry).filter_by(member_id=scene.world.members["党员甲"])
    ).one()
    assert (entry.stage, entry.uncounted_days) == (1, (days_ago(50) - date(2025, 1, 1)).days)


def test_an_exempt_member_raises_no_alarm_and_his_days_do_not_count(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(200))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)
    scene.exempt("党员甲", ExemptionKind.AGED, days_ago(190), days_ago(-1))
    assert scene.scan().crossings == []

    scene.told(HEARD, KIND.DUES_PAID, days_ago(-20), days_ago(-30))
    scene.scan(days_ago(-20))
    assert scene.stage("党员甲") == 0
    scene.scan(days_ago(-30))
    assert scene.stage("党员甲") == 1


def test_days_that_a_hold_and_an_exemption_share_are_subtracted_once(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(100))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)
    scene.exempt("党员甲", ExemptionKind.LONG_LEAVE, days_ago(90), days_ago(70))
    terms = HoldTerms(
        HoldKind.LONG_TRAINING,
        days_ago(80),
        days_ago(60),
        scene.world.organizations[scene.branch],
    )
    actor = scene.world.actor("书记一")
    holds.grant(scene.session, actor, scene.world.members["党员甲"], terms=terms, now=NOW)

    scene.scan()

    entry = scene.session.scalars(sa.select(StageEntry)).one()
    assert (entry.stage, entry.uncounted_days) == (2, 30)


def test_a_hold_takes_a_member_off_the_ladder_until_it_ends(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(60))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)
    scene.scan()
    assert scene.stage("党员甲") == 1
    terms = HoldTerms(
        HoldKind.POSTING, TODAY, days_ago(-10), scene.world.organizations[scene.branch]
    )
    actor = scene.world.actor("书记一")
    holds.grant(scene.session, actor, scene.world.members["党员甲"], terms=terms, now=NOW)

    scene.scan()
    assert scene.stage("党员甲") == 0
    scene.told(HEARD, KIND.DUES_PAID, days_ago(-12))
    scene.scan(days_ago(-12))
    assert scene.stage("党员甲") == 1


def test_any_day_gives_what_a_scan_on_that_day_gave(scene: Scene) -> None:
    then = days_ago(60)
    told = [
        ("党员甲", KIND.ATTENDANCE, days_ago(240)),
        ("党员乙", KIND.DUES_PAID, days_ago(110)),
        ("组长", KIND.ANSWERED_CALL, days_ago(105)),
    ]
    scene.meets(days_ago(240), then, every=7, who=[HEARD])
    for name, kind, day in told:
        scene.told(name, kind, day)
    on_the_day = list(preview.preview(scene.session, now=at_local(then, 9)))

    scene.told("党员甲", KIND.ATTENDANCE, days_ago(30), days_ago(59))
    scene.told("党员乙", KIND.OWN_REPORT, TODAY)
    scene.told(HEARD, KIND.ATTENDANCE, TODAY)

    assert on_the_day
    assert list(preview.preview(scene.session, now=at_local(then, 9))) == on_the_day
    result = scene.scan(then)
    assert {(one.member_id, one.stage) for one in result.crossings} == {
        (row["member_id"], row["stage"]) for row in on_the_day
    }
    # What has happened since is seen by the next scan.
    scene.scan()
    assert scene.stage("党员甲") == 0
    assert scene.case("党员甲").state == CaseState.RECONTACTED  # type: ignore[union-attr]


def test_who_is_reached_but_stays_away_has_a_clock_of_his_own(scene: Scene) -> None:
    scene.meets(days_ago(300), TODAY, every=14, who=[HEARD])
    scene.told("党员甲", KIND.ATTENDANCE, days_ago(130))
    scene.told("党员甲", KIND.ANSWERED_CALL, days_ago(20))
    scene.told("党员乙", KIND.ATTENDANCE, days_ago(200))
    scene.told("党员乙", KIND.VISIT, days_ago(20))

    scene.scan()

    stages = [scene.stage(name, "self_withdrawal") for name in ("党员甲", "党员乙")]
    assert stages == [4, 6]
    assert scene.stage("党员乙") == 0
    case = scene.case("党员乙")
    assert case is not None
    assert (case.clock, case.signal, case.stage) == ("self_withdrawal", "life", 6)
    assert scene.case("党员甲") is None
    # Paying dues is not organisation life: it does not answer this case.
    scene.told("党员乙", KIND.DUES_PAID, TODAY)
    assert scene.case("党员乙").state == CaseState.OPEN  # type: ignore[union-attr]
    scene.told("党员乙", KIND.ATTENDANCE, TODAY)
    assert scene.case("党员乙").state == CaseState.RECONTACTED  # type: ignore[union-attr]


def test_abroad_contact_is_due_every_half_year(scene: Scene) -> None:
    scene.exempt("党员甲", ExemptionKind.ABROAD, days_ago(300), days_ago(-60))
    scene.told("党员甲", KIND.OWN_REPORT, days_ago(160))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)

    scene.scan()

    assert (scene.stage("党员甲", "abroad"), scene.stage("党员甲")) == (5, 0)
    scene.told("党员甲", KIND.REPLY, TODAY)
    assert scene.stage("党员甲", "abroad") == 0


def test_only_members_with_rights_are_watched(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, days_ago(100))
    scene.told(HEARD, KIND.DUES_PAID, TODAY)
    day = business_day(NOW)
    expulsion = DecisionFacts(
        DecisionKind.EXPULSION, DecisionGround.DISCIPLINE, "党员大会", day, "1号", "党委", day
    )
    admin, member_id = scene.world.actor("区管理员"), scene.world.members["党员甲"]
    membership_decisions.enter(scene.session, admin, member_id, decision=expulsion, now=NOW)

    assert scene.scan().crossings == []


@pytest.mark.parametrize("members", [10, 1000])
def test_statements_do_not_grow_with_the_members(scene: Scene, members: int) -> None:
    scene.add_members(members)
    scene.session.execute(sa.text("UPDATE contact_standing SET watched_from = '2026-01-01'"))
    scene.told(HEARD, KIND.ATTENDANCE, date(2026, 1, 1), TODAY)
    scene.session.execute(sa.delete(RecordedDay))
    scene.meets(date(2026, 1, 1), TODAY, every=7, who=[HEARD])
    with counted_statements(scene.session) as first:
        result = scene.scan()
    with counted_statements(scene.session) as again:
        scene.scan()

    assert len(result.crossings) >= members
    assert result.cases_opened == len(result.crossings)
    assert (len(first), len(again)) == (10, 9)
