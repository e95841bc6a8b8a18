"""What evaluated pledges give: by grade, under caps, once, corrected, and about closed years."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_evaluations, pledge_reading, pledge_reviews
from activities.pledge_evaluations import Result
from activities.pledge_meetings import Grading, GradingRefused, Meeting, MeetingRefused
from activities.pledge_models import PledgeBody, PledgeEvaluation
from activities.pledge_states import PledgeStatus, PledgeStep
from core.errors import DomainError, VersionConflict
from core.ids import new_id
from members.models import MemberClass, MemberClassification
from points import periods, schemes, verification
from points.models import LedgerEntry, Period, Quota
from points.periods import NoOpenPeriod, PeriodClosed
from tests.pledging import MEETING, Pledging, approved_pledges, grading
from tests.statements import counted_statements
from tests.world import NOW, SCHEME, World, build_world

S, P = PledgeStatus, PledgeStep
JANUARY = datetime(2027, 1, 12, 2, 0, tzinfo=UTC)
JANUARY_MEETING = Meeting(PledgeBody.GENERAL_MEETING, date(2027, 1, 11), "记录〔2027〕1 号")


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def points_of(result: Result) -> int:
    assert result.credited is not None
    return result.credited.points


def evaluate_in_january(
    pledging: Pledging, pledge_id: UUID, grade: str, reason: str = ""
) -> Result:
    pledging.now = JANUARY
    one = grading(pledge_id, grade, pledging.get(pledge_id).version, reason=reason)
    return pledging.evaluate(one, meeting=JANUARY_MEETING)


def find_entries(world: World) -> list[LedgerEntry]:
    return list(world.session.scalars(sa.select(LedgerEntry).order_by(LedgerEntry.seq)))


@pytest.mark.parametrize(("grade", "points"), [("优", 600), ("良", 400), ("中", 200), ("差", 0)])
def test_grade_gives_the_points_of_the_scheme(pledging: Pledging, grade: str, points: int) -> None:
    result = pledging.grade(pledging.at(S.FULFILMENT_REPORTED), grade)

    assert (result.status, points_of(result)) == (S.EVALUATED, points)


def test_cap_of_the_year_leaves_the_rest_out_and_says_so(world: World, pledging: Pledging) -> None:
    made = [pledging.grade(pledging.at(S.IN_PROGRESS), grade) for grade in ("优", "良", "优")]

    assert [points_of(one) for one in made] == [600, 400, 200]
    assert made[2].credited is not None
    assert "全年上限" in made[2].credited.note
    assert verification.verify(world.session).findings == []


def test_correction_reverses_credits_anew_and_frees_the_room(
    world: World, pledging: Pledging
) -> None:
    first, second = pledging.at(S.IN_PROGRESS), pledging.at(S.IN_PROGRESS)
    pledging.grade(first, "优")
    pledging.grade(second, "优")

    corrected = pledging.grade(first, "中", reason="群众反映没有做到")
    third = pledging.grade(pledging.at(S.IN_PROGRESS), "优")

    assert (points_of(corrected), points_of(third)) == (200, 400)
    entries = [entry for entry in find_entries(world) if entry.title == pledging.get(first).title]
    assert [(entry.points, entry.source_revision) for entry in entries] == [
        (600, 1),
        (-600, None),
        (200, 2),
    ]
    record = pledge_reading.get_pledge(world.session, world.actor("党员甲"), first)
    assert [(row.points, row.is_reversed) for row in record.evaluations] == [
        (600, True),
        (200, False),
    ]
    assert world.session.scalar(sa.select(Quota.used).where(Quota.bucket.like("item:%"))) == 1200
    assert verification.verify(world.session).findings == []


def test_pledge_found_unfulfilled_after_all_gives_its_points_back(
    world: World, pledging: Pledging
) -> None:
    pledge_id = pledging.at(S.EVALUATED)

    result = pledging.find_unfulfilled(pledge_id)

    assert (result.status, points_of(result)) == (S.UNFULFILLED, 0)
    assert sum(entry.points for entry in find_entries(world)) == 0


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"grade": "特优"}, "/grade"),
        ({"masses_rating": "五星"}, "/ratings"),
        ({"masses_rating": ""}, "/ratings"),
        ({"is_fulfilled": False}, "/reason"),
    ],
)
def test_grading_that_cannot_stand_is_refused(
    pledging: Pledging, changes: Mapping[str, object], pointer: str
) -> None:
    pledge_id = pledging.at(S.IN_PROGRESS)
    one: Grading = replace(grading(pledge_id, "优", 5), **changes)  # type: ignore[arg-type]

    with pytest.raises(GradingRefused) as refused:
        pledging.evaluate(one)
    assert refused.value.problems[0].pointer == pointer


def test_correction_needs_a_reason(pledging: Pledging) -> None:
    pledge_id = pledging.at(S.EVALUATED)

    with pytest.raises(GradingRefused):
        pledging.grade(pledge_id, "良")


@pytest.mark.parametrize(
    "meeting",
    [
        replace(MEETING, reference=""),
        replace(MEETING, held_on=None),
        replace(MEETING, held_on=date(2026, 11, 11)),
        replace(MEETING, held_on=date(2026, 11, 9)),
        replace(MEETING, body=PledgeBody.UPPER_COMMITTEE),
    ],
)
def test_meeting_that_cannot_have_graded_is_refused(pledging: Pledging, meeting: Meeting) -> None:
    """Without minutes or a day, to come, held before the promise was known, of another body."""
    pledge_id = pledging.at(S.PUBLISHED)

    with pytest.raises(MeetingRefused):
        pledging.evaluate(grading(pledge_id, "优", 4), meeting=meeting)


def test_scheme_of_a_class_gives_its_own_grades(world: World, pledging: Pledging) -> None:
    items = [item for item in SCHEME["items"] if item["code"] != "pledge_evaluated"]
    (usual,) = (item for item in SCHEME["items"] if item["code"] == "pledge_evaluated")
    ordinary = usual | {"classes": ["ordinary", "post_holder"]}
    migrant = usual | {"code": "pledge_of_migrant", "classes": ["migrant"], "grades": {"好": "3"}}
    schemes.publish(
        world.session,
        world.organizations["街道"],
        SCHEME | {"code": "street", "items": [*items, ordinary, migrant]},
        effective_from=date(2026, 1, 1),
        published_by=None,
        now=NOW,
    )
    world.session.add(
        MemberClassification(
            member_id=world.members["党员甲"],
            member_class=MemberClass.MIGRANT,
            valid_from=date(2026, 1, 1),
            recorded_by=world.members["书记一"],
        )
    )
    world.session.flush()
    pledge_id = pledging.at(S.IN_PROGRESS)

    with pytest.raises(GradingRefused, match="好"):
        pledging.grade(pledge_id, "优")
    assert points_of(pledging.grade(pledge_id, "好")) == 300


def test_without_a_scheme_the_grade_stands_without_points(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.IN_PROGRESS)
    # A published scheme changes nothing but its end.
    world.session.execute(sa.text("UPDATE points_scheme_version SET effective_to = '2026-01-02'"))

    result = pledging.grade(pledge_id, "优")

    assert result.credited is not None
    assert (result.credited.entry_id, result.status) == (None, S.EVALUATED)
    stored = world.session.scalars(sa.select(PledgeEvaluation)).one()
    assert "没有适用的积分方案" in stored.note


def test_meeting_of_january_gives_points_of_the_year_of_the_pledge(
    world: World, pledging: Pledging
) -> None:
    pledge_id = pledging.at(S.FULFILMENT_REPORTED)
    periods.ensure_year(world.session, 2027)

    assert points_of(evaluate_in_january(pledging, pledge_id, "优")) == 600

    (entry,) = find_entries(world)
    assert (entry.happened_on, entry.period_id) == (date(2026, 12, 31), world.period_id)
    assert entry.about_period_id is None


def test_after_the_close_points_are_an_adjustment_that_names_the_year(
    world: World, pledging: Pledging
) -> None:
    pledge_id = pledging.at(S.FULFILMENT_REPORTED)
    periods.ensure_year(world.session, 2027)
    close_2026(world)

    assert points_of(evaluate_in_january(pledging, pledge_id, "优")) == 600

    (entry,) = find_entries(world)
    assert (entry.about_period_id, entry.period_id == world.period_id) == (world.period_id, False)
    # A correction of it stays possible: the adjustment stands in an open period.
    assert points_of(evaluate_in_january(pledging, pledge_id, "良", "复核")) == 400
    # The close itself is only pretended here, which is all that there is to find.
    found = {finding.subject for finding in verification.verify(world.session).findings}
    assert found == {"2026 年度"}


def test_no_period_at_all_leaves_the_evaluation_without_points(
    world: World, pledging: Pledging
) -> None:
    pledge_id = pledging.at(S.FULFILMENT_REPORTED)
    close_2026(world)

    result = evaluate_in_january(pledging, pledge_id, "优")

    assert result.credited is not None
    assert (result.credited.entry_id, "不计分" in result.credited.note) == (None, True)
    assert pledging.get(pledge_id).status == S.EVALUATED


@pytest.mark.parametrize(
    ("status", "refusal"), [("closing", PeriodClosed), ("closed", NoOpenPeriod)]
)
def test_grade_is_not_corrected_while_no_year_takes_it(
    world: World, pledging: Pledging, status: str, refusal: type[DomainError]
) -> None:
    pledge_id = pledging.at(S.EVALUATED)
    close_2026(world, status)

    with pytest.raises(refusal):
        evaluate_in_january(pledging, pledge_id, "差", "复核")
    assert pledging.get(pledge_id).grade == "优"


def close_2026(world: World, status: str = "closed") -> None:
    world.session.execute(
        sa.update(Period).where(Period.id == world.period_id).values(status=status)
    )


def test_one_that_cannot_stand_is_refused_alone(world: World, pledging: Pledging) -> None:
    good, stale = pledging.at(S.IN_PROGRESS), pledging.at(S.PUBLISHED)
    unknown, own = new_id(), pledging.at(S.PUBLISHED, "副书记一")
    submitted = pledging.at(S.SUBMITTED)
    gradings = [
        grading(good, "优", 5),
        grading(stale, "优", 1),
        grading(unknown, "优", 1),
        grading(own, "优", 4),
        grading(submitted, "优", 2),
    ]

    results = pledge_evaluations.evaluate_all(
        world.session, world.actor("副书记一"), gradings, meeting=MEETING, now=NOW
    )

    assert points_of(results[0]) == 600
    codes = [one.refusal.code for one in results[1:] if one.refusal]
    assert codes == ["conflict.version", "not_found", "pledge.own", "pledge.state"]


def test_second_evaluation_on_the_same_version_is_conflict(pledging: Pledging) -> None:
    pledge_id = pledging.at(S.IN_PROGRESS)
    pledging.evaluate(grading(pledge_id, "优", 5))

    with pytest.raises(VersionConflict):
        pledging.evaluate(grading(pledge_id, "良", 5))


@pytest.mark.parametrize("batch", [1, 200])
def test_statements_do_not_grow_with_the_batch(world: World, batch: int) -> None:
    """Publishing, evaluating and correcting a whole branch."""
    ids, secretary = approved_pledges(world, batch), world.actor("书记一")
    with counted_statements(world.session) as publishing:
        published = pledge_reviews.publish_approved(
            world.session, secretary, world.organizations["一支部"], year=2026, now=NOW
        )
    assert sorted(published) == sorted(ids)

    def evaluate(version: int, grade: str, reason: str = "") -> list[str]:
        gradings = [grading(pledge_id, grade, version, reason=reason) for pledge_id in ids]
        with counted_statements(world.session) as seen:
            results = pledge_evaluations.evaluate_all(
                world.session, secretary, gradings, meeting=MEETING, now=NOW
            )
        assert [one.refusal for one in results] == [None] * batch
        return seen

    # Grants, rows, pledges, timeline, outbox.
    assert len(publishing) == 5
    assert len(evaluate(2, "优")) == 15
    assert len(evaluate(3, "良", "复核")) == 22
    assert verification.verify(world.session).findings == []
