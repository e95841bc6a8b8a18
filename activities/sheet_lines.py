"""The lines of a record sheet as the records stand now, and the digest that compares them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from activities.models import VolunteerRecord
from activities.service_models import (
    ServiceIssuer,
    ServiceOpportunity,
    ServiceSheet,
    ServiceSignup,
    SheetKind,
)
from activities.service_rules import is_backfill
from activities.volunteering import is_live_claim
from core.clock import business_day
from members.models import Organization
from points.models import Claim, ClaimStatus, LedgerEntry

Line = dict[str, Any]


def load_lines(session: Session, sheet: ServiceSheet) -> list[Line]:
    """The member's confirmed services of the sheet's days, in order; one statement.

    A certificate holds only what was organised in its issuer's name.
    """
    confirmed = sa.func.coalesce(VolunteerRecord.confirmed_minutes, Claim.quantity)
    by_issuer = sheet.kind == SheetKind.CERTIFICATE
    rows = session.execute(
        sa.select(
            VolunteerRecord,
            confirmed.label("confirmed_minutes"),
            sa.func.coalesce(
                ServiceIssuer.name, Organization.name, VolunteerRecord.organiser
            ).label("organiser_name"),
        )
        .outerjoin(Claim, is_live_claim())
        .outerjoin(ServiceSignup, ServiceSignup.id == VolunteerRecord.signup_id)
        .outerjoin(ServiceOpportunity, ServiceOpportunity.id == ServiceSignup.opportunity_id)
        .outerjoin(Organization, Organization.id == ServiceOpportunity.organization_id)
        .outerjoin(ServiceIssuer, ServiceIssuer.id == ServiceOpportunity.issuer_id)
        .where(
            VolunteerRecord.member_id == sheet.member_id,
            VolunteerRecord.withdrawn_at.is_(None),
            VolunteerRecord.happened_on.between(sheet.first_on, sheet.last_on),
            ServiceOpportunity.issuer_id == sheet.issuer_id if by_issuer else sa.true(),
            _is_confirmed(),
        )
        .order_by(VolunteerRecord.starts_at, VolunteerRecord.id)
    )
    return [_line(*row) for row in rows]


def digest_of(sheet: ServiceSheet, name: str, lines: Sequence[Line]) -> str:
    """The SHA-256 of everything that a sheet says; another name or number is another digest."""
    content = {
        "number": sheet.number,
        "kind": str(sheet.kind),
        "member_id": str(sheet.member_id),
        "name": name,
        "issuer_id": str(sheet.issuer_id or ""),
        "days": [sheet.first_on.isoformat(), sheet.last_on.isoformat()],
        "lines": list(lines),
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_confirmed() -> sa.ColumnElement[bool]:
    """Confirmed by whoever had to: an organiser, or the branch; and not taken back since."""
    entry, reversal = aliased(LedgerEntry), aliased(LedgerEntry)
    is_reversed = (
        sa.exists()
        .where(entry.claim_id == Claim.id, reversal.reverses_id == entry.id)
        .correlate(Claim)
    )
    is_organised = VolunteerRecord.signup_id.is_not(None)
    waits = Claim.id.is_(None) | (Claim.status == ClaimStatus.PENDING)
    return (is_organised & waits) | ((Claim.status == ClaimStatus.APPROVED) & ~is_reversed)


def _line(record: VolunteerRecord, confirmed_minutes: int, organiser_name: str) -> Line:
    entered_on: date = business_day(record.created_at)
    return {
        "title": record.title,
        "organiser": organiser_name,
        "place": record.place,
        "happened_on": record.happened_on.isoformat(),
        "planned_minutes": record.planned_minutes,
        "claimed_minutes": record.claimed_minutes,
        "confirmed_minutes": confirmed_minutes,
        "origin": record.origin,
        "is_backfill": is_backfill(record.origin, record.happened_on, entered_on),
    }
