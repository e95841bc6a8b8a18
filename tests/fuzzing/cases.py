"""What is sent: documented examples, values at every bound, and what a generator draws."""

import json
import random
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from flask import Flask
from hypothesis.control import BuildContext
from hypothesis.errors import StopTest, UnsatisfiedAssumption
from hypothesis.internal.conjecture.data import ConjectureData
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.generation.drivers import CoverageGenerator, ExamplesGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.openapi import from_dict
from schemathesis.schemas import APIOperation

from tests.contract.authz_requests import Names, with_references

CONFIG = Path(__file__).with_name("schemathesis.toml")
# How often in a row a draw may come to nothing before there is held to be nothing to draw.
FRUITLESS_MAX = 50


def operations_of(app: Flask) -> dict[str, APIOperation]:
    """The documented operations by operationId, for the generator."""
    document = json.loads(app.test_client().get("/openapi.json").data)
    schema = from_dict(document, config=SchemathesisConfig.from_path(CONFIG))
    schema.app = app
    found = {}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        found[operation.definition.raw["operationId"]] = operation
    return found


def cases(operation: APIOperation, count: int, seed: str) -> Iterator[Case]:
    """Cases of one operation, at most a third of them those at the bounds; the same for a seed."""
    given: dict[str, Any] = {"override": Override(), "feedback": NO_FEEDBACK}
    examples = ExamplesGenerator(operation=operation, fill_missing=False, **given)
    config = operation.schema.config.generation_for(operation=operation, phase="coverage")
    bounds = CoverageGenerator(
        operation=operation,
        generation_modes=config.modes,
        generation_config=config,
        auth_storage=None,
        **given,
    )
    drawn = _drawn(operation, random.Random(seed))
    return islice(chain(examples, islice(bounds, count // 3), drawn), count)


def aim(case: Case, names: Names) -> None:
    """Let the ids of a case name what is there; a part that is wrong on purpose stays wrong."""
    meta = case.meta
    assert meta is not None
    if case.path_parameters and not meta.is_negative_at(ParameterLocation.PATH):
        kinds = {one.name: one.definition["schema"] for one in case.operation.path_parameters}
        case.path_parameters = {
            name: names.of_path(name, kinds[name]["type"]) for name in case.path_parameters
        }
    if isinstance(case.body, dict | list) and not meta.is_negative_at(ParameterLocation.BODY):
        label = case.operation.definition.raw["operationId"]
        case.body = with_references(case.body, lambda field: names.of_field(field, label))


def _drawn(operation: APIOperation, dice: random.Random) -> Iterator[Case]:
    """Valid and spoilt cases in turn; without end, unless nothing can be drawn."""
    strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    while strategies:
        for strategy in list(strategies):
            case = _draw(strategy, dice)
            if case is None:
                strategies.remove(strategy)
            else:
                yield case


def _draw(strategy: Any, dice: random.Random) -> Case | None:
    # Hypothesis' own search keeps and varies whatever it has drawn, to shrink it later. Without
    # that a draw takes less than half of the time, and what fails is shown as it was sent.
    for _ in range(FRUITLESS_MAX):
        data = ConjectureData(random=dice)
        try:
            with BuildContext(data, is_final=False, wrapped_test=_draw):
                case: Case = data.draw(strategy)
                return case
        except (StopTest, UnsatisfiedAssumption):
            continue
    return None
