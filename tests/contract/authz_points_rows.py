"""Rows of claims, points, publicity and schemes for a subject of the matrix."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from core.ids import new_id
from points import models as points
from tests.contract.authz_world import AuthzWorld, Subject, owned_by
from tests.world import LONG_AGO, NOW, SCHEME

HOUR = timedelta(hours=1)
SHA = "0" * 64


def claim_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "reviewer_organization_id": s.organization_id,
        "item_code": "volunteer_service",
        "source_kind": "volunteer_record",
        "source_id": s.ids.setdefault("record", new_id()),
        "title": s.title,
        "happened_on": s.happened_on,
        "quantity": 60,
        "submitted_by": s.member_id,
        "submitted_at": NOW,
    }


def entry_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    session = w.world.session
    period = sa.select(points.Period.id).where(points.Period.code == str(s.year))
    return owned_by(s) | {
        "source_kind": "adjustment",
        "source_id": new_id(),
        "source_revision": 1,
        "period_id": session.scalar(period),
        "scheme_version_id": session.scalar(sa.select(points.SchemeVersion.id).limit(1)),
        "item_code": "commended",
        "component_code": "bonus",
        "title": s.title,
        "happened_on": s.happened_on,
        "asked": 100,
        "points": 100,
        "inputs": {"quantity": 1, "points": 100, "caps": []},
        "actor_id": w.registrar,
        "request_id": "test-request",
        "posted_at": NOW,
    }


def adjustment_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "subject": "party_members",
        "entered_at_organization_id": s.organization_id,
        "event": "manual",
        "item_code": "disciplined",
        "title": s.title,
        "happened_on": s.happened_on,
        "quantity": 1,
        "grade": "",
        "member_class": "ordinary",
        "asked": -100,
        "is_deduction": True,
        "basis": "积分方案第三条",
        "document_number": "〔2026〕1 号",
        "entered_by": w.registrar,
        "entered_at": NOW,
        "notified_on": date(2026, 11, 1),
        "objection_until": date(2026, 11, 20),
    }


def bulletin_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "organization_id": s.organization_id,
        "subject": "party_members",
        "month": f"{2010 + s.number // 12}-{s.number % 12 + 1:02}",
        "working_days": 5,
        "published_by": w.registrar,
        "published_at": NOW,
        "published_on": date(2026, 11, 5),
        "ends_on": date(2026, 11, 12),
        "is_estimated": False,
        "entries": 0,
        "sha256": SHA,
    }


def objection_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "entry_id": s.ids["entry"],
        "title": s.title,
        "deciding_organization_id": s.organization_id,
        "objector_id": s.member_id,
        "approved_by": w.registrar,
        "reason": "时长有误",
        "filed_at": NOW,
        "reply_due_on": date(2026, 11, 20),
    }


def review_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {"reviewer_id": s.member_id, "reviewed_at": NOW, "undo_until": NOW + HOUR}


def scheme_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "scheme_code": f"draft-{s.number}",
        "organization_id": s.organization_id,
        "subject": "party_members",
        "definition": SCHEME | {"code": f"draft-{s.number}", "name": s.title},
        "definition_sha256": SHA,
        "created_by": w.registrar,
        "created_at": NOW,
    }


def simulation_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "scheme_id": s.ids["scheme"],
        "organization_id": s.organization_id,
        "definition": {},
        "year": 2026,
        "through_on": date(2026, 6, 30),
        "requested_by": w.registrar,
        "requested_at": NOW,
    }


def delegation_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    # Only one may be live for an organisation.
    ended = {"revoked_by": w.registrar, "revoked_at": NOW}
    common = {"valid_from": LONG_AGO, "basis": "区组通〔2026〕1 号", "granted_at": NOW}
    return {"organization_id": s.organization_id, "granted_by": w.registrar} | common | ended
