"""One thing of every kind for every subject of the matrix, each kind in one INSERT."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from activities import life_models, pledge_models, record_models, service_models
from activities.models import Activity, VolunteerRecord
from core.background import BackgroundJob
from core.db import Base
from core.ids import new_id
from members import access_models, cadre_models, migrant_models, models, transfer_models
from members.contact import case_models
from members.contact import models as contact
from members.roster.models import RosterImport
from notifications.models import OutboxMessage
from points import models as points
from points import publicity_models as publicity
from points import review_models, scheme_models
from tests.contract.authz_world import AuthzWorld, Subject, close_last_year
from tests.world import LONG_AGO, NOW, SCHEME

HOUR = timedelta(hours=1)
SHA = "0" * 64


class Kind(NamedTuple):
    """A table, and the columns of a subject's row in it beside the id."""

    model: type[Base]
    row: Callable[[Subject, AuthzWorld], dict[str, Any]]


def _of(subject: Subject) -> dict[str, Any]:
    return {"member_id": subject.member_id, "organization_id": subject.organization_id}


def _activity(s: Subject, w: AuthzWorld) -> dict[str, Any]:
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


def _attendance(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
        "activity_id": s.ids["activity"],
        "party_group_id": s.party_group_id,
        "home_organization_id": s.organization_id,
        "affiliation_kind": "primary",
        "member_kind": "full_member",
        "is_expected": True,
        "is_exempt": False,
    }


def _leave(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "activity_id": s.ids["activity"],
        "member_id": s.member_id,
        "reason_kind": "sick",
        "requested_by": s.member_id,
        "requested_at": NOW,
    }


