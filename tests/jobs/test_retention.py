"""Every class of data with a term has something that deletes it, and it deletes no more."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from core.data_classes import DATA_CLASSES, term_of
from jobs import retention
from members import member_keys
from members.id_numbers import purge_unwanted, seal_id_number
from members.models import Member
from members.roster.models import RosterImport, RosterImportRow, RowOutcome
from notifications import inbox, outbox
from notifications.models import InboxMessage, OutboxMessage
from tests.engines import ROOT
from tests.world import NOW, World, build_world


def test_every_term_has_a_purge_and_every_purge_a_term() -> None:
    with_term = {one.code for one in DATA_CLASSES if one.term is not None}

    assert with_term - {"import_file", "photo", "audit"} == retention.PURGES.keys()
    assert len(with_term) < len(DATA_CLASSES) == len({one.code for one in DATA_CLASSES})


def test_operators_read_the_same_table() -> None:
    handbook = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

    assert [one.title for one in DATA_CLASSES if f"| {one.title} |" not in handbook] == []


def test_texts_of_messages_go_and_the_record_stays(session: Session) -> None:
    world = build_world(session)
    _tell(world, 1, NOW - term_of("message_text") - timedelta(days=1))
    _tell(world, 2, NOW - timedelta(days=1))

    assert inbox.purge_texts(session, ended_before=NOW - term_of("message_text")) == 1

    bodies = session.scalars(sa.select(InboxMessage.body).order_by(InboxMessage.created_at)).all()
    assert [bool(body) for body in bodies] == [False, True]
    params = session.scalars(sa.select(OutboxMessage.params).order_by(OutboxMessage.created_at))
    assert [bool(one) for one in params] == [False, True]


def _tell(world: World, number: int, at: object) -> None:
    params = {"title": "清扫社区", "points": "1", "note": ""}
    message = outbox.Message(world.members["党员甲"], "claim_approved", str(number), params)
    outbox.enqueue(world.session, [message], now=at)  # type: ignore[arg-type]
    inbox.deliver(world.session, now=at)  # type: ignore[arg-type]


def test_results_of_old_imports_go(session: Session) -> None:
    world = build_world(session)
    for days in (366, 364):
        made = RosterImport(
            organization_id=world.organizations["一支部"],
            uploaded_at=NOW - timedelta(days=days),
            file_name="a.csv",
            file_sha256="",
            mapping={},
        )
        session.add(made)
        session.flush()
        session.add(
            RosterImportRow(
                import_id=made.id, row_number=2, outcome=RowOutcome.REFUSED, name="王志强"
            )
        )
    session.flush()

    retention.purge(session, now=NOW)

    assert session.scalar(sa.select(sa.func.count()).select_from(RosterImportRow)) == 1


def test_id_numbers_of_an_earlier_setting_go(session: Session, settings: Settings) -> None:
    world = build_world(session)
    member = session.get_one(Member, world.members["党员甲"])
    key = member_keys.ensure(session, [member.id])[member.id]
    sealed = seal_id_number(settings.vault, key, member.id, "110101199003070013")
    for name, value in sealed._asdict().items():
        setattr(member, name, value)
    session.flush()
    soon = NOW + timedelta(days=1)

    assert purge_unwanted(session, ended_before=soon) == 0
    session.info["vault"] = replace(settings.vault, keeps_id_numbers=False)
    assert purge_unwanted(session, ended_before=soon) == 1
    session.expire_all()
    assert (member.id_number_sealed, member.id_number_index, member.id_number_masked) == (
        None,
        None,
        None,
    )
