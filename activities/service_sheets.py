"""Record sheets of volunteer service: made for the member, checked by whoever holds the code."""

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import service_issuers
from activities.service_models import ServiceIssuer, ServiceSheet, SheetKind
from activities.sheet_lines import digest_of, load_lines
from core.clock import business_day
from core.errors import Conflict, NotFound, RuleViolation
from core.ids import new_id
from core.paging import Page, newest_first
from members import consents
from members.access import ROSTER_ROLES, Actor, within
from members.consent_models import ConsentPurpose
from members.models import Member, Organization

# 16 of 32 letters are 80 bits: nobody finds a code by trying.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 16
_CODE = re.compile(f"[{_LETTERS}]{{{_CODE_LENGTH}}}", re.ASCII)
_YEARS_MAX = 10

# A party branch is no certifying body (民政部令67号), so its sheet does not use that word.
HEADINGS = {SheetKind.RECORD: "志愿服务记录单", SheetKind.CERTIFICATE: "志愿服务证明"}


class InvalidDays(RuleViolation):
    """Days that no sheet can cover."""

    code = "sheet.days"
    title = "起止日期不对"


class ConsentMissing(RuleViolation):
    """The member has not agreed that holders of the code see the sheet."""

    code = "consent.missing"
    title = "还没有同意凭核验码查询"


class NotEligible(RuleViolation):
    """No issuer that is registered as eligible today."""

    code = "sheet.issuer_not_eligible"
    title = "该单位没有登记为可出具单位"


class NothingRecorded(RuleViolation):
    """No confirmed service in these days."""

    code = "sheet.empty"
    title = "这段时间没有已核定的志愿服务"


class AlreadyRevoked(Conflict):
    """The sheet was revoked before."""

    code = "sheet.revoked"
    title = "这张单已经作废"


@dataclass(frozen=True, slots=True)
class SheetRequest:
    """What a member asks for; both days belong to it. The issuer is for certificates only."""

    kind: SheetKind
    first_on: date
    last_on: date
    issuer_id: UUID | None


@dataclass(frozen=True, slots=True)
class SheetCheck:
    """What the holder of a code is told, and nothing else."""

    heading: str
    organization_name: str
    masked_name: str
    total_minutes: int
    issued_on: date
    is_valid: bool


def issue(session: Session, actor: Actor, *, request: SheetRequest, now: datetime) -> ServiceSheet:
    """Make a sheet of the actor's own confirmed service, free of charge.

    Raises:
        InvalidDays, ConsentMissing, NotEligible, NothingRecorded: why there is none.
    """
    today = business_day(now)
    _require_days(request, today)
    organization_id = _issuing_organization(session, actor, request, today)
    purpose = ConsentPurpose.VERIFY_SERVICE_SHEET
    if not consents.has_consent(session, [actor.member_id], purpose, today):
        raise ConsentMissing("核验码会让持有人查到这张单，请先阅读说明并表示同意。")
    sheet = ServiceSheet(
        id=new_id(),
        verify_code="".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH)),
        kind=request.kind,
        member_id=actor.member_id,
        organization_id=organization_id,
        issuer_id=request.issuer_id if request.kind is SheetKind.CERTIFICATE else None,
        first_on=request.first_on,
        last_on=request.last_on,
        issued_on=today,
    )
    sheet.number = f"{today:%Y%m%d}-{sheet.id.hex[-8:].upper()}"
    sheet.lines = load_lines(session, sheet)
    if not sheet.lines:
        raise NothingRecorded
    sheet.total_minutes = sum(line["confirmed_minutes"] for line in sheet.lines)
    sheet.digest = digest_of(sheet, actor.name, sheet.lines)
    session.add(sheet)
    session.flush()
    return sheet


