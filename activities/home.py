"""The first screen of a member: his points, what waits for him, what is new, whom to call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import todo as activities_todo
from core import todo
from core.clock import business_day
from core.quantities import Points
from core.todo import Todo, TodoKind
from members import branch_contact
from members import todo as members_todo
from members.access import Actor
from members.branch_contact import BranchContact
from notifications import inbox
from notifications.models import InboxMessage
from points import balances
from points import todo as points_todo
from points.models import Subject

NOTICES_MAX = 3


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that the first screen shows.

    Args:
        provisional, confirmed: what the entries of the year come to.
        notices: the newest unread messages, of so many unread ones.
        contact: who speaks for the member's branch; None while he belongs to none.
    """

    year: int
    provisional: Points
    confirmed: Points
    todo: Sequence[Todo]
    notices: Sequence[InboxMessage]
    unread: int
    contact: BranchContact | None

    @property
    def is_report_asked(self) -> bool:
        """Whether the branch waits for the member's own “我在”."""
        return any(one.kind is TodoKind.OWN_REPORT for one in self.todo)


def get_home(session: Session, actor: Actor, *, now: datetime) -> Home:
    """The actor's first screen; seven statements at most, whatever there is of anything."""
    year = actor.on.year
    sums = balances.find_sums(session, actor.member_id, year=year, subject=Subject.PARTY_MEMBERS)
    waiting = _find_own(session, actor, now) + _find_office(session, actor)
    waiting += activities_todo.find_coming(session, actor, now=now)
    notices, unread = inbox.find_unread(session, actor, limit=NOTICES_MAX)
    return Home(
        year=year,
        provisional=sums["provisional"],
        confirmed=sums["confirmed"],
        todo=todo.in_order(waiting),
        notices=notices,
        unread=unread,
        contact=branch_contact.find(session, actor),
    )


def _find_own(session: Session, actor: Actor, now: datetime) -> list[Todo]:
    parameters = {
        "member": actor.member_id,
        "branch": actor.organization_id,
        "day": actor.on,
        "soon": business_day(now + activities_todo.AHEAD),
        "year": actor.on.year,
        "now": now,
        "replied_after": now - points_todo.REPLIED,
    }
    return todo.find(session, _OWN, _WORDS, parameters)


def _find_office(session: Session, actor: Actor) -> list[Todo]:
    """One statement, and none for somebody without an office."""
    parts = [
        *points_todo.office_parts(actor),
        *activities_todo.office_parts(actor),
        *members_todo.office_parts(actor),
    ]
    return todo.find(session, sa.union_all(*parts), _WORDS, {}) if parts else []


_WORDS = {**points_todo.WORDS, **activities_todo.WORDS, **members_todo.WORDS}
# Every first screen asks it, so it is built once.
_OWN = sa.union_all(
    *points_todo.own_parts(), *activities_todo.own_parts(), *members_todo.own_parts()
)
