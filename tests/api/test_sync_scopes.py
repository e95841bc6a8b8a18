"""What a phone may hold follows where its owner belongs and which roles he has, today."""

import pytest

from activities import activity_life, calendar
from activities.life_models import Attendance
from activities.models import Activity
from core.ids import new_id
from members import affiliations, organization_moves, role_grants
from members.access_models import Role
from members.affiliations import Belonging, Guest
from members.models import AffiliationKind, MemberKind
from members.organization_moves import Relocation
from notifications.models import Channel, InboxMessage, OutboxMessage
from tests.activities.lives import Life
from tests.api.test_sync import announce, phone
from tests.served import Service
from tests.world import NOW, TODAY, World

LED = {"claim", "member", "pledge", "points_entry", "service_record"}


def transfer(world: World, name: str, branch: str) -> None:
    to = Belonging(world.organizations[branch], None, TODAY, "迁居")
    officer, member_id = world.actor("街道干事"), world.members[name]
    affiliations.transfer(world.session, officer, member_id, to=to, now=NOW)
    world.session.commit()


def put_on_list(world: World, activity: Activity, name: str) -> None:
    """As the start of a meeting does with whoever is affiliated here besides."""
    world.session.add(
        Attendance(
            activity_id=activity.id,
            member_id=world.members[name],
            organization_id=activity.organization_id,
            home_organization_id=world.organizations["二支部"],
            affiliation_kind=AffiliationKind.COMMUNITY_REGISTRATION,
            member_kind=MemberKind.FULL_MEMBER,
            is_expected=False,
            is_exempt=False,
        )
    )


@pytest.fixture
def filled(service: Service) -> Service:
    """A claim with its record in each branch."""
    for name, branch in (("党员甲", "一支部"), ("党员丙", "二支部"), ("党员丁", "三支部")):
        service.world.add_claim(name, branch)
    service.world.session.commit()
    return service


# Name, whose claims and records he holds besides, and how many of a roster.
SCOPES: tuple[tuple[str, set[str], int], ...] = (
    ("党员乙", set(), 0),
    ("党员甲", {"党员甲"}, 0),
    # A group's leader has his group's roster; what others put forward is not his to read.
    ("组长", set(), 1),
    ("书记一", {"党员甲"}, 5),
    ("街道干事", {"党员甲", "党员丙"}, 9),
    ("书记三", {"党员丁"}, 5),
    ("审计员", {"党员甲", "党员丙", "党员丁"}, 14),
    ("系统管理员", set(), 0),
)


def test_phone_holds_its_owners_scope_and_nothing_else(filled: Service) -> None:
    for name, holders, roster in SCOPES:
        held = phone(filled, name)
        pages = str(held.sync())

        assert {one["member_name"] for one in held.held["claim"].values()} == holders, name
        assert len(held.ids("service_record")) == len(holders), name
        assert len(held.names()) == roster, name
        for stranger in {"党员甲", "党员丙", "党员丁"} - holders - held.names():
            assert str(filled.world.members[stranger]) not in pages, name
        assert "contact" not in pages, "cases of contact are on no phone"


def test_transfer_takes_a_member_from_one_roster_to_the_other(filled: Service) -> None:
    world = filled.world
    old, new, mine = (phone(filled, name) for name in ("书记一", "书记二", "党员乙"))
    activity = announce(world)
    activity_life.publish(world.session, world.actor("书记一"), activity.id, now=NOW)
    own_claim = str(world.add_claim("党员乙", "一支部"))
    world.session.commit()
    for one in (old, new, mine):
        one.sync()
    assert mine.ids("activity") == {str(activity.id)}

    transfer(world, "党员乙", "二支部")

    gone = [one for page in old.sync() for one in page["deleted"]]
    assert gone == [{"kind": "member", "id": str(world.members["党员乙"])}]
    assert own_claim in old.ids("claim"), "what was claimed with the branch stays with it"
    new.sync()
    assert "党员乙" in new.names()
    assert own_claim not in new.ids("claim")
    forgotten = mine.sync()[0]["forget"]
    assert {"activity", "bulletin"} <= set(forgotten)
    assert "message" not in forgotten, "his own messages have nothing to do with his branch"
    assert mine.ids("activity") == set()
    assert mine.ids("claim") == {own_claim}


