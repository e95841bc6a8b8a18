"""Adding the whole ledger up again: does every number follow from what was posted?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Bundle, Session, aliased

from core.quantities import format_points
from points import opening, rules
from points.definition_reading import InvalidDefinition, digest, parse_definition
from points.definitions import Definition
from points.granting import occasion_of
from points.models import Claim, ClaimStatus, LedgerEntry, Quota, SchemeVersion
from points.verification_constraints import verify_constraints
from points.verification_periods import verify_periods
from points.verification_proofs import verify_proofs
from points.verification_publicity import verify_publicity

FINDINGS_KEPT = 20
_ROWS_AT_ONCE = 1000
_POSTED = (ClaimStatus.APPROVED, ClaimStatus.UNDONE)
# What an entry repeats of its claim, and a reversal of its original.
_OF_CLAIM = ("member_id", "organization_id", "item_code", "happened_on")
_OF_ORIGINAL = (
    *_OF_CLAIM,
    "subject",
    "scheme_version_id",
    "component_code",
    "inputs",
)
_PLACED = ("period_id", "about_period_id")
_OF_ENTRY = (
    "seq",
    "id",
    "reverses_id",
    "claim_id",
    "source_kind",
    "source_id",
    "asked",
    "points",
    "binding_cap",
    *_OF_ORIGINAL,
    *_PLACED,
)


# The first and the last of some members, in the order of their ids.
Chunk = tuple[UUID, UUID]
# What is checked beside definitions, claims and members' rows.
PARTS = (verify_periods, verify_publicity, verify_proofs, verify_constraints)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up: what it is about, and a sentence for the operator."""

    subject: str
    message: str


@dataclass(slots=True)
class Verification:
    """How much was read and what was wrong with it; only the first findings are kept."""

    entries: int = 0
    quotas: int = 0
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, subject: str, message: str) -> None:
        """Count a fault, and keep it if it is one of the first."""
        self.faults += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(Finding(subject, message))


def verify(session: Session) -> Verification:
    """Check I1 to I4, I9 and I13 over the whole ledger, holding one member's rows at a time.

    Every approved claim has one entry and the reverse; each entry follows from the definition
    and the inputs that it pins; a reversal mirrors its original; each quota is the sum of the
    entries that count against it; no definition changed after it was published. The caller
    gives a session with one consistent view, or entries posted meanwhile look like faults.
    """
    report = Verification()
    definitions = verify_definitions(session, report)
    verify_claims(session, report)
    verify_members(session, definitions, report)
    for verify_part in PARTS:
        verify_part(session, report)
    return report


def verify_members(
    session: Session,
    definitions: dict[UUID, Definition],
    report: Verification,
    chunk: Chunk | None = None,
) -> None:
    """Whether each entry follows, and each quota is the sum of its entries, member by member."""
    rows = merge(_entries(session, chunk), _quotas(session, chunk), key=_member_of)
    for member_id, of_member in groupby(rows, key=_member_of):
        _verify_member(member_id, of_member, definitions, report)


def _is_in(chunk: Chunk | None, member_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.true() if chunk is None else member_id.between(*chunk)


def _member_of(row: Row[Any]) -> UUID:
    member_id: UUID = row.member_id
    return member_id


def verify_definitions(session: Session, report: Verification) -> dict[UUID, Definition]:
    """Whether each definition is what was published; returns those that can be read."""
    definitions = {}
    for version in session.scalars(sa.select(SchemeVersion).order_by(SchemeVersion.id)):
        name = f"方案 {version.scheme_code} 第 {version.version} 版"
        if digest(version.definition) != version.definition_sha256:
            report.add(name, "内容与发布时的摘要不一致。")
        try:
            definitions[version.id] = parse_definition(version.definition)
        except InvalidDefinition as error:
            report.add(name, f"内容不能使用：{error.detail}")
    return definitions


def verify_claims(session: Session, report: Verification) -> None:
    """Approved claims without an entry; the other direction is seen from the entry."""
    unposted = session.scalars(
        sa.select(Claim.id)
        .outerjoin(LedgerEntry, LedgerEntry.claim_id == Claim.id)
        .where(Claim.status.in_(_POSTED), LedgerEntry.id.is_(None))
        .order_by(Claim.id),
        execution_options={"yield_per": _ROWS_AT_ONCE},
    )
    for claim_id in unposted:
        report.add(f"申报 {claim_id}", "已通过，但账本中没有对应的记录。")


def _entries(session: Session, chunk: Chunk | None) -> Iterator[Row[Any]]:
    original = aliased(LedgerEntry)
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            LedgerEntry.member_id,
            SchemeVersion.scheme_code,
            _bundle("entry", LedgerEntry, *_OF_ENTRY),
            _bundle("claim", Claim, "id", "status", "posted_ref", "quantity", *_OF_CLAIM),
            _bundle("original", original, "id", "reverses_id", "points", *_OF_ORIGINAL, *_PLACED),
        )
        .join(SchemeVersion, SchemeVersion.id == LedgerEntry.scheme_version_id)
        .outerjoin(Claim, Claim.id == LedgerEntry.claim_id)
        .outerjoin(original, original.id == LedgerEntry.reverses_id)
        .where(_is_in(chunk, LedgerEntry.__table__.c.member_id))
        .order_by(LedgerEntry.member_id, LedgerEntry.seq)
    )
    yield from session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})


