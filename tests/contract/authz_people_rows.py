"""Rows of rosters, transfers, migrants and lost contact for a subject of the matrix."""

from datetime import date, timedelta
from typing import Any

from core.ids import new_id
from tests.contract.authz_world import AuthzWorld, Subject, owned_by
from tests.world import NOW

HOUR = timedelta(hours=1)
SHA = "0" * 64


def appointment_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    dates = {"valid_from": date(2026, 11, 1), "recorded_by": w.registrar, "recorded_at": NOW}
    return owned_by(s) | {"post": "网格员", "basis": "镇党委〔2026〕3 号"} | dates


def import_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    layout = {"sheet_name": "名册", "other_sheet_names": [], "columns": []}
    file = {"file_name": f"{s.title}.xlsx", "file_sha256": SHA, "mapping": layout}
    by = {"uploaded_by": w.registrar, "uploaded_at": NOW, "status": "checked"}
    return {"organization_id": s.organization_id} | by | file


def job_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    common = {"kind": "roster-check", "subject_id": s.ids["import"], "created_at": NOW}
    return {"requested_by": s.member_id} | common


def affiliation_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {"kind": "community_registration", "valid_from": date(2026, 11, 1)}


def exemption_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "member_id": s.member_id,
        "kind": "aged",
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2027, 1, 1),
        "decided_by_organization_id": s.organization_id,
        "recorded_by": w.registrar,
    }


def hold_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return exemption_row(s, w) | {"kind": "long_training", "recorded_at": NOW}


def grant_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    # Whoever asks must not thereby hold a role that the matrix does not give him.
    valid_to = date(2026, 2, 1) if s.relation == "self" else date(2027, 1, 1)
    until = {"valid_from": date(2026, 1, 1), "valid_to": valid_to, "granted_at": NOW}
    return owned_by(s) | {"role": "delegate"} | until


def fact_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "kind": "visit",
        "strength": "soft",
        "happened_on": date(2026, 11, 1),
        "source_id": new_id(),
        "revision": 1,
        "recorded_by": w.registrar,
        "recorded_at": NOW,
        "note": s.title,
    }


def case_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return owned_by(s) | {
        "clock": "lost_contact",
        "anchor_on": date(2026, 6, 30),
        "stage": 4,
        "opened_at": NOW,
        "assignee_role": "group_leader",
        "closing_note": "",
    }


def attempt_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    how = {"method": "phone_call", "contacted": "nobody", "outcome": "no_answer"}
    made = {"attempted_at": NOW, "recorded_by": w.registrar, "recorded_at": NOW, "note": s.title}
    return {"case_id": s.ids["case"], "member_id": s.member_id} | how | made


def contest_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    of = {"case_id": s.ids["case"], "member_id": s.member_id}
    return of | {"note": s.title, "state": "open", "filed_at": NOW}


def transfer_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
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


def graduate_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    made = {"recorded_by": w.registrar, "recorded_at": NOW, "graduated_on": date(2026, 7, 1)}
    return owned_by(s) | made


def registration_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
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


def placement_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    asked = {"status": "asked", "asked_by": w.registrar, "asked_at": NOW}
    of = {"registration_id": s.ids["registration"], "migrant_id": s.member_id}
    return of | {"organization_id": s.organization_id} | asked


def message_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
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


def session_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    return {
        "member_id": s.member_id,
        "means": "password",
        "device_name": s.title,
        "platform": "android",
        "app_version": "1.0.0",
        "created_at": NOW,
        "renewed_at": NOW,
        "expires_at": NOW + 24 * HOUR,
    }


def app_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    # A path calls both an app's number and that of a stay elsewhere `registration_id`.
    named = {"id": s.ids["registration"], "session_id": s.ids["session"]}
    token = {"provider": "jpush", "token_sealed": b"sealed", "token_masked": f"{s.title}***"}
    of = {"member_id": s.member_id, "platform": "android", "app_version": "1.0.0"}
    return named | of | token | {"registered_at": NOW}


def erasure_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    asked = {"requested_by": w.registrar, "requested_at": NOW}
    return {"member_id": s.member_id, "reason": "本人书面申请", "basis": "〔2026〕31号"} | asked


def work_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    days = {"assigned_on": date(2026, 11, 2), "due_on": date(2026, 11, 30)}
    days |= {"counts_from": date(2026, 11, 30)}
    made = {"recorded_by": w.registrar, "recorded_at": NOW}
    return owned_by(s) | {"title": s.title, "basis": "支委会研究"} | days | made


def feedback_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    places = {
        "about_organization_id": s.organization_id,
        "handling_organization_id": s.organization_id,
    }
    said = {"kind": "suggestion", "topic": "other", "text": s.title, "is_anonymous": False}
    return {"member_id": s.member_id, "filed_at": NOW, "due_on": date(2026, 12, 1)} | places | said


def copy_row(s: Subject, w: AuthzWorld) -> dict[str, Any]:
    until = {"requested_at": NOW, "expires_at": NOW + timedelta(days=3)}
    return {"member_id": s.member_id, "job_id": s.ids["job"]} | until
