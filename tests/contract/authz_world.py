"""The district of the authorisation matrix: who asks, and whose things are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members import device_sessions
from members.access_models import Account, Role
from members.models import Affiliation, OrganizationKind, Sector
from members.session_models import SessionEnd
from points import periods, schemes
from points.models import Period, PeriodStatus
from tests.world import NOW, SCHEME, World

# Everything that belongs to the other committee carries this; nobody else may ever read it.
MARK = "乙镇专有"
RELATIONS = (
    "self", "same_group", "same_branch", "sibling_branch", "parent", "child", "other_committee",
    "transferred_out", "closed_period", "ended_membership", "absent",
)  # fmt: skip
# Principal: home branch, group, role, where the role is held. The account of the last three is
# as good as the secretary's; what is wrong is said by name.
PRINCIPALS: dict[str, tuple[str, str | None, Role | None, str]] = {
    "member": ("一支部", "一组", None, ""),
    "leader": ("一支部", "一组", Role.GROUP_LEADER, "一组"),
    "secretary": ("一支部", None, Role.BRANCH_SECRETARY, "一支部"),
    "delegate": ("一支部", None, Role.DELEGATE, "一支部"),
    "general": ("二支部", None, Role.COMMITTEE_OFFICER, "总支"),
    "committee": ("机关支部", None, Role.COMMITTEE_OFFICER, "街道"),
    "district": ("机关支部", None, Role.DISTRICT_ADMIN, "区委"),
    "auditor": ("机关支部", None, Role.AUDITOR, "区委"),
    "system": ("机关支部", None, Role.SYSTEM_ADMIN, "区委"),
    "disabled": ("一支部", None, Role.BRANCH_SECRETARY, "一支部"),
    "expired": ("一支部", None, Role.BRANCH_SECRETARY, "一支部"),
    "revoked": ("一支部", None, Role.BRANCH_SECRETARY, "一支部"),
}
SIGNED_IN = tuple(PRINCIPALS)[:9]
SIGNED_OUT = ("anonymous", "disabled", "expired", "revoked")
# Relation: the subject's home branch, group, and the place at which his things were made.
SUBJECTS: dict[str, tuple[str, str | None, str]] = {
    "same_group": ("一支部", "一组", "一支部"),
    "same_branch": ("一支部", None, "一支部"),
    "child": ("一支部", "二组", "一支部"),
    "sibling_branch": ("二支部", None, "二支部"),
    "parent": ("机关支部", None, "机关支部"),
    "other_committee": ("三支部", None, "三支部"),
    "transferred_out": ("一支部", None, "一支部"),
    "closed_period": ("一支部", None, "一支部"),
    "ended_membership": ("一支部", None, "一支部"),
}
# What a relation means where the thing asked for is an organisation itself.
ORGANIZATIONS = {
    "same_group": "一组", "same_branch": "一支部", "child": "二组", "sibling_branch": "二支部",
    "parent": "总支", "other_committee": "三支部",
}  # fmt: skip
LEFT_ON = date(2026, 10, 1)


@dataclass(frozen=True)
class Subject:
    """Whose things these are, where they were made, and what was made so far by kind."""

    relation: str
    number: int
    member_id: UUID
    organization_id: UUID
    party_group_id: UUID | None
    year: int
    ids: dict[str, UUID] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A name for whatever is made here; that of the other committee carries the mark."""
        return (
            f"{MARK}{self.number}" if self.relation == "other_committee" else f"事项{self.number}"
        )

    @property
    def happened_on(self) -> date:
        return date(self.year, 11, 7)


def owned_by(subject: Subject) -> dict[str, Any]:
    """The columns of whatever belongs to a person at a place."""
    return {"member_id": subject.member_id, "organization_id": subject.organization_id}


