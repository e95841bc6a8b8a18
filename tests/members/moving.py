"""Absences and letters of the standard district, for tests of migrants and transfers."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members import migrant_hosts, migrants, transfers
from members.contact.models import ReasonCode, RecordedFact, Standing
from members.migrant_hosts import Arrival
from members.migrant_models import HostPlacement, MigrantRegistration
from members.migrants import Absence, Arrangement
from members.models import Affiliation, AffiliationKind
from members.transfer_answers import Acceptance
from members.transfer_models import Transfer
from members.transfers import Letter
from notifications import transfer_steps
from notifications.models import OutboxMessage
from tests.world import NOW, TODAY, World

LEFT_ON = date(2026, 10, 8)


def days(number: int) -> datetime:
    """So many days after the world's own time."""
    return NOW + timedelta(days=number)


@dataclass
class Moving:
    """What the first branch does for 党员甲, unless another is named."""

    world: World

    @property
    def session(self) -> Session:
        return self.world.session

    def id(self, name: str) -> UUID:
        return self.world.members[name]

    def absence(self, **changes: Any) -> Absence:
        told: dict[str, Any] = {
            "left_on": LEFT_ON,
            "expected_back_on": date(2027, 1, 20),
            "city": "陕西省西安市",
            "reason_code": ReasonCode.WORK_ELSEWHERE,
            "holds_card": True,
        }
        return Absence(**(told | changes))

    def arrangement(
        self, contact: str = "组长", host: str | None = None, class_decision: str = ""
    ) -> Arrangement:
        host_id = self.world.organizations[host] if host else None
        return Arrangement(self.id(contact), host_id, class_decision)

    def register(
        self,
        who: str = "党员甲",
        *,
        by: str = "书记一",
        arrangement: Arrangement | None = None,
        **changes: Any,
    ) -> MigrantRegistration:
        return migrants.register(
            self.session,
            self.world.actor(by),
            self.id(who),
            absence=self.absence(**changes),
            arrangement=arrangement or self.arrangement(),
            now=NOW,
        )

    def placement(self, registration: MigrantRegistration) -> HostPlacement:
        return self.session.scalars(
            sa.select(HostPlacement)
            .filter_by(registration_id=registration.id)
            .order_by(HostPlacement.id.desc())
            .execution_options(populate_existing=True)
        ).all()[0]

    def hosted(self, who: str = "党员甲", host: str = "二支部") -> MigrantRegistration:
        """A migrant whom another branch has taken in since 9 October."""
        registration = self.register(who, arrangement=self.arrangement(host=host))
        migrant_hosts.accept(
            self.session,
            self.world.actor({"二支部": "书记二", "三支部": "书记三"}[host]),
            self.placement(registration).id,
            arrival=Arrival(date(2026, 10, 9)),
            now=NOW,
        )
        return registration

    def letter(self, to: str | None = "二支部", *, outside: str = "", **changes: Any) -> Letter:
        told: dict[str, Any] = {
            "receiver_organization_id": self.world.organizations[to] if to else None,
            "receiver_name": outside,
            "reason": "工作调动",
            "letter_number": "2026年第18号",
            "letter_on": TODAY,
            "letter_valid_to": date(2027, 2, 10),
        }
        return Letter(**(told | changes))

    def send(
        self, who: str = "党员甲", *, by: str = "书记一", letter: Letter | None = None
    ) -> Transfer:
        """A transfer sent today, with its messages."""
        return transfer_steps.send(
            self.session,
            self.world.actor(by),
            self.id(who),
            letter=letter or self.letter(),
            now=NOW,
        )

    def accept(self, transfer: Transfer, *, by: str = "书记二", on: date = TODAY) -> Transfer:
        return transfer_steps.accept(
            self.session, self.world.actor(by), transfer.id, acceptance=Acceptance(on), now=NOW
        )

    def withdraw(self, transfer: Transfer, *, by: str = "书记一") -> Transfer:
        return transfers.withdraw(
            self.session, self.world.actor(by), transfer.id, reason="写错了", now=NOW
        )

    def branches(self, who: str = "党员甲") -> list[tuple[UUID, date | None]]:
        """The primary affiliations in their order: the branch, and its last day."""
        rows = self.session.execute(
            sa.select(Affiliation.organization_id, Affiliation.valid_to)
            .filter_by(member_id=self.id(who), kind=AffiliationKind.PRIMARY)
            .order_by(Affiliation.valid_from, Affiliation.valid_to.is_(None))
        )
        return [(row[0], row[1]) for row in rows]

    def hostings(self, who: str = "党员甲") -> list[tuple[UUID, date | None]]:
        rows = self.session.execute(
            sa.select(Affiliation.organization_id, Affiliation.valid_to).filter_by(
                member_id=self.id(who), kind=AffiliationKind.MIGRANT_HOST
            )
        )
        return [(row[0], row[1]) for row in rows]

    def facts(self, who: str = "党员甲") -> list[tuple[str, date]]:
        rows = self.session.execute(
            sa.select(RecordedFact.kind, RecordedFact.happened_on)
            .filter_by(member_id=self.id(who))
            .order_by(RecordedFact.happened_on, RecordedFact.kind)
        )
        return [(row[0], row[1]) for row in rows]

    def standing(self, who: str = "党员甲") -> Standing:
        return self.session.get_one(Standing, self.id(who), populate_existing=True)

    def told(self, kind: str) -> set[str]:
        """Who has a message of this kind."""
        ids = self.session.scalars(sa.select(OutboxMessage.member_id).filter_by(kind=kind))
        names = {member_id: name for name, member_id in self.world.members.items()}
        return {names[member_id] for member_id in ids}