def check(session: Session, code: str, *, now: datetime) -> SheetCheck:
    """What a code stands for: valid while nothing of it was revoked, corrected or taken back.

    Raises:
        NotFound: no such code, or the member has withdrawn his consent.
    """
    if not _CODE.fullmatch(code):
        raise NotFound
    row = session.execute(_with_names().where(ServiceSheet.verify_code == code)).one_or_none()
    purpose = ConsentPurpose.VERIFY_SERVICE_SHEET
    if row is None or not consents.has_consent(
        session, [row.ServiceSheet.member_id], purpose, business_day(now)
    ):
        raise NotFound
    sheet = row.ServiceSheet
    current = digest_of(sheet, row.name, load_lines(session, sheet))
    return SheetCheck(
        heading=HEADINGS[SheetKind(sheet.kind)],
        organization_name=row.issuer_name or row.organization_name,
        masked_name=mask_name(row.name),
        total_minutes=sheet.total_minutes,
        issued_on=sheet.issued_on,
        is_valid=sheet.revoked_at is None and current == sheet.digest,
    )


def revoke(session: Session, actor: Actor, sheet_id: UUID, *, now: datetime) -> None:
    """Revoke one's own sheet, or one that one's organisation issued.

    Raises:
        NotFound: absent, or out of scope.
        AlreadyRevoked: it was revoked before.
    """
    found = session.scalar(
        sa.select(ServiceSheet.id)
        .join(Organization, Organization.id == ServiceSheet.organization_id)
        .where(
            ServiceSheet.id == sheet_id,
            (ServiceSheet.member_id == actor.member_id) | within(actor.paths(ROSTER_ROLES)),
        )
    )
    if found is None:
        raise NotFound
    revoked = session.scalar(
        sa.update(ServiceSheet)
        .where(ServiceSheet.id == sheet_id, ServiceSheet.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=actor.member_id)
        .returning(ServiceSheet.id)
    )
    if revoked is None:
        raise AlreadyRevoked


def get_own(session: Session, actor: Actor, sheet_id: UUID) -> Any:
    """A sheet of the actor's own with its names.

    Raises:
        NotFound: not his.
    """
    row = session.execute(
        _with_names().where(ServiceSheet.id == sheet_id, ServiceSheet.member_id == actor.member_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """The actor's sheets, newest first."""
    query = _with_names().where(ServiceSheet.member_id == actor.member_id)
    return newest_first(session, query, ServiceSheet, after=after, limit=limit)


def mask_name(name: str) -> str:
    """The family name, and a star for each character of the rest."""
    return name[:1] + "*" * (len(name) - 1)


def _require_days(request: SheetRequest, today: date) -> None:
    is_ordered = request.first_on <= request.last_on <= today
    if not is_ordered or request.last_on.year - request.first_on.year > _YEARS_MAX:
        raise InvalidDays(f"应不晚于今天，先起后止，跨度不超过 {_YEARS_MAX} 年。")


def _issuing_organization(
    session: Session, actor: Actor, request: SheetRequest, today: date
) -> UUID:
    """The organisation that answers for the sheet: the member's branch, or the issuer's."""
    if request.kind is SheetKind.RECORD:
        if actor.organization_id is None:
            raise NothingRecorded("没有登记组织关系，请联系支部书记。")
        return actor.organization_id
    issuer = (
        service_issuers.find_issuer(session, request.issuer_id, on=today)
        if request.issuer_id
        else None
    )
    if issuer is None:
        raise NotEligible("请改为开具志愿服务记录单，或向登记过的村（居）委会、志愿服务组织申请。")
    return issuer.organization_id


def _with_names() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            ServiceSheet,
            Member.name,
            Organization.name.label("organization_name"),
            ServiceIssuer.name.label("issuer_name"),
        )
        .join(Member, Member.id == ServiceSheet.member_id)
        .join(Organization, Organization.id == ServiceSheet.organization_id)
        .outerjoin(ServiceIssuer, ServiceIssuer.id == ServiceSheet.issuer_id)
    )
