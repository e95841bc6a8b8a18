"""Seals: a missing or altered event shows, and only retention explains an empty stretch."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import audit_sealing
from core.audit_models import AuditEvent, AuditMention, AuditSeal
from core.config import Settings
from core.db import make_sessions
from core.ids import new_id

LONG_AGO = datetime.now(UTC) - timedelta(days=4 * 365)
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
GUARDS = {
    "sqlite": ["DROP TRIGGER audit_event_no_update", "DROP TRIGGER audit_event_no_delete"],
    "postgresql": ["DROP TRIGGER append_only ON audit_event"],
}


@pytest.fixture
def books(fresh_owner_url: str, fresh_settings: Settings) -> Iterator[Session]:
    """The private database for its owner, who may take the guards away."""
    engine = sa.create_engine(fresh_owner_url)
    with make_sessions(engine, fresh_settings.vault)() as session:
        yield session
    engine.dispose()


def add_events(session: Session, *ages: datetime) -> None:
    """Events of these ages, with none between them about their being written."""
    common = {"actor_kind": "job", "operation": "test", "outcome": "done", "code": ""}
    content = {"tables": ["claim"], "object_count": 1, "subjects": []}
    rows = [common | content | {"at": at, "objects": {"claim": [new_id().hex]}} for at in ages]
    with session.get_bind().engine.begin() as connection:
        connection.execute(sa.insert(AuditEvent), rows)


def seal(session: Session) -> int:
    sealed = audit_sealing.seal(session, now=datetime.now(UTC))
    session.commit()
    return sealed


def faults(session: Session) -> list[str]:
    return audit_sealing.verify(session, now=datetime.now(UTC))


def test_only_settled_events_are_sealed(books: Session) -> None:
    add_events(books, AN_HOUR_AGO, AN_HOUR_AGO, datetime.now(UTC))

    assert (seal(books), seal(books)) == (2, 0)
    assert faults(books) == []
    assert books.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 3


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE audit_event SET operation = 'other' WHERE seq = 2", "改动过"),
        ("DELETE FROM audit_event WHERE seq = 2", "应有 3 条，现有 2 条"),
    ],
)
def test_harm_below_the_guards_shows(
    books: Session, engine_kind: str, harm: str, said: str
) -> None:
    add_events(books, AN_HOUR_AGO, AN_HOUR_AGO, AN_HOUR_AGO)
    seal(books)

    for statement in [*GUARDS[engine_kind], harm]:
        books.execute(sa.text(statement))

    (fault,) = faults(books)
    assert said in fault


def test_retention_takes_whole_old_stretches_and_explains_them(books: Session) -> None:
    add_events(books, LONG_AGO, LONG_AGO)
    seal(books)
    add_events(books, AN_HOUR_AGO)
    seal(books)

    gone = audit_sealing.purge(books, now=datetime.now(UTC))
    books.commit()

    assert gone == 2
    assert faults(books) == []
    old = books.scalar(sa.select(AuditSeal.to_seq).where(AuditSeal.number == 1))
    left = books.scalars(sa.select(AuditMention.event_seq)).all()
    assert left
    assert min(left) > (old or 0)
