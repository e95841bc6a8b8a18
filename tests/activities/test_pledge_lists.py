"""Lists of pledges: what the branch knows, what its secretary works on, what is due."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from activities import pledge_lists, pledge_reading, pledge_reviews
from activities.pledge_lists import Wanted
from activities.pledge_reading import Line
from activities.pledge_states import PUBLIC, PledgeStatus, PledgeStep
from core.errors import NotFound
from core.paging import InvalidCursor, Page
from tests.pledging import WAYS, Pledging
from tests.world import NOW, World, build_world

S, P = PledgeStatus, PledgeStep


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def public(world: World, name: str, branch: str = "一支部") -> list[Line]:
    return list(
        pledge_lists.list_public(
            world.session,
            world.actor(name),
            world.organizations[branch],
            year=2026,
            after=None,
            limit=50,
        ).items
    )


def working(world: World, name: str, place: str, status: PledgeStatus | None = None) -> list[Line]:
    return list(
        pledge_lists.list_working(
            world.session,
            world.actor(name),
            world.organizations[place],
            wanted=Wanted(2026, status),
            after=None,
            limit=50,
        ).items
    )


def test_branch_reads_what_is_public_and_nothing_else(world: World, pledging: Pledging) -> None:
    for status in WAYS:
        pledging.at(status)

    shown = {line.pledge.status for line in public(world, "党员乙")}

    assert shown == PUBLIC
    assert {line.pledge.status for line in working(world, "书记一", "一支部")} == set(S) - {
        S.DRAFT,
        S.WITHDRAWN,
    }


def test_lists_stand_by_group_then_name_whatever_the_grades(
    world: World, pledging: Pledging
) -> None:
    names = ("党员甲", "党员乙", "副书记一")
    before = {name: pledging.at(S.IN_PROGRESS, name) for name in names}
    expected = [line.member_name for line in public(world, "党员乙")]
    pledging.grade(before["党员甲"], "差")
    pledging.grade(before["副书记一"], "优")

    after = public(world, "党员乙")

    assert [line.member_name for line in after] == expected
    assert [(line.party_group_name, line.member_name) for line in after] == sorted(
        (line.party_group_name, line.member_name) for line in after
    )
    assert after[-1].party_group_name == "一组"


def test_working_list_filters_by_status_and_reaches_below(world: World, pledging: Pledging) -> None:
    waiting = pledging.at(S.SUBMITTED)
    pledging.at(S.APPROVED)

    assert [line.pledge.id for line in working(world, "书记一", "一支部", S.SUBMITTED)] == [waiting]
    assert len(working(world, "街道干事", "街道")) == 2
    assert len(working(world, "区管理员", "区委")) == 2
    assert working(world, "区管理员", "镇") == []
    for name, place in (("书记二", "一支部"), ("组长", "一支部"), ("书记一", "街道")):
        with pytest.raises(NotFound):
            working(world, name, place)


def test_due_list_holds_what_runs_and_is_due(world: World, pledging: Pledging) -> None:
    soon = pledging.write(due_on=date(2026, 11, 30))
    for step in WAYS[S.PUBLISHED]:
        pledging.take(soon, step)
    pledging.at(S.PUBLISHED)
    reported = pledging.write(due_on=date(2026, 11, 30))
    for step in WAYS[S.FULFILMENT_REPORTED]:
        pledging.take(reported, step)

    def due(days: int) -> list[Line]:
        page = pledge_lists.list_due(
            world.session,
            world.actor("书记一"),
            world.organizations["一支部"],
            within_days=days,
            after=None,
            limit=50,
        )
        return list(page.items)

    assert [line.pledge.id for line in due(20)] == [soon]
    assert len(due(40)) == 2


@pytest.mark.parametrize("branch", ["public", "working"])
def test_pages_are_complete_though_pledges_move_on(
    world: World, pledging: Pledging, branch: str
) -> None:
    made = {pledging.at(S.APPROVED if branch == "working" else S.PUBLISHED) for _ in range(5)}
    status = S.APPROVED if branch == "working" else None

    def page(after: list[str | int] | None) -> Page[Line]:
        place = world.organizations["一支部"]
        if status is None:
            member = world.actor("党员乙")
            return pledge_lists.list_public(
                world.session, member, place, year=2026, after=after, limit=2
            )
        wanted, actor = Wanted(2026, status), world.actor("书记一")
        return pledge_lists.list_working(
            world.session, actor, place, wanted=wanted, after=after, limit=2
        )

    seen, after = [], None
    while True:
        now = page(after)
        seen += [line.pledge.id for line in now.items]
        after = now.next_key
        if after is None:
            break
        if status is not None:
            pledging.take(seen[-1], P.PUBLISH)

    assert (len(seen), set(seen)) == (5, made)


def test_cursor_of_another_branch_is_refused(world: World, pledging: Pledging) -> None:
    pledging.writers.clear()
    elsewhere = pledging.at(S.PUBLISHED, "党员丁", decider="书记三")

    with pytest.raises(InvalidCursor):
        pledge_lists.list_public(
            world.session,
            world.actor("党员乙"),
            world.organizations["一支部"],
            year=2026,
            after=[str(elsewhere)],
            limit=2,
        )


def test_own_list_says_what_is_next(world: World, pledging: Pledging) -> None:
    first, second = pledging.write(), pledging.at(S.PUBLISHED)

    page = pledge_reading.list_own(
        world.session, world.actor("党员甲"), year=2026, after=None, limit=10
    )

    assert [(line.pledge.id, line.allowed_steps) for line in page.items] == [
        (second, [P.AMEND, P.NOTE_PROGRESS, P.REPORT_FULFILMENT]),
        (first, [P.EDIT, P.SUBMIT, P.WITHDRAW]),
    ]


def test_publishing_takes_the_approved_ones_of_the_year_once(
    world: World, pledging: Pledging
) -> None:
    approved, _ = pledging.at(S.APPROVED), pledging.at(S.SUBMITTED)
    secretary, branch = world.actor("书记一"), world.organizations["一支部"]

    def publish(year: int) -> list[object]:
        return list(
            pledge_reviews.publish_approved(world.session, secretary, branch, year=year, now=NOW)
        )

    assert [publish(2027), publish(2026), publish(2026)] == [[], [approved], []]
