"""Generated requests, each put to both engines: what `make fuzz` does at length, in short."""

import pytest

from tests.depth import far
from tests.engines import Databases
from tests.fuzzing.runs import Run
from tests.fuzzing.twins import twins
from tests.fuzzing.verdicts import Tally

SEED = 20261127
REQUESTS_PER_OPERATION = far(deep=60, quick=4)
# Two workers share the operations, because each builds its own district.
SHARES = 2


@pytest.mark.parametrize("share", range(SHARES))
def test_generated_requests_are_answered_as_documented(databases: Databases, share: int) -> None:
    tally = Tally()
    with twins(databases) as district:
        run = Run(district, SEED)
        names = run.names[share::SHARES]
        for name in names:
            tally.add(run.try_out(name, REQUESTS_PER_OPERATION))

    assert list(tally.faults) == []
    assert tally.requests >= 3 * len(names)
    assert any(200 <= status < 300 for _, status in tally.by_engine)
