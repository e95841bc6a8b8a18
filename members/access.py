"""Who is asking, and what they may see and decide today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core import audit
from core.errors import Forbidden, NotFound
from members.access_models import Account, Role, RoleGrant, in_force
from members.models import Affiliation, AffiliationKind, Member, Organization
from members.session_models import DeviceSession, SignInMeans

# Roles that decide claims: at a branch its leaders and their delegate; at an upper body its
# officers, for the claims of the secretaries below (decision 7).
REVIEWING_ROLES = frozenset(
    {Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.DELEGATE, Role.COMMITTEE_OFFICER}
)
# Roles that read members' records in the organisation of the grant and everything below it.
READING_ROLES = REVIEWING_ROLES | {Role.GROUP_LEADER, Role.DISTRICT_ADMIN, Role.AUDITOR}
# Roles that keep the roster of the organisation and everything below it.
ROSTER_ROLES = frozenset(
    {Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN}
)


@dataclass(frozen=True, slots=True)
class HeldRole:
    """One grant in force: the role, the organisation it is for, and that node's tree path."""

    grant_id: UUID
    role: Role
    organization_id: UUID
    path: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in member with the roles in force on `on`; read from the database per request."""

    member_id: UUID
    name: str
    organization_id: UUID | None
    held_roles: tuple[HeldRole, ...]
    on: date
    request_id: str
    must_change_password: bool = False
    organization_path: str = ""
    session_id: UUID | None = None
    confirmed_at: datetime | None = None

    def has_role(self, *roles: Role) -> bool:
        """Whether any of the roles is held anywhere."""
        return any(held.role in roles for held in self.held_roles)

    def paths(self, roles: Iterable[Role]) -> list[str]:
        """Tree paths below which any of the roles applies."""
        wanted = set(roles)
        return sorted({held.path for held in self.held_roles if held.role in wanted})

    def places(self, roles: Iterable[Role]) -> list[UUID]:
        """Organisations for which any of the roles is held."""
        return sorted({held.organization_id for held in self.held_roles if held.role in set(roles)})

    def covers(self, path: str, roles: Iterable[Role]) -> bool:
        """Whether one of the roles is held at this node of the tree or above it."""
        return any(path.startswith(held) for held in self.paths(roles))

    def reviews(self, organization_id: UUID) -> bool:
        """Whether the actor decides the claims addressed to exactly this organisation."""
        return any(
            held.organization_id == organization_id and held.role in REVIEWING_ROLES
            for held in self.held_roles
        )


def find_actor(
    session: Session, member_id: UUID, session_id: UUID, *, on: date, request_id: str
) -> Actor | None:
    """The member behind a token with today's roles, in one statement; None when signed out.

    Args:
        session_id: the session that the token was issued in; without it the token is nothing.
        on: the business day whose grants count.
    """
    asked = {"member": member_id, "session": session_id, "day": on}
    rows = session.execute(_FIND_ACTOR, asked).all()
    if not rows:
        return None
    name, must_change, organization_id, path, *_, confirmed_at = rows[0]
    return Actor(
        member_id,
        name,
        organization_id,
        tuple(HeldRole(row[4], Role(row[5]), row[6], row[7]) for row in rows if row[4]),
        on,
        request_id,
        must_change,
        path or "",
        session_id,
        confirmed_at,
    )


def primary_affiliation_on(day: date | sa.BindParameter[date]) -> sa.ColumnElement[bool]:
    """Join condition: the one primary affiliation of a member on a day."""
    return (
        (Affiliation.member_id == Member.id)
        & (Affiliation.kind == AffiliationKind.PRIMARY)
        & (Affiliation.valid_from <= day)
        & (Affiliation.valid_to.is_(None) | (Affiliation.valid_to > day))
    )


def place_of_affiliation() -> sa.ColumnElement[bool]:
    """Join condition: the narrowest organisation of an affiliation, its party group if any.

    A group's path begins with its branch's path, so one prefix test serves every role.
    """
    return Organization.id == sa.func.coalesce(
        Affiliation.party_group_id, Affiliation.organization_id
    )


def within(paths: Iterable[str]) -> sa.ColumnElement[bool]:
    """Filter: the organisation stands at or below one of the paths; no paths, no rows."""
    conditions = [Organization.path.startswith(path, autoescape=True) for path in paths]
    return sa.or_(sa.false(), *conditions)


def get_organization(
    session: Session, actor: Actor, organization_id: UUID, *, roles: Iterable[Role]
) -> Organization:
    """The organisation, if the actor holds one of the roles at it or above it.

    Raises:
        NotFound: it does not exist, or is outside that scope; the two answer alike.
    """
    organization = session.get(Organization, organization_id)
    if organization is None or not actor.covers(organization.path, roles):
        raise NotFound
    return organization


def get_member(session: Session, actor: Actor, member_id: UUID, *, roles: Iterable[Role]) -> Member:
    """The member, if he is the actor himself or belongs today where the actor holds a role.

    Raises:
        NotFound: he does not exist, or is outside that scope; the two answer alike.
    """
    query = sa.select(Member).where(Member.id == member_id)
    if member_id != actor.member_id:
        query = (
            query.join(Affiliation, primary_affiliation_on(actor.on))
            .join(Organization, place_of_affiliation())
            .where(within(actor.paths(roles)))
        )
    member = session.scalar(query)
    if member is None:
        raise NotFound
    return member


def get_managed_member(
    session: Session, actor: Actor, member_id: UUID, *, roles: Iterable[Role]
) -> Member:
    """The member, if he belongs today where the actor holds a role; locked until the end.

    The lock makes two changes of one person's record take turns. Being that person is not
    enough: nobody keeps his own record without the role.

    Raises:
        Forbidden: the actor asks for himself and holds none of the roles there.
        NotFound: he does not exist, or is outside that scope; the two answer alike.
    """
    member = session.scalar(
        sa.select(Member)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(Member.id == member_id, within(actor.paths(roles)))
        .with_for_update(key_share=True, of=Member)
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise Forbidden if member_id == actor.member_id else NotFound
    return member


def hold_roles(session: Session, actor: Actor, roles: Iterable[Role]) -> frozenset[UUID]:
    """Lock the actor's grants of these roles until the transaction ends; where they still hold.

    A revocation that commits first makes the decision fail; one that comes later waits for the
    decision. Without the lock, both could believe that they came first. SQLite needs no row
    lock: its write transaction began before the roles were read.

    Raises:
        Forbidden: none of the grants is in force any more.
    """
    wanted = set(roles)
    grant_ids = [held.grant_id for held in actor.held_roles if held.role in wanted]
    held_grants = session.execute(
        sa.select(RoleGrant.organization_id, RoleGrant.role, RoleGrant.granted_by)
        .where(RoleGrant.id.in_(grant_ids), RoleGrant.revoked_at.is_(None))
        .order_by(RoleGrant.id)
        .with_for_update(read=True)
    ).all()
    if not held_grants:
        raise Forbidden("您的审核权限已停止，请刷新后再试。")
    if all(held.role == Role.DELEGATE for held in held_grants) and held_grants[0].granted_by:
        audit.act_for(session, held_grants[0].granted_by)
    return frozenset(held.organization_id for held in held_grants)


def _find_actor_statement() -> sa.Select[*tuple[Any, ...]]:
    day = sa.bindparam("day", type_=sa.Date)
    branch = aliased(Organization)
    held = (RoleGrant.member_id == Member.id) & in_force(day)
    # An initial password bars the way of whoever came in by it, not of other proofs.
    must_change = Account.must_change_password & (DeviceSession.means == SignInMeans.PASSWORD)
    return (
        sa.select(
            Member.name,
            must_change,
            Affiliation.organization_id,
            branch.path,
            RoleGrant.id,
            RoleGrant.role,
            RoleGrant.organization_id,
            Organization.path,
            DeviceSession.confirmed_at,
        )
        .join(DeviceSession, DeviceSession.member_id == Member.id)
        .join(Account, Account.member_id == Member.id)
        .outerjoin(Affiliation, primary_affiliation_on(day))
        .outerjoin(branch, branch.id == Affiliation.organization_id)
        .outerjoin(RoleGrant, held)
        .outerjoin(Organization, Organization.id == RoleGrant.organization_id)
        .where(
            Member.id == sa.bindparam("member"),
            DeviceSession.id == sa.bindparam("session"),
            DeviceSession.revoked_at.is_(None),
            Account.disabled_at.is_(None),
        )
    )


# Every request runs it, so it is built once.
_FIND_ACTOR = _find_actor_statement()
