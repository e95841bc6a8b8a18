"""Cases of lost contact in tests, opened as the scan opens them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.ids import new_id
from members.contact.models import AssigneeRole, CaseState, Clock, ContactCase, Signal
from tests.served import Service
from tests.world import NOW

ANCHOR = date(2026, 6, 30)


def add_case(
    session: Session,
    member_id: UUID,
    organization_id: UUID,
    *,
    stage: int = 4,
    anchor_on: date = ANCHOR,
    clock: Clock = Clock.LOST_CONTACT,
    opened_at: datetime = NOW,
) -> UUID:
    """An open case that nobody has been given yet."""
    case = ContactCase(
        id=new_id(),
        member_id=member_id,
        organization_id=organization_id,
        clock=clock,
        signal=Signal.LIFE if clock is Clock.SELF_WITHDRAWAL else None,
        anchor_on=anchor_on,
        stage=stage,
        state=CaseState.OPEN,
        opened_at=opened_at,
        assignee_role=AssigneeRole.GROUP_LEADER,
        closing_note="",
        version=1,
    )
    session.add(case)
    session.flush()
    return case.id


def open_case(service: Service, name: str = "党员乙", branch: str = "一支部", **facts: Any) -> UUID:
    """An open case of somebody of the standard world."""
    world = service.world
    member_id, organization_id = world.members[name], world.organizations[branch]
    return add_case(world.session, member_id, organization_id, **facts)


def attempt_body(**changes: Any) -> dict[str, Any]:
    """An attempt at which nobody answered the phone."""
    body = {
        "method": "phone_call",
        "contacted": "nobody",
        "outcome": "no_answer",
        "attempted_at": "2026-11-09T09:30:00+08:00",
    }
    return body | changes


def decision_body(**changes: Any) -> dict[str, Any]:
    """A suspension for lost contact with everything that the rules ask for."""
    body = {
        "kind": "suspension",
        "ground": "lost_contact",
        "deciding_body": "一支部党员大会",
        "decided_on": "2026-11-02",
        "document_number": "杨街党字〔2026〕31号",
        "approving_body": "街道党工委",
        "approved_on": "2026-11-09",
    }
    return body | changes
