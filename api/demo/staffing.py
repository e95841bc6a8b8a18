"""Filling the posts of the demo district, and opening the five accounts."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import Branch, District, Person, appoint, hold
from core.clock import business_day
from members import accounts, delegations, role_grants
from members.access_models import Role
from members.models import Organization, OrganizationKind

DELEGATE_DAYS = 60


def appoint_all(session: Session, district: District, *, founded_at: datetime) -> None:
    """Everybody who decides, keeps or audits, since the founding."""
    system_admin = _next_free(district.branch(cast.ADMIN.branch_name))
    grant = role_grants.appoint_first(
        session, system_admin.id, district.root.id, role=Role.SYSTEM_ADMIN, now=founded_at
    )
    hold(system_admin, grant, district.root)
    auditor = _named(district, cast.AUDITOR)
    appoint(
        session,
        system_admin,
        auditor,
        role=Role.AUDITOR,
        organization=district.root,
        now=founded_at,
    )
    officer = _named(district, cast.OFFICER)
    _appoint_officer(session, district, officer, district.branch(cast.HOME_BRANCH), founded_at)
    for branch in district.branches.values():
        if branch.committee_id not in district.officers:
            _appoint_officer(session, district, _next_free(branch), branch, founded_at)
        _staff(session, district, branch, founded_at)


def open_accounts(session: Session, district: District, *, now: datetime) -> None:
    """Accounts of the five, with the printed password instead of a temporary one."""
    for account in cast.ACCOUNTS:
        person = _named(district, account)
        temporary = accounts.issue_from_console(session, person.id, now=now)
        accounts.change_password(
            session, person.actor(business_day(now)), old=temporary, new=cast.PASSWORD
        )


def name_delegate(session: Session, district: District, *, now: datetime) -> None:
    """Somebody who decides for the home branch for the next weeks."""
    branch = district.branch(cast.HOME_BRANCH)
    actor = branch.head.actor(business_day(now))
    delegate = _next_free(branch)
    until = actor.on + timedelta(days=DELEGATE_DAYS)
    delegations.name_delegate(session, actor, branch.id, delegate.id, until=until, now=now)


def _appoint_officer(
    session: Session, district: District, person: Person, branch: Branch, now: datetime
) -> None:
    committee = session.get_one(Organization, branch.committee_id)
    appoint(
        session,
        district.admin,
        person,
        role=Role.COMMITTEE_OFFICER,
        organization=committee,
        now=now,
    )
    district.officers[committee.id] = person


def _staff(session: Session, district: District, branch: Branch, now: datetime) -> None:
    organization = session.get_one(Organization, branch.id)
    is_home = branch.name == cast.HOME_BRANCH
    if branch.name != cast.VACANT_BRANCH:
        branch.secretary = _named(district, cast.SECRETARY) if is_home else _next_free(branch)
        appoint(
            session,
            district.admin,
            branch.secretary,
            role=Role.BRANCH_SECRETARY,
            organization=organization,
            now=now,
        )
    if len(branch.people) >= cast.DEPUTY_FROM_SIZE:
        branch.deputy = _next_free(branch)
        appoint(
            session,
            district.admin,
            branch.deputy,
            role=Role.DEPUTY_SECRETARY,
            organization=organization,
            now=now,
        )
    for group_id, leader in _group_leaders(session, branch).items():
        group = session.get_one(Organization, group_id)
        appoint(
            session, district.admin, leader, role=Role.GROUP_LEADER, organization=group, now=now
        )


def _group_leaders(session: Session, branch: Branch) -> dict[UUID, Person]:
    raise NotImplementedError


def _named(district: District, account: cast.DemoAccount) -> Person:
    return district.person(account.branch_name, account.name)


def _next_free(branch: Branch) -> Person:
    """The first of the branch who holds no role and is none of the five."""
    taken = {account.name for account in cast.ACCOUNTS}
    return next(
        person
        for person in branch.people
        if not person.held_roles and not person.is_resting and person.name not in taken
    )
