"""Cadres' points are published apart from members', by the officers above, and become final."""

import copy
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members import cadres
from members.cadres import Appointment
from notifications.models import OutboxMessage
from points import (
    bulletin_reading,
    bulletins,
    cadre_points,
    objection_decisions,
    objections,
    verification,
)
from points.bulletins import AlreadyPublished, NothingToPublish
from points.models import LedgerEntry, Subject
from points.objection_decisions import Verdict
from points.publicity_models import Bulletin, BulletinConfirmation, BulletinEntry
from points.scheme_texts import SchemeText
from tests.points.publicity.scene import WINDOW_OVER, approve, enter, publish_richer
from tests.points.schemes.drafting import draft, item_of
from tests.points.schemes.drafting import publish as publish_scheme
from tests.world import NOW, SCHEME, World, build_world

MONTH = "2026-11"


@pytest.fixture
def world(session: Session) -> World:
    """党员甲 and 党员乙 are cadres of 一支部; the district has a scheme for cadres."""
    world = build_world(session)
    publish_richer(world)
    for name in ("党员甲", "党员乙"):
        terms = Appointment(
            world.organizations["一支部"], "社区主任", "街工委〔2026〕3号", date(2026, 3, 1)
        )
        officer = world.actor("街道干事")
        cadres.appoint(session, officer, world.members[name], terms=terms, now=NOW)
    data: dict[str, Any] = copy.deepcopy(SCHEME)
    data |= {"code": "cadre-points", "name": "村（社区）干部积分", "subject": "cadres"}
    item_of(data, "commended")["entered_by"] = "committee"
    publish_scheme(world, draft(world, text=SchemeText(data)).id, on=date(2026, 1, 1))
    return world


def commend(world: World, *names: str) -> dict[str, UUID]:
    made = enter(world, "街道干事", "commended", *names, subject=Subject.CADRES.value)
    ids = {member_id: name for name, member_id in world.members.items()}
    return {ids[one.member_id]: one.entry_id for one in made if one.entry_id}


def publish(world: World, who: str = "街道干事", *, subject: str = "cadres") -> Bulletin:
    branch = world.organizations["一支部"]
    return bulletins.publish(
        world.session, world.actor(who), branch, MONTH, subject=subject, now=NOW
    )


def rows_of(world: World, who: str, bulletin: Bulletin) -> list[str]:
    rows = bulletin_reading.list_rows(world.session, world.actor(who), bulletin)
    return [one.row.member_name for one in rows]


def confirmed(world: World) -> set[UUID]:
    return set(world.session.scalars(sa.select(BulletinConfirmation.entry_id)))


def test_cadres_entries_become_final_by_a_bulletin_of_their_own(world: World) -> None:
    made = commend(world, "党员甲")
    (as_member,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))

    of_cadres, of_members = publish(world), publish(world, "书记一", subject="party_members")
    bulletins.close(world.session, world.actor("街道干事"), of_cadres.id, now=WINDOW_OVER)

    assert (of_cadres.entries, of_members.entries) == (1, 1)
    assert confirmed(world) == set(made.values())
    score = cadre_points.get_own(world.session, world.actor("党员甲"), year=2026)
    assert (score.provisional, score.confirmed) == (0, 200)
    assert bulletins.close_ripe(world.session, now=WINDOW_OVER) == 1
    assert confirmed(world) == {*made.values(), as_member}
    assert verification.verify(world.session).findings == []


def test_each_subject_is_published_once_a_month(world: World) -> None:
    commend(world, "党员甲")
    publish(world)

    with pytest.raises(AlreadyPublished):
        publish(world)
    with pytest.raises(NothingToPublish):
        publish(world, "书记一", subject="party_members")


@pytest.mark.parametrize("who", ["书记一", "副书记一", "书记三", "党员甲", "审计员"])
def test_only_officers_above_publish_and_preview_cadres_points(world: World, who: str) -> None:
    commend(world, "党员甲")
    branch, actor = world.organizations["一支部"], world.actor(who)

    with pytest.raises(NotFound):
        publish(world, who)
    with pytest.raises(NotFound):
        bulletins.preview(world.session, actor, branch, MONTH, subject="cadres", now=NOW)


def test_officers_do_not_publish_for_a_branch(world: World) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))

    with pytest.raises(NotFound):
        publish(world, subject="party_members")


def test_branch_leader_does_not_close_it(world: World) -> None:
    commend(world, "党员甲")
    bulletin = publish(world)

    with pytest.raises(NotFound):
        bulletins.close(world.session, world.actor("书记一"), bulletin.id, now=WINDOW_OVER)


