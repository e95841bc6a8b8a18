"""Guardrail 2: nobody is ranked, by no parameter, no query and no list."""

import re

import pytest

from tests.contract.formalism import PACKAGES, orders_by_measure, texts_under
from tests.engines import ROOT
from tests.served import Document, Service

ORDERINGS = {
    "a column": "query.order_by(LedgerEntry.points.desc())",
    "a sum": "query.order_by(sa.func.sum(LedgerEntry.points))",
    "a bare name": "query.order_by(sa.desc(total))",
    "a name in quotes": "query.order_by('points_total')",
    "text": "query.order_by(sa.text('service_minutes DESC'))",
    "plain SQL": "sa.text('SELECT name FROM score ORDER BY total DESC')",
    "a rank": "sa.func.rank().over(order_by=table.c.name)",
    "a row number": "sa.func.row_number().over(order_by=table.c.points)",
    "in memory": "sorted(people, key=lambda one: (one.group, -one.points))",
    "in place": "people.sort(key=lambda one: one['points'], reverse=True)",
    "the largest": "heapq.nlargest(3, people, key=operator.attrgetter('balance'))",
    "a rate": "sorted(people, key=lambda one: one.attendance_rate)",
}


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_guardrail_2_planted_ordering_is_seen(ordering: str) -> None:
    assert orders_by_measure(f"import sqlalchemy as sa\n\nx = {ORDERINGS[ordering]}\n") == [3]


@pytest.mark.parametrize(
    "source",
    [
        "query.order_by(Member.name, Member.id)",
        "import points\nquery.order_by(points.models.LedgerEntry.seq)",
        "sorted(people, key=lambda one: (one.group_name, one.name))",
        "query.where(LedgerEntry.points > 0)",
        "sa.func.row_number().over(partition_by=table.c.member_id, order_by=table.c.at.desc())",
    ],
)
def test_guardrail_2_other_code_is_left_alone(source: str) -> None:
    assert orders_by_measure(source) == []


def test_guardrail_2_no_code_orders_by_points_hours_or_rates() -> None:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]

    assert len(files) > 100
    found = {str(f.relative_to(ROOT)): orders_by_measure(f.read_text("utf-8")) for f in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_guardrail_2_nothing_can_be_sorted_by_a_parameter(document: Document) -> None:
    parameters = [
        parameter
        for operation in document.operations.values()
        for parameter in operation["parameters"]
        if parameter["in"] == "query"
    ]
    words = {word for one in parameters for word in re.split("[^a-z]+", one["name"].lower())}

    assert len(parameters) > 20
    assert words & {"sort", "sorted", "order", "orderby", "ordering", "by", "desc", "asc"} == set()
    choices = set(texts_under([one["schema"] for one in parameters], "enum"))
    assert [one for one in choices if re.search("points|score|desc|asc$", one)] == []


def test_guardrail_2_members_are_listed_alike_whatever_their_points(service: Service) -> None:
    branch = service.world.organizations["一支部"]
    path = f"/orgs/{branch}/members"
    before = [line["name"] for line in service.caller("书记一").get(path).json["items"]]
    claims = [
        service.world.add_claim(name, "一支部", minutes=60 * number)
        for number, name in ((7, before[-1]), (1, "党员甲"))
        if name != "书记一"
    ]
    decisions = [{"id": str(claim), "version": 1, "action": "approve"} for claim in claims]
    decided = service.caller("副书记一").post("/claims/review", {"decisions": decisions})

    after = [line["name"] for line in service.caller("书记一").get(path).json["items"]]

    assert {result["outcome"] for result in decided.json["results"]} == {"approved"}
    assert len(after) >= 5
    assert after == before
