"""A few hundred generated requests: no error of ours, nothing undocumented, schemas kept."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.depth import far
from tests.served import EVERYTHING, Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES_PER_OPERATION = far(deep=15, quick=3)


def known_ids(service: Service) -> dict[str, str]:
    """Path ids of things that are there, so that half of the requests get past the look-up."""
    world = service.world
    return {
        "organization_id": str(world.organizations["一支部"]),
        "member_id": str(world.members["党员甲"]),
        "claim_id": str(world.add_claim("党员甲", "一支部")),
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_are_answered_as_documented(
    service: Service, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", service.app)
    token, ids = service.caller(EVERYTHING).token, known_ids(service)
    # It offers gzip as a client over a network would, and does not unpack it.
    plain = {"Accept-Encoding": "identity"}
    asked: list[int] = []

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not _can_be_spoilt(operation):
            continue

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            if len(asked) % 2:
                case.path_parameters = {
                    name: ids.get(name, value) for name, value in case.path_parameters.items()
                }
            with service.undone():
                answer = case.call(headers=plain | {"Authorization": f"Bearer {token}"})
            case.validate_response(answer, checks=CHECKS)
            asked.append(answer.status_code)

        ask()

    assert len(asked) >= 200
    assert all(status < 500 for status in asked)


def _can_be_spoilt(operation: Any) -> bool:
    return bool(list(operation.path_parameters) + list(operation.query) + list(operation.body))
