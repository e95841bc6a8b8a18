"""What must happen at least once in the demo's year, part by part: rows of a table, and which."""

from typing import Any

import sqlalchemy as sa

from activities.life_models import (
    ActivityOrganization,
    Attendance,
    AttendanceEvent,
    AttendanceOrigin,
    AttendanceStatus,
    CheckIn,
    LeaveRequest,
    MakeUp,
)
from activities.models import Activity, ActivityKind
from activities.pledge_models import Pledge, PledgeEvent, PledgeNote
from activities.pledge_states import PledgeStep
from activities.record_models import ActivityRecord, ActivityTemplate, DutyExcuse, MeetingVote
from activities.service_models import (
    ServiceCorrection,
    ServiceIssuer,
    ServiceOpportunity,
    ServiceSheet,
    ServiceSignup,
)
from members.cadre_models import CadreAppointment
from members.consent_models import Consent
from members.contact.assigned_work_models import AssignedWork
from members.contact.case_models import (
    ContactAttempt,
    ContactContest,
    MembershipDecision,
    OwnReportLink,
)
from members.contact.case_review_models import CaseReview
from members.contact.models import ContactCase, ContactHold, Outage, RecordedFact
from members.migrant_models import HostPlacement, MigrantTouch
from members.privacy_models import PersonalDataAccess
from members.session_models import DeviceSession, SignInTicket
from members.transfer_models import Transfer
from notifications.models import InboxMessage
from points.audit_samples import AuditSample
from points.models import LedgerEntry, SchemeVersion
from points.publicity_models import Adjustment, Bulletin, Objection
from points.review_models import Recusal, ReviewBatch
from points.scheme_models import SchemeDelegation, SchemeSimulation, SchemeSimulationChange
from points.statement_models import PeriodOpening, PeriodStatement


def _is(kind: ActivityKind) -> sa.ColumnElement[bool]:
    """Filter: an activity of this kind, also where it is one of several kinds of one evening."""
    return (Activity.kind == kind) | sa.cast(Activity.tags, sa.Text).contains(f'"{kind}"')


_IS_JOINT_OF_TWO = ActivityOrganization.activity_id.in_(
    sa.select(ActivityOrganization.activity_id)
    .group_by(ActivityOrganization.activity_id)
    .having(sa.func.count() > 1)
)