def test_preview_is_what_is_published(world: World) -> None:
    made = commend(world, "党员甲", "党员乙")
    branch, officer = world.organizations["一支部"], world.actor("街道干事")

    seen = bulletins.preview(world.session, officer, branch, MONTH, subject="cadres", now=NOW)

    assert {row.entry_id for row in seen} == set(made.values())


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("街道干事", ["党员乙", "党员甲"]),
        ("区管理员", ["党员乙", "党员甲"]),
        ("审计员", ["党员乙", "党员甲"]),
        ("党员甲", ["党员甲"]),
    ],
)
def test_readers_see_all_and_a_cadre_his_own_rows(world: World, who: str, names: list[str]) -> None:
    commend(world, "党员甲", "党员乙")
    bulletin = publish(world)
    actor, branch = world.actor(who), world.organizations["一支部"]

    assert bulletin_reading.get(world.session, actor, bulletin.id) is bulletin
    assert sorted(rows_of(world, who, bulletin)) == sorted(names)
    page = bulletin_reading.list_of_organization(
        world.session, actor, branch, subject="cadres", after=None, limit=9
    )
    assert list(page.items) == [bulletin]
    plain = bulletin_reading.list_of_organization(world.session, actor, branch, after=None, limit=9)
    assert list(plain.items) == []


@pytest.mark.parametrize("who", ["书记一", "副书记一", "组长", "党员丙", "书记三"])
def test_nobody_else_reads_it(world: World, who: str) -> None:
    commend(world, "党员甲")
    bulletin = publish(world)

    with pytest.raises(NotFound):
        bulletin_reading.get(world.session, world.actor(who), bulletin.id)


def test_colleague_without_a_row_reads_nothing(world: World) -> None:
    commend(world, "党员甲")
    bulletin = publish(world)

    with pytest.raises(NotFound):
        bulletin_reading.get(world.session, world.actor("党员乙"), bulletin.id)


def test_only_the_cadre_objects_and_officers_answer(world: World) -> None:
    entry_id = commend(world, "党员甲", "党员乙")["党员甲"]
    bulletin = publish(world)
    for stranger in ("党员乙", "书记一", "组长"):
        with pytest.raises(NotFound):
            objections.file_on_entry(
                world.session, world.actor(stranger), entry_id, reason="不实", now=NOW
            )
    filed = objections.file_on_entry(
        world.session, world.actor("党员甲"), entry_id, reason="应为三分", now=NOW
    )

    # The street's only officer has entered it, so the district answers.
    assert filed.deciding_organization_id == world.organizations["区委"]
    admin = world.actor("区管理员")
    objection_decisions.decide(
        world.session, admin, filed.id, verdict=Verdict.UPHELD, reply="属实", now=NOW
    )
    officer = world.actor("街道干事")
    bulletins.close(world.session, officer, bulletin.id, now=WINDOW_OVER)
    assert entry_id not in confirmed(world)
    assert verification.verify(world.session).findings == []


def test_cadre_is_told_in_words_of_his_own(world: World) -> None:
    commend(world, "党员甲")
    publish(world)

    told = world.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.kind == "cadre_bulletin_published")
    ).all()

    assert [one.member_id for one in told] == [world.members["党员甲"]]


def test_digest_names_the_subject(world: World) -> None:
    """So that a bulletin of one subject cannot be passed off as one of the other."""
    commend(world, "党员甲")
    bulletin = publish(world)

    world.session.execute(sa.text("UPDATE bulletin SET subject = 'party_members'"))
    world.session.expire_all()

    found = verification.verify(world.session).findings
    assert {"逐项内容与公示时的摘要不一致。", "公示的内容与账本不一致。"} <= {
        one.message for one in found
    }
    assert bulletin.entries == 1


def test_database_keeps_subjects_apart(world: World) -> None:
    commend(world, "党员甲")
    bulletin = publish(world)
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    member_entry = world.session.scalars(
        sa.select(LedgerEntry.id).where(LedgerEntry.subject == Subject.PARTY_MEMBERS)
    ).one()
    row = {
        "bulletin_id": bulletin.id, "entry_id": member_entry, "position": 7, "group_name": "",
        "member_name": "党员甲", "item_name": "x", "title": "x", "happened_on": date(2026, 11, 7),
        "points": 100,
    }  # fmt: skip

    with (
        pytest.raises(sa.exc.IntegrityError, match=r"of.(another|one).subject"),
        world.session.begin_nested(),
    ):
        world.session.execute(sa.insert(BulletinEntry), [row])
