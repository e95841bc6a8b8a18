"""A small district to test against: two committees, three branches, people and one scheme."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from activities.models import VolunteerRecord
from core.crypto import SealingKey
from core.db import vault_of
from core.ids import new_id
from members import member_keys
from members.access import Actor, find_actor
from members.access_models import Account, Role, RoleGrant
from members.models import (
    Affiliation,
    Member,
    MemberKind,
    Organization,
    OrganizationKind,
    OrganizationPlacement,
    Sector,
)
from members.passwords import hash_password
from members.phones import seal_phone
from points import periods, schemes
from points.models import Claim, ClaimEvent, ClaimEventKind, Period
from tests.devices import new_session
from tests.district import ids_in_order

ROOT = Path(__file__).resolve().parent.parent
SCHEME = yaml.safe_load((ROOT / "docs/schemes/start.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 10)
PASSWORD = "Correct-Horse-2026"
LONG_AGO = date(2020, 1, 1)


@dataclass
class World:
    """Names of what was built; members by a short word."""

    session: Session
    organizations: dict[str, UUID] = field(default_factory=dict)
    members: dict[str, UUID] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, UUID] = field(default_factory=dict)
    claims: int = 0
    period_id: UUID | None = None
    scheme_version_id: UUID | None = None
    # Path and depth of each organisation.
    _places: dict[UUID, tuple[str, int]] = field(default_factory=dict)

    def actor(self, name: str, *, on: date = TODAY) -> Actor:
        """The actor behind a name, read as a request reads it."""
        ids = self.members[name], self.sessions[name]
        actor = find_actor(self.session, *ids, on=on, request_id="test-request")
        assert actor is not None, f"{name} has no account"
        return actor

    def add_organization(
        self, name: str, kind: OrganizationKind, parent: str | None, sector: Sector = Sector.OTHER
    ) -> UUID:
        """An organisation under a named parent."""
        self.add_organizations((name, kind, parent, sector))
        return self.organizations[name]

    def add_organizations(self, *founded: tuple[str, OrganizationKind, str | None, Sector]) -> None:
        """Organisations, parents before children, in two statements."""
        rows: list[Organization] = []
        ids = ids_in_order(len(founded))
        for organization_id, (name, kind, parent, sector) in zip(ids, founded, strict=True):
            self.organizations[name] = organization_id
            parent_id = self.organizations[parent] if parent else None
            path, depth = self._places[parent_id] if parent_id else ("/", -1)
            path, depth = f"{path}{organization_id.hex}/", depth + 1
            self._places[organization_id] = path, depth
            rows.append(
                Organization(
                    id=organization_id,
                    parent_id=parent_id,
                    kind=kind,
                    sector=sector,
                    name=name,
                    path=path,
                    depth=depth,
                )
            )
        self._write(rows)
        self._write(
            OrganizationPlacement(
                organization_id=row.id,
                parent_id=row.parent_id,
                name=row.name,
                valid_from=LONG_AGO,
            )
            for row in rows
        )

    def add_member(self, name: str, branch: str, *, group: str | None = None) -> UUID:
        """A full member of a branch with a phone and an account."""
        self.add_members((name, branch, group))
        return self.members[name]

    def add_members(self, *people: tuple[str, str, str | None]) -> None:
        """Full members of a branch and perhaps a group, with phones and accounts, all at once."""
        vault = vault_of(self.session)
        rows: list[Member] = []
        keys: dict[UUID, SealingKey] = {}
        for member_id, (name, _, _) in zip(ids_in_order(len(people)), people, strict=True):
            phone = f"138{len(self.members):08d}"
            keys[member_id] = SealingKey.generate(vault.suite)
            sealed = seal_phone(vault, keys[member_id], member_id, phone)
            rows.append(
                Member(
                    id=member_id,
                    name=name,
                    kind=MemberKind.FULL_MEMBER,
                    joined_on=date(2010, 7, 1),
                    converted_on=date(2011, 7, 1),
                    created_at=NOW,
                    **sealed._asdict(),
                )
            )
            self.members[name], self.phones[name] = member_id, phone
        self._write(rows)
        member_keys.store(self.session, keys)
        for (name, branch, group), member in zip(people, rows, strict=True):
            self._settle(name, member, branch, group)
        self.session.flush()

    def _settle(self, name: str, member: Member, branch: str, group: str | None) -> None:
        """What makes a member somebody who belongs to a branch and is signed in."""
        device = new_session(member.id, now=NOW)
        self.sessions[name] = device.id
        self.session.add_all(
            (
                Affiliation(
                    member_id=member.id,
                    organization_id=self.organizations[branch],
                    party_group_id=self.organizations[group] if group else None,
                    valid_from=LONG_AGO,
                ),
                Account(
                    member_id=member.id,
                    phone_index=member.phone_index,
                    password_hash=_hashed(self.session),
                    must_change_password=False,
                    issued_at=NOW,
                ),
                device,
            )
        )

    def _write(self, rows: Iterable[object]) -> None:
        # No relationship tells the session what refers to what, so each table is written by itself.
        self.session.add_all(rows)
        self.session.flush()

    def grant(
        self, name: str, role: Role, organization: str, *, valid_to: date | None = None
    ) -> UUID:
        """A role in force since long ago."""
        grant = self.new_grant(name, role, organization, valid_to=valid_to)
        self._write([grant])
        return grant.id

    def new_grant(
        self, name: str, role: Role, organization: str, *, valid_to: date | None = None
    ) -> RoleGrant:
        """The row of such a role."""
        return RoleGrant(
            member_id=self.members[name],
            role=role,
            organization_id=self.organizations[organization],
            valid_from=LONG_AGO,
            valid_to=valid_to,
            granted_at=NOW,
        )

    def add_claim(
        self,
        name: str,
        branch: str,
        *,
        minutes: int = 60,
        happened_on: date = date(2026, 11, 7),
        reviewer: str | None = None,
        flags: tuple[str, ...] = (),
    ) -> UUID:
        """A pending claim for volunteer service, with its record, made without the service."""
        claim_id, record_id = new_id(), new_id()
        member_id, organization_id = self.members[name], self.organizations[branch]
        common: dict[str, Any] = {"member_id": member_id, "organization_id": organization_id}
        self.session.add(
            Claim(
                id=claim_id,
                reviewer_organization_id=self.organizations[reviewer or branch],
                item_code="volunteer_service",
                source_kind="volunteer_record",
                source_id=record_id,
                title="清扫社区",
                happened_on=happened_on,
                quantity=minutes,
                flags=list(flags),
                is_flagged=bool(flags),
                submitted_by=member_id,
                submitted_at=NOW,
                **common,
            )
        )
        self.session.flush()
        self.claims += 1
        starts_at = NOW - timedelta(days=3, seconds=self.claims)
        self.session.add(
            VolunteerRecord(
                id=record_id,
                claim_id=claim_id,
                title="清扫社区",
                origin="self",
                happened_on=happened_on,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=minutes),
                planned_minutes=minutes,
                claimed_minutes=minutes,
                entered_by=member_id,
                created_at=NOW,
                **common,
            )
        )
        self.session.add(
            ClaimEvent(claim_id=claim_id, kind=ClaimEventKind.SUBMITTED, actor_id=member_id, at=NOW)
        )
        self.session.flush()
        return claim_id


def build_world(session: Session) -> World:
    """The standard district; every named person has an account with PASSWORD.

    区委 > 街道 > {一支部 > 一组, 二支部}; 区委 > 镇 > 三支部. 书记一, 副书记一, 书记二, 书记三,
    组长, 党员甲, 党员乙 (一支部), 党员丙 (二支部), 党员丁 (三支部), 街道干事, 区管理员, 审计员,
    系统管理员.
    """
    world = World(session)
    kinds = OrganizationKind
    world.add_organizations(
        ("区委", kinds.DISTRICT_ORGANIZATION_DEPARTMENT, None, Sector.OTHER),
        ("街道", kinds.WORKING_COMMITTEE, "区委", Sector.OTHER),
        ("镇", kinds.COMMITTEE, "区委", Sector.OTHER),
        ("一支部", kinds.BRANCH, "街道", Sector.COMMUNITY),
        ("二支部", kinds.BRANCH, "街道", Sector.COMMUNITY),
        ("三支部", kinds.BRANCH, "镇", Sector.VILLAGE),
        ("一组", kinds.PARTY_GROUP, "一支部", Sector.OTHER),
    )
    world.add_members(*((name, branch, None) for name, branch, _, _ in _STAFF), *_MEMBERS)
    session.add_all(world.new_grant(name, role, at) for name, _, role, at in _STAFF)
    session.flush()
    periods.ensure_year(session, 2026)
    world.period_id = session.scalars(sa.select(Period.id)).one()
    world.scheme_version_id = schemes.publish(
        session,
        world.organizations["区委"],
        SCHEME,
        effective_from=date(2026, 1, 1),
        published_by=None,
        now=NOW,
    ).id
    return world


_STAFF = (
    ("书记一", "一支部", Role.BRANCH_SECRETARY, "一支部"),
    ("副书记一", "一支部", Role.DEPUTY_SECRETARY, "一支部"),
    ("书记二", "二支部", Role.BRANCH_SECRETARY, "二支部"),
    ("书记三", "三支部", Role.BRANCH_SECRETARY, "三支部"),
    ("组长", "一支部", Role.GROUP_LEADER, "一组"),
    ("街道干事", "二支部", Role.COMMITTEE_OFFICER, "街道"),
    ("区管理员", "三支部", Role.DISTRICT_ADMIN, "区委"),
    ("审计员", "三支部", Role.AUDITOR, "区委"),
    ("系统管理员", "三支部", Role.SYSTEM_ADMIN, "区委"),
)

_MEMBERS = (
    ("党员甲", "一支部", "一组"),
    ("党员乙", "一支部", None),
    ("党员丙", "二支部", None),
    ("党员丁", "三支部", None),
)

_HASHES: dict[str, str] = {}


def _hashed(session: Session) -> str:
    # One slow hash a run is enough: the tests sign in with the same password everywhere.
    if PASSWORD not in _HASHES:
        _HASHES[PASSWORD] = hash_password(session, PASSWORD)
    return _HASHES[PASSWORD]
