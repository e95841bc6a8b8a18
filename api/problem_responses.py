"""The problems of each operation in the document: under each status, the codes it can have."""

import functools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from apispec import APISpec, BasePlugin

from api import problems

FILE = Path(__file__).with_name("problem_codes.json")
# What stands before every operation says; it is found under those of its statuses that it has.
OF_ALL = frozenset(
    {
        "request.json", "request.malformed", "request.not_found", "request.too_large",
        "request.media_type", "request.too_many", "client.upgrade_required", "validation",
        "not_found", "server.busy", "server.migrating",
    }
)  # fmt: skip
_NAMES = {status.name: status for status in HTTPStatus}


class ProblemCodes(BasePlugin):
    """Puts in the place of a named response what this operation says under that status."""

    def init_spec(self, spec: APISpec) -> None:
        """Nothing is read before the first operation is described: few processes describe any."""
        self._spec = spec
        self._is_ready = False

    def operation_helper(
        self,
        path: str | None = None,
        operations: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Leave a name where the codes are those of most operations, and nothing without a code."""
        if not self._is_ready:
            self._is_ready = True
            for name, response in _components().items():
                self._spec.components.response(name, response)
        for operation in (operations or {}).values():
            codes = _codes()[operation["operationId"]]
            operation["responses"] = {
                status: found
                for status, response in operation["responses"].items()
                if (found := _response(response, codes)) is not None
            }


def _components() -> dict[str, dict[str, Any]]:
    """The responses that most operations share, by the names of their statuses."""
    return {status.name: _problem_response(status, codes) for status, codes in _usual().items()} | {
        HTTPStatus.NOT_MODIFIED.name: {"description": HTTPStatus.NOT_MODIFIED.phrase}
    }


def _problem_response(status: HTTPStatus, codes: Sequence[str]) -> dict[str, Any]:
    """Problem details whose code is one of these."""
    schema = {
        "allOf": [{"$ref": "#/components/schemas/ProblemOut"}],
        "properties": {"code": {"enum": list(codes)}},
    }
    return {
        "description": status.phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }


def _response(response: Any, codes: Mapping[HTTPStatus, Sequence[str]]) -> Any:
    status = _NAMES.get(response) if isinstance(response, str) else None
    if status is None or status is HTTPStatus.NOT_MODIFIED:
        return response
    if status not in codes:
        return None
    return (
        response if codes[status] == _usual()[status] else _problem_response(status, codes[status])
    )


@functools.cache
def _codes() -> dict[str, dict[HTTPStatus, tuple[str, ...]]]:
    """The codes of each operation by status, as docs and tests find them in the code."""
    statuses = {row["code"]: HTTPStatus(row["status"]) for row in problems.catalogue()}
    found: dict[str, dict[HTTPStatus, tuple[str, ...]]] = {}
    for operation, codes in json.loads(FILE.read_text(encoding="utf-8")).items():
        by_status = found.setdefault(operation, {})
        for code in sorted(OF_ALL.union(codes)):
            by_status[statuses[code]] = (*by_status.get(statuses[code], ()), code)
    return found


@functools.cache
def _usual() -> dict[HTTPStatus, tuple[str, ...]]:
    """For each status the codes that most operations have under it."""
    counted: dict[HTTPStatus, Counter[tuple[str, ...]]] = {}
    for by_status in _codes().values():
        for status, codes in by_status.items():
            counted.setdefault(status, Counter())[codes] += 1
    return {status: counter.most_common(1)[0][0] for status, counter in counted.items()}
