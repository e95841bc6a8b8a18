"""What is kept for years goes exactly then: search logs and photos; everything else stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from dateutil.relativedelta import relativedelta
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from activities import photo_retention, photos
from activities.record_models import ActivityPhoto, DiscardedPhoto
from core.data_classes import term_of
from core.files import FileMissing, FolderFiles
from core.ids import new_id
from jobs import photo_files
from members.contact import search_log_retention
from members.contact.case_models import (
    CaseAccessRecord,
    ContactAttempt,
    ContactNumber,
    OwnReportLink,
)
from members.contact.models import ContactCase
from points import objections
from points.models import Period, PeriodStatus
from points.statement_models import PeriodClosing
from tests.activities.lives import Life
from tests.casework import add_case
from tests.points.publicity.scene import approve
from tests.world import NOW, World, build_world

LONG_AGO = datetime(2022, 5, 1, tzinfo=UTC)
THREE_YEARS = LONG_AGO + relativedelta(years=3)


class Searched:
    """A case with an attempt, its link, a number, and three showings."""

    def __init__(self, world: World, name: str, *, closed_at: datetime | None) -> None:
        session, self.member_id = world.session, world.members[name]
        by = world.members["书记一"]
        self.case_id = add_case(session, self.member_id, world.organizations["一支部"])
        number_id, attempt_id = new_id(), new_id()
        common: dict[str, Any] = {"member_id": self.member_id, "recorded_by": by}
        session.add(
            ContactNumber(
                id=number_id, relation="spouse", phone_sealed=b"x", phone_index=name,
                phone_masked="138****8001", consented_on=LONG_AGO.date(), recorded_at=LONG_AGO,
                **common,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            ContactAttempt(
                id=attempt_id, case_id=self.case_id, method="phone_call", contacted="nobody",
                outcome="no_answer", attempted_at=LONG_AGO, number_id=number_id,
                document_number="", note="", recorded_at=LONG_AGO, **common,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            OwnReportLink(
                attempt_id=attempt_id, case_id=self.case_id, member_id=self.member_id,
                token_digest=name, issued_by=by, issued_at=LONG_AGO,
                expires_at=LONG_AGO + timedelta(days=14),
            )
        )  # fmt: skip
        for kind in ("number", "case", "list"):
            shown = number_id if kind == "number" else None
            session.add(
                CaseAccessRecord(
                    case_id=self.case_id, actor_id=by, kind=kind, purpose="查找",
                    number_id=shown, request_id="r", at=LONG_AGO,
                )
            )  # fmt: skip
        session.flush()
        if closed_at is not None:
            session.execute(
                sa.update(ContactCase)
                .where(ContactCase.id == self.case_id)
                .values(state="closed", closed_at=closed_at)
            )


def purge_searches(session: Session, *, now: datetime) -> int:
    return search_log_retention.purge(session, ended_before=now - term_of("search_log"))


def purge_photos(session: Session, *, now: datetime) -> int:
    return photo_retention.purge(session, closed_before=now - term_of("photo"), now=now)


def count(session: Session, model: Any) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def kept(session: Session) -> tuple[int, ...]:
    models = (ContactAttempt, OwnReportLink, ContactNumber, CaseAccessRecord, ContactCase)
    return tuple(count(session, model) for model in models)


def test_search_logs_go_three_years_after_the_case_and_not_a_moment_before(
    session: Session,
) -> None:
    world = build_world(session)
    Searched(world, "党员甲", closed_at=LONG_AGO)
    Searched(world, "党员乙", closed_at=None)
    Searched(world, "组长", closed_at=NOW)

    assert purge_searches(session, now=THREE_YEARS) == 0
    assert kept(session) == (3, 3, 3, 9, 3)

    assert purge_searches(session, now=THREE_YEARS + timedelta(seconds=1)) == 4
    # The attempt, its link, the number and the record of its showing; who saw the case stays.
    assert kept(session) == (2, 2, 2, 8, 3)
    assert purge_searches(session, now=NOW) == 0
    # A run that is told a later day does not get round the database's own clock.
    assert purge_searches(session, now=NOW + timedelta(days=4000)) == 0


def test_a_number_that_another_search_needs_stays(session: Session) -> None:
    world = build_world(session)
    Searched(world, "党员甲", closed_at=LONG_AGO)
    add_case(session, world.members["党员甲"], world.organizations["一支部"])

    purge_searches(session, now=NOW)

    assert kept(session)[:3] == (0, 0, 1)


@pytest.mark.parametrize(
    ("statement", "is_closed"),
    [
        ("DELETE FROM contact_attempt", False),
        ("DELETE FROM case_access_record WHERE kind = 'number'", False),
        ("DELETE FROM case_access_record WHERE kind = 'case'", True),
        ("UPDATE contact_attempt SET note = 'x'", True),
        ("UPDATE case_access_record SET purpose = 'x'", True),
    ],
)
def test_the_triggers_let_go_of_nothing_else(
    session: Session, statement: str, is_closed: bool
) -> None:
    world = build_world(session)
    recent = NOW - timedelta(days=900)
    Searched(world, "党员甲", closed_at=LONG_AGO if is_closed else recent)
    session.execute(sa.delete(OwnReportLink))

    with pytest.raises(DBAPIError, match=r"append-only|permission denied"), session.begin_nested():
        session.execute(sa.text(statement))


def close_year(session: Session, world: World, begun_at: datetime) -> None:
    session.execute(sa.update(Period).values(status=PeriodStatus.CLOSED))
    assert world.period_id is not None
    session.add(PeriodClosing(period_id=world.period_id, begun_at=begun_at, waiting={}))
    session.flush()


def photo(life: Life, activity_id: UUID) -> UUID:
    kept = ActivityPhoto(
        activity_id=activity_id, slot=1, sha256="0" * 64, byte_count=3,
        added_by=life.world.members["书记一"], added_at=NOW,
    )  # fmt: skip
    life.session.add(kept)
    life.session.flush()
    return kept.id


def test_photos_go_a_year_after_the_close_of_their_year(session: Session) -> None:
    life = Life(build_world(session))
    photo_id = photo(life, life.meeting().id)
    close_year(session, life.world, NOW)
    full = NOW + term_of("photo")

    assert purge_photos(session, now=full) == 0
    assert purge_photos(session, now=full + timedelta(seconds=1)) == 1

    assert count(session, ActivityPhoto) == 0
    assert session.scalars(sa.select(DiscardedPhoto.id)).all() == [photo_id]


def test_photos_of_an_open_year_and_of_a_disputed_one_stay(session: Session) -> None:
    life = Life(build_world(session))
    photo(life, life.meeting().id)
    later = NOW + timedelta(days=800)
    assert purge_photos(session, now=later) == 0
    # Whatever an objection is about: photos of a branch that is in dispute are not touched.
    world = life.world
    [entry_id] = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    mine = world.actor("党员甲")
    objections.file_on_entry(session, mine, entry_id, reason="时长不对", now=NOW)
    close_year(session, world, NOW)

    assert purge_photos(session, now=later) == 0
    assert count(session, ActivityPhoto) == 1


def test_files_are_removed_after_the_commit_and_again_after_a_crash(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    photo_id, gone_id = new_id(), new_id()
    store = FolderFiles(tmp_path)
    store.put(photos.name_of(photo_id), b"jpg")
    with sessions.begin() as session:
        for one in (photo_id, gone_id):
            session.add(DiscardedPhoto(id=one, discarded_at=NOW))

    assert photo_files.discard(sessions, store) == 2
    assert photo_files.discard(sessions, store) == 0
    with pytest.raises(FileMissing):
        store.get(photos.name_of(photo_id))
