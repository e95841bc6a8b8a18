"""What members of the demo did for others: made-up pieces of volunteer service."""

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from activities import volunteering
from activities.models import ServiceOrigin
from activities.service_rules import ServiceFacts
from api.demo.district import Branch, Person
from core.clock import at_local, business_day
from members.models import Sector

HOURS = (8, 9, 10, 14)
LENGTHS = (60, 60, 90, 120, 120, 150, 180)
REPORTED_AFTER = timedelta(hours=2)
_COMMON = ("独居老人探访", "文明交通劝导", "政策宣讲", "无偿献血引导")
_BY_SECTOR = {
    Sector.VILLAGE: ("清理水渠", "护林防火巡查", "帮缺劳力户抢收", "村道清扫"),
    Sector.COMMUNITY: ("清扫社区花坛", "垃圾分类指导", "楼道杂物清理", "社区食堂帮厨"),
    Sector.OFFICE: ("结对社区值守", "档案知识进社区", "节水宣传"),
    Sector.PUBLIC_INSTITUTION: ("假期托管辅导", "图书角整理"),
    Sector.STATE_ENTERPRISE: ("站台乘客引导", "爱心送考"),
}
_COMPANY = ("楼宇应急演练引导", "老人手机课堂", "园区清扫")


@dataclass(frozen=True, slots=True)
class Service:
    """One piece of service and who did it; it is reported two hours after its end."""

    person: Person
    facts: ServiceFacts

    @property
    def reported_at(self) -> datetime:
        """When the record is entered."""
        return self.facts.ends_at + REPORTED_AFTER

    def lasting(self, minutes: int, *, planned_minutes: int) -> "Service":
        """The same service with another length."""
        facts = replace(
            self.facts,
            ends_at=self.facts.starts_at + timedelta(minutes=minutes),
            planned_minutes=planned_minutes,
            claimed_minutes=minutes,
        )
        return Service(self.person, facts)

    def starting(self, on: date, hour: int) -> "Service":
        """The same service at another time."""
        starts_at = at_local(on, hour)
        ends_at = starts_at + (self.facts.ends_at - self.facts.starts_at)
        return Service(self.person, replace(self.facts, starts_at=starts_at, ends_at=ends_at))


def invent_service(rng: random.Random, branch: Branch, person: Person, *, on: date) -> Service:
    """An ordinary piece of service of this branch's kind."""
    minutes = rng.choice(LENGTHS)
    starts_at = at_local(on, rng.choice(HOURS))
    facts = ServiceFacts(
        title=rng.choice(_BY_SECTOR.get(branch.sector, _COMPANY) + _COMMON),
        organiser=branch.organization.name,
        place="",
        origin=ServiceOrigin.SELF if person.has_phone else ServiceOrigin.ORGANISER,
        external_reference="",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        planned_minutes=minutes,
        claimed_minutes=minutes,
        is_office_duty=False,
    )
    return Service(person, facts)


def report(session: Session, branch: Branch, service: Service) -> None:
    """Enter the record; for a member without a phone the head of his branch does it."""
    author = service.person if service.person.has_phone else branch.head
    now = service.reported_at
    actor = author.actor(business_day(now))
    volunteering.record(session, actor, service.person.id, facts=service.facts, now=now)
