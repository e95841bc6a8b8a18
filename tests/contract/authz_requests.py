"""Valid requests for every operation: the document's examples with somebody's ids in them."""

import copy
import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from PIL import Image

from api.document import PREFIX
from tests.contract.authz_world import MARK, ORGANIZATIONS, AuthzWorld, Subject
from tests.served import ABSENT_ID, Document

# Whose things are named where the relation names nothing.
USUAL = "same_branch"
# What an id in a body names, where its name does not say so; None says that it is left out.
NAMED: dict[str, str | None] = {
    "copy_of": "scheme",
    "group_id": None,
    "host_organization_id": None,
    "issuer_id": None,
    "number_id": None,
    "party_group_id": None,
    "up_to": None,
    "decided_by_organization_id": "place",
    "receiver_organization_id": "二支部",
    "about_member_id": None,
    "about_organization_id": None,
    "to_organization_id": "区委",
    "contact_id": "secretary",
    "assignee_id": "secretary",
    "to": "scheme",
}
ITEMS = {"review_claims": "claim", "evaluate_pledges": "pledge"}


class Prepared(NamedTuple):
    """One request, ready to be sent by anybody."""

    method: str
    path: str
    options: dict[str, Any]


class Requests:
    """Makes the requests of one served world."""

    def __init__(self, document: Document, found: AuthzWorld) -> None:
        self._world = found
        self._document = document
        self._operations = {
            operation["operationId"]: (method, template, operation)
            for (method, template), operation in document.operations.items()
        }

    @property
    def names(self) -> set[str]:
        """Every operation that the application serves."""
        return set(self._operations)

    def make(self, name: str, kind: str, relation: str, principal: str) -> Prepared | None:
        """The request for the things of a relation; None where there are none of the kind."""
        named = self.named(kind, relation, principal)
        if named is None:
            return None
        method, template, operation = self._operations[name]
        path = self._path(method, template, named)
        return Prepared(method, path, self._options(name, operation, named))

    def named(self, kind: str, relation: str, principal: str) -> "Names | None":
        """What ids name in a request for the things of a relation; None where there are none."""
        own = self._world.selves.get(principal, self._world.selves["secretary"])
        subject = self._world.subject(relation, principal)
        if kind == "organization" and relation not in {*ORGANIZATIONS, "self", "absent"}:
            return None
        if subject is None:
            subject = own if relation == "none" else self._world.subjects[USUAL]
        place = ORGANIZATIONS.get(relation) if kind == "organization" else None
        return Names(self._world, subject, place, is_absent=relation == "absent")

    def _path(self, method: str, template: str, named: "Names") -> str:
        parameters = self._document.operations[method, template]["parameters"]
        for parameter in parameters:
            if parameter["in"] == "path":
                value = named.of_path(parameter["name"], parameter["schema"]["type"])
                template = template.replace("{" + parameter["name"] + "}", value)
        return template.removeprefix(PREFIX)

    def _options(self, name: str, operation: dict[str, Any], named: "Names") -> dict[str, Any]:
        options: dict[str, Any] = {
            "query_string": {
                one["name"]: named.of_field(one["name"], name) or one["schema"].get("example", "x")
                for one in operation["parameters"]
                if one["in"] == "query" and one.get("required")
            }
        }
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            example = copy.deepcopy(content["application/json"]["example"])
            options["json"] = with_references(example, lambda field: named.of_field(field, name))
        elif content:
            file = _picture() if name == "add_photo" else b"no file of ours"
            form: dict[str, Any] = {"file": (io.BytesIO(file), "file")}
            schema = self._document.resolve(next(iter(content.values()))["schema"])
            if "organization_id" in schema["properties"]:
                form["organization_id"] = named.of_field("organization_id", name)
            options |= {"data": form, "content_type": "multipart/form-data"}
        return options


class Names:
    """What the ids of one request name."""

    def __init__(
        self, found: AuthzWorld, subject: Subject, place: str | None, *, is_absent: bool
    ) -> None:
        self._world, self._subject, self._place = found, subject, place
        self._is_absent = is_absent

    def of_path(self, name: str, kind: str) -> str:
        if kind == "integer":
            return str(self._subject.year)
        if name in {"channel", "kind", "token", "code"}:
            return {"channel": "email", "kind": "not_found", "token": "x" * 43, "code": "K0"}[name]
        return str(self._id(name.removesuffix("_id")))

    def of_field(self, name: str, operation: str) -> Any:
        """The id for a field, or its absence; other fields keep their example."""
        if name == "id" and operation in ITEMS:
            return str(self._id(ITEMS[operation]))
        if name in {"invited", "organization_ids"}:
            return []
        if name in NAMED:
            kind = NAMED[name]
            return kind and str(self._id(kind))
        if name.endswith("_id"):
            return str(self._id(name.removesuffix("_id")))
        return None

    def _id(self, kind: str) -> UUID | str:
        world, subject = self._world.world, self._subject
        if self._is_absent:
            return ABSENT_ID
        if kind == "member":
            return subject.member_id
        if kind in ("organization", "parent"):
            return world.organizations[self._place] if self._place else subject.organization_id
        if kind == "place":
            return subject.organization_id
        return world.members.get(kind) or world.organizations.get(kind) or subject.ids[kind]


def with_references(part: Any, value_of: Callable[[str], Any]) -> Any:
    if isinstance(part, list):
        return [with_references(one, value_of) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: value_of(name) if _is_reference(name, value) else with_references(value, value_of)
        for name, value in part.items()
    }


def _is_reference(name: str, value: Any) -> bool:
    if name in {"invited", "organization_ids"}:
        return True
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


@cache
def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


def fresh_headers(token: str | None) -> dict[str, str]:
    """Who asks, and a key that makes a repetition harmless where one is read."""
    headers = {"Idempotency-Key": str(uuid4())}
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


def marks_in(text: str) -> Iterator[str]:
    """What stands around each word of the other committee, for the message of a failure."""
    at = text.find(MARK)
    while at >= 0:
        yield text[max(0, at - 80) : at + 40]
        at = text.find(MARK, at + 1)
