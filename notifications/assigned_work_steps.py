"""The steps of assigned work, each with its messages in the same transaction."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from members.access import Actor
from members.contact import assigned_work
from members.contact.assigned_work import WorkAnswer, WorkFacts
from members.contact.assigned_work_models import AssignedWork, WorkState
from members.office_holders import find_holders
from notifications import outbox
from notifications.outbox import Message
from notifications.stop_conditions import occasion_of

STATE_NAMES: dict[WorkState, str] = {
    WorkState.OPEN: "进行中",
    WorkState.REFUSED: "无正当理由不做",
    WorkState.DONE: "已完成",
    WorkState.EXCUSED: "有正当理由，不再要求",
    WorkState.WITHDRAWN: "已撤回",
}


def assign(
    session: Session, actor: Actor, member_id: UUID, *, facts: WorkFacts, now: datetime
) -> AssignedWork:
    """Record assigned work and tell the member; raises as `assigned_work.assign`."""
    work = assigned_work.assign(session, actor, member_id, facts=facts, now=now)
    params = {"title": work.title, "due": work.due_on.isoformat()}
    _tell(session, work, "work_assigned", [member_id], params, now)
    return work


def answer(
    session: Session,
    actor: Actor,
    work_id: UUID,
    *,
    answer: WorkAnswer,
    version: int,
    now: datetime,
) -> AssignedWork:
    """Record what became of the work and tell the member; raises as `assigned_work.answer`."""
    work = assigned_work.answer(session, actor, work_id, answer=answer, version=version, now=now)
    note = f"{work.note}。" if work.note else ""
    params = {"title": work.title, "outcome": STATE_NAMES[answer.state], "note": note}
    _tell(session, work, "work_answered", [work.member_id], params, now)
    return work


def say(session: Session, actor: Actor, work_id: UUID, *, note: str, now: datetime) -> AssignedWork:
    """Take the member's word and tell his branch's leaders; raises as `assigned_work.say`."""
    work = assigned_work.say(session, actor, work_id, note=note, now=now)
    holders = find_holders(session, [work.organization_id], on=actor.on)[work.organization_id]
    people = (holders.leaders or holders.officers) - {actor.member_id}
    params = {"name": actor.name, "title": work.title}
    _tell(session, work, "work_reported", sorted(people), params, now)
    return work


def _tell(
    session: Session,
    work: AssignedWork,
    kind: str,
    people: Iterable[UUID],
    params: dict[str, str],
    now: datetime,
) -> None:
    occasion = occasion_of(work.id, work.version)
    messages = [Message(person, kind, occasion, params) for person in people]
    outbox.enqueue(session, messages, now=now)
