"""What the database itself refuses of schemes, whatever the code above it does."""

from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from members.cadre_models import CadreAppointment
from points.models import SchemeVersion
from points.scheme_models import SchemeDelegation
from tests.points.schemes.drafting import draft, publish
from tests.world import NOW, World, build_world

FROZEN = {
    "definition": {},
    "definition_sha256": "x",
    "effective_from": date(2025, 1, 1),
    "scheme_code": "other",
    "version": 9,
    "revision": 9,
    "basis": "另一份文件",
    "published_at": None,
    "subject": "cadres",
}


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def refused(session: Session, statement: sa.Executable, constraint: str) -> None:
    with pytest.raises(sa.exc.IntegrityError) as error, session.begin_nested():
        session.execute(statement)
    named = getattr(getattr(error.value.orig, "diag", None), "constraint_name", None)
    assert constraint in (named or str(error.value.orig))


@pytest.mark.parametrize("column", FROZEN)
@pytest.mark.parametrize("status", ["published", "retired"])
def test_published_scheme_never_changes(
    session: Session, world: World, column: str, status: str
) -> None:
    if status == "retired":
        ended = {"status": status, "effective_to": date(2026, 12, 1), "retired_at": NOW}
        session.execute(sa.update(SchemeVersion).values(ended))

    change = sa.update(SchemeVersion).values({column: FROZEN[column]})

    # Of two guards that refuse a change of subject, either may speak first.
    refused(session, change, "" if column == "subject" else "no_change_of_published_scheme")


def test_published_scheme_does_not_become_a_draft_again(session: Session, world: World) -> None:
    values = {"status": "draft", "version": None, "effective_from": None, "published_at": None}

    refused(session, sa.update(SchemeVersion).values(values), "no_change_of_published_scheme")


def test_published_scheme_is_not_deleted_and_a_draft_is(session: Session, world: World) -> None:
    made = draft(world)
    refused(
        session,
        sa.delete(SchemeVersion).where(SchemeVersion.id == world.scheme_version_id),
        "no_change_of_published_scheme",
    )

    session.execute(sa.delete(SchemeVersion).where(SchemeVersion.id == made.id))


def test_overlapping_versions_are_refused(session: Session, world: World) -> None:
    published = publish(world, draft(world).id, on=date(2027, 1, 1))
    longer = sa.update(SchemeVersion).where(SchemeVersion.id == world.scheme_version_id)
    refused(session, longer.values(effective_to=None), "no_overlapping_schemes")
    refused(session, longer.values(effective_to=date(2027, 1, 2)), "no_overlapping_schemes")

    copy = {
        column.name: getattr(published, column.name) for column in SchemeVersion.__table__.columns
    } | {"id": new_id(), "version": 7, "effective_from": date(2028, 1, 1)}
    refused(session, sa.insert(SchemeVersion).values(copy), "no_overlapping_schemes")


def test_one_code_has_one_subject(session: Session, world: World) -> None:
    made = draft(world, place="镇")
    values = {
        "status": "published",
        "subject": "cadres",
        "version": 1,
        "effective_from": date(2027, 1, 1),
        "published_at": NOW,
    }
    statement = sa.update(SchemeVersion).where(SchemeVersion.id == made.id).values(values)

    refused(session, statement, "one_subject_per_scheme")


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"version": 3}, "numbered"),
        ({"effective_from": date(2027, 1, 1)}, "dated"),
        ({"published_at": NOW}, "published"),
        ({"retired_at": NOW}, "retired"),
        ({"subject": "villagers"}, "subject"),
    ],
)
def test_draft_has_nothing_of_a_version(
    session: Session, world: World, values: dict[str, object], constraint: str
) -> None:
    made = draft(world)

    statement = sa.update(SchemeVersion).where(SchemeVersion.id == made.id).values(values)

    refused(session, statement, f"ck_points_scheme_version_{constraint}")


def test_nobody_records_himself_as_a_cadre(session: Session, world: World) -> None:
    row = {
        "id": new_id(),
        "member_id": world.members["街道干事"],
        "organization_id": world.organizations["街道"],
        "post": "主任",
        "basis": "函",
        "valid_from": date(2026, 1, 1),
        "recorded_by": world.members["街道干事"],
        "recorded_at": NOW,
    }

    refused(session, sa.insert(CadreAppointment).values(row), "not_oneself")


def test_committee_has_one_open_ended_delegation(session: Session, world: World) -> None:
    row = {
        "organization_id": world.organizations["街道"],
        "valid_from": date(2026, 1, 1),
        "basis": "函",
        "granted_by": world.members["区管理员"],
        "granted_at": NOW,
    }
    session.execute(sa.insert(SchemeDelegation).values(row | {"id": new_id()}))

    again = sa.insert(SchemeDelegation).values(row | {"id": new_id()})
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.execute(again)
