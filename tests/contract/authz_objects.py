"""One thing of every kind for every subject of the matrix, each kind in one INSERT."""

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from activities import life_models, pledge_models, record_models, service_models
from activities.models import Activity, VolunteerRecord
from core.background import BackgroundJob
from core.db import Base
from core.ids import new_id
from members import (
    access_models,
    cadre_models,
    migrant_models,
    models,
    privacy_models,
    session_models,
    transfer_models,
)
from members.contact import case_models
from members.contact import models as contact
from members.contact.assigned_work_models import AssignedWork
from members.data_copy_models import DataCopy
from members.feedback.models import Feedback
from members.roster.models import RosterImport
from notifications.delivery_models import PushRegistration
from notifications.models import OutboxMessage
from points import models as point_models
from points import publicity_models as publicity
from points import review_models, scheme_models
from tests.contract import authz_life_rows as life
from tests.contract import authz_people_rows as people
from tests.contract import authz_points_rows as points
from tests.contract.authz_world import AuthzWorld, Subject, close_last_year


class Kind(NamedTuple):
    """A table, and the columns of a subject's row in it beside the id."""

    model: type[Base]
    row: Callable[[Subject, AuthzWorld], dict[str, Any]]


# In the order in which they point at each other.
KINDS = {
    "activity": Kind(Activity, life.activity_row),
    "attendance": Kind(life_models.Attendance, life.attendance_row),
    "leave": Kind(life_models.LeaveRequest, life.leave_row),
    "photo": Kind(record_models.ActivityPhoto, life.photo_row),
    "template": Kind(record_models.ActivityTemplate, life.template_row),
    "claim": Kind(point_models.Claim, points.claim_row),
    "record": Kind(VolunteerRecord, life.record_row),
    "correction": Kind(service_models.ServiceCorrection, life.correction_row),
    "sheet": Kind(service_models.ServiceSheet, life.sheet_row),
    "issuer": Kind(service_models.ServiceIssuer, life.issuer_row),
    "opportunity": Kind(service_models.ServiceOpportunity, life.opportunity_row),
    "signup": Kind(service_models.ServiceSignup, life.signup_row),
    "entry": Kind(point_models.LedgerEntry, points.entry_row),
    "adjustment": Kind(publicity.Adjustment, points.adjustment_row),
    "bulletin": Kind(publicity.Bulletin, points.bulletin_row),
    "objection": Kind(publicity.Objection, points.objection_row),
    "review": Kind(review_models.ReviewBatch, points.review_row),
    "scheme": Kind(point_models.SchemeVersion, points.scheme_row),
    "simulation": Kind(scheme_models.SchemeSimulation, points.simulation_row),
    "delegation": Kind(scheme_models.SchemeDelegation, points.delegation_row),
    "appointment": Kind(cadre_models.CadreAppointment, people.appointment_row),
    "pledge": Kind(pledge_models.Pledge, life.pledge_row),
    "import": Kind(RosterImport, people.import_row),
    "job": Kind(BackgroundJob, people.job_row),
    "affiliation": Kind(models.Affiliation, people.affiliation_row),
    "exemption": Kind(models.Exemption, people.exemption_row),
    "grant": Kind(access_models.RoleGrant, people.grant_row),
    "fact": Kind(contact.RecordedFact, people.fact_row),
    "hold": Kind(contact.ContactHold, people.hold_row),
    "case": Kind(contact.ContactCase, people.case_row),
    "attempt": Kind(case_models.ContactAttempt, people.attempt_row),
    "contest": Kind(case_models.ContactContest, people.contest_row),
    "transfer": Kind(transfer_models.Transfer, people.transfer_row),
    "registration": Kind(migrant_models.MigrantRegistration, people.registration_row),
    "placement": Kind(migrant_models.HostPlacement, people.placement_row),
    "message": Kind(OutboxMessage, people.message_row),
    "session": Kind(session_models.DeviceSession, people.session_row),
    "app": Kind(PushRegistration, people.app_row),
    "erasure": Kind(privacy_models.Erasure, people.erasure_row),
    "work": Kind(AssignedWork, people.work_row),
    "feedback": Kind(Feedback, people.feedback_row),
    "copy": Kind(DataCopy, people.copy_row),
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
        sa.insert(record_models.ActivityRecord),
        [life.minutes_row(s, found) for s in found.everybody()],
    )
    session.execute(
        sa.insert(pledge_models.PledgeRevision),
        [{"id": new_id()} | life.revision_row(s, found) for s in found.everybody()],
    )
    session.execute(
        sa.insert(transfer_models.Graduate),
        [people.graduate_row(s, found) for s in found.everybody()],
    )
    close_last_year(session)
    session.flush()
