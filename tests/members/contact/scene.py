"""Contact facts of the standard district, told in a line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from core.ids import new_id
from members.contact import facts, scan
from members.contact.facts import ContactFact
from members.contact.models import ContactCase, ContactKind, StageEntry
from members.contact.scan import ScanResult
from members.models import Affiliation, Exemption, ExemptionKind, Member, MemberKind
from tests.world import LONG_AGO, NOW, World

TODAY = date(2026, 11, 23)
KIND = ContactKind


@dataclass
class Scene:
    """One branch whose members are heard from, or not."""

    world: World
    branch: str = "一支部"

    @property
    def session(self) -> Session:
        return self.world.session

    def fact(self, name: str, kind: ContactKind, day: date) -> ContactFact:
        return ContactFact(
            self.world.members[name],
            kind,
            day,
            self.world.organizations[self.branch],
            new_id(),
            None,
        )

    def told(self, name: str, kind: ContactKind, *days: date) -> None:
        """Facts of one kind about one member."""
        facts.record(self.session, [self.fact(name, kind, day) for day in days], now=NOW)

    def meets(self, first: date, last: date, *, every: int, who: Sequence[str] = ("组长",)) -> None:
        """Organisation life at regular intervals, attended by these members."""
        days = [
            first + timedelta(days=passed) for passed in range(0, (last - first).days + 1, every)
        ]
        told = [self.fact(name, KIND.ATTENDANCE, day) for day in days for name in who]
        facts.record(self.session, told, now=NOW)

    def scan(self, on: date = TODAY) -> ScanResult:
        return scan.scan(self.session, now=at_local(on, 9))

    def stage(self, name: str, clock: str = "lost_contact") -> int:
        query = sa.select(StageEntry.stage).filter_by(
            member_id=self.world.members[name], clock=clock
        )
        return self.session.scalar(query) or 0

    def case(self, name: str) -> ContactCase | None:
        """The newest case of a member, read anew."""
        self.session.expire_all()
        query = sa.select(ContactCase).filter_by(member_id=self.world.members[name])
        return self.session.scalars(query.order_by(ContactCase.id.desc()).limit(1)).one_or_none()

    def exempt(self, name: str, kind: ExemptionKind, first: date, end: date) -> None:
        self.session.add(
            Exemption(
                member_id=self.world.members[name],
                kind=kind,
                valid_from=first,
                valid_to=end,
                decided_by_organization_id=self.world.organizations[self.branch],
                recorded_by=self.world.members["书记一"],
            )
        )
        self.session.flush()

    def add_members(self, count: int) -> list[UUID]:
        """Members without accounts, in two statements."""
        ids = [new_id() for _ in range(count)]
        told = {"name": "张三", "kind": MemberKind.FULL_MEMBER, "created_at": NOW}
        self.session.execute(sa.insert(Member), [{"id": one} | told for one in ids])
        place = {"organization_id": self.world.organizations[self.branch], "valid_from": LONG_AGO}
        self.session.execute(
            sa.insert(Affiliation), [{"id": new_id(), "member_id": one} | place for one in ids]
        )
        return ids
