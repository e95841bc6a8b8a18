"""Which operation answers with which personal field, and to whom: as a person has written it down.

A new field of a member is noticed here. `tests/data/personal_fields.json` is changed by hand, by
somebody who has asked whether the readers need it.
"""

import json
from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from api.document import PREFIX
from members.models import Exemption, ExemptionKind
from tests.engines import ROOT
from tests.served import Document, Service

ALLOWED = json.loads((ROOT / "tests/data/personal_fields.json").read_text(encoding="utf-8"))


def fields_of(document: Document, schema: dict[str, Any]) -> set[str]:
    """Every name in a response, however deep."""
    schema = document.resolve(schema)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    names = set(schema.get("properties", ()))
    return names.union(*(fields_of(document, part) for part in inner))


def test_personal_fields_are_answered_only_where_allowed(service: Service) -> None:
    document, found = service.document, defaultdict(list)
    for (method, template), operation in document.operations.items():
        for status, answer in operation["responses"].items():
            content = document.resolve(answer).get("content", {}).get("application/json")
            if status.startswith("2") and content:
                for name in ALLOWED["operations"].keys() & fields_of(document, content["schema"]):
                    found[name].append(f"{method} {template.removeprefix(PREFIX)}")

    expected = {name: sorted(paths) for name, paths in ALLOWED["operations"].items()}
    assert {name: sorted(paths) for name, paths in found.items()} == expected


@pytest.mark.parametrize("operation", ALLOWED["readers"])
def test_each_reader_gets_what_was_written_down(service: Service, operation: str) -> None:
    world = service.world
    member_id, branch_id = world.members["党员甲"], world.organizations["一支部"]
    path = operation.removeprefix("GET ")
    path = path.replace("{member_id}", str(member_id)).replace("{organization_id}", str(branch_id))
    with service.undone():
        _exempt(service)
        for name, share in ALLOWED["readers"][operation].items():
            answer = service.caller(name).get(path)
            if share == "nothing":
                assert answer.status_code in (403, 404), name
                continue
            one = answer.json["items"][0] if "items" in answer.json else answer.json
            assert one.keys() == set(ALLOWED["shapes"][operation]), name
            if "exemptions" in one:
                assert bool(one["exemptions"]) == (share == "all"), name


def _exempt(service: Service) -> None:
    world = service.world
    world.session.add(
        Exemption(
            member_id=world.members["党员甲"],
            kind=ExemptionKind.LONG_TERM_CARE,
            valid_from=date(2026, 1, 1),
            valid_to=date(2027, 1, 1),
            decided_by_organization_id=world.organizations["一支部"],
            recorded_by=world.members["书记一"],
        )
    )
    world.session.flush()
