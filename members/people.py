"""Members on the roster: adding one, changing his particulars."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.db import vault_of
from core.errors import FieldProblem, NotFound, RuleViolation, VersionConflict
from core.ids import new_id
from members.access import ROSTER_ROLES, Actor, get_managed_member
from members.affiliations import Belonging, get_branch_place, require_not_future
from members.models import (
    Affiliation,
    AffiliationKind,
    Member,
    MemberKind,
    MembershipStatus,
    Organization,
    OrganizationKind,
)
from members.phones import index_phone, normalise_phone, set_phone


class ProfileInconsistent(RuleViolation):
    """The dates and the kind of a member contradict each other."""

    code = "member.inconsistent"
    title = "党员信息前后矛盾"


class BranchUnknown(NotFound):
    """The operator named a branch that is not there, or not the only one of its name."""

    code = "member.branch_unknown"
    title = "没有这个党支部"


@dataclass(frozen=True, slots=True)
class Profile:
    """The particulars of a member that his branch keeps (domain section 7: no more than these)."""

    name: str
    kind: MemberKind
    sex: str | None = None
    birth_year: int | None = None
    education: str | None = None
    post: str | None = None
    joined_on: date | None = None
    converted_on: date | None = None


def create(
    session: Session,
    actor: Actor,
    *,
    profile: Profile,
    phone: str | None,
    belonging: Belonging,
    now: datetime,
) -> Member:
    """Put a person on the roster of a branch from a day on.

    Raises:
        NotFound: the branch or the group is out of the actor's scope.
        WrongPlace, FutureDate, ProfileInconsistent, PhoneInvalid: the input breaks a rule.
    """
    get_branch_place(session, actor, belonging)
    require_not_future(belonging.valid_from, now)
    _require_consistent(profile, business_day(now))
    member = _new_member(session, profile, phone, now)
    _add_primary(session, member, belonging, recorded_by=actor.member_id)
    return member


def enrol_from_console(
    session: Session, branch_name: str, *, profile: Profile, phone: str, now: datetime
) -> Member:
    """Put the first person on an empty roster; for the operator at the command line only.

    Raises:
        BranchUnknown: no branch has this name, or several do.
        PhoneInvalid: it is no mobile number.
    """
    branches = session.scalars(
        sa.select(Organization).where(
            Organization.name == branch_name, Organization.kind == OrganizationKind.BRANCH
        )
    ).all()
    if len(branches) != 1:
        raise BranchUnknown(f"名为“{branch_name}”的党支部有 {len(branches)} 个，须恰好一个。")
    member = _new_member(session, profile, phone, now)
    belonging = Belonging(branches[0].id, None, business_day(now), "由运维人员在命令行登记")
    _add_primary(session, member, belonging, recorded_by=None)
    return member


def find_from_console(session: Session, *, phone: str, name: str | None) -> list[Member]:
    """Members with this phone, and name if given; for the operator at the command line only.

    Raises:
        PhoneInvalid: it is no mobile number.
    """
    index = index_phone(vault_of(session), normalise_phone(phone))
    query = sa.select(Member).where(Member.phone_index == index).order_by(Member.name, Member.id)
    if name is not None:
        query = query.where(Member.name == name)
    return list(session.scalars(query))


def update(
    session: Session,
    actor: Actor,
    member_id: UUID,
    *,
    profile: Profile,
    version: int,
    now: datetime,
) -> Member:
    """Replace the particulars of a member; his phone and membership status stay.

    Raises:
        NotFound, Forbidden: he is out of the actor's scope, or the actor keeps no roster.
        ProfileInconsistent: the dates contradict each other.
        VersionConflict: somebody else changed him first.
    """
    member = get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    _require_consistent(profile, business_day(now))
    changed = session.scalar(
        sa.update(Member)
        .where(Member.id == member_id, Member.version == version)
        .values(version=Member.version + 1, **_columns(profile))
        .returning(Member.id)
    )
    if changed is None:
        raise VersionConflict
    return member


def change_phone(
    session: Session, actor: Actor, member_id: UUID, *, phone: str | None, now: datetime
) -> Member:
    """Store another phone, or none. Signing in keeps the old one until an account is reissued.

    Raises:
        NotFound, Forbidden: he is out of the actor's scope, or the actor keeps no roster.
        PhoneInvalid: it is no mobile number.
    """
    member = get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    set_phone(session, member, normalise_phone(phone) if phone else None)
    return member


def _new_member(session: Session, profile: Profile, phone: str | None, now: datetime) -> Member:
    member = Member(
        id=new_id(),
        membership_status=MembershipStatus.NORMAL,
        created_at=now,
        version=1,
        **_columns(profile),
    )
    session.add(member)
    # His key and his affiliation refer to the member by plain foreign keys.
    session.flush()
    set_phone(session, member, normalise_phone(phone) if phone else None)
    return member


def _add_primary(
    session: Session, member: Member, belonging: Belonging, *, recorded_by: UUID | None
) -> None:
    session.add(
        Affiliation(
            member_id=member.id,
            organization_id=belonging.organization_id,
            party_group_id=belonging.party_group_id,
            kind=AffiliationKind.PRIMARY,
            valid_from=belonging.valid_from,
            recorded_by=recorded_by,
            reason=belonging.reason,
        )
    )
    session.flush()


def _columns(profile: Profile) -> dict[str, object]:
    return {name: getattr(profile, name) for name in Profile.__slots__}


def _require_consistent(profile: Profile, today: date) -> None:
    problems = []
    if profile.joined_on and profile.joined_on > today:
        problems.append(_problem("/joined_on", "入党日期不能在今天之后。"))
    if profile.converted_on and profile.converted_on > today:
        problems.append(_problem("/converted_on", "转正日期不能在今天之后。"))
    if profile.converted_on and profile.joined_on and profile.converted_on < profile.joined_on:
        problems.append(_problem("/converted_on", "转正日期不能早于入党日期。"))
    if profile.converted_on and profile.kind is MemberKind.PROBATIONARY_MEMBER:
        problems.append(_problem("/kind", "预备党员没有转正日期。"))
    if problems:
        raise ProfileInconsistent(problems=tuple(problems))


def _problem(pointer: str, message: str) -> FieldProblem:
    return FieldProblem(pointer, ProfileInconsistent.code, message)
