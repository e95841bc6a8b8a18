"""Nobody reads or writes outside his scope: every operation, principal and relation.

What is expected was written down by hand from the roles (authz.csv and the two tables in
authz/), not taken from the code.
"""

import random
from collections.abc import Iterable, Iterator

import pytest
import sqlalchemy as sa

from tests.contract.authz_service import AuthzService, Outcome, authz_service, shown
from tests.contract.authz_table import NOWHERE, Cell, cells, operations
from tests.contract.authz_world import SIGNED_OUT
from tests.depth import DEEP
from tests.engines import ENGINE_KINDS, Databases

SEED = 8204
REFUSED = {"401", "403", "404", "no"}
# Who shows no genuine token: a flood of these must not fill the disk.
UNKNOWN = {"anonymous", "expired"}
# Refused for what was sent, or because everybody in this district holds an office.
OF_ANOTHER_KIND = {"auth.old_password_wrong", "ticket.holds_office", "account.above_actor"}
OF_ANOTHER_KIND |= {"auth.confirmation_failed"}


@pytest.fixture(scope="module", params=ENGINE_KINDS)
def matrix(request: pytest.FixtureRequest, databases: Databases) -> Iterator[AuthzService]:
    with authz_service(databases, request.param) as service:
        yield service


def test_every_operation_has_a_row(matrix: AuthzService) -> None:
    served = matrix.requests.names

    assert served - set(operations()) == set(), "write a row for it into tests/contract/authz.csv"
    assert set(operations()) - served == set(), "authz.csv has a row for what is not served"


def test_every_cell_is_answered_as_written_down(matrix: AuthzService) -> None:
    faults = [fault for cell in chosen(cells()) for fault in faults_of(matrix, cell)]

    assert not faults, "\n".join(["", *faults])


def chosen(everything: Iterable[Cell]) -> list[Cell]:
    """All cells in depth; else one for each operation and principal, and always the same.

    Those who are not signed in then take turns.
    """
    if DEEP:
        return list(everything)
    order = list(everything)
    random.Random(SEED).shuffle(order)
    return list({(cell.operation, _asker(cell)): cell for cell in order}.values())


def _asker(cell: Cell) -> str:
    return "signed out" if cell.principal in SIGNED_OUT else cell.principal


def faults_of(matrix: AuthzService, cell: Cell) -> Iterator[str]:
    """What is wrong with the answer to one cell."""
    prepared = matrix.requests.make(cell.operation, cell.kind, cell.relation, cell.principal)
    if prepared is None:
        return
    outcome = matrix.send(prepared, cell.principal)
    name = f"{cell} -> {shown(outcome)}"
    if not _is_expected(cell, outcome):
        yield name
        return
    if cell.expected in REFUSED and outcome.written:
        yield f"{name} wrote {outcome.written}"
    if cell.expected == "404" and outcome.body != _absent(matrix, cell).body:
        yield f"{name} is not what is answered for nothing"
    if cell.expected in REFUSED and outcome.is_audited != (cell.principal not in UNKNOWN):
        yield f"{name} {'is' if outcome.is_audited else 'is not'} in the audit trail"
    if cell.expected == "open" and outcome.is_audited:
        yield f"{name} has put a name into the audit trail"


def _absent(matrix: AuthzService, cell: Cell) -> Outcome:
    prepared = matrix.requests.make(cell.operation, cell.kind, "absent", cell.principal)
    assert prepared is not None
    return matrix.send(prepared, cell.principal)


def _is_expected(cell: Cell, outcome: Outcome) -> bool:
    status, code = outcome.answer.status_code, outcome.code
    if status >= 500:
        return False
    match cell.expected:
        case "401" | "404":
            return str(status) == cell.expected
        case "403":
            return (status, code) == (403, "perm.denied")
        case "no":
            return status in (403, 404)
        case "open":
            return status != 403 and code != "auth.required"
        case _:
            # Where the thing is one's own from the start, there may be none of it.
            is_hidden = (status, code) == (404, "not_found") and cell.relation != NOWHERE
            return status != 401 and (status != 403 or code in OF_ANOTHER_KIND) and not is_hidden


def test_the_matrix_has_teeth(matrix: AuthzService) -> None:
    """A cell that is written down wrongly is found, and so is a write behind a refusal."""
    cell = Cell("get_member", "secretary", "member", "same_branch", "404")
    allowed = Cell("get_member", "secretary", "member", "sibling_branch", "y")
    recusal = Cell("recuse_from_member", "secretary", "member", "same_branch", "no")

    assert all(list(faults_of(matrix, wrong)) for wrong in (cell, allowed, recusal))


def test_undone_requests_leave_nothing(matrix: AuthzService) -> None:
    count = sa.text("SELECT count(*) FROM recusal")
    before = matrix.connection.scalar(count)
    list(faults_of(matrix, Cell("recuse_from_member", "secretary", "member", "same_branch", "y")))

    assert matrix.connection.scalar(count) == before == 0