def test_role_revoked_between_two_pages_leaves_nothing_of_the_branch(filled: Service) -> None:
    world = filled.world
    grant_id = world.grant("党员丁", Role.BRANCH_SECRETARY, "一支部")
    for _ in range(3):
        world.add_claim("党员甲", "一支部")
    world.session.commit()
    held = phone(filled, "党员丁")
    held.fetch(limit=2)
    assert len(held.ids("claim")) == 2

    role_grants.revoke(world.session, world.actor("区管理员"), grant_id, now=NOW)
    world.session.commit()

    assert set(held.fetch(limit=2)["forget"]) >= LED
    held.sync(limit=2)
    assert {one["member_name"] for one in held.held["claim"].values()} == {"党员丁"}
    assert held.ids("member") == set()


def test_role_granted_sends_what_may_newly_be_seen(filled: Service) -> None:
    world, held = filled.world, phone(filled, "党员丁")
    held.sync()
    own = held.ids("claim")

    world.grant("党员丁", Role.BRANCH_SECRETARY, "一支部")
    world.session.commit()
    held.sync(limit=1)

    assert own < held.ids("claim")
    assert held.names() == {"党员甲", "党员乙", "组长", "书记一", "副书记一"}


def test_moved_branch_leaves_the_phones_of_the_old_body(filled: Service) -> None:
    world, old, above = filled.world, phone(filled, "街道干事"), phone(filled, "区管理员")
    old.sync()
    above.sync()
    assert "党员丙" in old.names()

    data = Relocation(world.organizations["镇"], "区划调整", 1)
    branch, admin = world.organizations["二支部"], world.actor("区管理员")
    organization_moves.move(world.session, admin, branch, data=data, now=NOW)
    world.session.commit()
    old.sync()

    # He belongs to that branch himself, so he holds his own; but nobody else's.
    assert {one["member_name"] for one in old.held["claim"].values()} == {"党员甲"}
    assert old.names() == {"党员甲", "党员乙", "组长", "书记一", "副书记一"}
    assert above.sync()[0]["forget"] == [], "for the body above both nothing has changed"


def test_group_leader_loses_whoever_leaves_the_group(filled: Service) -> None:
    world, held = filled.world, phone(filled, "组长")
    held.sync()
    assert held.names() == {"党员甲"}

    to = Belonging(world.organizations["一支部"], None, TODAY, "调整")
    member_id = world.members["党员甲"]
    affiliations.transfer(world.session, world.actor("书记一"), member_id, to=to, now=NOW)
    world.session.commit()
    held.sync()

    assert held.names() == set()


def test_secondary_affiliation_opens_nothing_but_the_meetings_he_is_listed_for(
    filled: Service,
) -> None:
    world, held = filled.world, phone(filled, "党员丙")
    held.sync()
    guest = Guest(
        AffiliationKind.COMMUNITY_REGISTRATION, world.organizations["一支部"], TODAY, None
    )
    member_id = world.members["党员丙"]
    affiliations.add_guest(world.session, world.actor("街道干事"), member_id, guest=guest, now=NOW)
    unlisted = announce(world)
    activity_life.publish(world.session, world.actor("书记一"), unlisted.id, now=NOW)
    listed = Life(world).meeting()
    listed.started_at = NOW
    put_on_list(world, listed, "党员丙")
    world.session.commit()

    forgotten = held.sync()[0]["forget"]

    assert forgotten == [], "it gives no scope"
    assert held.ids("activity") == {str(listed.id)}
    assert {one["member_name"] for one in held.held["claim"].values()} == {"党员丙"}
    calendar.cancel(
        world.session, world.actor("书记一"), world.organizations["一支部"], unlisted.id, now=NOW
    )
    world.session.commit()
    assert str(unlisted.id) not in str(held.sync())


def test_message_is_the_readers_alone(filled: Service) -> None:
    world = filled.world
    outbox = OutboxMessage(
        dedupe_key="one", member_id=world.members["党员甲"], kind="claim_approved", params={},
        channel=Channel.INBOX, not_before=NOW, created_at=NOW,
    )  # fmt: skip
    world.session.add(outbox)
    world.session.flush()
    message = InboxMessage(
        id=new_id(), outbox_id=outbox.id, member_id=world.members["党员甲"], kind="claim_approved",
        title="申报已通过", body="……", created_at=NOW,
    )  # fmt: skip
    world.session.add(message)
    world.session.commit()

    for name in ("书记一", "审计员", "区管理员"):
        assert str(message.id) not in str(phone(filled, name).sync())
    mine = phone(filled, "党员甲")
    mine.sync()
    assert mine.ids("message") == {str(message.id)}
