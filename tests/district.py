"""A small made-up district for tests: one tree, people enrolled and appointed as needed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from members.access import Actor, HeldRole
from members.access_models import Account, Role, RoleGrant
from members.models import (
    Affiliation,
    Member,
    MemberKind,
    Organization,
    OrganizationKind,
    OrganizationPlacement,
)
from members.passwords import hash_password
from members.phones import set_phone

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
TODAY = business_day(NOW)
LONG_AGO = date(2020, 1, 1)
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "Red-Flag-2026"


@dataclass
class District:
    """department > street > (branch with one group, second branch); department > town > village."""

    session: Session
    department: Organization
    street: Organization
    branch: Organization
    group: Organization
    second_branch: Organization
    town: Organization
    village: Organization

    @classmethod
    def build(cls, session: Session) -> Self:
        session.info["password_hasher"] = CHEAP_HASHER
        kind, ids = OrganizationKind, ids_in_order(7)
        department = _new(ids[0], None, kind.DISTRICT_ORGANIZATION_DEPARTMENT, "示范区委组织部")
        street = _new(ids[1], department, kind.WORKING_COMMITTEE, "杨陵街道")
        branch = _new(ids[2], street, kind.BRANCH, "青石桥社区党支部")
        group = _new(ids[3], branch, kind.PARTY_GROUP, "第一党小组")
        second_branch = _new(ids[4], street, kind.BRANCH, "滨河苑社区党支部")
        town = _new(ids[5], department, kind.COMMITTEE, "李台镇")
        village = _new(ids[6], town, kind.BRANCH, "上川村党支部")
        places = (department, street, branch, group, second_branch, town, village)
        _add(session, *places)
        return cls(session, *places)

    def enrol(
        self,
        name: str,
        place: Organization | None = None,
        *,
        phone: str | None = None,
        since: date = LONG_AGO,
    ) -> Member:
        """A member of a branch (the first one by default), or of a party group and its branch."""
        place = place or self.branch
        in_group = place.kind == OrganizationKind.PARTY_GROUP
        member = Member(
            id=new_id(), name=name, kind=MemberKind.FULL_MEMBER, created_at=NOW, version=1
        )
        self.session.add(member)
        self.session.flush()
        set_phone(self.session, member, phone)
        self.session.add(
            Affiliation(
                member_id=member.id,
                organization_id=place.parent_id if in_group else place.id,
                party_group_id=place.id if in_group else None,
                valid_from=since,
            )
        )
        self.session.flush()
        return member

    def appoint(self, member: Member, role: Role, place: Organization) -> RoleGrant:
        """A grant as if it had been made long ago; without end, unless a delegate's."""
        grant = RoleGrant(
            member_id=member.id,
            role=role,
            organization_id=place.id,
            valid_from=LONG_AGO,
            valid_to=TODAY + timedelta(days=30) if role is Role.DELEGATE else None,
            granted_at=NOW,
        )
        self.session.add(grant)
        self.session.flush()
        return grant

    def actor(self, member: Member, *grants: RoleGrant, on: date = TODAY) -> Actor:
        """The member signed in with exactly these grants."""
        held = []
        for grant in grants:
            place = self.session.get(Organization, grant.organization_id)
            assert place is not None
            held.append(HeldRole(grant.id, Role(grant.role), place.id, place.path))
        return Actor(member.id, member.name, self.branch.id, tuple(held), on, "test-request")

    def officer(self, name: str, role: Role, place: Organization) -> Actor:
        """A new member of the first branch who holds one role somewhere, signed in."""
        member = self.enrol(name)
        return self.actor(member, self.appoint(member, role, place))

    def open_account(self, member: Member, *, must_change_password: bool = False) -> Account:
        """An account with the password of these tests; the member needs a phone."""
        account = Account(
            member_id=member.id,
            phone_index=member.phone_index,
            password_hash=hash_password(self.session, PASSWORD),
            must_change_password=must_change_password,
            issued_at=NOW,
        )
        self.session.add(account)
        self.session.flush()
        return account


def found(
    session: Session, parent: Organization | None, kind: OrganizationKind, name: str
) -> Organization:
    """An organisation with its history, below the parent."""
    organization = _new(new_id(), parent, kind, name)
    _add(session, organization)
    return organization


def ids_in_order(count: int) -> list[UUID]:
    """New ids that sort as they are given out; those of one millisecond would not by themselves."""
    return sorted(new_id() for _ in range(count))


def _new(
    own_id: UUID, parent: Organization | None, kind: OrganizationKind, name: str
) -> Organization:
    return Organization(
        id=own_id,
        parent_id=parent.id if parent else None,
        kind=kind,
        name=name,
        path=f"{parent.path if parent else '/'}{own_id}/",
        depth=parent.depth + 1 if parent else 0,
        version=1,
    )


def _add(session: Session, *organizations: Organization) -> None:
    """Store them, parents before children, each with its history; two statements."""
    session.add_all(organizations)
    session.flush()
    session.add_all(
        OrganizationPlacement(
            organization_id=one.id, parent_id=one.parent_id, name=one.name, valid_from=LONG_AGO
        )
        for one in organizations
    )
    session.flush()
