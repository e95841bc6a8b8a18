"""The choice of a sample: anybody who has the seed and the ids comes to the same."""

from uuid import UUID

from points.audit_samples import choose

IDS = [UUID(int=number) for number in range(200)]
# Written down, so that another version of Python or of this code shows.
CHOSEN = (101, 84, 60)


def test_choice_does_not_depend_on_the_order_of_the_ids() -> None:
    assert choose(reversed(IDS), 20, "a") == choose(IDS, 20, "a")
    assert choose(IDS, 3, "a") == [UUID(int=one) for one in CHOSEN]


def test_choice_depends_on_the_seed_and_takes_each_once() -> None:
    assert choose(IDS, 20, "a") != choose(IDS, 20, "b")
    assert sorted(choose(IDS, 500, "a")) == IDS


def test_later_entry_leaves_the_others_where_they_were() -> None:
    before, after = choose(IDS[:-1], 20, "a"), choose(IDS, 20, "a")

    assert [one for one in after if one != IDS[-1]] == before[: len(before) - (IDS[-1] in after)]
