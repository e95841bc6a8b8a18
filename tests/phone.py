"""A phone as its app would be: it keeps what `GET /sync` sends, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

from tests.served import Caller


@dataclass
class Phone:
    """What one member's phone holds: kind -> id -> object."""

    caller: Caller
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    since: str | None = None

    def sync(self, *, limit: int = 200) -> list[dict[str, Any]]:
        """Fetch pages until there are no more; the answers, for what they say besides."""
        answers = [self.fetch(limit=limit)]
        while answers[-1]["more"]:
            answers.append(self.fetch(limit=limit))
        return answers

    def fetch(self, *, limit: int = 200) -> dict[str, Any]:
        """One page, kept in the order that the document asks for."""
        query = {"since": self.since} if self.since else {}
        answer = self.caller.get("/sync", limit=limit, **query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.get_json()
        for kind in page["forget"]:
            self.held.pop(kind, None)
        for gone in page["deleted"]:
            self.held.get(gone["kind"], {}).pop(gone["id"], None)
        for kind, objects in page["changed"].items():
            self.held.setdefault(kind, {}).update({one["id"]: one for one in objects})
        self.since = page["next"]
        return page

    def ids(self, kind: str) -> set[str]:
        return set(self.held.get(kind, {}))

    def names(self) -> set[str]:
        """The members of the roster that it holds."""
        return {one["name"] for one in self.held.get("member", {}).values()}
