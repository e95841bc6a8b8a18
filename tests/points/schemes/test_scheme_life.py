"""The life of a scheme: drafted, edited, published, retired; each step by whom it may be."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound, VersionConflict
from core.ids import new_id
from members.access_models import Role, RoleGrant
from points import (
    explanations,
    review,
    scheme_delegations,
    scheme_drafts,
    scheme_publishing,
    scheme_reading,
    schemes,
)
from points.definition_reading import InvalidDefinition
from points.models import LedgerEntry, SchemeVersion
from points.review import Action, Decision
from points.scheme_delegations import Delegation
from points.scheme_publishing import AlreadyEnded, EndsBeforeBeginning, Retirement
from points.scheme_reading import Filter
from points.scheme_scope import NotDelegated
from points.scheme_texts import SchemeText, SourceAmbiguous
from points.scheme_timeline import CodeTaken, DayTaken, EntriesPosted
from tests.points.schemes.drafting import changed, delegate_to, draft, item_of, publish
from tests.world import NOW, TODAY, World, build_world

NEXT_YEAR = date(2027, 1, 1)


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def in_force(world: World, day: date) -> int | None:
    path = world.actor("党员甲").organization_path
    found = schemes.choose(schemes.load_published(world.session), path, day)
    return found.version if found else None


def approve(world: World, on: date, minutes: int = 60) -> LedgerEntry:
    claim_id = world.add_claim("党员甲", "一支部", minutes=minutes, happened_on=on)
    decisions = [Decision(claim_id, 1, Action.APPROVE)]
    (result,) = review.review(world.session, world.actor("书记一"), decisions, now=NOW)
    return world.session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.id == result.entry_id)
    ).one()


def listed(world: World, name: str, **wanted: object) -> list[SchemeVersion]:
    page = scheme_reading.list_schemes(
        world.session,
        world.actor(name),
        wanted=Filter(**wanted),  # type: ignore[arg-type]
        after=None,
        limit=50,
    )
    return [row.SchemeVersion for row in page.items]


def test_draft_is_no_scheme_until_it_is_published(world: World) -> None:
    made = draft(world)
    assert (made.status, made.version, made.effective_from) == ("draft", None, None)
    assert in_force(world, NEXT_YEAR) == 1

    published = publish(world, made.id, on=NEXT_YEAR)

    assert (published.version, published.basis) == (2, "区组通〔2026〕12号")
    assert published.published_by == world.members["区管理员"]
    assert in_force(world, NEXT_YEAR) == 2
    assert in_force(world, NEXT_YEAR - timedelta(days=1)) == 1


def test_draft_may_begin_blank_or_as_a_copy(world: World) -> None:
    actor, place = world.actor("区管理员"), world.organizations["街道"]
    blank = scheme_drafts.create(world.session, actor, place, text=None, now=NOW)
    copied = scheme_drafts.create(
        world.session, actor, place, text=None, copy_of=world.scheme_version_id, now=NOW
    )

    assert blank.definition["items"] == []
    original = world.session.get_one(SchemeVersion, world.scheme_version_id)
    assert copied.definition_sha256 == original.definition_sha256
    with pytest.raises(SourceAmbiguous):
        scheme_drafts.create(world.session, actor, place, text=changed(), copy_of=blank.id, now=NOW)


def test_edit_of_a_text_that_somebody_changed_is_refused(world: World) -> None:
    made, admin = draft(world), world.actor("区管理员")
    edited = scheme_drafts.edit(
        world.session, admin, made.id, text=changed(name="改过的方案"), revision=1
    )
    assert (edited.revision, edited.definition["name"]) == (2, "改过的方案")

    with pytest.raises(VersionConflict):
        scheme_drafts.edit(world.session, admin, made.id, text=changed(), revision=1)
    with pytest.raises(VersionConflict):
        publish(world, made.id, on=NEXT_YEAR, revision=1)


def test_faulty_text_is_not_saved(world: World) -> None:
    made = draft(world)

    with pytest.raises(InvalidDefinition) as refusal:
        scheme_drafts.edit(
            world.session,
            world.actor("区管理员"),
            made.id,
            text=changed(bands=[], total_cap="50"),
            revision=1,
        )

    assert {problem.pointer for problem in refusal.value.problems} >= {"/bands", "/total_cap"}
    world.session.expire_all()
    assert world.session.get_one(SchemeVersion, made.id).revision == 1


def test_published_scheme_is_neither_edited_nor_discarded(world: World) -> None:
    version_id, admin = world.scheme_version_id, world.actor("区管理员")
    assert version_id is not None

    with pytest.raises(NotFound):
        scheme_drafts.edit(world.session, admin, version_id, text=changed(), revision=1)
    with pytest.raises(NotFound):
        scheme_drafts.discard(world.session, admin, version_id)
    with pytest.raises(NotFound):
        publish(world, version_id, on=NEXT_YEAR)


def test_discarded_draft_is_gone(world: World) -> None:
    made = draft(world)

    scheme_drafts.discard(world.session, world.actor("区管理员"), made.id)

    assert world.session.get(SchemeVersion, made.id) is None


def test_version_before_is_not_closed_into_days_with_entries(world: World) -> None:
    approve(world, date(2026, 11, 7))
    made = draft(world)

    with pytest.raises(EntriesPosted, match="2026-11-08"):
        publish(world, made.id, on=date(2026, 11, 7))
    publish(world, made.id, on=date(2026, 11, 8))

    assert (in_force(world, date(2026, 11, 7)), in_force(world, date(2026, 11, 8))) == (1, 2)


def test_version_put_between_two_others_ends_where_the_later_begins(world: World) -> None:
    later, between = draft(world), draft(world)
    publish(world, later.id, on=NEXT_YEAR)
    assert publish(world, between.id, on=date(2026, 12, 1)).effective_to == NEXT_YEAR

    days = [date(2026, 11, 30), date(2026, 12, 31), NEXT_YEAR]
    assert [in_force(world, day) for day in days] == [1, 3, 2]
    again = draft(world)
    with pytest.raises(DayTaken):
        publish(world, again.id, on=NEXT_YEAR)


def test_two_schemes_of_one_organisation_for_one_subject_follow_each_other(world: World) -> None:
    other = draft(world, text=changed(code="other-points"))

    published = publish(world, other.id, on=NEXT_YEAR)

    assert published.version == 1
    assert world.session.get_one(
        SchemeVersion, world.scheme_version_id, populate_existing=True
    ).effective_to == NEXT_YEAR  # fmt: skip


def test_code_of_members_is_refused_for_cadres(world: World) -> None:
    made = draft(world, text=changed(subject="cadres"))

    with pytest.raises(CodeTaken):
        publish(world, made.id, on=NEXT_YEAR)


def test_retired_scheme_gives_nothing_any_more_and_explains_for_ever(world: World) -> None:
    entry = approve(world, date(2026, 11, 7))
    admin, version_id = world.actor("区管理员"), entry.scheme_version_id
    before = explanations.explain(world.session, world.actor("党员甲"), entry.id).steps

    with pytest.raises(EntriesPosted):
        scheme_publishing.retire(
            world.session, admin, version_id, terms=Retirement(date(2026, 11, 7), "停用"), now=NOW
        )
    retired = scheme_publishing.retire(
        world.session, admin, version_id, terms=Retirement(date(2026, 12, 1), "停用"), now=NOW
    )

    assert (retired.status, retired.retired_by) == ("retired", admin.member_id)
    assert (in_force(world, date(2026, 11, 30)), in_force(world, date(2026, 12, 1))) == (1, None)
    after = explanations.explain(world.session, world.actor("党员甲"), entry.id).steps
    assert after == before


@pytest.mark.parametrize(
    ("day", "refusal"),
    [(date(2026, 1, 1), EndsBeforeBeginning), (date(2026, 12, 20), AlreadyEnded)],
)
def test_retirement_on_an_impossible_day_is_refused(
    world: World, day: date, refusal: type[Exception]
) -> None:
    admin, version_id = world.actor("区管理员"), world.scheme_version_id
    assert version_id is not None
    terms = Retirement(date(2026, 12, 1), "停用")
    if refusal is AlreadyEnded:
        scheme_publishing.retire(world.session, admin, version_id, terms=terms, now=NOW)

    with pytest.raises(refusal):
        scheme_publishing.retire(
            world.session, admin, version_id, terms=Retirement(day, "停用"), now=NOW
        )


def test_committee_without_delegation_writes_nothing(world: World) -> None:
    made = draft(world, place="街道")
    with pytest.raises(NotDelegated):
        draft(world, "街道干事", "街道")
    with pytest.raises(NotFound):
        publish(world, made.id, on=NEXT_YEAR, name="街道干事")

    assert [one.id for one in listed(world, "街道干事")] == [world.scheme_version_id]


def test_delegated_committee_writes_for_its_own_subtree_only(world: World) -> None:
    delegate_to(world)
    elsewhere = draft(world, place="镇")

    made = draft(world, "街道干事", "一支部", changed(code="street-points"))
    published = publish(world, made.id, on=NEXT_YEAR, name="街道干事")

    assert published.published_by == world.members["街道干事"]
    for place in ("镇", "区委"):
        with pytest.raises(NotFound):
            draft(world, "街道干事", place)
    with pytest.raises(NotFound):
        scheme_drafts.discard(world.session, world.actor("街道干事"), elsewhere.id)
    # The district's version applies to him, so he may read and copy it; a draft of others not.
    ids = [one.id for one in listed(world, "街道干事")]
    assert ids == [published.id, world.scheme_version_id]
    assert elsewhere.id not in ids
    assert elsewhere.id in [one.id for one in listed(world, "审计员", status="draft")]


def test_revoked_and_expired_delegations_end_at_once(world: World) -> None:
    delegation_id = delegate_to(world)
    made = draft(world, "街道干事", "街道")
    scheme_delegations.revoke(world.session, world.actor("区管理员"), delegation_id, now=NOW)

    with pytest.raises(NotFound):
        publish(world, made.id, on=NEXT_YEAR, name="街道干事")
    terms = Delegation(TODAY + timedelta(days=1), TODAY + timedelta(days=9), "函")
    scheme_delegations.delegate(
        world.session, world.actor("区管理员"), world.organizations["街道"], terms=terms, now=NOW
    )
    with pytest.raises(NotDelegated):
        draft(world, "街道干事", "街道")


@pytest.mark.parametrize(
    ("place", "terms", "refusal"),
    [
        ("一支部", Delegation(TODAY, None, "函"), scheme_delegations.NotACommittee),
        ("街道", Delegation(date(2026, 11, 9), None, "函"), scheme_delegations.DelegationDates),
        ("街道", Delegation(TODAY, TODAY, "函"), scheme_delegations.DelegationDates),
        ("镇", Delegation(TODAY, None, "函"), scheme_delegations.AlreadyDelegated),
    ],
)
def test_impossible_delegation_is_refused(
    world: World, place: str, terms: Delegation, refusal: type[Exception]
) -> None:
    delegate_to(world, "镇")

    with pytest.raises(refusal):
        scheme_delegations.delegate(
            world.session, world.actor("区管理员"), world.organizations[place], terms=terms, now=NOW
        )


def test_revoked_role_publishes_nothing(world: World) -> None:
    made, admin = draft(world), world.actor("区管理员")
    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.role == Role.DISTRICT_ADMIN)
        .values(revoked_at=NOW, revoked_by=world.members["系统管理员"])
    )

    with pytest.raises(Forbidden):
        scheme_drafts.discard(world.session, admin, made.id)


def test_absent_scheme_is_absent(world: World) -> None:
    with pytest.raises(NotFound):
        scheme_drafts.discard(world.session, world.actor("区管理员"), new_id())


def test_differences_are_told_in_sentences(world: World) -> None:
    def change(data: dict[str, object]) -> None:
        item_of(data, "volunteer_service")["points"] = "2"
        item_of(data, "volunteer_service")["caps"] = {"year": "12"}
        data["items"] = [one for one in data["items"] if one["code"] != "dues_late"]  # type: ignore[attr-defined]
        data["bands"][0]["from"] = "95"  # type: ignore[index]

    other = draft(world, text=changed(change, publicity_days=7))
    assert world.scheme_version_id is not None

    told = scheme_reading.find_differences(
        world.session, world.actor("审计员"), world.scheme_version_id, to=other.id
    )

    others = "良好 80 分起，合格 60 分起，不合格 0 分起"
    assert told == [
        "方案的公示工作日由“5”改为“7”。",
        "删去项目“超过三个月未交党费”。",
        "项目“志愿服务”的分值由“1 分”改为“2 分”。",
        "项目“志愿服务”的项目上限由“每日 8 分、年 10 分”改为“年 12 分”。",
        f"等次由“优秀 90 分起，{others}”改为“优秀 95 分起，{others}”。",
    ]


def test_text_with_what_no_database_keeps_is_refused(world: World) -> None:
    with pytest.raises(InvalidDefinition, match="不能保存"):
        draft(world, text=SchemeText(changed().data | {"name": "方\x00案"}))
