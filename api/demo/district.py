"""What the demo is set in: the branches, the people in them, and the roles that they hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from api.demo.cast import ACCOUNTS, DemoAccount
from members.access import Actor, HeldRole
from members.access_models import Role, RoleGrant
from members.models import Organization, Sector

REQUEST_ID = "demo-seed"


@dataclass(slots=True)
class Person:
    """A member of the demo; who rests takes no part in the story (aged, exempt).

    Args:
        silent_from: the first day on which nobody hears of him any more.
        silent_until: the day on which he is there again.
    """

    id: UUID
    name: str
    organization: Organization
    since: date
    has_phone: bool = True
    is_resting: bool = False
    group: Organization | None = None
    held_roles: tuple[HeldRole, ...] = ()
    silent_from: date = date.max
    silent_until: date = date.max

    @property
    def is_ordinary(self) -> bool:
        """Whether he holds no role, and is none of the five."""
        return not self.held_roles and self.name not in {account.name for account in ACCOUNTS}

    def is_silent(self, on: date) -> bool:
        """Whether nobody hears of him on a day."""
        return self.silent_from <= on < self.silent_until

    def takes_part(self, on: date) -> bool:
        """Whether he may have done something on a day."""
        return self.since <= on and not self.is_resting and not self.is_silent(on)

    def actor(self, on: date) -> Actor:
        """The person acting on a day, as a request of his would."""
        return Actor(
            member_id=self.id,
            name=self.name,
            organization_id=self.organization.id,
            organization_path=self.organization.path,
            held_roles=self.held_roles,
            on=on,
            request_id=REQUEST_ID,
        )

    def hold(self, grant: RoleGrant, organization: Organization) -> None:
        """Remember a role that was granted to him."""
        held = HeldRole(grant.id, Role(grant.role), organization.id, organization.path)
        self.held_roles += (held,)


@dataclass(slots=True)
class Branch:
    """A branch of the demo: its people, since when it works here, and who decides its claims."""

    organization: Organization
    since: date
    people: list[Person] = field(default_factory=list)
    secretary: Person | None = None
    deputy: Person | None = None

    @property
    def id(self) -> UUID:
        """The branch's key."""
        return self.organization.id

    @property
    def committee_id(self) -> UUID:
        """The key of the committee that it stands under."""
        if self.organization.parent_id is None:
            raise LookupError(f"{self.organization.name} stands under nobody")
        return self.organization.parent_id

    @property
    def sector(self) -> Sector:
        """The field that it works in."""
        return Sector(self.organization.sector)

    @property
    def head(self) -> Person:
        """Who keeps its calendar and decides its claims."""
        head = self.secretary or self.deputy
        if head is None:
            raise LookupError(f"{self.organization.name} has nobody who decides")
        return head

    def active(self, on: date) -> list[Person]:
        """Who may have done something on a day; nobody before the branch began."""
        if on < self.since:
            return []
        return [person for person in self.people if person.takes_part(on)]

    def helpers(self, on: date) -> list[Person]:
        """Who may have claimed something that somebody else decides."""
        alone = None if self.secretary else self.deputy
        return [person for person in self.active(on) if person is not alone]

    def free(self, on: date) -> list[Person]:
        """Who of them holds no role, and is none of the five."""
        return [person for person in self.active(on) if person.is_ordinary]

    def candidates(self, on: date) -> list[Person]:
        """Who could take a role on a day, also before the branch begins."""
        return [p for p in self.people if p.takes_part(on) and p.is_ordinary]


@dataclass(slots=True)
class District:
    """The whole of it; officers by the committee that they work for."""

    root: Organization
    admin: Person
    branches: Mapping[str, Branch]
    officers: dict[UUID, Person] = field(default_factory=dict)

    def committees(self) -> Iterator[tuple[Person, list[Branch]]]:
        """Each committee's officer, with the branches below it."""
        for committee_id, officer in self.officers.items():
            below = [b for b in self.branches.values() if b.committee_id == committee_id]
            yield officer, below

    def silent(self, on: date) -> set[UUID]:
        """Of whom nobody hears on a day."""
        people = (person for branch in self.branches.values() for person in branch.people)
        return {person.id for person in people if person.is_silent(on)}

    def working(self, on: date) -> list[Branch]:
        """The branches that have begun by a day."""
        return [branch for branch in self.branches.values() if branch.since <= on]

    def leader(self, organization_id: UUID) -> Person:
        """Who keeps the meetings of a branch, or of a committee."""
        heads = {branch.id: branch.head for branch in self.branches.values()}
        return heads.get(organization_id) or self.officers[organization_id]

    def person(self, account: DemoAccount) -> Person:
        """One of the five."""
        people = self.branches[account.branch_name].people
        return next(person for person in people if person.name == account.name)
