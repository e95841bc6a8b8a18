"""Organisation life: lists with attendance, leave, check-ins, make-up, records, templates.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.append_only import guard
from migrations.sqlite_rebuild import rebuild_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
APPEND_ONLY = ("attendance_event", "check_in", "make_up", "meeting_vote", "duty_excuse")
KIND = "kind IN ('theme_day', 'general_meeting', 'committee_meeting', 'group_meeting', 'party_lecture', 'organization_life_meeting', 'training')"
MORE_KINDS = "kind IN ('theme_day', 'general_meeting', 'committee_meeting', 'group_meeting', 'party_lecture', 'organization_life_meeting', 'democratic_appraisal', 'fixed_study_day', 'training', 'joint_activity')"
# New checks over the new columns of an activity.
CLOSED = "closed_at IS NULL OR (started_at IS NOT NULL AND cancelled_at IS NULL)"
CLOSED_BY = "(closed_at IS NULL) = (closed_by IS NULL)"
COLUMNS = """tags JSON NOT NULL, 
	invited JSON NOT NULL, 
	published_at VARCHAR(27), 
	started_at VARCHAR(27), 
	closed_at VARCHAR(27), 
	closed_by CHAR(32), 
	cancel_reason VARCHAR(200) NOT NULL, 
	version INTEGER NOT NULL, 
	"""  # noqa: W291 - SQLite keeps the spaces of its CREATE TABLE statements.
CONSTRAINTS = (
    f"CONSTRAINT ck_activity_closed CHECK ({CLOSED}), \n\t"
    f"CONSTRAINT ck_activity_closed_by CHECK ({CLOSED_BY}), \n\t"
    "CONSTRAINT fk_activity_closed_by FOREIGN KEY(closed_by) REFERENCES member (id), \n\t"
)
FIRST_CONSTRAINT = "CONSTRAINT pk_activity PRIMARY KEY"
FILLED = {"tags": "'[]'", "invited": "'[]'", "cancel_reason": "''", "version": "1"}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _widen_activity_on_postgresql()
    else:
        rebuild_table(
            "activity",
            [(KIND, MORE_KINDS), (FIRST_CONSTRAINT, COLUMNS + CONSTRAINTS + FIRST_CONSTRAINT)],
            filled=FILLED,
        )
    _create_tables()
    guard(APPEND_ONLY)


def _widen_activity_on_postgresql() -> None:
    for name in ("tags", "invited"):
        op.add_column("activity", sa.Column(name, JSON, nullable=False, server_default="[]"))
    for name in ("published_at", "started_at", "closed_at"):
        op.add_column("activity", sa.Column(name, INSTANT))
    op.add_column("activity", sa.Column("closed_by", sa.Uuid()))
    op.add_column(
        "activity", sa.Column("cancel_reason", sa.String(200), nullable=False, server_default="")
    )
    op.add_column(
        "activity", sa.Column("version", sa.Integer(), nullable=False, server_default="1")
    )
    for name in FILLED:
        op.alter_column("activity", name, server_default=None)
    op.create_foreign_key(
        op.f("fk_activity_closed_by"), "activity", "member", ["closed_by"], ["id"]
    )
    op.drop_constraint(op.f("ck_activity_kind"), "activity")
    op.create_check_constraint(op.f("ck_activity_kind"), "activity", MORE_KINDS)
    op.create_check_constraint(op.f("ck_activity_closed"), "activity", CLOSED)
    op.create_check_constraint(op.f("ck_activity_closed_by"), "activity", CLOSED_BY)


def _create_tables() -> None:
    _create_activity_template()
    _create_activity_organization()
    _create_activity_photo()
    _create_activity_record()
    _create_attendance()
    _create_check_in()
    _create_code_try()
    _create_leave_request()
    _create_meeting_vote()
    _create_attendance_event()
    _create_make_up()
    _create_duty_excuse()


def _create_activity_template() -> None:
    op.create_table(
        "activity_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("planned_minutes", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('theme_day', 'general_meeting', 'committee_meeting', 'group_meeting', 'party_lecture', 'organization_life_meeting', 'democratic_appraisal', 'fixed_study_day', 'training', 'joint_activity')",
            name=op.f("ck_activity_template_kind"),
        ),
        sa.CheckConstraint(
            "planned_minutes BETWEEN 5 AND 1440", name=op.f("ck_activity_template_planned_minutes")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["member.id"], name=op.f("fk_activity_template_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_activity_template_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_template")),
    )
    op.create_index(
        "ix_activity_template_organization_id",
        "activity_template",
        ["organization_id"],
        unique=False,
    )


def _create_activity_organization() -> None:
    op.create_table(
        "activity_organization",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_organization_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_activity_organization_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "activity_id", "organization_id", name=op.f("pk_activity_organization")
        ),
    )
    op.create_index(
        op.f("ix_activity_organization_organization_id"),
        "activity_organization",
        ["organization_id"],
        unique=False,
    )


def _create_activity_photo() -> None:
    op.create_table(
        "activity_photo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_count", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.CheckConstraint("slot BETWEEN 1 AND 3", name=op.f("ck_activity_photo_slot")),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_photo_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["added_by"], ["member.id"], name=op.f("fk_activity_photo_added_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_photo")),
        sa.UniqueConstraint("activity_id", "slot", name=op.f("uq_activity_photo_activity_id_slot")),
    )


def _create_activity_record() -> None:
    op.create_table(
        "activity_record",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("summary", sa.String(length=4000), nullable=False),
        sa.Column("decisions", sa.String(length=4000), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_record_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_activity_record_recorded_by")
        ),
        sa.PrimaryKeyConstraint("activity_id", name=op.f("pk_activity_record")),
    )


def _create_attendance() -> None:
    op.create_table(
        "attendance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("party_group_id", sa.Uuid(), nullable=True),
        sa.Column("home_organization_id", sa.Uuid(), nullable=False),
        sa.Column("affiliation_kind", sa.String(length=24), nullable=False),
        sa.Column("member_kind", sa.String(length=24), nullable=False),
        sa.Column("is_expected", sa.Boolean(), nullable=False),
        sa.Column("is_exempt", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=True),
        sa.Column("origin", sa.String(length=12), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "affiliation_kind IN ('primary', 'migrant_host', 'community_registration', 'temporary')",
            name=op.f("ck_attendance_affiliation_kind"),
        ),
        sa.CheckConstraint(
            "member_kind IN ('full_member', 'probationary_member')",
            name=op.f("ck_attendance_member_kind"),
        ),
        sa.CheckConstraint(
            "origin IN ('roll_call', 'paper', 'check_in', 'leave', 'make_up', 'exemption', 'closing')",
            name=op.f("ck_attendance_origin"),
        ),
        sa.CheckConstraint("status <> 'exempt' OR is_exempt", name=op.f("ck_attendance_exempt")),
        sa.CheckConstraint(
            "status IN ('present', 'present_remote', 'present_elsewhere', 'leave_approved', 'absent_unexcused', 'exempt', 'made_up')",
            name=op.f("ck_attendance_status"),
        ),
        sa.CheckConstraint("(status IS NULL) = (origin IS NULL)", name=op.f("ck_attendance_said")),
        sa.CheckConstraint(
            "(status IS NULL) = (revision = 0)", name=op.f("ck_attendance_revision")
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_attendance_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["home_organization_id"],
            ["organization.id"],
            name=op.f("fk_attendance_home_organization_id"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_attendance_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_attendance_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_group_id"], ["organization.id"], name=op.f("fk_attendance_party_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance")),
        sa.UniqueConstraint(
            "activity_id", "member_id", name=op.f("uq_attendance_activity_id_member_id")
        ),
    )
    op.create_index(
        "ix_attendance_member_id", "attendance", ["member_id", "activity_id"], unique=False
    )
    op.create_index(
        "ix_attendance_organization_id", "attendance", ["organization_id"], unique=False
    )


def _create_check_in() -> None:
    op.create_table(
        "check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("scanned_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("is_applied", sa.Boolean(), nullable=False),
        sa.CheckConstraint("method IN ('token', 'digits')", name=op.f("ck_check_in_method")),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_check_in_activity_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_check_in_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
        sa.UniqueConstraint(
            "activity_id", "member_id", name=op.f("uq_check_in_activity_id_member_id")
        ),
    )


def _create_code_try() -> None:
    op.create_table(
        "code_try",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.CheckConstraint("wrong BETWEEN 1 AND 5", name=op.f("ck_code_try_wrong")),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_code_try_activity_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_code_try_member_id")),
        sa.PrimaryKeyConstraint("activity_id", "member_id", name=op.f("pk_code_try")),
    )


def _create_leave_request() -> None:
    op.create_table(
        "leave_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason_kind", sa.String(length=10), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("is_after_the_fact", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision_reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "(status IN ('approved', 'refused')) = (decided_by IS NOT NULL)",
            name=op.f("ck_leave_request_decided"),
        ),
        sa.CheckConstraint(
            "NOT is_after_the_fact OR decision_reason <> ''",
            name=op.f("ck_leave_request_after_the_fact"),
        ),
        sa.CheckConstraint(
            "reason_kind IN ('sick', 'personal', 'official', 'other')",
            name=op.f("ck_leave_request_reason_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'refused', 'withdrawn')",
            name=op.f("ck_leave_request_status"),
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> member_id",
            name=op.f("ck_leave_request_not_oneself"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_leave_request_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["member.id"], name=op.f("fk_leave_request_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_leave_request_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["member.id"], name=op.f("fk_leave_request_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave_request")),
    )
    op.create_index(
        op.f("ix_leave_request_member_id"), "leave_request", ["member_id"], unique=False
    )
    op.create_index(
        "uq_leave_request_live",
        "leave_request",
        ["activity_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('requested', 'approved')"),
        sqlite_where=sa.text("status IN ('requested', 'approved')"),
    )


def _create_meeting_vote() -> None:
    op.create_table(
        "meeting_vote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("motion", sa.String(length=200), nullable=False),
        sa.Column("voters_due", sa.Integer(), nullable=False),
        sa.Column("voters_present", sa.Integer(), nullable=False),
        sa.Column("in_favour", sa.Integer(), nullable=False),
        sa.Column("against", sa.Integer(), nullable=False),
        sa.Column("abstained", sa.Integer(), nullable=False),
        sa.Column("is_quorate", sa.Boolean(), nullable=False),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "in_favour >= 0 AND against >= 0 AND abstained >= 0 AND in_favour + against + abstained <= voters_present",
            name=op.f("ck_meeting_vote_counts"),
        ),
        sa.CheckConstraint(
            "voters_present BETWEEN 0 AND voters_due", name=op.f("ck_meeting_vote_voters")
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_meeting_vote_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_meeting_vote_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_vote")),
    )
    op.create_index("ix_meeting_vote_activity_id", "meeting_vote", ["activity_id"], unique=False)


def _create_attendance_event() -> None:
    op.create_table(
        "attendance_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "origin IN ('roll_call', 'paper', 'check_in', 'leave', 'make_up', 'exemption', 'closing')",
            name=op.f("ck_attendance_event_origin"),
        ),
        sa.CheckConstraint(
            "status IN ('present', 'present_remote', 'present_elsewhere', 'leave_approved', 'absent_unexcused', 'exempt', 'made_up')",
            name=op.f("ck_attendance_event_status"),
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_attendance_event_revision")),
        sa.ForeignKeyConstraint(
            ["attendance_id"], ["attendance.id"], name=op.f("fk_attendance_event_attendance_id")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["member.id"], name=op.f("fk_attendance_event_entered_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_event")),
        sa.UniqueConstraint(
            "attendance_id", "revision", name=op.f("uq_attendance_event_attendance_id_revision")
        ),
    )


def _create_make_up() -> None:
    op.create_table(
        "make_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("made_up_on", sa.Date(), nullable=False),
        sa.Column("content", sa.String(length=200), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
        sa.CheckConstraint("confirmed_by <> member_id", name=op.f("ck_make_up_not_oneself")),
        sa.ForeignKeyConstraint(
            ["attendance_id"], ["attendance.id"], name=op.f("fk_make_up_attendance_id")
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["member.id"], name=op.f("fk_make_up_confirmed_by")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_make_up_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_make_up")),
    )
    op.create_index("ix_make_up_attendance_id", "make_up", ["attendance_id"])


def _create_duty_excuse() -> None:
    op.create_table(
        "duty_excuse",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("excused_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(MORE_KINDS, name=op.f("ck_duty_excuse_kind")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_duty_excuse_reason")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["organization.id"], name=op.f("fk_duty_excuse_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_duty_excuse_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_duty_excuse_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_excuse")),
    )
    op.create_index(
        "ix_duty_excuse_organization_id", "duty_excuse", ["organization_id", "excused_on"]
    )


def downgrade() -> None:
    op.drop_table("duty_excuse")
    op.drop_table("make_up")
    op.drop_table("attendance_event")
    op.drop_index("ix_meeting_vote_activity_id", table_name="meeting_vote")
    op.drop_table("meeting_vote")
    op.drop_index("uq_leave_request_live", table_name="leave_request")
    op.drop_index(op.f("ix_leave_request_member_id"), table_name="leave_request")
    op.drop_table("leave_request")
    op.drop_table("code_try")
    op.drop_table("check_in")
    op.drop_index("ix_attendance_organization_id", table_name="attendance")
    op.drop_index("ix_attendance_member_id", table_name="attendance")
    op.drop_table("attendance")
    op.drop_table("activity_record")
    op.drop_table("activity_photo")
    op.drop_index(
        op.f("ix_activity_organization_organization_id"), table_name="activity_organization"
    )
    op.drop_table("activity_organization")
    op.drop_index("ix_activity_template_organization_id", table_name="activity_template")
    op.drop_table("activity_template")
    if op.get_bind().dialect.name == "postgresql":
        _narrow_activity_on_postgresql()
    else:
        rebuild_table(
            "activity",
            [(MORE_KINDS, KIND), (COLUMNS + CONSTRAINTS + FIRST_CONSTRAINT, FIRST_CONSTRAINT)],
        )


def _narrow_activity_on_postgresql() -> None:
    for name in ("ck_activity_closed_by", "ck_activity_closed", "ck_activity_kind"):
        op.drop_constraint(op.f(name), "activity")
    op.create_check_constraint(op.f("ck_activity_kind"), "activity", KIND)
    for name in ("closed_by", "closed_at", "started_at", "published_at", *FILLED):
        op.drop_column("activity", name)
