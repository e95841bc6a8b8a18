"""What holds for every scheme that can be read, whatever happens in a year, in any order."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from points import rules, scoring
from points.definition_lines import read_yaml
from points.definitions import ATTENDANCE_STATUSES, ComponentKind, Definition, Span
from points.scoring import Tally
from tests.points.schemes import paper
from tests.points.schemes.paper import Happening, Paper

TEXTS = paper.texts()
DEFINITIONS = [made for text in TEXTS if (made := read_yaml(text).definition) is not None]
CLASSES = st.sampled_from(["", "post_holder", "migrant", "aged_or_frail"])


@st.composite
def happened(draw: Any, definition: Definition) -> Happening:
    item = definition.items[draw(st.sampled_from(sorted(definition.items)))]
    ratings = {who: draw(st.integers(0, 12_000)) for who in item.raters}
    return Happening(
        on=draw(st.dates(date(paper.YEAR, 1, 1), date(paper.YEAR, 12, 31))),
        event=item.event,
        item_code=item.code,
        tags=item.activity_kinds or frozenset({"training"}),
        status=draw(st.sampled_from(sorted(item.statuses or ATTENDANCE_STATUSES))),
        inputs={
            "quantity": draw(st.integers(0, 700)),
            "grade": draw(st.sampled_from(sorted(item.grades) or [""])),
            "points": None if ratings else draw(st.integers(-20_000, 20_000)),
            "ratings": ratings,
        },
        occasion=draw(st.sampled_from("abc")),
    )


@st.composite
def books(draw: Any) -> Paper:
    """A member's year under some scheme. The paper itself asserts that no cap is ever passed."""
    definition = draw(st.sampled_from(DEFINITIONS))
    book = Paper(definition, draw(CLASSES))
    for one in draw(st.lists(happened(definition), max_size=25)):
        grant = book.post(one)
        if grant is not None:
            assert min(0, grant.asked) <= grant.points <= max(0, grant.asked)
            assert (grant.binding_cap is None) == (grant.points == grant.asked)
    return book


TALLIES = st.builds(
    Tally,
    st.sampled_from([*{code for one in DEFINITIONS for code in one.components}, scoring.CARRIED]),
    st.integers(1, 12),
    st.integers(-20_000, 20_000),
    st.integers(-1, 2),
)


def test_all_shipped_and_invented_schemes_are_tried() -> None:
    assert len(DEFINITIONS) == len(TEXTS) > 30


@given(books())
def test_no_order_of_happenings_passes_a_cap_or_leaves_the_range(book: Paper) -> None:
    definition, score = book.definition, book.score()

    assert score.total is not None
    is_vetoed = any(
        definition.components[one.component_code].kind is ComponentKind.VETO for one in book.tallies
    )
    if not is_vetoed:
        assert score.total >= definition.of_year(definition.floor)
    if definition.total_cap is not None:
        assert all(span.total <= definition.total_cap for span in score.spans)
    for part, made in zip(definition.components.values(), score.components, strict=False):
        if part.cap is not None and definition.span is Span.YEAR:
            assert made.points <= part.cap
    assert score.band in {band.name for band in definition.bands}


@given(st.sampled_from(DEFINITIONS), st.lists(TALLIES, max_size=12), CLASSES)
def test_exempt_is_never_a_number(
    definition: Definition, tallies: list[Tally], member_class: str
) -> None:
    score = scoring.score(
        definition, tallies, year=paper.YEAR, is_exempt=True, member_class=member_class
    )

    assert (score.status, score.total, score.band) == ("exempt", None, None)


@given(books(), st.randoms())
def test_score_does_not_depend_on_the_order_of_tallies(book: Paper, random: Any) -> None:
    before = book.score()
    random.shuffle(book.tallies)

    assert book.score() == before


@given(books())
def test_tallies_of_one_month_may_be_added_up(book: Paper) -> None:
    """The database adds them up; a sealed statement counts entry by entry."""
    before = book.score()
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for one in book.tallies:
        points, count = sums.get((one.component_code, one.month), (0, 0))
        sums[one.component_code, one.month] = (points + one.points, count + one.count)
    book.tallies = [Tally(*key, *value) for key, value in sums.items()]

    assert book.score() == before


@given(books(), st.data())
def test_more_points_never_make_less(book: Paper, data: Any) -> None:
    before = book.score().total
    parts = [
        part for part in book.definition.components.values() if part.kind is not ComponentKind.VETO
    ]
    part, month = data.draw(st.sampled_from(parts)), data.draw(st.integers(1, 12))
    points = data.draw(st.integers(-5_000, 5_000))

    book.tallies.append(Tally(part.code, month, points, 1))
    after = book.score().total

    assert before is not None
    assert after is not None
    assert (after >= before) if points >= 0 else (after <= before)


@given(books())
def test_spans_are_scored_apart_and_put_together(book: Paper) -> None:
    score = book.score()
    for span in score.spans:
        alone = Paper(book.definition, book.member_class)
        alone.tallies = [
            one
            for one in book.tallies
            if rules.span_of(book.definition.span, date(paper.YEAR, one.month, 1)) == span.code
        ]
        (same,) = [one for one in alone.score().spans if one.code == span.code]
        assert same == span


@given(books(), st.integers(1, 12))
def test_span_that_has_begun_counts_and_later_ones_do_not(book: Paper, month: int) -> None:
    whole = book.score()
    so_far = book.score(through=date(paper.YEAR, month, 1))

    assert so_far.spans == whole.spans[: len(so_far.spans)]
    last = rules.span_of(book.definition.span, date(paper.YEAR, month, 1))
    assert so_far.spans[-1].code == last