PARTS_OF_A_YEAR: dict[str, tuple[Any, ...]] = {
    # Schemes are data.
    "draft": (SchemeVersion, SchemeVersion.status == "draft"),
    "delegation": (SchemeDelegation,),
    "committee's own scheme": (SchemeVersion, SchemeVersion.basis != ""),
    "simulation": (SchemeSimulation, SchemeSimulation.finished_at.is_not(None)),
    "somebody changed in it": (SchemeSimulationChange,),
    "cadre": (CadreAppointment,),
    "cadre's points": (LedgerEntry, LedgerEntry.subject == "cadres"),
    # Pledges.
    **{f"pledge: {step}": (PledgeEvent, PledgeEvent.kind == step) for step in PledgeStep},
    "annual pledge": (Pledge, Pledge.kind == "annual_pledge"),
    "amendment approved": (
        Pledge,
        Pledge.text_in_force > 1,
        Pledge.text_in_force == Pledge.text_number,
    ),
    "supervision noted": (PledgeNote, PledgeNote.kind == "supervision"),
    # Organisation life.
    **{
        f"held: {kind}": (Activity, Activity.closed_at.is_not(None), _is(kind))
        for kind in ActivityKind
    },
    **{
        f"attendance: {status}": (Attendance, Attendance.status == status)
        for status in AttendanceStatus
    },
    **{
        f"said by: {origin}": (AttendanceEvent, AttendanceEvent.origin == origin)
        for origin in AttendanceOrigin
    },
    "cancelled with notice": (
        Activity,
        Activity.cancelled_at.is_not(None),
        Activity.published_at.is_not(None),
    ),
    "made from a template": (Activity, Activity.title.in_(sa.select(ActivityTemplate.title))),
    "joint activity of two branches": (ActivityOrganization, _IS_JOINT_OF_TWO),
    "guest on a list": (Attendance, Attendance.is_expected.is_(False)),
    "vote": (MeetingVote,),
    "record": (ActivityRecord,),
    "duty excused": (DutyExcuse,),
    "check-in by code": (CheckIn, CheckIn.method == "token"),
    "check-in by digits": (CheckIn, CheckIn.method == "digits"),
    "late scan": (CheckIn, CheckIn.received_at > CheckIn.scanned_at),
    "leave approved": (LeaveRequest, LeaveRequest.status == "approved"),
    "make-up": (MakeUp,),
    # Volunteer service.
    "sign-up": (ServiceSignup,),
    "service cancelled": (ServiceOpportunity, ServiceOpportunity.cancelled_at.is_not(None)),
    "correction answered": (ServiceCorrection, ServiceCorrection.answered_at.is_not(None)),
    "record sheet": (ServiceSheet, ServiceSheet.kind == "record"),
    "certificate": (ServiceSheet, ServiceSheet.kind == "certificate"),
    "consent": (Consent,),
    "issuer": (ServiceIssuer,),
    # From provisional to final.
    "bonus by hand": (LedgerEntry, LedgerEntry.item_code == "commended"),
    "deduction posted": (Adjustment, Adjustment.is_deduction, Adjustment.status == "posted"),
    "appraisal by several raters": (LedgerEntry, LedgerEntry.item_code == "democratic_appraisal"),
    "veto confirmed from above": (
        Adjustment,
        Adjustment.event == "veto",
        Adjustment.status == "posted",
        Adjustment.document_number != "",
        Adjustment.confirmed_by.is_not(None),
    ),
    "bulletin closed": (Bulletin, Bulletin.status == "closed"),
    "objection upheld": (Objection, Objection.status == "upheld"),
    "objection rejected": (Objection, Objection.status == "rejected"),
    "appeal decided": (
        Objection,
        Objection.appeal_of_id.is_not(None),
        Objection.decided_at.is_not(None),
    ),
    "batch undone": (ReviewBatch, ReviewBatch.undone_at.is_not(None)),
    "recusal": (Recusal,),
    # Periods.
    "statement": (PeriodStatement,),
    "year taken over": (PeriodOpening,),
    "late adjustment of a closed year": (LedgerEntry, LedgerEntry.about_period_id.is_not(None)),
    "carried over": (LedgerEntry, LedgerEntry.source_kind == "carry_over", LedgerEntry.points > 0),
    "cadres' bulletin closed": (
        Bulletin,
        Bulletin.subject == "cadres",
        Bulletin.status == "closed",
    ),
    # Keeping in touch.
    **{
        f"contact: {kind}": (RecordedFact, RecordedFact.kind == kind)
        for kind in ("attendance", "dues_paid", "transfer_accepted", "own_report", "answered_call")
    },
    "days that do not count": (Outage,),
    "hold": (ContactHold,),
    "case open": (ContactCase, ContactCase.state == "open"),
    "recontacted": (ContactCase, ContactCase.state == "recontacted"),
    "attempt": (ContactAttempt,),
    "case reviewed": (CaseReview,),
    "contest answered": (ContactContest, ContactContest.answered_at.is_not(None)),
    "own-report link sent": (InboxMessage, InboxMessage.kind == "own_report_link"),
    "own-report link tapped": (OwnReportLink, OwnReportLink.answered_at.is_not(None)),
    "suspended by decision": (MembershipDecision, MembershipDecision.kind == "suspension"),
    "migrant with a host": (HostPlacement, HostPlacement.status == "accepted"),
    "migrant heard from": (MigrantTouch,),
    "transfer accepted": (Transfer, Transfer.status == "accepted"),
    "transfer under way": (Transfer, Transfer.status == "sent"),
    **{
        f"assigned work: {state}": (AssignedWork, AssignedWork.state == state)
        for state in ("open", "done")
    },
    # Phones, numbers and whoever looks over shoulders.
    "session of a device": (DeviceSession, DeviceSession.revoked_at.is_(None)),
    "device signed out": (DeviceSession, DeviceSession.revoked_because == "revoked"),
    "helped to sign in": (SignInTicket, SignInTicket.used_at.is_not(None)),
    "host may call": (Consent, Consent.purpose == "host_contact", Consent.is_given),
    "number disclosed": (PersonalDataAccess, PersonalDataAccess.purpose != ""),
    "sample drawn": (AuditSample, AuditSample.population > AuditSample.size),
}