def _photo(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    sha = f"{s.number:064x}"
    common = {"slot": 1, "sha256": sha, "byte_count": 3, "added_by": w.registrar}
    return {"activity_id": s.ids["activity"], "added_at": NOW} | common


def _template(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    made = {"created_by": w.registrar, "created_at": NOW, "planned_minutes": 60}
    return {"organization_id": s.organization_id, "kind": "theme_day", "title": s.title} | made


def _claim(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
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


def _record(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    starts_at = NOW - timedelta(days=3 if s.year == 2026 else 368, seconds=s.number)
    return _of(s) | {
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


def _entry(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    session = w.world.session
    period = sa.select(points.Period.id).where(points.Period.code == str(s.year))
    return _of(s) | {
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


def _adjustment(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
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


def _bulletin(s: Subject, w: AuthzWorld) -> dict[str, Any]:
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


def _objection(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
        "entry_id": s.ids["entry"],
        "title": s.title,
        "deciding_organization_id": s.organization_id,
        "objector_id": s.member_id,
        "approved_by": w.registrar,
        "reason": "时长有误",
        "filed_at": NOW,
        "reply_due_on": date(2026, 11, 20),
    }


def _review(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {"reviewer_id": s.member_id, "reviewed_at": NOW, "undo_until": NOW + HOUR}


def _scheme(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "scheme_code": f"draft-{s.number}",
        "organization_id": s.organization_id,
        "subject": "party_members",
        "definition": SCHEME | {"code": f"draft-{s.number}", "name": s.title},
        "definition_sha256": SHA,
        "created_by": w.registrar,
        "created_at": NOW,
    }


def _simulation(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "scheme_id": s.ids["scheme"],
        "organization_id": s.organization_id,
        "definition": {},
        "year": 2026,
        "through_on": date(2026, 6, 30),
        "requested_by": w.registrar,
        "requested_at": NOW,
    }


def _delegation(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    # Only one may be live for an organisation.
    ended = {"revoked_by": w.registrar, "revoked_at": NOW}
    common = {"valid_from": LONG_AGO, "basis": "区组通〔2026〕1 号", "granted_at": NOW}
    return {"organization_id": s.organization_id, "granted_by": w.registrar} | common | ended


def _appointment(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    dates = {"valid_from": date(2026, 11, 1), "recorded_by": w.registrar, "recorded_at": NOW}
    return _of(s) | {"post": "网格员", "basis": "镇党委〔2026〕3 号"} | dates


def _issuer(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "organization_id": s.organization_id,
        "kind": "residents_committee",
        "name": s.title,
        "basis": "区民〔2026〕8 号",
        "valid_from": LONG_AGO,
        "registered_by": w.registrar,
        "registered_at": NOW,
    }


def _opportunity(s: Subject, w: AuthzWorld) -> dict[str, Any]:
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


def _signup(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    who = {"member_id": s.member_id, "entered_by": s.member_id, "signed_up_at": NOW}
    return {"opportunity_id": s.ids["opportunity"]} | who


def _correction(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
        "record_id": s.ids["record"],
        "asked_minutes": 90,
        "grounds": "十一时才结束",
        "asked_by": s.member_id,
        "asked_at": NOW,
        "due_on": date(2026, 11, 20),
    }


def _sheet(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
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


def _pledge(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
        "reviewer_organization_id": s.organization_id,
        "year": s.year,
        "kind": "annual_pledge",
        "status": "submitted",
        "text_number": 1,
        "entered_by": s.member_id,
        "created_at": NOW,
        "category": "service",
        "title": s.title,
        "content": "每月上门看望",
        "target": "十二次",
        "due_on": date(s.year, 12, 31),
    }


def _import(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    layout = {"sheet_name": "名册", "other_sheet_names": [], "columns": []}
    file = {"file_name": f"{s.title}.xlsx", "file_sha256": SHA, "mapping": layout}
    by = {"uploaded_by": w.registrar, "uploaded_at": NOW, "status": "checked"}
    return {"organization_id": s.organization_id} | by | file


def _job(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    common = {"kind": "roster-check", "subject_id": s.ids["import"], "created_at": NOW}
    return {"requested_by": s.member_id} | common


def _affiliation(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {"kind": "community_registration", "valid_from": date(2026, 11, 1)}


def _exemption(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "member_id": s.member_id,
        "kind": "aged",
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2027, 1, 1),
        "decided_by_organization_id": s.organization_id,
        "recorded_by": w.registrar,
    }


def _hold(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _exemption(s, w) | {"kind": "long_training", "recorded_at": NOW}


def _grant(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    # Whoever asks must not thereby hold a role that the matrix does not give him.
    valid_to = date(2026, 2, 1) if s.relation == "self" else date(2027, 1, 1)
    until = {"valid_from": date(2026, 1, 1), "valid_to": valid_to, "granted_at": NOW}
    return _of(s) | {"role": "delegate"} | until


def _fact(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
        "kind": "visit",
        "strength": "soft",
        "happened_on": date(2026, 11, 1),
        "source_id": new_id(),
        "revision": 1,
        "recorded_by": w.registrar,
        "recorded_at": NOW,
        "note": s.title,
    }


def _case(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return _of(s) | {
        "clock": "lost_contact",
        "anchor_on": date(2026, 6, 30),
        "stage": 4,
        "opened_at": NOW,
        "assignee_role": "group_leader",
        "closing_note": "",
    }


def _attempt(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    how = {"method": "phone_call", "contacted": "nobody", "outcome": "no_answer"}
    made = {"attempted_at": NOW, "recorded_by": w.registrar, "recorded_at": NOW, "note": s.title}
    return {"case_id": s.ids["case"], "member_id": s.member_id} | how | made


def _contest(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    of = {"case_id": s.ids["case"], "member_id": s.member_id}
    return of | {"note": s.title, "state": "open", "filed_at": NOW}


def _transfer(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "member_id": s.member_id,
        "sender_organization_id": s.organization_id,
        "receiver_name": f"{s.title}外部支部",
        "reason": "工作调动",
        "letter_number": "18",
        "letter_on": date(2026, 11, 1),
        "letter_valid_to": date(2027, 1, 30),
        "status": "sent",
        "sent_on": date(2026, 11, 1),
        "sent_by": w.registrar,
        "sent_at": NOW,
    }


def _registration(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "member_id": s.member_id,
        "home_organization_id": s.organization_id,
        "status": "proposed",
        "left_on": date(2026, 10, 1),
        "city": "陕西省西安市",
        "reason_code": "work_elsewhere",
        "holds_card": False,
        "entered_by": w.registrar,
        "entered_at": NOW,
    }


def _placement(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    asked = {"status": "asked", "asked_by": w.registrar, "asked_at": NOW}
    of = {"registration_id": s.ids["registration"], "migrant_id": s.member_id}
    return of | {"organization_id": s.organization_id} | asked


def _message(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "dedupe_key": f"authz-{s.number}",
        "member_id": s.member_id,
        "kind": "claim_approved",
        "channel": "email",
        "params": {},
        "state": "unknown",
        "not_before": NOW,
        "created_at": NOW,
        "finished_at": NOW,
    }


# In the order in which they point at each other.
KINDS = {
    "activity": Kind(Activity, _activity),
    "attendance": Kind(life_models.Attendance, _attendance),
    "leave": Kind(life_models.LeaveRequest, _leave),
    "photo": Kind(record_models.ActivityPhoto, _photo),
    "template": Kind(record_models.ActivityTemplate, _template),
    "claim": Kind(points.Claim, _claim),
    "record": Kind(VolunteerRecord, _record),
    "correction": Kind(service_models.ServiceCorrection, _correction),
    "sheet": Kind(service_models.ServiceSheet, _sheet),
    "issuer": Kind(service_models.ServiceIssuer, _issuer),
    "opportunity": Kind(service_models.ServiceOpportunity, _opportunity),
    "signup": Kind(service_models.ServiceSignup, _signup),
    "entry": Kind(points.LedgerEntry, _entry),
    "adjustment": Kind(publicity.Adjustment, _adjustment),
    "bulletin": Kind(publicity.Bulletin, _bulletin),
    "objection": Kind(publicity.Objection, _objection),
    "review": Kind(review_models.ReviewBatch, _review),
    "scheme": Kind(points.SchemeVersion, _scheme),
    "simulation": Kind(scheme_models.SchemeSimulation, _simulation),
    "delegation": Kind(scheme_models.SchemeDelegation, _delegation),
    "appointment": Kind(cadre_models.CadreAppointment, _appointment),
    "pledge": Kind(pledge_models.Pledge, _pledge),
    "import": Kind(RosterImport, _import),
    "job": Kind(BackgroundJob, _job),
    "affiliation": Kind(models.Affiliation, _affiliation),
    "exemption": Kind(models.Exemption, _exemption),
    "grant": Kind(access_models.RoleGrant, _grant),
    "fact": Kind(contact.RecordedFact, _fact),
    "hold": Kind(contact.ContactHold, _hold),
    "case": Kind(contact.ContactCase, _case),
    "attempt": Kind(case_models.ContactAttempt, _attempt),
    "contest": Kind(case_models.ContactContest, _contest),
    "transfer": Kind(transfer_models.Transfer, _transfer),
    "registration": Kind(migrant_models.MigrantRegistration, _registration),
    "placement": Kind(migrant_models.HostPlacement, _placement),
    "message": Kind(OutboxMessage, _message),
}


def add_everything(found: AuthzWorld) -> None:
    """Every subject gets one thing of each kind; last year is then closed."""
    session = found.world.session
    for name, kind in KINDS.items():
        rows = []
        for subject in found.everybody():
            own_id = subject.ids.setdefault(name, new_id())
            rows.append({"id": own_id} | kind.row(subject, found))
        session.execute(sa.insert(kind.model), rows)
    session.execute(
        sa.insert(record_models.ActivityRecord), [_minutes(s, found) for s in found.everybody()]
    )
    session.execute(
        sa.insert(transfer_models.Graduate), [_graduate(s, found) for s in found.everybody()]
    )
    close_last_year(session)
    session.flush()


def _minutes(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    made = {"recorded_by": w.registrar, "recorded_at": NOW, "version": 1}
    return {"activity_id": s.ids["activity"], "summary": s.title} | made


def _graduate(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    made = {"recorded_by": w.registrar, "recorded_at": NOW, "graduated_on": date(2026, 7, 1)}
    return _of(s) | made
