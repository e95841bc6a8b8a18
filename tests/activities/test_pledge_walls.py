"""What the database refuses about pledges, whatever the code does."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.pledge_models import Pledge, PledgeEvaluation, PledgeEvent, PledgeNote
from activities.pledge_states import DECIDING_STEPS, PledgeStatus
from core.rows import insert_rows
from tests.pledging import Pledging, grading
from tests.world import NOW, World, build_world

S = PledgeStatus


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def refused(session: Session, statement: Any, match: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=match), session.begin_nested():
        session.execute(statement)


@pytest.mark.parametrize("kind", sorted(DECIDING_STEPS))
def test_nobody_is_noted_as_deciding_about_himself(
    world: World, pledging: Pledging, kind: str
) -> None:
    pledge, member = pledging.get(pledging.at(S.SUBMITTED)), world.members["党员甲"]
    event = sa.insert(PledgeEvent).values(
        pledge_id=pledge.id,
        member_id=member,
        kind=kind,
        status="approved",
        actor_id=member,
        due_on=pledge.due_on,
        at=NOW,
    )

    refused(world.session, event, "not_oneself")


@pytest.mark.parametrize(
    ("status", "values", "check"),
    [
        (S.APPROVED, {"decided_by": "党员甲"}, "not_oneself"),
        (S.EVALUATED, {"evaluated_by": "党员甲"}, "not_evaluated_by_oneself"),
        (
            S.SUBMITTED,
            {"status": "approved", "text_in_force": 1, "approval_body": "branch_committee"},
            "decided",
        ),
        (S.RETURNED, {"status": "approved"}, "approved"),
        (S.APPROVED, {"status": "published"}, "published"),
        (S.PUBLISHED, {"status": "evaluated"}, "evaluated_status"),
        (S.PUBLISHED, {"status": "unfulfilled_excused"}, "excuse_reason"),
        (S.APPROVED, {"approval_body": "general_meeting"}, "general_meeting"),
        (S.APPROVED, {"text_in_force": 2}, "text_in_force"),
    ],
)
def test_pledge_cannot_contradict_itself(
    world: World, pledging: Pledging, status: PledgeStatus, values: dict[str, Any], check: str
) -> None:
    pledge_id = pledging.at(status)
    set_to = {name: world.members.get(value, value) for name, value in values.items()}

    change = sa.update(Pledge).where(Pledge.id == pledge_id).values(**set_to)

    refused(world.session, change, f"ck_pledge_{check}")


def test_nobody_evaluates_himself_not_even_in_the_record(world: World, pledging: Pledging) -> None:
    pledging.grade(pledging.at(S.IN_PROGRESS), "优")
    row = world.session.execute(sa.select(PledgeEvaluation.__table__)).mappings().one()
    copy = dict(row) | {"id": world.members["党员乙"], "revision": 2, "reason": "复核"}
    copy |= {"entry_id": None, "note": "不计分", "evaluated_by": world.members["党员甲"]}

    with pytest.raises(sa.exc.IntegrityError, match="not_oneself"), world.session.begin_nested():
        insert_rows(world.session, PledgeEvaluation, [copy])


@pytest.mark.parametrize("model", [PledgeEvent, PledgeNote, PledgeEvaluation])
def test_what_was_written_is_never_changed(world: World, pledging: Pledging, model: Any) -> None:
    pledge_id = pledging.at(S.IN_PROGRESS)
    pledging.evaluate(grading(pledge_id, "优", 5))

    refused(
        world.session,
        sa.update(model).values(pledge_id=model.pledge_id),
        "append-only|refus|permission",
    )
    refused(world.session, sa.delete(model), "append-only|refus|permission")


def test_one_title_is_promised_once_a_year(world: World, pledging: Pledging) -> None:
    first = pledging.write(title="帮扶老人")
    with pytest.raises(sa.exc.IntegrityError), world.session.begin_nested():
        pledging.write(title="帮扶老人")
    pledging.take(first, "withdraw")  # type: ignore[arg-type]

    pledging.write(title="帮扶老人")
