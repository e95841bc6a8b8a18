"""A district's thresholds for keeping in touch: read by those who work with them, set by it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.errors import NotFound, RuleViolation, VersionConflict
from core.rows import dialect_of
from members.access import READING_ROLES, Actor, get_organization, hold_roles
from members.access_models import Role
from members.contact.hearing import ROOT_LENGTH
from members.contact.policy_models import ContactPolicy
from members.contact.rules import DEFAULT, Thresholds, defaults_of, require_lawful
from members.migrant_rules import Cadence
from members.models import Organization


class PolicyOfDistrict(RuleViolation):
    """Thresholds are a district's; nothing below it has its own."""

    code = "contact.policy_of_district"
    title = "阈值由区委组织部统一设置"


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The thresholds that hold for an organisation; version 0 stands for the published ones."""

    organization_id: UUID
    thresholds: Thresholds
    version: int


def find_all(session: Session) -> Mapping[str, Thresholds]:
    """District path -> its thresholds, for the districts that have set them."""
    query = sa.select(Organization.path, ContactPolicy).join(
        ContactPolicy, ContactPolicy.organization_id == Organization.id
    )
    return {path: defaults_of(policy) for path, policy in session.execute(query)}


def cadence_of(policies: Mapping[str, Thresholds], path: str) -> Cadence:
    """How often the migrants of a branch are heard from, by its district.

    Args:
        policies: what `find_all` found.
        path: of the branch.
    """
    mine = policies.get(path[:ROOT_LENGTH], DEFAULT)
    return Cadence(mine.touch_months, mine.talk_months)


def get_policy(session: Session, actor: Actor, organization_id: UUID) -> PolicyInForce:
    """The thresholds of the district that an organisation belongs to.

    Raises:
        NotFound: the organisation is out of scope.
    """
    organization = get_organization(session, actor, organization_id, roles=READING_ROLES)
    district_id = UUID(organization.path.split("/")[1])
    policy = session.get(ContactPolicy, district_id)
    return PolicyInForce(district_id, defaults_of(policy), policy.version if policy else 0)


def set_policy(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    thresholds: Thresholds,
    version: int,
    now: datetime,
) -> PolicyInForce:
    """Set a district's thresholds.

    Args:
        version: the version that the caller saw; 0 where the district had set none.

    Raises:
        NotFound: the actor is not that district's administrator.
        PolicyOfDistrict: the organisation is not a district.
        PolicyUnderFloor: a threshold is under its statutory floor, or out of order.
        VersionConflict: somebody else was first.
    """
    if organization_id not in hold_roles(session, actor, [Role.DISTRICT_ADMIN]):
        get_organization(session, actor, organization_id, roles=[Role.DISTRICT_ADMIN])
    organization = session.get(Organization, organization_id)
    if organization is None:
        raise NotFound
    if organization.parent_id is not None:
        raise PolicyOfDistrict
    require_lawful(thresholds)
    said = asdict(thresholds) | {"set_by": actor.member_id, "set_at": now}
    if version == 0:
        _add(session, organization_id, said)
    else:
        _change(session, organization_id, version, said)
    return PolicyInForce(organization_id, thresholds, version + 1)


def _add(session: Session, organization_id: UUID, said: dict[str, object]) -> None:
    insert = sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert
    added = session.scalar(
        insert(ContactPolicy)
        .values(organization_id=organization_id, version=1, **said)
        .on_conflict_do_nothing(index_elements=["organization_id"])
        .returning(ContactPolicy.organization_id)
    )
    if added is None:
        raise VersionConflict


def _change(session: Session, organization_id: UUID, version: int, said: dict[str, object]) -> None:
    changed = session.scalar(
        sa.update(ContactPolicy)
        .where(ContactPolicy.organization_id == organization_id, ContactPolicy.version == version)
        .values(**said, version=version + 1)
        .returning(ContactPolicy.organization_id)
    )
    if changed is None:
        raise VersionConflict
