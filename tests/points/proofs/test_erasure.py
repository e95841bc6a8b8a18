"""An erased member's points still add up and prove, and a restored backup forgets him again."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click.testing
import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

from api.app import create_app
from api.extensions import db
from core.config import Settings
from core.db import make_engine, make_sessions
from members.erased_data import ERASED_NAME
from members.models import Affiliation, Member
from members.privacy_models import MemberKey
from points import checkpoints, verification
from points.models import LedgerEntry
from tests.engines import Databases, environment
from tests.points.closing.closings import LATER, LATER_DAY, close_year, statement_of
from tests.points.proofs.sealed_books import SealedBooks

Found = TypeVar("Found")


@pytest.fixture
def books(books: SealedBooks) -> SealedBooks:
    """The year is closed, and 党员甲 has left."""
    with books.session() as session:
        close_year(session)
        session.execute(
            sa.update(Affiliation)
            .where(Affiliation.member_id == _member_id(session))
            .values(valid_to=LATER_DAY)
        )
        session.commit()
    return books


@time_machine.travel(LATER + timedelta(days=1))
def test_ledger_and_proofs_outlive_the_person(
    books: SealedBooks, databases: Databases, tmp_path: Path
) -> None:
    with books.session() as session:
        member_id = _member_id(session)
        statement = statement_of(session, member_id).content
    log = tmp_path / "erasures.jsonl"
    with databases.copy_of(books.settings.database_url) as older:
        done = _run(
            books.settings,
            *("members", "shred", str(member_id), "--yes", "--reason", "本人书面申请"),
            *("--basis", "区委组〔2027〕3号"),
        )
        assert done.exit_code == 0, done.output
        _run(books.settings, "members", "erasures", "--out", str(log))

        assert _verified(books.settings) == []
        with books.session() as session:
            assert _forgotten(session, member_id)
            assert statement_of(session, member_id).content == statement
            entry_id = session.scalars(
                sa.select(LedgerEntry.id).where(LedgerEntry.member_id == member_id).limit(1)
            ).one()
            assert checkpoints.prove(session, entry_id)["entry"]
        assert "党员甲" not in log.read_text(encoding="utf-8")
        _restore(older, log, member_id, tmp_path)


def _restore(older_url: str, log: Path, member_id: UUID, directory: Path) -> None:
    restored = Settings.from_env(environment(older_url, directory))
    assert not _in(restored, lambda session: _forgotten(session, member_id))

    again = _run(restored, "members", "reapply-erasures", str(log))

    assert "再次删除 1 人" in again.output
    assert _in(restored, lambda session: _forgotten(session, member_id))
    assert _verified(restored) == []
    assert _run(restored, "members", "reapply-erasures").exit_code == 0
    log.write_text(json.dumps({"member_id": "x"}), encoding="utf-8")
    assert "不是删除清单" in _run(restored, "members", "reapply-erasures", str(log)).output


def _forgotten(session: Session, member_id: UUID) -> bool:
    member = session.get_one(Member, member_id)
    return (
        member.name == ERASED_NAME
        and member.phone_sealed is None
        and session.get(MemberKey, member_id) is None
    )


def _member_id(session: Session) -> UUID:
    return session.scalars(sa.select(Member.id).where(Member.name == "党员甲")).one()


def _verified(settings: Settings) -> list[str]:
    return _in(
        settings,
        lambda session: [one.message for one in verification.verify(session).findings],
    )


def _in(settings: Settings, act: Callable[[Session], Found]) -> Found:
    engine = make_engine(settings)
    with make_sessions(engine, settings.vault)() as session:
        found = act(session)
    engine.dispose()
    return found


def _run(settings: Settings, *arguments: str) -> click.testing.Result:
    app = create_app(settings)
    result = app.test_cli_runner().invoke(args=list(arguments))
    with app.app_context():
        db.engine.dispose()
    return result
