"""Meetings of the first branch for tests of organisation life."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import calendar, closings, roll_calls
from activities.calendar import ActivityPlan
from activities.closings import Closing
from activities.life_models import Attendance, AttendanceEvent, AttendanceStatus
from activities.models import Activity
from activities.roll_calls import Mark, Marked, RollCall
from core.ids import new_id
from members.models import Affiliation, Member, MemberKind
from points.models import LedgerEntry
from tests.world import LONG_AGO, NOW, World

PRESENT = AttendanceStatus.PRESENT
ABSENT = AttendanceStatus.ABSENT_UNEXCUSED
LEAVE = AttendanceStatus.LEAVE_APPROVED


@dataclass
class Life:
    """One branch's organisation life, handled by its secretary."""

    world: World
    branch: str = "一支部"
    numbered: int = field(default=0)

    @property
    def session(self) -> Session:
        return self.world.session

    def plan(self, **changes: Any) -> ActivityPlan:
        told: dict[str, Any] = {"kind": "theme_day", "title": "主题党日", "place": "活动室"}
        times = {"starts_at": NOW - timedelta(hours=1), "ends_at": NOW + timedelta(hours=1)}
        return ActivityPlan(**(told | times | changes))

    def meeting(self, who: str = "书记一", *, at: str = "", **changes: Any) -> Activity:
        """An activity of the branch, or of another place, that began an hour ago."""
        return calendar.schedule(
            self.session,
            self.world.actor(who),
            self.world.organizations[at or self.branch],
            plan=self.plan(**changes),
            now=NOW - timedelta(days=7),
        )

    def add_members(self, count: int) -> list[UUID]:
        """Full members of the branch without accounts, in two statements."""
        ids = [new_id() for _ in range(count)]
        told = {"name": "张三", "kind": MemberKind.FULL_MEMBER, "created_at": NOW}
        rows = [{"id": one} | told for one in ids]
        self.session.execute(sa.insert(Member), rows)
        place = {"organization_id": self.world.organizations[self.branch], "valid_from": LONG_AGO}
        self.session.execute(
            sa.insert(Affiliation), [{"id": new_id(), "member_id": one} | place for one in ids]
        )
        return ids

    def call(
        self,
        activity: Activity,
        *marks: Mark,
        who: str = "书记一",
        default: AttendanceStatus | None = PRESENT,
        now: datetime = NOW,
    ) -> dict[UUID, Marked]:
        roll = RollCall(marks, default)
        actor = self.world.actor(who)
        marked = roll_calls.call_roll(self.session, actor, activity.id, roll=roll, now=now)
        return {one.member_id: one for one in marked}

    def mark(self, name: str, status: AttendanceStatus, reason: str = "") -> Mark:
        return Mark(self.world.members[name], status, reason)

    def close(
        self, activity: Activity, *, presumes_absence: bool = False, who: str = "书记一"
    ) -> Closing:
        return closings.close(
            self.session,
            self.world.actor(who),
            activity.id,
            presumes_absence=presumes_absence,
            now=NOW,
        )

    def row(self, activity: Activity, name: str) -> Attendance:
        return self.session.scalars(
            sa.select(Attendance)
            .filter_by(activity_id=activity.id, member_id=self.world.members[name])
            .execution_options(populate_existing=True)
        ).one()

    def events(self, activity: Activity, name: str) -> list[tuple[int, str, str]]:
        rows = self.session.execute(
            sa.select(AttendanceEvent.revision, AttendanceEvent.status, AttendanceEvent.origin)
            .where(AttendanceEvent.attendance_id == self.row(activity, name).id)
            .order_by(AttendanceEvent.revision)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def points(self, name: str) -> list[int]:
        """The points of a member's entries, as they were posted."""
        query = sa.select(LedgerEntry.points).filter_by(member_id=self.world.members[name])
        return list(self.session.scalars(query.order_by(LedgerEntry.seq)))
