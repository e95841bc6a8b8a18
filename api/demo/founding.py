"""Founding the demo district: tree, scheme, years, first administrator, branches with people."""

import random
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.cast import DemoAccount
from api.demo.district import Branch, District, Person
from api.demo.inventing import Invented, invent_people
from core.clock import at_local, business_day
from members import organizations, people, role_grants
from members.access_models import Role
from members.affiliations import Belonging
from members.models import MemberKind, Organization, OrganizationKind
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
        now: whoever joined the party in between enters the roster on that day.
    """
    import_organizations(session, read_rows(ORGANIZATIONS.read_bytes()), now=founded_at)
    named = {o.name: o for o in session.scalars(sa.select(Organization))}
    root = next(o for o in named.values() if o.parent_id is None)
    founded_on = business_day(founded_at)
    pilots = {named[name].id for name in cast.PILOT_COMMITTEES}
    branches = {
        name: Branch(named[name], _first_day(named[name], pilots, founded_on))
        for name in cast.BRANCH_SIZES
    }
    admin = _enrol_admin(session, root, branches[cast.ADMIN.branch_name], founded_at)
    _publish_scheme(session, root, admin, founded_at)
    for year in range(founded_on.year, business_day(now).year + 1):
        periods.ensure_year(session, year)
    for branch in branches.values():
        groups = _found_groups(session, admin, branch, founded_at)
        crowd = _crowd_of(rng, branch, today=business_day(now))
        _enter(session, admin, branch, groups, crowd, founded_at)
    return District(root, admin, branches)


def _first_day(branch: Organization, pilots: Collection[UUID | None], founded_on: date) -> date:
    return founded_on + timedelta(days=0 if branch.parent_id in pilots else cast.PILOT_DAYS)


def _enrol_admin(session: Session, root: Organization, branch: Branch, now: datetime) -> Person:
    account, today = cast.ADMIN, business_day(now)
    member = people.enrol_from_console(
        session,
        account.branch_name,
        profile=_profile_of(account, today),
        phone=account.phone,
        now=now,
    )
    admin = Person(member.id, member.name, branch.organization, today)
    grant = role_grants.appoint_first(session, admin.id, root.id, role=Role.DISTRICT_ADMIN, now=now)
    admin.hold(grant, root)
    branch.people.append(admin)
    return admin


def _publish_scheme(session: Session, root: Organization, admin: Person, now: datetime) -> None:
    schemes.publish(
        session,
        root.id,
        yaml.safe_load(SCHEME.read_text(encoding="utf-8")),
        effective_from=date(business_day(now).year, 1, 1),
        published_by=admin.id,
        now=now,
    )


def _found_groups(
    session: Session, admin: Person, branch: Branch, now: datetime
) -> list[Organization]:
    size = cast.BRANCH_SIZES[branch.organization.name]
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


def _crowd_of(rng: random.Random, branch: Branch, *, today: date) -> list[Invented]:
    """The people of a branch, those of the five who belong to it first."""
    named = [
        Invented(_profile_of(account, today), account.phone)
        for account in cast.ACCOUNTS
        if account.branch_name == branch.organization.name and account is not cast.ADMIN
    ]
    missing = cast.BRANCH_SIZES[branch.organization.name] - len(branch.people) - len(named)
    return [*named, *islice(invent_people(rng, branch.sector, today=today), missing)]


def _enter(
    session: Session,
    admin: Person,
    branch: Branch,
    groups: Sequence[Organization],
    crowd: Sequence[Invented],
    founded_at: datetime,
) -> None:
    for number, one in enumerate(crowd):
        profile = one.profile
        since = max(business_day(founded_at), profile.joined_on or date.min)
        group = groups[number % len(groups)] if groups else None
        member = people.create(
            session,
            admin.actor(since),
            profile=profile,
            phone=one.phone,
            belonging=Belonging(branch.id, group.id if group else None, since, "建立名册"),
            now=max(founded_at, at_local(since, 9)),
        )
        has_phone = one.phone is not None
        branch.people.append(
            Person(
                member.id, member.name, branch.organization, since, has_phone, one.is_aged, group
            )
        )


def _profile_of(account: DemoAccount, today: date) -> Profile:
    return Profile(
        name=account.name,
        kind=MemberKind.FULL_MEMBER,
        sex=account.sex,
        birth_year=today.year - 40,
        education="大学",
        joined_on=date(today.year - 15, 6, 20),
        converted_on=date(today.year - 14, 6, 20),
    )
