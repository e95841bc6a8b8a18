"""Import of the organisation tree from the lines of a list."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from members.models import Organization, OrganizationKind, OrganizationPlacement
from members.organization_list import OrganizationRow, classify, fault_of
from members.organizations import (
    DEPTH_MAX,
    KIND_NAMES,
    KindNotAllowed,
    lock_tree,
    require_kind_under,
)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A line that was not imported, and a zh-CN sentence why."""

    line: int
    name: str
    reason: str


@dataclass(slots=True)
class ImportOutcome:
    """What an import did: new organisations, those already there, and the refused lines."""

    created_count: int = 0
    unchanged_count: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


def import_organizations(
    session: Session, rows: Sequence[OrganizationRow], *, now: datetime
) -> ImportOutcome:
    """Found the organisations of a list, in any order of lines; what exists stays as it is.

    A line is refused with a reason and the others go on. A second import changes nothing.
    """
    lock_tree(session)
    tree = _KnownTree(session, rows)
    outcome = ImportOutcome()
    pending = _without_faults(rows, outcome)
    while ready := [row for row in pending if tree.has_parent_of(row)]:
        for row in ready:
            _import_row(row, tree, outcome)
        done = set(ready)
        pending = [row for row in pending if row not in done]
    outcome.refused += [_refused(row, _why_without_parent(row, pending)) for row in pending]
    outcome.refused.sort(key=lambda refused: refused.line)
    tree.save(session, now)
    return outcome


class _KnownTree:
    """The organisations that exist or are about to, found by name."""

    def __init__(self, session: Session, rows: Sequence[OrganizationRow]) -> None:
        self._new: list[Organization] = []
        self._by_name: defaultdict[str, list[Organization]] = defaultdict(list)
        existing = session.scalars(sa.select(Organization)).all()
        names = {organization.id: organization.name for organization in existing}
        for organization in existing:
            self._by_name[organization.name].append(organization)
        places = {(row.parent_name, row.name) for row in rows}
        places |= {(names[o.parent_id] if o.parent_id else "", o.name) for o in existing}
        self._places_by_name = Counter(name for _, name in places)

    def has_parent_of(self, row: OrganizationRow) -> bool:
        return not row.parent_name or row.parent_name in self._by_name

    def is_ambiguous(self, name: str) -> bool:
        return self._places_by_name[name] > 1

    def find_parent(self, row: OrganizationRow) -> Organization | None:
        return self._by_name[row.parent_name][0] if row.parent_name else None

    def find(self, name: str, parent: Organization | None) -> Organization | None:
        parent_id = parent.id if parent else None
        return next((o for o in self._by_name.get(name, ()) if o.parent_id == parent_id), None)

    def has_root(self) -> bool:
        return any(o.parent_id is None for named in self._by_name.values() for o in named)

    def add(self, row: OrganizationRow, parent: Organization | None) -> None:
        own_id: UUID = new_id()
        kind, sector = classify(row.name, row.category)
        organization = Organization(
            id=own_id,
            parent_id=parent.id if parent else None,
            kind=kind,
            sector=sector,
            name=row.name,
            path=f"{parent.path if parent else '/'}{own_id}/",
            depth=parent.depth + 1 if parent else 0,
            version=1,
        )
        self._new.append(organization)
        self._by_name[row.name].append(organization)

    def save(self, session: Session, now: datetime) -> None:
        """Write parents before children, then where each stands from today on."""
        session.add_all(self._new)
        session.flush()
        session.add_all(
            OrganizationPlacement(
                organization_id=organization.id,
                parent_id=organization.parent_id,
                name=organization.name,
                valid_from=business_day(now),
                reason="导入组织名单",
            )
            for organization in self._new
        )
        session.flush()


def _without_faults(
    rows: Sequence[OrganizationRow], outcome: ImportOutcome
) -> list[OrganizationRow]:
    """The lines that can be read by themselves; the others are refused."""
    sound: list[OrganizationRow] = []
    first_lines: dict[tuple[str, str], int] = {}
    for row in rows:
        earlier = first_lines.get((row.parent_name, row.name))
        reason = f"与第 {earlier} 行重复。" if earlier else fault_of(row)
        if reason:
            outcome.refused.append(_refused(row, reason))
        else:
            first_lines[row.parent_name, row.name] = row.line
            sound.append(row)
    return sound


def _import_row(row: OrganizationRow, tree: _KnownTree, outcome: ImportOutcome) -> None:
    if row.parent_name and tree.is_ambiguous(row.parent_name):
        outcome.refused.append(_refused(row, f"有几个组织都叫“{row.parent_name}”，分不清上级。"))
        return
    parent = tree.find_parent(row)
    existing = tree.find(row.name, parent)
    reason = _why_not(row, tree, parent, existing)
    if reason:
        outcome.refused.append(_refused(row, reason))
    elif existing:
        outcome.unchanged_count += 1
    else:
        tree.add(row, parent)
        outcome.created_count += 1


def _why_not(
    row: OrganizationRow,
    tree: _KnownTree,
    parent: Organization | None,
    existing: Organization | None,
) -> str:
    kind, sector = classify(row.name, row.category)
    if existing:
        is_same = (existing.kind, existing.sector) == (kind, sector)
        return "" if is_same else "这个组织已存在而类别不同，导入不改现有组织。"
    if parent is None:
        return _why_no_root(kind, tree)
    if parent.depth >= DEPTH_MAX:
        return f"组织最多 {DEPTH_MAX + 1} 级。"
    try:
        require_kind_under(kind, OrganizationKind(parent.kind))
    except KindNotAllowed as error:
        return error.detail
    return ""


def _why_no_root(kind: OrganizationKind, tree: _KnownTree) -> str:
    if kind is not OrganizationKind.DISTRICT_ORGANIZATION_DEPARTMENT:
        return f"{KIND_NAMES[kind]}必须有上级。"
    return "已有最上级的组织，只能有一个。" if tree.has_root() else ""


def _why_without_parent(row: OrganizationRow, pending: Sequence[OrganizationRow]) -> str:
    """A parent that is neither known nor waiting is unknown; else the waiting ones form a ring."""
    parents = {other.name: other.parent_name for other in pending}
    name, seen = row.parent_name, {row.name}
    while name in parents and name not in seen:
        seen.add(name)
        name = parents[name]
    if name == row.name:
        return "上级关系成环。"
    if name in seen:
        return f"上级“{row.parent_name}”的上级关系成环，没有导入。"
    if name == row.parent_name:
        return f"没有找到上级“{name}”，或它所在的行没有导入。"
    return f"上级“{row.parent_name}”没有导入。"


def _refused(row: OrganizationRow, reason: str) -> RefusedRow:
    return RefusedRow(row.line, row.name, reason)
