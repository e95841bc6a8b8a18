"""Founding the demo district: tree, scheme, years, first administrator, branches with people."""

import random
from datetime import date, datetime
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.cast import DemoAccount
from api.demo.district import Branch, District, Person, hold, person_of
from api.demo.inventing import AGED_FROM_YEARS, Invented, invent_people
from core.clock import at_local, business_day
from members import organizations, people, role_grants
from members.access_models import Role
from members.affiliations import Belonging
from members.models import MemberKind, Organization, OrganizationKind, Sector
from members.organization_import import import_organizations
from members.organization_list import read_rows
from members.organizations import OrganizationData
from members.people import Profile
from points import periods, schemes

ROOT = Path(__file__).resolve().parents[2]
ORGANIZATIONS = ROOT / "docs/samples/organizations.csv"
SCHEME = ROOT / "docs/schemes/start.yaml"


def found(session: Session, rng: random.Random, *, founded_at: datetime, now: datetime) -> District:
    """Everything that must stand before the first claim.

    Args:
        founded_at: when the district began to keep its roster here.
        now: who has joined the party since then enters the roster on that day.
    """
    import_organizations(session, read_rows(ORGANIZATIONS.read_bytes()), now=founded_at)
    named = {organization.name: organization for organization in session.scalars(_all())}
    root = next(o for o in named.values() if o.parent_id is None)
    admin = _first_admin(session, root, founded_at)
    started_on, today = business_day(founded_at), business_day(now)
    schemes.publish(
        session,
        root.id,
        yaml.safe_load(SCHEME.read_text(encoding="utf-8")),
        effective_from=date(started_on.year, 1, 1),
        published_by=admin.id,
        now=founded_at,
    )
    for year in range(started_on.year, today.year + 1):
        periods.ensure_year(session, year)
    branches = {name: _empty_branch(named[name]) for name in cast.BRANCH_SIZES}
    branches[cast.ADMIN.branch_name].people.append(admin)
    for branch in branches.values():
        _fill(session, rng, admin, branch, founded_at=founded_at, today=today)
    return District(root, admin, branches)


def _all() -> sa.Select[Organization]:
    return sa.select(Organization)


def _first_admin(session: Session, root: Organization, now: datetime) -> Person:
    account = cast.ADMIN
    member = people.enrol_from_console(
        session, account.branch_name, profile=_profile_of(account, now), phone=account.phone, now=now
    )
    branch_id = session.scalars(
        sa.select(Organization.id).where(Organization.name == account.branch_name)
    ).one()
    admin = person_of(member, branch_id, business_day(now))
    grant = role_grants.appoint_first(
        session, member.id, root.id, role=Role.DISTRICT_ADMIN, now=now
    )
    hold(admin, grant, root)
    return admin


def _profile_of(account: DemoAccount, now: datetime) -> Profile:
    return Profile(
        name=account.name,
        kind=MemberKind.FULL_MEMBER,
        sex=account.sex,
        birth_year=business_day(now).year - 40,
        education="大学",
        joined_on=date(business_day(now).year - 15, 6, 20),
        converted_on=date(business_day(now).year - 14, 6, 20),
    )


def _empty_branch(organization: Organization) -> Branch:
    if organization.parent_id is None:
        raise LookupError(f"{organization.name} is no branch")
    sector = Sector(organization.sector)
    return Branch(organization.id, organization.parent_id, organization.name, sector)


def _fill(
    session: Session,
    rng: random.Random,
    admin: Person,
    branch: Branch,
    *,
    founded_at: datetime,
    today: date,
) -> None:
    """Party groups where the branch is large, then its people."""
    size = cast.BRANCH_SIZES[branch.name]
    groups = _found_groups(session, admin, branch, size, founded_at)
    named = [
        Invented(_profile_of(account, founded_at), account.phone)
        for account in cast.ACCOUNTS
        if account.branch_name == branch.name and account is not cast.ADMIN
    ]
    missing = size - len(branch.people) - len(named)
    invented = islice(invent_people(rng, branch.sector, today=today), missing)
    for number, one in enumerate([*named, *invented]):
        group = groups[number % len(groups)] if groups else None
        branch.people.append(_enter(session, admin, branch, one, group, founded_at))


def _found_groups(
    session: Session, admin: Person, branch: Branch, size: int, now: datetime
) -> list[Organization]:
    if size < cast.GROUPS_FROM_SIZE:
        return []
    return [
        organizations.create(
            session,
            admin.actor(business_day(now)),
            branch.id,
            kind=OrganizationKind.PARTY_GROUP,
            data=OrganizationData(f"第{number}党小组"),
            now=now,
        )
        for number in "一二三"[: size // 10]
    ]


def _enter(
    session: Session,
    admin: Person,
    branch: Branch,
    one: Invented,
    group: Organization | None,
    founded_at: datetime,
) -> Person:
    since = max(business_day(founded_at), one.profile.joined_on or date.min)
    now = max(founded_at, at_local(since, 9))
    member = people.create(
        session,
        admin.actor(since),
        profile=one.profile,
        phone=one.phone,
        belonging=Belonging(branch.id, group.id if group else None, since, "建立名册"),
        now=now,
    )
    person = person_of(member, branch.id, since)
    person.is_resting = since.year - (one.profile.birth_year or since.year) >= AGED_FROM_YEARS
    return person
