"""What is wrong with the answers to one request, and the count of all of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemathesis import Case
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from tests.contract.authz_table import Cell
from tests.fuzzing.cases import aim
from tests.fuzzing.twins import Twins
from tests.undoing import undone

# What the report counts by name; any other failure of a check is counted under its own.
GOALS = {
    "ServerError": "error of ours (5xx)",
    "UndefinedStatusCode": "undocumented status",
    "JsonSchemaError": "answer against its schema",
    "AcceptedNegativeData": "accepted invalid request",
    "IgnoredAuth": "ignored authentication",
    "Disparity": "engines differ",
}


class Fault(NamedTuple):
    """One thing that is wrong, and the request to repeat it with."""

    operation: str
    kind: str
    told: str


@dataclass
class Tally:
    """Everything that is counted; tallies of several processes add up."""

    requests: int = 0
    by_engine: Counter[tuple[str, int]] = field(default_factory=Counter)
    by_operation: dict[str, Counter[int]] = field(default_factory=dict)
    faults: dict[Fault, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.requests += other.requests
        self.by_engine += other.by_engine
        for operation, statuses in other.by_operation.items():
            self.by_operation[operation] = self.by_operation.get(operation, Counter()) + statuses
        for fault, count in other.faults.items():
            self.faults[fault] = self.faults.get(fault, 0) + count

    def kinds(self) -> Counter[str]:
        """How many faults of each kind; those that must be 0 are always there."""
        found = Counter(dict.fromkeys(GOALS, 0))
        for fault, count in self.faults.items():
            found[fault.kind] += count
        return found

    def never_reached(self) -> set[str]:
        """Operations of which no request was ever carried out."""
        return {
            operation
            for operation, statuses in self.by_operation.items()
            if not any(200 <= status < 300 for status in statuses)
        }


class Judge:
    """Puts requests to both engines, undoes them, and holds the answers against the document."""

    def __init__(self, twins: Twins) -> None:
        self._twins = twins
        self._guarded: set[tuple[str, str]] = set()

    def put(self, case: Case, cell: Cell, tally: Tally) -> None:
        """Send a case as a principal of the matrix, about the things of a relation."""
        names = self._twins.first.requests.named(cell.kind, cell.relation, cell.principal)
        if names is not None:
            aim(case, names)
        headers = {"Accept-Encoding": "identity"}
        token = self._twins.token(cell.principal)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        seen: dict[str, tuple[int, str]] = {}
        faults: list[Fault] = []
        for kind in self._twins.services:
            answer, found = self._answer(kind, case, headers)
            seen[kind] = answer.status_code, _code(answer)
            faults += [Fault(cell.operation, name, f"{kind}: {told}") for name, told in found]
        if len(set(seen.values())) > 1:
            told = f"{seen}\n{case.as_curl_command(headers=headers)}"
            faults.append(Fault(cell.operation, "Disparity", told))
        _count(tally, cell.operation, seen, faults)

    def _answer(
        self, kind: str, case: Case, headers: dict[str, str]
    ) -> tuple[Response, list[tuple[str, str]]]:
        service = self._twins.services[kind]
        with undone(service.connection):
            answer = case.call(app=service.app, headers=headers)
            return answer, self._failures(kind, case, answer, headers)

    def _failures(
        self, kind: str, case: Case, answer: Response, headers: dict[str, str]
    ) -> list[tuple[str, str]]:
        # It repeats the request with no token and with a wrong one: once an operation is enough.
        probe = (kind, case.operation.label)
        is_guarded = probe in self._guarded
        excluded = [ignored_auth] if is_guarded else []
        if case.media_type == "multipart/form-data":
            # A part is bytes whatever it was made from, so a good file may be said to be a bad one.
            excluded.append(negative_data_rejection)
        try:
            case.validate_response(
                answer,
                excluded_checks=excluded,
                headers=headers,
                transport_kwargs={"app": self._twins.services[kind].app},
            )
        except FailureGroup as group:
            return [(_name(one), _told(one, case, headers)) for one in group.exceptions]
        if 200 <= answer.status_code < 300:
            self._guarded.add(probe)
        return []


def _name(failure: Failure) -> str:
    return type(failure).__name__


def _told(failure: Failure, case: Case, headers: dict[str, str]) -> str:
    return f"{failure.title}\n{failure.message}\n{case.as_curl_command(headers=headers)}"


def _code(answer: Response) -> str:
    """The problem's code: two refusals with one status may still be two different ones."""
    if answer.status_code < 400:
        return ""
    body: Any = answer.json()
    return str(body.get("code", ""))


def _count(
    tally: Tally, operation: str, seen: dict[str, tuple[int, str]], faults: list[Fault]
) -> None:
    tally.requests += 1
    statuses = tally.by_operation.setdefault(operation, Counter())
    for kind, (status, _) in seen.items():
        tally.by_engine[kind, status] += 1
        statuses[status] += 1
    # One example of each is enough to mend it; how often it came up is counted.
    known = {(one.operation, one.kind): one for one in tally.faults}
    for fault in faults:
        same = known.setdefault((fault.operation, fault.kind), fault)
        tally.faults[same] = tally.faults.get(same, 0) + 1
