"""One of everything that may wait for somebody, about one member of the standard world."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from activities.life_models import LeaveRequest
from activities.models import Activity
from activities.pledge_models import Pledge
from activities.service_models import ServiceOpportunity, ServiceSignup
from core.db import Base
from core.ids import new_id
from members.contact.assigned_work_models import AssignedWork
from members.contact.case_models import ContactAttempt, OwnReportLink
from members.contact.models import ContactCase
from members.feedback.models import Feedback
from members.transfer_models import Transfer
from notifications.models import InboxMessage, OutboxMessage
from points.models import Claim, LedgerEntry
from points.publicity_models import Adjustment, Bulletin, Objection
from tests.contract import authz_life_rows as life
from tests.contract import authz_people_rows as people
from tests.contract import authz_points_rows as points
from tests.contract.authz_world import Subject
from tests.world import NOW, World

REGISTRAR = "区管理员"
HOUR = timedelta(hours=1)


class Matters:
    """Writes rows about one member of the first branch, as the services would have left them."""

    def __init__(self, world: World, name: str, number: int) -> None:
        self._world = world
        branch_id = world.organizations["一支部"]
        self._subject = Subject("same_branch", number, world.members[name], branch_id, None, 2026)
        self._keeper: Any = SimpleNamespace(registrar=world.members[REGISTRAR], world=world)
        self._registrar = world.members[REGISTRAR]

    def add_own(self) -> None:
        """What waits for the member himself."""
        decided = {"decided_by": self._registrar, "decided_at": NOW - HOUR}
        self._add(Claim, points.claim_row, source_id=new_id(), status="returned", **decided)
        self._add(Adjustment, points.adjustment_row)
        self._add(Bulletin, points.bulletin_row)
        self._subject.ids["entry"] = self._add(LedgerEntry, points.entry_row)
        answered = {"status": "rejected", "reply": "时长无误"}
        approved_by = self._world.members["街道干事"]
        self._add(Objection, points.objection_row, approved_by=approved_by, **answered, **decided)
        self._add_pledge("returned", **decided)
        running = {"approval_body": "branch_committee", "text_in_force": 1, "published_at": NOW}
        self._add_pledge("published", due_on=date(2026, 11, 12), **decided, **running)
        self._add(AssignedWork, people.work_row)
        self._add_meeting(status="approved", **decided)
        self._subject.ids["opportunity"] = self._add(ServiceOpportunity, life.opportunity_row)
        self._add(ServiceSignup, life.signup_row)
        self.add_message()

    def add_office(self) -> None:
        """What waits for those who lead his branch."""
        for is_flagged in (False, True):
            self._add(Claim, points.claim_row, source_id=new_id(), is_flagged=is_flagged)
        self._subject.ids["entry"] = self._add(LedgerEntry, points.entry_row)
        self._add(Objection, points.objection_row)
        self._add_pledge("submitted")
        self._add_meeting(status="requested")
        self.add_case()
        self._add(Feedback, people.feedback_row)
        sender = self._world.organizations["三支部"]
        receiver = {"receiver_name": "", "receiver_organization_id": self._subject.organization_id}
        self._add(Transfer, people.transfer_row, sender_organization_id=sender, **receiver)

    def add_case(self) -> None:
        """A case, an attempt, and the link that was sent with it."""
        ids = self._subject.ids
        ids["case"] = self._add(ContactCase, people.case_row)
        ids["attempt"] = self._add(ContactAttempt, people.attempt_row)
        link = {"attempt_id": ids["attempt"], "case_id": ids["case"], "issued_at": NOW}
        digest = f"{self._subject.number:064x}"
        until = {"token_digest": digest, "expires_at": NOW + 24 * HOUR}
        by = {"member_id": self._subject.member_id, "issued_by": self._registrar}
        self._insert(OwnReportLink, link | until | by)

    def _add_pledge(self, status: str, **values: Any) -> None:
        title = f"承诺{status}{self._subject.number}"
        self._add(Pledge, life.pledge_row, status=status, title=title, **values)

    def _add_meeting(self, **leave: Any) -> None:
        starts_at = NOW + 30 * HOUR
        times = {"starts_at": starts_at, "ends_at": starts_at + HOUR}
        self._subject.ids["activity"] = self._add(Activity, life.activity_row, **times)
        self._add(LeaveRequest, life.leave_row, **leave)

    def add_message(self) -> None:
        """An unread message."""
        sent = {"state": "delivered", "channel": "inbox"}
        key = f"home-{new_id()}"
        outbox_id = self._add(OutboxMessage, people.message_row, dedupe_key=key, **sent)
        to = {"outbox_id": outbox_id, "member_id": self._subject.member_id, "created_at": NOW}
        text = {"kind": "claim_approved", "title": "申报已通过", "body": "计 2 分。"}
        self._insert(InboxMessage, to | text)

    def _add(self, model: type[Base], row: Any, **values: Any) -> Any:
        return self._insert(model, row(self._subject, self._keeper) | values)

    def _insert(self, model: type[Base], values: dict[str, Any]) -> Any:
        own_id = new_id()
        session = self._world.session
        session.add(model(id=own_id, **values))
        session.flush()
        return own_id