def _bundle(name: str, table: Any, *columns: str) -> Bundle[Any]:
    return Bundle(name, *(getattr(table, column) for column in columns))


def _quotas(session: Session, chunk: Chunk | None) -> Iterator[Row[Any]]:
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Quota.member_id,
            Quota.scheme_code,
            Bundle("quota", Quota.bucket, Quota.used, Quota.cap),
        )
        .where(_is_in(chunk, Quota.__table__.c.member_id))
        .order_by(Quota.member_id, Quota.scheme_code, Quota.bucket)
    )
    yield from session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})


def _verify_member(
    member_id: UUID,
    rows: Iterator[Row[Any]],
    definitions: dict[UUID, Definition],
    report: Verification,
) -> None:
    summed: dict[tuple[str, str], int] = {}
    stored: dict[tuple[str, str], int] = {}
    for row in rows:
        if hasattr(row, "quota"):
            report.quotas += 1
            stored[row.scheme_code, row.quota.bucket] = row.quota.used
            if not 0 <= row.quota.used <= row.quota.cap:
                report.add(f"党员 {member_id}", f"额度 {row.quota.bucket} 超出上限或小于零。")
            continue
        report.entries += 1
        for message in _faults_of(row, definitions.get(row.entry.scheme_version_id)):
            report.add(f"第 {row.entry.seq} 号记录 {row.entry.id}", message)
        for bucket in _pinned_buckets(row.entry.inputs):
            key = (row.scheme_code, bucket)
            summed[key] = summed.get(key, 0) + rules.use_of(bucket, row.entry.points)
    for key in sorted(summed.keys() | stored.keys()):
        if summed.get(key, 0) != stored.get(key, 0):
            report.add(
                f"党员 {member_id}",
                f"额度 {key[1]} 记为 {format_points(stored.get(key, 0))} 分，"
                f"账本合计 {format_points(summed.get(key, 0))} 分。",
            )


def _pinned_buckets(inputs: Any) -> list[str]:
    # Somebody may have written anything there. That shows as a wrong sum, not as a crash.
    try:
        return [str(cap["bucket"]) for cap in inputs["caps"]]
    except (KeyError, TypeError):
        return []


def _faults_of(row: Row[Any], definition: Definition | None) -> Iterator[str]:
    if row.entry.reverses_id is not None:
        yield from _faults_of_reversal(row)
    else:
        yield from _faults_of_award(row, definition)


def _faults_of_reversal(row: Row[Any]) -> Iterator[str]:
    entry, original = row.entry, row.original
    if original.id is None or original.reverses_id is not None:
        yield "冲正的对象不存在，或本身就是冲正。"
    elif entry.points != -original.points or not _agree(entry, original, _OF_ORIGINAL):
        yield "与被冲正的记录不对应。"
    elif entry.about_period_id != _named_by(entry, original):
        yield "冲正记入另一年度，却没有写明所更正的年度。"


def _named_by(entry: Any, original: Any) -> UUID | None:
    """The closed year that a reversal has to name: the one that its original is about."""
    is_late = entry.period_id != original.period_id
    named: UUID | None = original.about_period_id or (original.period_id if is_late else None)
    return named


def _faults_of_award(row: Row[Any], definition: Definition | None) -> Iterator[str]:
    entry, claim = row.entry, row.claim
    if entry.source_id is None:
        if claim.id is None or claim.status not in _POSTED or claim.posted_ref != claim.id:
            yield "对应的申报不存在，或没有通过。"
            return
        if not _agree(entry, claim, _OF_CLAIM) or claim.quantity != _pinned_quantity(entry):
            yield "与所依据的申报不一致。"
    if entry.source_kind == opening.SOURCE:
        # It follows from a sealed statement, not from an item.
        return
    if definition is None or not _follows(entry, definition):
        yield "分值不能由所记的方案和依据重新算出。"


def _agree(one: Any, other: Any, names: tuple[str, ...]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _pinned_quantity(entry: Any) -> Any:
    return entry.inputs.get("quantity") if isinstance(entry.inputs, dict) else None


def _follows(entry: Any, definition: Definition) -> bool:
    """Whether the number can be computed again from what the entry pins."""
    item = definition.items.get(entry.item_code)
    if item is None or item.component != entry.component_code:
        return False
    try:
        pinned = [(c["bucket"], c["limit"]) for c in entry.inputs["caps"]]
        used = {str(c["bucket"]): int(c["used"]) for c in entry.inputs["caps"]}
        asked = rules.asked_from(item, entry.inputs)
    except (KeyError, TypeError, ValueError):
        return False
    occasion = occasion_of(entry.source_id or entry.claim_id)
    member_class = entry.inputs.get("member_class")
    caps = rules.caps_of(definition, item, entry.happened_on, asked, occasion, member_class)
    if asked is None or pinned != [(cap.bucket, cap.limit) for cap in caps]:
        return False
    grant = rules.grant(asked, caps, used)
    bound_by = grant.binding_cap.bucket if grant.binding_cap else None
    return (grant.asked, grant.points, bound_by) == (entry.asked, entry.points, entry.binding_cap)
