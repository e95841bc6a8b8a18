"""What a meeting leaves behind: its record, and its votes as numbers with their result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import meeting_rules
from activities.activity_access import get_led, get_readable, require_not_cancelled
from activities.closings import NotStarted
from activities.life_models import Attendance, AttendanceStatus
from activities.meeting_rules import Finding
from activities.record_models import ActivityRecord, MeetingVote
from core.errors import NotFound, VersionConflict
from members.access import Actor
from members.models import AffiliationKind, MemberKind

# Who makes up a meeting afterwards, or was elsewhere, did not vote in it.
_IN_THE_ROOM = (AttendanceStatus.PRESENT, AttendanceStatus.PRESENT_REMOTE)


@dataclass(frozen=True, slots=True)
class Voters:
    """Full members due to attend, and those of them who were there."""

    due: int
    present: int


@dataclass(frozen=True, slots=True)
class VoteCount:
    """One motion and the votes for it."""

    motion: str
    in_favour: int
    against: int
    abstained: int


def write(
    session: Session,
    actor: Actor,
    activity_id: UUID,
    *,
    texts: tuple[str, str],
    version: int,
    now: datetime,
) -> ActivityRecord:
    """Write the record of an activity, or change it.

    Args:
        texts: what it was about, and what was decided.
        version: 0 for the first writing, else the version that the writer saw.

    Raises:
        NotFound, ActivityCancelled: there is no such activity to write about.
        VersionConflict: somebody else wrote first.
    """
    require_not_cancelled(get_led(session, actor, activity_id).activity)
    record = session.get(ActivityRecord, activity_id, with_for_update=True, populate_existing=True)
    if (record.version if record else 0) != version:
        raise VersionConflict
    if record is None:
        record = ActivityRecord(activity_id=activity_id, version=0)
        session.add(record)
    record.summary, record.decisions = texts
    record.recorded_by, record.recorded_at = actor.member_id, now
    record.version = version + 1
    session.flush()
    return record


def get_record(session: Session, actor: Actor, activity_id: UUID) -> ActivityRecord:
    """The record of an activity that the actor may read.

    Raises:
        NotFound: out of scope, or nothing is written yet.
    """
    get_readable(session, actor, activity_id)
    record = session.get(ActivityRecord, activity_id)
    if record is None:
        raise NotFound
    return record


def find_voters(session: Session, activity_id: UUID) -> Voters:
    """Who may vote in a meeting by its list; an exempt member is due only if he came.

    A migrant has no vote with his host, also where a functional branch expects him.
    """
    is_present = Attendance.status.in_(_IN_THE_ROOM)
    row = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.case((is_present, 1))),
        ).where(
            Attendance.activity_id == activity_id,
            Attendance.is_expected,
            Attendance.affiliation_kind != AffiliationKind.MIGRANT_HOST,
            Attendance.member_kind == MemberKind.FULL_MEMBER,
            sa.or_(sa.not_(Attendance.is_exempt), is_present),
        )
    ).one()
    return Voters(row[0], row[1])


def judge_quorum(session: Session, actor: Actor, activity_id: UUID) -> list[Finding]:
    """What a meeting of those present may do: vote, pass something, elect.

    Raises:
        NotFound: out of scope.
        NotStarted: there is no list yet.
    """
    if get_led(session, actor, activity_id).activity.started_at is None:
        raise NotStarted
    voters = find_voters(session, activity_id)
    counts = (voters.due, voters.present)
    rules = (meeting_rules.can_vote, meeting_rules.what_can_pass, meeting_rules.can_elect)
    return [rule(*counts) for rule in rules]


def take_vote(
    session: Session, actor: Actor, activity_id: UUID, *, count: VoteCount, now: datetime
) -> MeetingVote:
    """Keep a vote as numbers; whether it passed follows from the list and the rules.

    Raises:
        NotFound, ActivityCancelled, NotStarted: there is no meeting to vote in.
        ImpossibleCounts: more votes than voters.
    """
    activity = get_led(session, actor, activity_id).activity
    require_not_cancelled(activity)
    if activity.started_at is None:
        raise NotStarted
    voters = find_voters(session, activity_id)
    cast = count.in_favour + count.against + count.abstained
    if cast > voters.present:
        raise meeting_rules.ImpossibleCounts(
            f"共 {cast} 票，多于实到有表决权的党员 {voters.present} 人。"
        )
    vote = MeetingVote(
        activity_id=activity_id,
        motion=count.motion,
        voters_due=voters.due,
        voters_present=voters.present,
        in_favour=count.in_favour,
        against=count.against,
        abstained=count.abstained,
        is_quorate=meeting_rules.can_vote(voters.due, voters.present).holds,
        is_passed=meeting_rules.judge_vote(voters.due, voters.present, count.in_favour).holds,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(vote)
    session.flush()
    return vote


def list_votes(session: Session, actor: Actor, activity_id: UUID) -> Sequence[MeetingVote]:
    """The votes of an activity that the actor may read, in the order in which they were taken.

    Raises:
        NotFound: out of scope.
    """
    get_readable(session, actor, activity_id)
    return session.scalars(
        sa.select(MeetingVote).filter_by(activity_id=activity_id).order_by(MeetingVote.id)
    ).all()
