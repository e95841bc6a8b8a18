"""Points by hand: who enters what, notice and window of deductions, vetoes, late adjustments."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from members.access_models import Role
from notifications.models import OutboxMessage
from points import (
    adjustment_decisions,
    adjustment_posting,
    crediting,
    explanations,
    verification,
)
from points.adjustment_decisions import AdjustmentNotPending, SecondPersonRequired, WindowNotOver
from points.adjustments import AdjustmentInvalid, Given, ItemNotEntered, OwnAdjustment
from points.crediting import Occasion
from points.definitions import Event
from points.models import LedgerEntry, Period, PeriodStatus
from points.publicity_models import Adjustment
from tests.points.publicity.scene import (
    DAY,
    WINDOW_OVER,
    enter,
    publish_richer,
    read,
)
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    publish_richer(world)
    return world


def entries(world: World) -> int:
    query = sa.select(sa.func.count()).select_from(LedgerEntry)
    return world.session.scalars(query).one()


def test_bonus_is_posted_at_once_and_follows_from_what_it_pins(world: World) -> None:
    (bonus,) = enter(world, "书记一", "commended", "党员甲")

    assert bonus.status == "posted"
    assert bonus.entry_id is not None
    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    assert (entry.points, entry.source_kind, entry.source_id) == (200, "adjustment", bonus.id)
    assert verification.verify(world.session).findings == []


def test_appraisal_weighs_its_raters_and_pins_what_each_gave(world: World) -> None:
    ratings = {"自评": 1000, "党员互评": 850, "组织评定": 901}
    given = Given(world.members["党员甲"], ratings=ratings)

    (made,) = enter(world, "书记一", "democratic_appraisal", given)

    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    # 100 + 340 + 450.5 hundredths, the half rounded up.
    assert (made.asked, entry.points, entry.inputs["ratings"]) == (891, 891, ratings)
    assert verification.verify(world.session).findings == []


def test_deduction_is_told_and_waits_for_its_window(world: World) -> None:
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")

    assert (waiting.status, waiting.objection_until) == ("pending", date(2026, 11, 17))
    assert entries(world) == 0
    told = world.session.scalars(sa.select(OutboxMessage)).one()
    assert (told.kind, told.member_id) == ("deduction_notice", world.members["党员甲"])
    with pytest.raises(WindowNotOver):
        adjustment_decisions.confirm(
            world.session, world.actor("书记一"), waiting.id, now=NOW + timedelta(days=7)
        )
    assert adjustment_posting.post_ripe(world.session, now=NOW + timedelta(days=7)) == 0

    done = adjustment_decisions.confirm(
        world.session, world.actor("书记一"), waiting.id, now=WINDOW_OVER
    )

    assert done.status == "posted"
    assert read(world.session, Adjustment, waiting.id).posted_on == date(2026, 11, 18)
    assert world.session.scalars(sa.select(LedgerEntry.points)).one() == -200
    assert verification.verify(world.session).findings == []


def test_job_posts_what_is_ripe_once(world: World) -> None:
    enter(world, "书记一", "dues_late", "党员甲", "党员乙")
    enter(world, "副书记一", "dues_late", "组长", happened_on=date(2026, 11, 6))

    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 3
    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 0
    assert entries(world) == 3


def test_deduction_that_waits_can_be_withdrawn_by_whoever_entered_it(world: World) -> None:
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")
    with pytest.raises(Forbidden):
        adjustment_decisions.withdraw(
            world.session, world.actor("副书记一"), waiting.id, reason="不属实"
        )

    adjustment_decisions.withdraw(world.session, world.actor("书记一"), waiting.id, reason="不属实")

    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 0
    with pytest.raises(AdjustmentNotPending):
        adjustment_decisions.confirm(
            world.session, world.actor("书记一"), waiting.id, now=WINDOW_OVER
        )


def test_veto_needs_document_window_and_a_second_person_above(world: World) -> None:
    with pytest.raises(IntegrityError), world.session.begin_nested():
        enter(world, "书记一", "discipline", "党员甲")
    (veto,) = enter(world, "书记一", "discipline", "党员甲", document_number="街纪〔2026〕1 号")
    for who in ("书记一", "副书记一"):
        with pytest.raises(SecondPersonRequired):
            adjustment_decisions.confirm(world.session, world.actor(who), veto.id, now=NOW)

    confirmed = adjustment_decisions.confirm(
        world.session, world.actor("街道干事"), veto.id, now=NOW
    )
    assert (confirmed.status, entries(world)) == ("pending", 0)
    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 1
    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    assert (entry.source_kind, entry.points) == ("veto", 0)


def test_unconfirmed_veto_is_never_posted(world: World) -> None:
    enter(world, "书记一", "discipline", "党员甲", document_number="街纪〔2026〕1 号")

    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 0


def test_nobody_enters_points_for_himself(world: World) -> None:
    with pytest.raises(OwnAdjustment):
        enter(world, "书记一", "commended", "党员甲", "书记一")
    (bonus,) = enter(world, "副书记一", "commended", "书记一")
    assert bonus.status == "posted"


@pytest.mark.parametrize(
    ("who", "item", "member"),
    [
        ("书记二", "commended", "党员甲"),
        ("书记一", "commended", "党员丙"),
        ("组长", "commended", "党员甲"),
        ("书记一", "street_praise", "党员甲"),
    ],
)
def test_out_of_scope_or_below_the_level_is_not_found(
    world: World, who: str, item: str, member: str
) -> None:
    with pytest.raises(NotFound):
        enter(world, who, item, member)


def test_level_of_the_item_decides_who_enters(world: World) -> None:
    (praised,) = enter(world, "街道干事", "street_praise", "党员甲")

    assert praised.status == "posted"
    assert praised.entered_at_organization_id == world.organizations["街道"]


@pytest.mark.parametrize("item", ["theme_day_present", "volunteer_service", "nothing"])
def test_items_of_other_events_are_not_entered_by_hand(world: World, item: str) -> None:
    with pytest.raises(ItemNotEntered):
        enter(world, "书记一", item, "党员甲")


def test_number_out_of_range_or_a_missing_rater_is_refused(world: World) -> None:
    member = world.members["党员甲"]
    for item, given in (
        ("commended", Given(member, points=501)),
        ("commended", Given(member)),
        ("commended", Given(member, points=-1)),
        ("democratic_appraisal", Given(member, ratings={"自评": 900})),
        ("commended", Given(member, ratings={"自评": 900})),
    ):
        with pytest.raises(AdjustmentInvalid):
            enter(world, "书记一", item, given)
    assert entries(world) == 0


def test_late_adjustment_goes_into_the_open_period_and_names_the_old(world: World) -> None:
    old = Period(
        code="2025", starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31),
        status=PeriodStatus.CLOSED,
    )  # fmt: skip
    world.session.add(old)
    publish_richer(world, since=date(2025, 2, 1))

    enter(world, "书记一", "commended", "党员甲", happened_on=date(2025, 12, 20))

    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    assert (entry.period_id, entry.about_period_id) == (world.period_id, old.id)


@pytest.mark.parametrize("count", [2, 40])
def test_batch_is_a_constant_number_of_statements(world: World, count: int) -> None:
    for number in range(count):
        world.add_member(f"群众{number}", "一支部")
    names = [f"群众{number}" for number in range(count)]
    world.session.flush()

    with counted_statements(world.session) as statements:
        made = enter(world, "书记一", "commended", *names)

    assert {one.status for one in made} == {"posted"}
    assert len(statements) == 20


class TestGuardrail10:
    """A deduction reaches the ledger with reason, notice and window, or not at all."""

    def test_crediting_a_deduction_by_hand_is_refused_by_the_ledger(self, world: World) -> None:
        (waiting,) = enter(world, "书记一", "dues_late", "党员甲")
        path = world.session.scalars(
            sa.text("SELECT path FROM organization WHERE name = '一支部'")
        ).one()
        for kind in ("adjustment", "manual", "veto"):
            occasion = Occasion(
                source_kind=kind, source_id=waiting.id, revision=1,
                member_id=world.members["党员甲"],
                organization_id=world.organizations["一支部"], path=path, title="抢先",
                happened_on=DAY, event=Event.MANUAL, item_code="dues_late",
            )  # fmt: skip
            with pytest.raises(IntegrityError), world.session.begin_nested():
                crediting.credit(world.session, world.actor("书记一"), [occasion], now=NOW)

    @pytest.mark.parametrize(
        "change",
        ["basis = ''", "notified_on = NULL", "objection_until = NULL", "is_deduction = false",
         "objection_until = notified_on"],
    )  # fmt: skip
    def test_row_without_reason_notice_or_window_cannot_stand(
        self, world: World, change: str
    ) -> None:
        enter(world, "书记一", "dues_late", "党员甲")

        with pytest.raises(IntegrityError), world.session.begin_nested():
            world.session.execute(sa.text(f"UPDATE adjustment SET {change}"))  # noqa: S608

    def test_absence_is_told_as_it_is_posted(self, world: World) -> None:
        path = world.session.scalars(
            sa.text("SELECT path FROM organization WHERE name = '一支部'")
        ).one()
        missed = Occasion(
            source_kind="attendance", source_id=world.members["党员乙"], revision=1,
            member_id=world.members["党员甲"], organization_id=world.organizations["一支部"],
            path=path, title="十一月主题党日", happened_on=DAY, event=Event.ATTENDANCE,
            tags=frozenset({"theme_day"}), status="absent_unexcused",
        )  # fmt: skip
        crediting.credit(world.session, world.actor("书记一"), [missed], now=NOW)

        told = world.session.scalars(sa.select(OutboxMessage)).one()
        assert (told.kind, told.params["points"]) == ("deduction_posted", "2")


def test_group_leader_enters_only_for_his_group(world: World) -> None:
    world.grant("党员乙", Role.GROUP_LEADER, "一组")
    with pytest.raises(NotFound):
        enter(world, "组长", "dues_late", "党员乙")


def test_explanation_names_raters_basis_and_document(world: World) -> None:
    ratings = {"自评": 1000, "党员互评": 850, "组织评定": 900}
    given = Given(world.members["党员甲"], ratings=ratings)
    (made,) = enter(
        world, "书记一", "democratic_appraisal", given, document_number="支〔2026〕3 号"
    )
    assert made.entry_id is not None

    steps = explanations.explain(world.session, world.actor("党员甲"), made.entry_id).steps

    assert "自评 10 分×10%" in steps[1]
    assert "经办人书记一记入，依据：方案第三条（支〔2026〕3 号）。" in steps[-2]
    assert steps[-1] == "公示期满无异议后转为正式积分。"
