"""The trail writes itself: whatever way a row is written, one event stands beside it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import audit
from core.attribution import KEY, Attribution, by_job
from core.audit_models import AuditEvent, AuditMention, MentionRole
from core.ids import new_id
from core.rows import insert_rows
from members.models import Member, MemberKind
from points.models import Claim, ClaimStatus
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    """The standard world, committed, and nothing in the trail about it."""
    world = build_world(session)
    session.commit()
    audit.attribute(session, by_job("test"))
    return world


def events_of(session: Session) -> Sequence[AuditEvent]:
    """What the trail has kept on the account of these tests."""
    mine = sa.select(AuditEvent).where(AuditEvent.operation == "test")
    return session.scalars(mine.order_by(AuditEvent.seq)).all()


def new_member() -> dict[str, Any]:
    return {"id": new_id(), "name": "新人", "kind": MemberKind.FULL_MEMBER, "created_at": NOW}


def in_one_flush(session: Session, rows: list[dict[str, Any]]) -> None:
    session.add_all(Member(**row) for row in rows)


def in_one_set(session: Session, rows: list[dict[str, Any]]) -> None:
    insert_rows(session, Member, rows)


def in_many_rows(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(sa.insert(Member), rows)


@pytest.mark.parametrize("write", [in_one_flush, in_one_set, in_many_rows])
def test_event_names_what_was_inserted(session: Session, world: World, write: Any) -> None:
    rows = [new_member(), new_member()]

    write(session, rows)
    session.commit()

    (event,) = events_of(session)
    assert sorted(event.objects["member"]) == sorted(row["id"].hex for row in rows)
    assert (event.tables, event.object_count, event.actor_kind) == (["member"], 2, "job")
    assert event.written_hmac
    assert "新人" not in repr(vars(event))


def test_event_names_what_was_changed_and_whom_it_concerns(session: Session, world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    session.commit()
    claim = session.get_one(Claim, claim_id)
    before = len(events_of(session))

    taken_back = sa.update(Claim).where(Claim.id == claim_id, Claim.status == ClaimStatus.PENDING)
    session.execute(taken_back.values(status=ClaimStatus.WITHDRAWN).returning(Claim.id))
    session.commit()

    event = events_of(session)[before]
    assert event.objects == {"claim": [claim_id.hex]}
    assert event.subjects == [world.members["党员甲"].hex]
    assert event.organization_id == world.organizations["一支部"]
    assert (MentionRole.OBJECT, event.seq) in mentions(session, claim.id)
    assert (MentionRole.SUBJECT, event.seq) in mentions(session, claim.member_id)


def mentions(session: Session, mentioned_id: UUID) -> set[tuple[str, int]]:
    rows = session.execute(
        sa.select(AuditMention.role, AuditMention.event_seq).where(
            AuditMention.mentioned_id == mentioned_id
        )
    )
    return {(row.role, row.event_seq) for row in rows}


def test_statement_written_out_is_noticed_too(session: Session, world: World) -> None:
    session.execute(sa.text("UPDATE member SET name = name"))
    session.commit()

    assert [event.tables for event in events_of(session)] == [["member"]]


def test_statement_that_finds_no_row_leaves_no_event(session: Session, world: World) -> None:
    nobody = sa.update(Member).where(Member.id == new_id()).values(name="x")

    session.execute(nobody)
    session.execute(nobody.returning(Member.id)).all()
    session.commit()

    assert events_of(session) == []


def test_what_a_savepoint_takes_back_is_not_told(session: Session, world: World) -> None:
    kept, gone = new_member(), new_member()

    in_many_rows(session, [kept])
    savepoint = session.begin_nested()
    in_many_rows(session, [gone])
    savepoint.rollback()
    session.commit()

    (event,) = events_of(session)
    assert event.objects == {"member": [kept["id"].hex]}


def test_batch_costs_one_statement_whatever_its_size(session: Session, world: World) -> None:
    for size in (1, 60):
        in_one_set(session, [new_member() for _ in range(size)])

        with counted_statements(session) as seen:
            session.commit()

        assert [sql.split()[:3] for sql in seen] == [["INSERT", "INTO", "audit_event"]]
    assert [event.object_count for event in events_of(session)] == [1, 60]


def test_write_that_nobody_answers_for_is_refused(session: Session, world: World) -> None:
    del session.info[KEY]
    in_many_rows(session, [new_member()])

    with pytest.raises(audit.Unattributed):
        session.commit()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_event SET operation = 'x'",
        "DELETE FROM audit_event",
        "UPDATE audit_mention SET role = 'subject'",
        "DELETE FROM audit_mention",
    ],
)
def test_trail_cannot_be_edited(
    session: Session, connection: Connection, world: World, sql: str
) -> None:
    in_many_rows(session, [new_member()])
    session.commit()

    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        connection.execute(sa.text(sql))


def test_member_and_command_are_named(session: Session, world: World) -> None:
    """The CHECKs: a member's event without the member, a command's without the operator."""
    for kind in ("member", "command"):
        audit.attribute(session, Attribution(kind, "test"))  # type: ignore[arg-type]
        in_many_rows(session, [new_member()])
        with pytest.raises(DBAPIError, match="ck_audit_event_"):
            session.commit()
        session.rollback()


def test_commit_of_nothing_asks_nothing_of_the_database(session: Session, world: World) -> None:
    with counted_statements(session) as seen:
        session.rollback()
        session.commit()
        session.commit()

    assert seen == []
