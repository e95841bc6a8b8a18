"""What runs at night: the self-audit says what is wrong, and what was kept long enough goes."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from activities.life_models import CodeTry
from core import alerts
from core.background import BackgroundJob, JobState
from core.changes import Change
from core.ids import new_id
from core.job_records import JobRun, JobRunKind, JobRunState
from jobs import retention
from points import self_audit, verification
from points.models import Quota
from tests.activities.lives import Life
from tests.points.publicity.scene import approve
from tests.world import NOW, build_world


def test_audit_raises_an_alert_and_takes_it_back_when_all_is_right(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        world = build_world(session)
        approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    with sessions.begin() as session:
        assert self_audit.audit(session, now=NOW) == 0
        assert alerts.list_standing(session) == []
        used = session.scalar(sa.select(sa.func.max(Quota.used))) or 0
        assert used > 0
        session.execute(sa.update(Quota).values(used=0))

    with sessions.begin() as session:
        faults = self_audit.audit(session, now=NOW)
    with sessions.begin() as session:
        (alert,) = alerts.list_standing(session)
        assert faults > 0
        assert f"{faults} 处不符" in alert.message
        session.execute(sa.update(Quota).values(used=used))
    with sessions.begin() as session:
        self_audit.audit(session, now=NOW)
        assert alerts.list_standing(session) == []


def test_audit_in_chunks_finds_what_the_audit_in_one_finds(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        world = build_world(session)
        for name in ("党员甲", "党员乙", "组长"):
            approve(world, "书记一", world.add_claim(name, "一支部"))
        session.execute(sa.update(Quota).values(used=Quota.used - 1))
    with sessions() as session:
        whole = verification.verify(session)
    monkeypatch.setattr(self_audit, "MEMBERS_AT_ONCE", 1)

    chunked = self_audit.verify_in_chunks(sessions)

    assert whole.faults >= 3
    assert chunked == whole


def test_retention_takes_what_has_been_kept_long_enough(session: Session) -> None:
    life = Life(build_world(session))
    old_activity = life.meeting(starts_at=NOW - timedelta(days=9), ends_at=NOW - timedelta(days=8))
    new_activity = life.meeting()
    for days, activity in ((100, old_activity), (10, new_activity)):
        at = NOW - timedelta(days=days)
        member_id = life.world.members["党员甲"]
        session.add(CodeTry(activity_id=activity.id, member_id=member_id, wrong=1))
        session.add(BackgroundJob(kind="x", subject_id=new_id(), created_at=at, finished_at=at))
        ended = at - timedelta(days=90)
        session.add(
            JobRun(
                job="x",
                fire_at=ended,
                kind=JobRunKind.SCHEDULED,
                state=JobRunState.DONE,
                outcome_count=0,
                finished_at=ended,
            )
        )
    waiting = BackgroundJob(kind="x", subject_id=new_id(), created_at=NOW - timedelta(days=400))
    session.add(waiting)
    session.flush()
    # What the lines above have noted carries the database's own time.
    session.execute(sa.delete(Change))
    for days in (92, 90):
        line = {"kind": "claim", "object_id": new_id(), "member_id": member_id, "circle": 2}
        session.add(Change(xid=0, at=NOW - timedelta(days=days), **line))
    session.flush()

    assert retention.purge(session, now=NOW) == 4

    left = session.scalars(sa.select(BackgroundJob.state)).all()
    assert sorted(left) == [JobState.QUEUED, JobState.QUEUED]
    assert session.scalars(sa.select(CodeTry.activity_id)).all() == [new_activity.id]
    assert session.scalar(sa.select(sa.func.count()).select_from(JobRun)) == 1
