"""Filling the posts of the demo district, and opening the five accounts."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import Branch, District, Person
from core.clock import business_day
from members import accounts, delegations, role_grants
from members.access_models import Role
from members.models import Organization
from members.role_grants import Term

DELEGATE_DAYS = 60


def appoint_all(session: Session, district: District, *, founded_at: datetime) -> None:
    """Everybody who decides, keeps or audits, since the founding."""
    today, root = business_day(founded_at), district.root
    system_admin = district.branches[cast.ADMIN.branch_name].candidates(today)[0]
    grant = role_grants.appoint_first(
        session, system_admin.id, root.id, role=Role.SYSTEM_ADMIN, now=founded_at
    )
    system_admin.hold(grant, root)
    _appoint(session, system_admin, district.person(cast.AUDITOR), Role.AUDITOR, root, founded_at)
    for branch in district.branches.values():
        _appoint_officer(session, district, branch, founded_at)
        _appoint_leaders(session, district, branch, founded_at)


def open_accounts(session: Session, district: District, *, now: datetime) -> None:
    """Accounts of the five, with the printed password instead of a temporary one."""
    for account in cast.ACCOUNTS:
        person = district.person(account)
        temporary = accounts.issue_from_console(session, person.id, now=now)
        actor = person.actor(business_day(now))
        accounts.change_password(session, actor, old=temporary, new=cast.PASSWORD, now=now)


def name_delegate(session: Session, district: District, *, now: datetime) -> None:
    """Somebody who decides for the home branch for the next weeks."""
    branch = district.branches[cast.HOME_BRANCH]
    actor = branch.head.actor(business_day(now))
    delegate = branch.candidates(actor.on)[0]
    until = actor.on + timedelta(days=DELEGATE_DAYS)
    delegations.name_delegate(session, actor, branch.id, delegate.id, until=until, now=now)


def _appoint_officer(session: Session, district: District, branch: Branch, now: datetime) -> None:
    """One officer a committee: the named one, else somebody of its first branch."""
    committee = session.get_one(Organization, branch.organization.parent_id)
    if committee.id in district.officers:
        return
    is_home = branch.organization.name == cast.HOME_BRANCH
    officer = district.person(cast.OFFICER) if is_home else branch.candidates(business_day(now))[0]
    _appoint(session, district.admin, officer, Role.COMMITTEE_OFFICER, committee, now)
    district.officers[committee.id] = officer


def _appoint_leaders(session: Session, district: District, branch: Branch, now: datetime) -> None:
    today, place, name = business_day(now), branch.organization, branch.organization.name
    if name != cast.VACANT_BRANCH:
        is_home = name == cast.HOME_BRANCH
        branch.secretary = (
            district.person(cast.SECRETARY) if is_home else branch.candidates(today)[0]
        )
        _appoint(session, district.admin, branch.secretary, Role.BRANCH_SECRETARY, place, now)
    if len(branch.people) >= cast.DEPUTY_FROM_SIZE:
        branch.deputy = branch.candidates(today)[0]
        _appoint(session, district.admin, branch.deputy, Role.DEPUTY_SECRETARY, place, now)
    groups = {p.group.id: p.group for p in branch.people if p.group}
    for group in groups.values():
        leader = next(p for p in branch.candidates(today) if p.group is group)
        _appoint(session, district.admin, leader, Role.GROUP_LEADER, group, now)


def _appoint(
    session: Session,
    granter: Person,
    person: Person,
    role: Role,
    organization: Organization,
    now: datetime,
) -> None:
    actor = granter.actor(business_day(now))
    term = Term(role, organization.id, actor.on, None, "演示数据")
    person.hold(role_grants.grant(session, actor, person.id, term=term, now=now), organization)
