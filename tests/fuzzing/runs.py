"""One operation after the other: its cases, put to both engines by those who may and others."""

import random
from collections.abc import Iterator
from functools import cache

from tests.contract.authz_table import Cell, cells
from tests.fuzzing.cases import cases, operations_of
from tests.fuzzing.twins import Twins
from tests.fuzzing.verdicts import Judge, Tally

PRINCIPALS = ("member", "secretary", "committee", "district", "auditor", "system")
# Each case is sent by somebody whom the matrix lets in, and by anybody.
SENDERS = 2


class Run:
    """Everything that is needed to try operations, in one process."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self._seed = seed
        self._twins = twins
        self._judge = Judge(twins)
        self._operations = operations_of(twins.first.app)

    @property
    def names(self) -> list[str]:
        """Every documented operation."""
        return list(self._operations)

    def try_out(self, name: str, requests: int) -> Tally:
        """Put so many requests of one operation to both engines; the same ones for a seed."""
        tally, seed = Tally(), f"{self._seed} {name}"
        senders = self._senders(name, random.Random(seed))
        for case in cases(self._operations[name], requests // SENDERS, seed):
            for _ in range(SENDERS):
                self._judge.put(case, next(senders), tally)
        return tally

    def _senders(self, name: str, dice: random.Random) -> Iterator[Cell]:
        everybody = [cell for cell in _cells()[name] if self._has_things(cell)]
        admitted = [cell for cell in everybody if cell.expected in ("y", "open")]
        while True:
            yield dice.choice(admitted or everybody)
            yield dice.choice(everybody)

    def _has_things(self, cell: Cell) -> bool:
        requests = self._twins.first.requests
        return requests.named(cell.kind, cell.relation, cell.principal) is not None


@cache
def _cells() -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells():
        if cell.principal in PRINCIPALS:
            found.setdefault(cell.operation, []).append(cell)
    return found
