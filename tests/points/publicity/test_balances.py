"""A member's balance: the statement's arithmetic, and what bulletins have confirmed."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from members.models import Exemption
from points import adjustment_decisions, balances, bulletins, closing, ledger, periods
from points.balances import Balance
from points.closing import CloseTerms
from points.publicity_models import Adjustment
from points.statement_models import PeriodStatement
from tests.points.publicity.scene import WINDOW_OVER, approve, enter, publish, publish_richer
from tests.statements import counted_statements
from tests.world import World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def balance(world: World, who: str = "党员甲") -> Balance:
    return balances.get_own(world.session, world.actor(who), year=2026)


def test_points_are_confirmed_by_the_close_of_their_bulletin(world: World) -> None:
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部", minutes=120))
    assert (balance(world).provisional, balance(world).confirmed) == (200, 0)
    publish(world)
    assert (balance(world).provisional, balance(world).confirmed) == (200, 0)

    bulletins.close_ripe(world.session, now=WINDOW_OVER)

    assert (balance(world).provisional, balance(world).confirmed) == (0, 200)
    ledger.reverse(world.session, world.actor("书记一"), entry, reason="查实", now=WINDOW_OVER)
    assert (balance(world).provisional, balance(world).confirmed) == (-200, 200)
    assert balance(world).total == 6000


def test_veto_sets_the_total_to_zero(world: World) -> None:
    publish_richer(world)
    (veto,) = enter(world, "书记一", "discipline", "党员甲", document_number="街纪〔2026〕1 号")
    assert balance(world).total == 6000
    officer = world.actor("街道干事")

    adjustment_decisions.confirm(world.session, officer, veto.id, now=WINDOW_OVER)

    assert world.session.get_one(Adjustment, veto.id).status == "posted"
    assert (balance(world).total, balance(world).band) == (0, "不合格")


def test_exempt_member_has_no_total(world: World) -> None:
    publish_richer(world, exempt=["aged"])
    world.session.add(
        Exemption(
            member_id=world.members["党员甲"],
            kind="aged",
            valid_from=date(2026, 1, 1),
            valid_to=date(2027, 1, 1),
            decided_by_organization_id=world.organizations["街道"],
            recorded_by=world.members["街道干事"],
        )
    )
    world.session.flush()

    assert (balance(world).status, balance(world).total) == ("exempt", None)
    assert balance(world, "党员乙").status == "scored"


@pytest.mark.parametrize(
    "period",
    [{"span": "year"}, {"span": "quarter", "annual": "mean"}, {"span": "month", "annual": "sum"}],
)
def test_balance_is_what_the_statement_will_seal(world: World, period: dict[str, str]) -> None:
    publish_richer(world, period=period)
    days = [date(2026, 11, 7), date(2026, 8, 7), date(2026, 9, 3)]
    claims = [world.add_claim("党员甲", "一支部", minutes=300, happened_on=day) for day in days]
    approve(world, "书记一", *claims)
    enter(world, "书记一", "dues_late", "党员甲")
    last = datetime(2026, 12, 31, 2, 0, tzinfo=UTC)
    shown = balances.get_own(world.session, world.actor("党员甲", on=date(2026, 12, 31)), year=2026)
    terms = CloseTerms(force_late=True, reason="测试")
    begun = closing.begin(
        world.session, "2026", begun_by=None, terms=terms, now=last + timedelta(days=30)
    )
    for _ in closing.close(world.session, begun.id, now=last + timedelta(days=30)):
        pass

    sealed = (
        world.session.query(PeriodStatement)
        .filter_by(member_id=world.members["党员甲"], subject="party_members")
        .one()
    )
    assert shown.total == sealed.total
    components = json.loads(sealed.content)["score"]["components"]
    assert [part.points for part in shown.components] == [part["points"] for part in components]
    assert periods.get_period(world.session, "2026").status == "closed"


def test_balance_takes_three_statements(world: World) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    actor = world.actor("党员甲")

    with counted_statements(world.session) as statements:
        balances.get_own(world.session, actor, year=2026)

    assert len(statements) == 3
