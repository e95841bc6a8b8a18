"""The demo district: built by the real services, complete, and never over existing data."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from activities.models import Activity, VolunteerRecord
from api.demo import cast
from api.demo.seeding import seed
from core.clock import SHANGHAI, business_day
from core.db import Base, make_engine, make_sessions, session_info
from members.access_models import Account, Role, RoleGrant
from members.models import (
    Affiliation,
    Exemption,
    Member,
    MemberClassification,
    Organization,
    Sector,
)
from members.phones import open_phone
from notifications.models import InboxMessage, OutboxMessage
from points import verification
from points.models import Claim, LedgerEntry, Period
from tests.api.demo_year import PARTS_OF_A_YEAR
from tests.engines import ENGINE_KINDS, Databases

# One worker seeds once an engine for all of these tests.
pytestmark = pytest.mark.xdist_group("demo")
# The hardest day for a story that ends today: a new year, and the last one still open.
NOW = datetime(2027, 1, 2, 0, 30, tzinfo=SHANGHAI)
SPRING = datetime(2027, 5, 20, 9, 30, tzinfo=SHANGHAI)


@dataclass
class Demo:
    """The district on one engine, and the API in front of it."""

    session: Session
    app: Flask

    def count(self, table: type[Base], *where: sa.ColumnElement[bool]) -> int:
        return self.session.scalar(sa.select(sa.func.count()).select_from(table).where(*where))

    def signed_in(self, account: cast.DemoAccount) -> tuple[FlaskClient, dict[str, str]]:
        client = self.app.test_client()
        body = {"grant": "password", "phone": account.phone, "password": cast.PASSWORD}
        answer = client.post("/api/v1/auth/sessions", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json["must_change_password"] is False
        return client, {"Authorization": f"Bearer {answer.json['access_token']}"}

    def get(self, account: cast.DemoAccount, path: str) -> Any:
        client, headers = self.signed_in(account)
        answer = client.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def home(self) -> Organization:
        query = sa.select(Organization).where(Organization.name == cast.HOME_BRANCH)
        return self.session.scalars(query).one()


@pytest.fixture(scope="module")
def told_on(databases: Databases) -> Iterator[Callable[[str], Demo]]:
    """Seeds each engine once, in whatever order the tests come; they only read."""
    told: dict[str, Demo] = {}
    with time_machine.travel(NOW), ExitStack() as stack:

        def tell(kind: str) -> Demo:
            if kind not in told:
                told[kind] = stack.enter_context(_telling(databases, kind))
            return told[kind]

        yield tell


@pytest.fixture(params=ENGINE_KINDS)
def demo(request: pytest.FixtureRequest, told_on: Callable[[str], Demo]) -> Demo:
    return told_on(request.param)


@contextmanager
def _telling(databases: Databases, kind: str) -> Iterator[Demo]:
    with (
        databases.engine(kind).connect() as connection,
        databases.app_on(kind, connection) as app,
    ):
        outer = connection.begin()
        if kind == "postgresql":
            # It waits while the other engine is seeded.
            connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        info = session_info(databases.settings(kind).vault)
        with Session(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info=info,
        ) as session:
            assert seed(session, now=NOW)
            session.commit()
            yield Demo(session, app)
        outer.rollback()


def test_story_can_also_be_told_in_spring(databases: Databases) -> None:
    """Then both seasons of pledges lie in one year. The engine is no matter, so one will do."""
    settings = databases.settings("sqlite")
    with databases.fresh_url("sqlite") as url, time_machine.travel(SPRING):
        engine = make_engine(settings, url=url)
        with make_sessions(engine, settings.vault)() as session:
            assert seed(session, now=SPRING)
        engine.dispose()


def test_second_seeding_changes_nothing(demo: Demo) -> None:
    tables = (Organization, Member, Account, Claim, LedgerEntry, OutboxMessage, Activity)
    before = [demo.count(table) for table in tables]

    assert not seed(demo.session, now=NOW + timedelta(days=1))

    assert [demo.count(table) for table in tables] == before


def test_district_has_the_tree_of_the_sample_list_and_its_people(demo: Demo) -> None:
    sectors = set(demo.session.scalars(sa.select(Organization.sector)))

    assert demo.count(Organization, Organization.kind == "branch") == len(cast.BRANCH_SIZES)
    assert demo.count(Organization, Organization.kind == "party_group") >= 10
    assert sectors >= {
        Sector.VILLAGE,
        Sector.COMMUNITY,
        Sector.OFFICE,
        Sector.PRIVATE_ENTERPRISE,
        Sector.JOINT,
    }
    assert demo.count(Member) == 300
    assert 5 <= demo.count(Member, Member.kind == "probationary_member") <= 40
    assert demo.count(Affiliation, Affiliation.kind == "migrant_host") >= 3
    assert demo.count(Affiliation, Affiliation.kind == "community_registration") >= 3
    assert demo.count(Exemption, Exemption.valid_to > business_day(NOW)) >= 3
    classes = set(demo.session.scalars(sa.select(MemberClassification.member_class)))
    assert classes == {"post_holder", "migrant", "aged_or_frail"}


def test_every_role_is_held_and_one_branch_has_no_secretary(demo: Demo) -> None:
    roles = set(demo.session.scalars(sa.select(RoleGrant.role)))
    secretaries = demo.count(RoleGrant, RoleGrant.role == Role.BRANCH_SECRETARY)

    assert roles == set(Role)
    assert secretaries == len(cast.BRANCH_SIZES) - 1


def test_phones_and_names_are_made_up(demo: Demo) -> None:
    sealed = demo.session.execute(
        sa.select(Member.id, Member.phone_sealed).where(Member.phone_sealed.is_not(None))
    ).all()
    phones = [open_phone(demo.session, member_id, phone) for member_id, phone in sealed]

    assert {phone for phone in phones if not phone.startswith("1999")} == {
        account.phone for account in cast.ACCOUNTS
    }
    assert demo.count(Member, Member.id_number_index.is_not(None)) == 0


def test_story_is_fourteen_months_long_and_shows_each_case(demo: Demo) -> None:
    first = demo.session.scalar(sa.select(sa.func.min(VolunteerRecord.happened_on)))
    rows = demo.session.execute(sa.select(Period.code, Period.status))
    years = {row.code: row.status for row in rows}

    assert timedelta(days=400) < business_day(NOW) - first < timedelta(days=450)
    assert years == {"2025": "closed", "2026": "open", "2027": "open"}
    assert demo.count(Claim, Claim.status == "approved") > 250
    assert demo.count(Claim, Claim.status == "returned") >= 3
    assert demo.count(LedgerEntry, LedgerEntry.reverses_id.is_not(None)) >= 3
    by_day = LedgerEntry.binding_cap.startswith("item:volunteer_service:day")
    assert demo.count(LedgerEntry, by_day, LedgerEntry.points > 0) >= 1
    assert demo.count(LedgerEntry, LedgerEntry.binding_cap.contains(":year:")) >= 3
    assert demo.count(VolunteerRecord, VolunteerRecord.entered_by != VolunteerRecord.member_id) > 0
    assert demo.count(Activity, Activity.cancelled_at.is_not(None)) == 1


def test_each_part_of_a_year_happens_at_least_once(demo: Demo) -> None:
    happened = {what: demo.count(*rows) for what, rows in PARTS_OF_A_YEAR.items()}

    assert [what for what, times in happened.items() if not times] == []


def test_nothing_was_done_in_the_future(demo: Demo) -> None:
    instants = (
        Claim.submitted_at,
        Claim.decided_at,
        LedgerEntry.posted_at,
        InboxMessage.created_at,
        Activity.created_at,
        RoleGrant.granted_at,
        Account.issued_at,
    )

    for instant in instants:
        assert demo.session.scalar(sa.select(sa.func.max(instant))) <= NOW, instant


def test_secretary_finds_clean_and_flagged_claims_waiting(demo: Demo) -> None:
    counts = demo.get(cast.SECRETARY, f"/orgs/{demo.home().id}/claims/counts")

    assert counts["clean"] >= 6
    assert counts["flagged"] >= 2


def test_secretarys_own_claim_waits_at_the_committee(demo: Demo) -> None:
    waiting = demo.get(cast.OFFICER, f"/orgs/{demo.home().parent_id}/claims")

    assert cast.SECRETARY.name in {claim["member_name"] for claim in waiting["items"]}


def test_every_other_queue_can_be_cleared_by_somebody(demo: Demo) -> None:
    """A claim that only its own member could decide would wait for ever."""
    deciders = demo.session.execute(
        sa.select(RoleGrant.organization_id, RoleGrant.member_id).where(
            RoleGrant.role.in_(("branch_secretary", "deputy_secretary", "committee_officer"))
        )
    ).all()
    waiting = demo.session.execute(
        sa.select(Claim.reviewer_organization_id, Claim.member_id).where(Claim.status == "pending")
    ).all()

    for organization_id, member_id in waiting:
        assert {who for where, who in deciders if where == organization_id} - {member_id}


@pytest.mark.parametrize(
    ("account", "roles"),
    [
        (cast.MEMBER, []),
        (cast.SECRETARY, [Role.BRANCH_SECRETARY]),
        (cast.OFFICER, [Role.COMMITTEE_OFFICER]),
        (cast.ADMIN, [Role.DISTRICT_ADMIN]),
        (cast.AUDITOR, [Role.AUDITOR]),
    ],
    ids=lambda value: value.phone if isinstance(value, cast.DemoAccount) else "",
)
def test_printed_account_signs_in(demo: Demo, account: cast.DemoAccount, roles: list[Role]) -> None:
    me = demo.get(account, "/me")

    assert me["name"] == account.name
    assert [held["role"] for held in me["roles"]] == roles


def test_member_sees_points_messages_and_something_to_put_right(demo: Demo) -> None:
    balance = demo.get(cast.MEMBER, "/me/points?year=2026")
    claims = demo.get(cast.MEMBER, "/claims")["items"]

    assert balance["total"] != balance["components"][0]["start"]
    assert {claim["status"] for claim in claims} >= {"approved", "pending", "returned"}
    assert demo.get(cast.MEMBER, "/me/messages")["items"]


def test_member_finds_one_piece_of_work_done_and_one_overdue(demo: Demo) -> None:
    works = [line["work"] for line in demo.get(cast.MEMBER, "/me/assigned-work")["items"]]

    assert {work["state"]: work["due_on"] < str(business_day(NOW)) for work in works} == {
        "done": True,
        "open": True,
    }


def test_member_is_signed_in_on_the_new_phone_and_not_on_the_old_one(demo: Demo) -> None:
    sessions = demo.get(cast.MEMBER, "/me/sessions")["sessions"]

    assert [one["is_current"] for one in sessions].count(True) == 1
    assert {one["device_name"] for one in sessions} >= {"李静的手机"}
    assert "李静的旧手机" not in {one["device_name"] for one in sessions}


def test_ledger_of_the_story_adds_up(demo: Demo) -> None:
    report = verification.verify(demo.session)

    assert report.entries == demo.count(LedgerEntry) > 2000
    assert report.faults == 0, report.findings


def test_every_message_of_the_story_went_to_an_inbox_and_nowhere_else(demo: Demo) -> None:
    states = set(demo.session.execute(sa.select(OutboxMessage.channel, OutboxMessage.state)))

    assert states == {("inbox", "delivered")}
    assert demo.count(InboxMessage) == demo.count(OutboxMessage) > 500


def test_each_of_the_five_finds_something_on_the_first_screen(demo: Demo) -> None:
    homes = {one.duty: demo.get(one, "/me/home") for one in cast.ACCOUNTS}
    kinds = {duty: {one["kind"] for one in home["todo"]} for duty, home in homes.items()}

    assert kinds["党员"] >= {"meeting", "claim_returned"}
    assert kinds["支部书记"] >= {"claims_clean", "claims_flagged", "contact_cases"}
    assert kinds["街道干事"] >= {"claims_clean"}
    assert homes["党员"]["contact"]["line"] == f"打电话给书记{cast.SECRETARY.name}"
    for account in cast.ACCOUNTS:
        client, headers = demo.signed_in(account)
        answer = client.get("/api/v1/me/home", headers=headers)
        assert len(answer.data) < 2048, (account.duty, len(answer.data))
        for one in answer.json["todo"]:
            if one["kind"] != "own_report":
                assert client.get(one["href"], headers=headers).status_code == 200, one
