"""The life of an activity: planned, announced, changed, cancelled; templates, records, reads."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from activities import (
    activity_life,
    activity_photos,
    attendance_reading,
    branch_duties,
    calendar,
    records,
    templates,
)
from activities.activity_access import ActivityCancelled
from activities.activity_photos import TooManyPhotos
from activities.attendance_reading import NotABranch, RangeTooLong
from activities.branch_duties import ExcuseData
from activities.calendar import AlreadyClosed, AlreadyStarted, InvalidTimes, NotJoint
from activities.closings import NotStarted
from activities.meeting_rules import ImpossibleCounts
from activities.models import Activity, ActivityKind, ActivityStatus
from activities.photos import CleanPhoto, PhotoNotFound
from activities.records import VoteCount
from activities.templates import FromTemplate, TemplateData
from core.errors import NotFound, VersionConflict
from core.ids import new_id
from members.models import Member, MemberKind
from notifications.models import OutboxMessage
from tests.activities.lives import ABSENT, LEAVE, PRESENT, Life
from tests.statements import counted_statements
from tests.world import NOW

SOON = {"starts_at": NOW + timedelta(hours=1), "ends_at": NOW + timedelta(hours=2)}
THEME_DAY = TemplateData("theme_day", "主题党日", "活动室", 90, ("party_lecture",))


def told(life: Life, kind: str) -> int:
    count = sa.select(sa.func.count()).select_from(OutboxMessage).filter_by(kind=kind)
    return life.session.scalar(count) or 0


def test_life_goes_one_way(life: Life) -> None:
    activity, secretary = life.meeting(**SOON), life.world.actor("书记一")
    seen = [activity.status]

    activity_life.publish(life.session, secretary, activity.id, now=NOW)
    seen.append(activity.status)
    activity_life.start(life.session, secretary, activity.id, now=NOW)
    seen.append(activity.status)
    life.close(activity, presumes_absence=True)
    seen.append(activity.status)

    assert seen == [ActivityStatus(one) for one in ("planned", "published", "started", "closed")]
    with pytest.raises(AlreadyClosed):
        calendar.cancel(life.session, secretary, activity.organization_id, activity.id, now=NOW)


def test_those_expected_are_told_once_and_told_when_it_is_off(life: Life) -> None:
    activity, secretary = life.meeting(**SOON), life.world.actor("书记一")

    for _ in range(2):
        activity_life.publish(life.session, secretary, activity.id, now=NOW)
    assert told(life, "activity_published") == 5
    calendar.cancel(
        life.session, secretary, activity.organization_id, activity.id, reason="暴雨", now=NOW
    )

    assert told(life, "activity_cancelled") == 5
    assert (activity.status, activity.cancel_reason) == (ActivityStatus.CANCELLED, "暴雨")
    with pytest.raises(ActivityCancelled):
        activity_life.publish(life.session, secretary, activity.id, now=NOW)


def test_plan_nobody_was_told_of_is_cancelled_quietly(life: Life) -> None:
    activity = life.meeting(**SOON)

    secretary = life.world.actor("书记一")
    calendar.cancel(life.session, secretary, activity.organization_id, activity.id, now=NOW)

    assert told(life, "activity_cancelled") == 0


def test_plan_changes_until_the_start(life: Life) -> None:
    activity, secretary = life.meeting(**SOON), life.world.actor("书记一")

    def change(version: int) -> Activity:
        plan = life.plan(title="改题", **SOON)
        return calendar.change(
            life.session, secretary, activity.id, plan=plan, version=version, now=NOW
        )

    assert (change(1).title, activity.version) == ("改题", 2)
    with pytest.raises(VersionConflict):
        change(1)
    life.call(activity, default=None)
    with pytest.raises(AlreadyStarted):
        change(3)


def test_impossible_plans_are_refused(life: Life) -> None:
    with pytest.raises(InvalidTimes):
        life.meeting(starts_at=NOW, ends_at=NOW)
    with pytest.raises(NotJoint):
        life.meeting(organization_ids=(life.world.organizations["二支部"],))
    with pytest.raises(NotFound):
        life.meeting("书记二")


def test_template_of_the_body_above_makes_a_meeting_in_one_step(life: Life) -> None:
    officer, secretary = life.world.actor("街道干事"), life.world.actor("书记一")
    branch, street = (life.world.organizations[name] for name in ("一支部", "街道"))
    above = templates.create(life.session, officer, street, data=THEME_DAY, now=NOW)
    own = templates.create(life.session, secretary, branch, data=THEME_DAY, now=NOW)

    usable = templates.list_usable(life.session, secretary, branch)
    chosen = FromTemplate(above.id, NOW, place="广场")
    made = templates.schedule(life.session, secretary, branch, chosen=chosen, now=NOW)

    assert [row.ActivityTemplate.id for row in usable] == [own.id, above.id]
    assert (made.title, made.place, made.tags) == ("主题党日", "广场", ["party_lecture"])
    assert made.ends_at - made.starts_at == timedelta(minutes=90)


def test_template_is_kept_by_its_own_body_and_used_below_it(life: Life) -> None:
    secretary, other = life.world.actor("书记一"), life.world.actor("书记三")
    branch, third = (life.world.organizations[name] for name in ("一支部", "三支部"))
    officer = life.world.actor("街道干事")
    street = life.world.organizations["街道"]
    own = templates.create(life.session, secretary, branch, data=THEME_DAY, now=NOW)
    above = templates.create(life.session, officer, street, data=THEME_DAY, now=NOW)

    chosen = FromTemplate(own.id, NOW)
    with pytest.raises(NotFound):
        templates.schedule(life.session, other, third, chosen=chosen, now=NOW)
    with pytest.raises(NotFound):
        templates.change(life.session, secretary, above.id, data=THEME_DAY, version=1)
    assert templates.change(life.session, secretary, own.id, data=THEME_DAY, version=1).version == 2
    with pytest.raises(VersionConflict):
        templates.change(life.session, secretary, own.id, data=THEME_DAY, version=1)
    templates.retire(life.session, secretary, own.id, now=NOW)
    assert len(templates.list_usable(life.session, secretary, branch)) == 1


def test_record_is_written_and_changed_by_version(life: Life) -> None:
    activity, secretary = life.meeting(), life.world.actor("书记一")

    def write(summary: str, version: int) -> int:
        texts = (summary, "")
        return records.write(
            life.session, secretary, activity.id, texts=texts, version=version, now=NOW
        ).version

    with pytest.raises(NotFound):
        records.get_record(life.session, life.world.actor("党员乙"), activity.id)
    assert (write("学习", 0), write("学习和讨论", 1)) == (1, 2)
    with pytest.raises(VersionConflict):
        write("旧稿", 1)
    read = records.get_record(life.session, life.world.actor("党员乙"), activity.id)
    assert read.summary == "学习和讨论"
    with pytest.raises(NotFound):
        records.get_record(life.session, life.world.actor("党员丁"), activity.id)


def test_vote_counts_against_those_due_to_attend(life: Life) -> None:
    """Seven due of whom four came: all four must agree (domain 10)."""
    life.add_members(2)
    member = life.session.get_one(Member, life.world.members["党员乙"])
    member.kind = MemberKind.PROBATIONARY_MEMBER
    life.add_members(1)
    activity = life.meeting(kind=ActivityKind.GENERAL_MEETING)
    secretary = life.world.actor("书记一")
    names = ("书记一", "副书记一", "组长", "党员甲", "党员乙")
    with pytest.raises(NotStarted):
        records.judge_quorum(life.session, secretary, activity.id)
    life.call(activity, *(life.mark(name, PRESENT) for name in names), default=None)

    def vote(in_favour: int, against: int = 0) -> bool:
        count = VoteCount("接收预备党员", in_favour, against, 0)
        taken = records.take_vote(life.session, secretary, activity.id, count=count, now=NOW)
        assert (taken.voters_due, taken.voters_present, taken.is_quorate) == (7, 4, True)
        return taken.is_passed

    assert (vote(3, 1), vote(4)) == (False, True)
    with pytest.raises(ImpossibleCounts):
        vote(4, 1)
    assert len(records.list_votes(life.session, secretary, activity.id)) == 2
    quorum = records.judge_quorum(life.session, secretary, activity.id)
    assert [one.holds for one in quorum] == [True, True, False]


def test_three_photos_at_most_and_a_slot_is_free_again(life: Life) -> None:
    activity, secretary = life.meeting(), life.world.actor("书记一")

    def add(number: int) -> activity_photos.ActivityPhoto:
        photo = CleanPhoto(b"a photo", 1, 1, str(number) * 64)
        return activity_photos.add(
            life.session, secretary, activity.id, photo=photo, photo_id=new_id(), now=NOW
        )

    first, *_ = [add(number) for number in range(3)]
    assert add(0).id == first.id
    with pytest.raises(TooManyPhotos):
        add(3)
    reader = life.world.actor("党员乙")
    assert activity_photos.get_photo(life.session, reader, activity.id, first.id) is first
    activity_photos.remove(life.session, secretary, activity.id, first.id)
    assert add(3).slot == 1
    with pytest.raises(PhotoNotFound):
        activity_photos.get_photo(life.session, reader, activity.id, first.id)


def test_member_sees_what_was_announced_with_his_own_status(life: Life) -> None:
    planned, soon, past = life.meeting(), life.meeting(**SOON), life.meeting()
    secretary = life.world.actor("书记一")
    activity_life.publish(life.session, secretary, soon.id, now=NOW)
    life.call(past, life.mark("党员乙", ABSENT))

    def mine(name: str) -> list[tuple[object, str | None]]:
        actor = life.world.actor(name)
        page = attendance_reading.list_own(life.session, actor, after=None, limit=50)
        return [(row.Activity.id, row.my_status) for row in page.items]

    assert planned.status is ActivityStatus.PLANNED
    assert mine("党员乙") == [(past.id, "absent_unexcused"), (soon.id, None)]
    assert mine("党员丙") == []
    with pytest.raises(NotFound):
        attendance_reading.get_own(life.session, life.world.actor("党员丁"), soon.id)


def test_list_stands_by_group_then_name_whatever_the_status(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员乙", ABSENT))
    before = attendance_reading.list_attendance(
        life.session, life.world.actor("书记一"), activity.id
    )
    life.call(activity, life.mark("党员乙", PRESENT), life.mark("党员甲", ABSENT), default=None)

    after = attendance_reading.list_attendance(
        life.session, life.world.actor("书记一"), activity.id
    )
    group = attendance_reading.list_attendance(life.session, life.world.actor("组长"), activity.id)

    assert [row.name for row in after] == [row.name for row in before]
    assert after[-1].group_name == "一组"
    assert [row.name for row in group] == ["党员甲"]


def test_revisions_are_read_by_the_member_and_his_branch(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员乙", ABSENT))
    life.call(activity, life.mark("党员乙", PRESENT, "看错了"), default=None)
    attendance_id = life.row(activity, "党员乙").id

    for name in ("党员乙", "书记一"):
        events = attendance_reading.list_events(life.session, life.world.actor(name), attendance_id)
        assert [(one.revision, one.reason) for one in events] == [(1, ""), (2, "看错了")]
    with pytest.raises(NotFound):
        attendance_reading.list_events(life.session, life.world.actor("党员甲"), attendance_id)


def test_rates_follow_the_published_formula(life: Life) -> None:
    for exceptions in ((life.mark("党员乙", ABSENT),), (life.mark("党员乙", LEAVE, "出差"),)):
        activity = life.meeting()
        life.call(activity, default=None)
        life.call(activity, *exceptions)
        life.close(activity)
    life.call(life.meeting())
    branch = life.world.organizations["一支部"]
    days = {"first_on": date(2026, 11, 1), "last_on": date(2026, 11, 30)}

    secretary = life.world.actor("书记一")

    with counted_statements(life.session) as seen:
        rates = attendance_reading.rate_branch(life.session, secretary, branch, **days)

    assert len(seen) <= 2
    assert (rates.counts.expected, rates.counts.attended, rates.counts.leave_approved) == (10, 8, 1)
    names = [(one.group_name, one.name) for one in rates.members]
    assert names == sorted(names)
    with pytest.raises(NotABranch):
        attendance_reading.rate_branch(
            life.session, life.world.actor("街道干事"), life.world.organizations["街道"], **days
        )
    with pytest.raises(RangeTooLong):
        attendance_reading.rate_branch(
            life.session,
            life.world.actor("书记一"),
            branch,
            first_on=date(2026, 1, 2),
            last_on=date(2026, 1, 1),
        )


def test_duties_are_met_excused_or_not_and_exceptions_go_by_name(life: Life) -> None:
    activity = life.meeting()
    life.call(activity)
    life.close(activity)
    secretary, officer = life.world.actor("书记一"), life.world.actor("街道干事")
    branch, street = (life.world.organizations[name] for name in ("一支部", "街道"))
    later = NOW + timedelta(days=30)
    data = ExcuseData("general_meeting", date(2026, 11, 1), "防汛抢险")
    branch_duties.excuse(life.session, secretary, branch, data=data, now=NOW)

    found = branch_duties.judge_branch(
        life.session, secretary, branch, month=date(2026, 11, 1), now=later
    )
    with counted_statements(life.session) as seen:
        missing = branch_duties.list_exceptions(
            life.session, officer, street, month=date(2026, 11, 1), now=later
        )

    states = {one.standing.duty.kind: str(one.standing.state) for one in found}
    assert states["theme_day"] == "met"
    assert states["general_meeting"] == "excused"
    assert states["group_meeting"] == "not_met"
    assert [(one.organization_name, one.standing.duty.kind) for one in missing] == [
        ("一支部", "group_meeting"),
        ("二支部", "theme_day"),
    ]
    assert len(seen) <= 6
    with pytest.raises(NotFound):
        branch_duties.judge_branch(
            life.session, life.world.actor("组长"), branch, month=date(2026, 11, 1), now=NOW
        )
    with pytest.raises(NotFound):
        branch_duties.excuse(life.session, life.world.actor("书记二"), branch, data=data, now=NOW)
