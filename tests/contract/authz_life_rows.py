"""Rows of organisation life, service and pledges for a subject of the matrix."""

from datetime import date, timedelta
from typing import Any

from tests.contract.authz_world import AuthzWorld, Subject, owned_by
from tests.world import LONG_AGO, NOW

HOUR = timedelta(hours=1)
SHA = "0" * 64


def activity_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "organization_id": s.organization_id,
        "kind": "theme_day",
        "title": s.title,
        "starts_at": NOW + s.number * HOUR,
        "ends_at": NOW + (s.number + 1) * HOUR,
        "invited": [],
        "published_at": NOW,
        "created_by": w.registrar,
        "created_at": NOW,
    }


def attendance_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "activity_id": s.ids["activity"],
        "party_group_id": s.party_group_id,
        "home_organization_id": s.organization_id,
        "affiliation_kind": "primary",
        "member_kind": "full_member",
        "is_expected": True,
        "is_exempt": False,
    }


def leave_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "activity_id": s.ids["activity"],
        "member_id": s.member_id,
        "reason_kind": "sick",
        "requested_by": s.member_id,
        "requested_at": NOW,
    }


def photo_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    sha = f"{s.number:064x}"
    common = {"slot": 1, "sha256": sha, "byte_count": 3, "added_by": w.registrar}
    return {"activity_id": s.ids["activity"], "added_at": NOW} | common


def template_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    made = {"created_by": w.registrar, "created_at": NOW, "planned_minutes": 60}
    return {"organization_id": s.organization_id, "kind": "theme_day", "title": s.title} | made


def minutes_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    made = {"recorded_by": w.registrar, "recorded_at": NOW, "version": 1}
    return {"activity_id": s.ids["activity"], "summary": s.title} | made


def record_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    starts_at = NOW - timedelta(days=3 if s.year == 2026 else 368, seconds=s.number)
    return owned_by(s) | {
        "claim_id": s.ids["claim"],
        "title": s.title,
        "origin": "self",
        "happened_on": s.happened_on,
        "starts_at": starts_at,
        "ends_at": starts_at + HOUR,
        "planned_minutes": 60,
        "claimed_minutes": 60,
        "entered_by": s.member_id,
        "created_at": NOW,
    }


def issuer_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "organization_id": s.organization_id,
        "kind": "residents_committee",
        "name": s.title,
        "basis": "区民〔2026〕8 号",
        "valid_from": LONG_AGO,
        "registered_by": w.registrar,
        "registered_at": NOW,
    }


def opportunity_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "organization_id": s.organization_id,
        "title": s.title,
        "place": "花园",
        "starts_at": NOW + HOUR,
        "ends_at": NOW + 2 * HOUR,
        "planned_minutes": 60,
        "places": 20,
        "taken": 1,
        "created_by": w.registrar,
        "created_at": NOW,
    }


def signup_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    who = {"member_id": s.member_id, "entered_by": s.member_id, "signed_up_at": NOW}
    return {"opportunity_id": s.ids["opportunity"]} | who


def correction_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "record_id": s.ids["record"],
        "asked_minutes": 90,
        "grounds": "十一时才结束",
        "asked_by": s.member_id,
        "asked_at": NOW,
        "due_on": date(2026, 11, 20),
    }


def sheet_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "number": f"2026-{s.number:06}",
        "verify_code": f"K{s.number:07}",
        "kind": "record",
        "first_on": date(2026, 1, 1),
        "last_on": date(2026, 11, 1),
        "issued_on": date(2026, 11, 2),
        "lines": [],
        "total_minutes": 0,
        "digest": SHA,
    }


def pledge_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return (
        owned_by(s)
        | _pledge_text(s)
        | {
            "reviewer_organization_id": s.organization_id,
            "year": s.year,
            "kind": "annual_pledge",
            "status": "submitted",
            "text_number": 1,
            "entered_by": s.member_id,
            "created_at": NOW,
        }
    )


def revision_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    """The text of the pledge as it was put forward: approving it reads this."""
    put = {"number": 1, "proposed_by": s.member_id, "proposed_at": NOW}
    return {"pledge_id": s.ids["pledge"]} | _pledge_text(s) | put


def _pledge_text(s: Subject) -> dict[str, Any]:
    return {
        "category": "service",
        "title": s.title,
        "content": "每月上门看望",
        "target": "十二次",
        "due_on": date(s.year, 12, 31),
    }