@dataclass
class AuthzWorld:
    """The people of the matrix, and the subjects by relation; `self` is by principal."""

    world: World
    subjects: dict[str, Subject] = field(default_factory=dict)
    selves: dict[str, Subject] = field(default_factory=dict)
    # Somebody with no part in the matrix, by whom its rows were entered.
    registrar: UUID | None = None

    def subject(self, relation: str, principal: str) -> Subject | None:
        """Whose things a principal asks for; None where there is nothing."""
        return self.selves.get(principal) if relation == "self" else self.subjects.get(relation)

    def everybody(self) -> Iterator[Subject]:
        yield from self.subjects.values()
        yield from self.selves.values()


def build_people(session: Session) -> AuthzWorld:
    """区委 > {街道 > {总支 > {一支部 > {一组, 二组}, 二支部}, 机关支部}, 乙镇 > 三支部}."""
    world = World(session)
    kinds = OrganizationKind
    world.add_organization("区委", kinds.DISTRICT_ORGANIZATION_DEPARTMENT, None)
    world.add_organization("街道", kinds.WORKING_COMMITTEE, "区委")
    world.add_organization("总支", kinds.GENERAL_BRANCH, "街道")
    for name, above in (("一支部", "总支"), ("二支部", "总支"), ("机关支部", "街道")):
        world.add_organization(name, kinds.BRANCH, above, Sector.COMMUNITY)
    _found_marked(world, "镇", kinds.COMMITTEE, "区委")
    _found_marked(world, "三支部", kinds.BRANCH, "镇")
    for group in ("一组", "二组"):
        world.add_organization(group, kinds.PARTY_GROUP, "一支部")
    found = AuthzWorld(world)
    found.registrar = world.add_member("登记人", "机关支部")
    _add_principals(found)
    _add_subjects(found)
    for year in (2025, 2026):
        periods.ensure_year(session, year)
    schemes.publish(
        session,
        world.organizations["区委"],
        SCHEME,
        effective_from=date(2025, 1, 1),
        published_by=None,
        now=NOW,
    )
    return found


def close_last_year(session: Session) -> None:
    """What was made in 2025 is from now on of a closed period."""
    session.execute(
        sa.update(Period).where(Period.code == "2025").values(status=PeriodStatus.CLOSED)
    )


def _found_marked(world: World, name: str, kind: OrganizationKind, above: str) -> None:
    world.organizations[name] = world.add_organization(MARK + name, kind, above, Sector.VILLAGE)


def _add_principals(found: AuthzWorld) -> None:
    world = found.world
    for name, (branch, group, role, place) in PRINCIPALS.items():
        member_id = world.add_member(name, branch, group=group)
        if role:
            until = date(2027, 1, 1) if role is Role.DELEGATE else None
            world.grant(name, role, place, valid_to=until)
        if name in SIGNED_IN:
            found.selves[name] = _subject(found, "self", member_id, branch, group)
    disabled = world.session.get_one(Account, world.members["disabled"])
    disabled.disabled_at = NOW
    device_sessions.end_all(
        world.session, world.members["revoked"], because=SessionEnd.SIGNED_OUT, now=NOW
    )
    world.session.flush()


def _add_subjects(found: AuthzWorld) -> None:
    world = found.world
    for relation, (branch, group, place) in SUBJECTS.items():
        name = MARK + relation if relation == "other_committee" else relation
        member_id = world.add_member(name, branch, group=group)
        found.subjects[relation] = _subject(found, relation, member_id, place, group)
    for relation in ("transferred_out", "ended_membership"):
        member_id = found.subjects[relation].member_id
        world.session.execute(
            sa.update(Affiliation)
            .where(Affiliation.member_id == member_id)
            .values(valid_to=LEFT_ON)
        )
    moved: dict[str, Any] = {"member_id": found.subjects["transferred_out"].member_id}
    moved |= {"organization_id": world.organizations["三支部"], "valid_from": LEFT_ON}
    world.session.add(Affiliation(**moved))
    world.session.flush()


def _subject(
    found: AuthzWorld, relation: str, member_id: UUID, place: str, group: str | None
) -> Subject:
    organizations = found.world.organizations
    number = len(found.subjects) + len(found.selves) + 1
    group_id = organizations[group] if group else None
    year = 2025 if relation == "closed_period" else 2026
    return Subject(relation, number, member_id, organizations[place], group_id, year)
