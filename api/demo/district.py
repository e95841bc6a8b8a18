"""What the demo is set in: the tree, the people in it, and who holds which role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import business_day
from members import role_grants
from members.access import Actor, HeldRole
from members.access_models import Role, RoleGrant
from members.models import Member, Organization, Sector
from members.role_grants import Term

REQUEST_ID = "demo-seed"


@dataclass(slots=True)
class Person:
    """A member of the demo and the roles that he holds."""

    id: UUID
    name: str
    organization_id: UUID
    since: date
    has_phone: bool
    held_roles: tuple[HeldRole, ...] = ()
    # Exempt and aged members take no part in the story.
    is_resting: bool = False

    def actor(self, on: date) -> Actor:
        """The person acting on a day, as a request of his would."""
        return Actor(self.id, self.name, self.organization_id, self.held_roles, on, REQUEST_ID)


@dataclass(slots=True)
class Branch:
    """A branch of the demo: its people, and who decides its claims."""

    id: UUID
    committee_id: UUID
    name: str
    sector: Sector
    people: list[Person] = field(default_factory=list)
    secretary: Person | None = None
    deputy: Person | None = None

    @property
    def head(self) -> Person:
        """Who puts activities on the calendar and decides claims."""
        head = self.secretary or self.deputy
        if head is None:
            raise LookupError(f"{self.name} has nobody who decides")
        return head

    def active(self, on: date) -> list[Person]:
        """Who may have done something on a day."""
        return [person for person in self.people if person.since <= on and not person.is_resting]


@dataclass(slots=True)
class District:
    """Everything that the story needs to know of the tree."""

    root: Organization
    admin: Person
    branches: Mapping[str, Branch]
    officers: dict[UUID, Person] = field(default_factory=dict)

    def branch(self, name: str) -> Branch:
        """A branch by its name in the sample list."""
        return self.branches[name]

    def person(self, branch_name: str, name: str) -> Person:
        """A person by branch and name."""
        return next(p for p in self.branches[branch_name].people if p.name == name)


def person_of(member: Member, organization_id: UUID, since: date) -> Person:
    """The demo's view of a member who was just put on the roster."""
    return Person(member.id, member.name, organization_id, since, member.phone_index is not None)


def appoint(
    session: Session,
    granter: Person,
    person: Person,
    *,
    role: Role,
    organization: Organization,
    now: datetime,
    valid_to: date | None = None,
) -> None:
    """Grant a role from the day of `now` on, and remember it on the person."""
    actor = granter.actor(business_day(now))
    term = Term(role, organization.id, actor.on, valid_to, "演示数据")
    grant = role_grants.grant(session, actor, person.id, term=term, now=now)
    hold(person, grant, organization)


def hold(person: Person, grant: RoleGrant, organization: Organization) -> None:
    """Remember a grant on the person who holds it."""
    held = HeldRole(grant.id, Role(grant.role), organization.id, organization.path)
    person.held_roles += (held,)
