"""Foundation: organisations, members, access, points, activities, messages, background work.

Never import product code here: a migration must keep meaning what it meant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES_NEWEST_FIRST = (
    "volunteer_record",
    "roster_import_row",
    "ledger_entry",
    "inbox_message",
    "claim_event",
    "roster_import",
    "role_grant",
    "points_scheme_version",
    "points_quota",
    "outbox_message",
    "organization_placement",
    "member_classification",
    "exemption",
    "claim",
    "affiliation",
    "activity",
    "account",
    "points_period",
    "organization",
    "member",
    "background_job",
)


def upgrade() -> None:
    _create_background_job()
    _create_member()
    _create_organization()
    _create_points_period()
    _create_account()
    _create_activity()
    _create_affiliation()
    _create_claim()
    _create_exemption()
    _create_member_classification()
    _create_organization_placement()
    _create_outbox_message()
    _create_points_quota()
    _create_points_scheme_version()
    _create_role_grant()
    _create_roster_import()
    _create_claim_event()
    _create_inbox_message()
    _create_ledger_entry()
    _create_roster_import_row()
    _create_volunteer_record()

    # The two tables point at each other. SQLite took the constraint with the table.
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(
            "fk_claim_posted_ref",
            "claim",
            "ledger_entry",
            ["posted_ref"],
            ["claim_id"],
            deferrable=True,
            initially="DEFERRED",
        )


def _create_background_job() -> None:
    op.create_table(
        "background_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("arguments", JSON, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("result", JSON, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_background_job_state")
        ),
        sa.CheckConstraint("progress_done >= 0", name=op.f("ck_background_job_progress")),
        sa.PrimaryKeyConstraint("id", name=("pk_background_job")),
    )
    op.create_index(
        "ix_background_job_state", "background_job", ["state", "created_at"], unique=False
    )


def _create_member() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("sex", sa.String(length=6), nullable=True),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("education", sa.String(length=40), nullable=True),
        sa.Column("post", sa.String(length=60), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("converted_on", sa.Date(), nullable=True),
        sa.Column("membership_status", sa.String(length=16), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.String(length=64), nullable=True),
        sa.Column("phone_masked", sa.String(length=20), nullable=True),
        sa.Column("id_number_index", sa.String(length=64), nullable=True),
        sa.Column("id_number_masked", sa.String(length=20), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('full_member', 'probationary_member')", name=op.f("ck_member_kind")
        ),
        sa.CheckConstraint(
            "membership_status IN ('normal', 'suspended', 'restored', 'removed', 'expelled')",
            name=op.f("ck_member_membership_status"),
        ),
        sa.CheckConstraint("sex IN ('male', 'female')", name=op.f("ck_member_sex")),
        sa.CheckConstraint("birth_year BETWEEN 1900 AND 2100", name=op.f("ck_member_birth_year")),
        sa.PrimaryKeyConstraint("id", name=("pk_member")),
        sa.UniqueConstraint("id_number_index", name=("uq_member_id_number_index")),
    )
    op.create_index(("ix_member_phone_index"), "member", ["phone_index"], unique=False)


def _create_organization() -> None:
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("sector", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("dissolved_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('district_organization_department', 'committee', 'working_committee', 'general_branch', 'branch', 'party_group', 'temporary_branch', 'functional_branch')",
            name=op.f("ck_organization_kind"),
        ),
        sa.CheckConstraint(
            "sector IN ('village', 'community', 'office', 'public_institution', 'state_enterprise', 'private_enterprise', 'joint', 'other')",
            name=op.f("ck_organization_sector"),
        ),
        sa.CheckConstraint("(parent_id IS NULL) = (depth = 0)", name=op.f("ck_organization_root")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organization.id"], name=("fk_organization_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_organization")),
        sa.UniqueConstraint("parent_id", "name", name=("uq_organization_parent_id_name")),
        sa.UniqueConstraint("path", name=("uq_organization_path")),
    )
    op.create_index(
        "ix_organization_path",
        "organization",
        ["path"],
        unique=False,
        postgresql_ops={"path": "text_pattern_ops"},
    )


def _create_points_period() -> None:
    op.create_table(
        "points_period",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'closing', 'closed')", name=op.f("ck_points_period_status")
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_points_period_dates")),
        sa.PrimaryKeyConstraint("id", name=("pk_points_period")),
        sa.UniqueConstraint("code", name=("uq_points_period_code")),
        sa.UniqueConstraint("ends_on", name=("uq_points_period_ends_on")),
        sa.UniqueConstraint("starts_on", name=("uq_points_period_starts_on")),
    )


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("phone_index", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["issued_by"], ["member.id"], name=("fk_account_issued_by")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_account_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=("pk_account")),
        sa.UniqueConstraint("phone_index", name=("uq_account_phone_index")),
    )


def _create_activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('theme_day', 'general_meeting', 'committee_meeting', 'group_meeting', 'party_lecture', 'organization_life_meeting', 'training')",
            name=op.f("ck_activity_kind"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_activity_times")),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=("fk_activity_created_by")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_activity_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_activity")),
    )
    op.create_index(
        "ix_activity_organization_id", "activity", ["organization_id", "starts_at"], unique=False
    )


def _create_affiliation() -> None:
    op.create_table(
        "affiliation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("party_group_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "kind IN ('primary', 'migrant_host', 'community_registration', 'temporary')",
            name=op.f("ck_affiliation_kind"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_affiliation_dates")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_affiliation_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_affiliation_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_group_id"], ["organization.id"], name=("fk_affiliation_party_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=("fk_affiliation_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_affiliation")),
    )
    op.create_index(
        "ix_affiliation_member_id", "affiliation", ["member_id", "valid_from"], unique=False
    )
    op.create_index(
        "ix_affiliation_organization_id",
        "affiliation",
        ["organization_id", "valid_to"],
        unique=False,
    )
    op.create_index(
        "uq_affiliation_open_primary",
        "affiliation",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'primary' AND valid_to IS NULL"),
        sqlite_where=sa.text("kind = 'primary' AND valid_to IS NULL"),
    )


def _create_claim() -> None:
    op.create_table("claim", *_claim_columns(), *_claim_checks(), *_claim_keys())
    op.create_index("ix_claim_member_id", "claim", ["member_id", "id"], unique=False)
    op.create_index(
        "ix_claim_queue",
        "claim",
        ["reviewer_organization_id", "status", "is_flagged", "id"],
        unique=False,
    )


def _claim_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_organization_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.String(length=40), nullable=False),
        sa.Column("source_kind", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("flags", JSON, nullable=False),
        sa.Column("is_flagged", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision_reason", sa.String(length=200), nullable=False),
        sa.Column("posted_ref", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def _claim_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(status = 'approved') = (posted_ref IS NOT NULL)", name=op.f("ck_claim_posted")
        ),
        sa.CheckConstraint(
            "(status IN ('approved', 'returned')) = (decided_by IS NOT NULL)",
            name=op.f("ck_claim_decided"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'returned', 'withdrawn')",
            name=op.f("ck_claim_status"),
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> member_id", name=op.f("ck_claim_not_oneself")
        ),
        sa.CheckConstraint(
            "posted_ref IS NULL OR posted_ref = id", name=op.f("ck_claim_posted_ref")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_claim_quantity")),
    ]


def _claim_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["decided_by"], ["member.id"], name=("fk_claim_decided_by")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_claim_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_claim_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["posted_ref"],
            ["ledger_entry.claim_id"],
            name="fk_claim_posted_ref",
            initially="DEFERRED",
            deferrable=True,
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_organization_id"],
            ["organization.id"],
            name=("fk_claim_reviewer_organization_id"),
        ),
        sa.ForeignKeyConstraint(["submitted_by"], ["member.id"], name=("fk_claim_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=("pk_claim")),
        sa.UniqueConstraint("posted_ref", name=("uq_claim_posted_ref")),
        sa.UniqueConstraint("source_kind", "source_id", name=("uq_claim_source_kind_source_id")),
    ]


def _create_exemption() -> None:
    op.create_table(
        "exemption",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("decided_by_organization_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('aged', 'limited_mobility', 'long_term_care', 'long_leave', 'abroad', 'organization_decision')",
            name=op.f("ck_exemption_kind"),
        ),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_exemption_dates")),
        sa.ForeignKeyConstraint(
            ["decided_by_organization_id"],
            ["organization.id"],
            name=("fk_exemption_decided_by_organization_id"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_exemption_member_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["member.id"], name=("fk_exemption_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=("pk_exemption")),
    )
    op.create_index(("ix_exemption_member_id"), "exemption", ["member_id"], unique=False)


def _create_member_classification() -> None:
    op.create_table(
        "member_classification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("member_class", sa.String(length=24), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "member_class IN ('post_holder', 'ordinary', 'migrant', 'aged_or_frail')",
            name=op.f("ck_member_classification_member_class"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from",
            name=op.f("ck_member_classification_dates"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=("fk_member_classification_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=("fk_member_classification_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_member_classification")),
    )
    op.create_index(
        ("ix_member_classification_member_id"), "member_classification", ["member_id"], unique=False
    )
    op.create_index(
        "uq_member_classification_open",
        "member_classification",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
        sqlite_where=sa.text("valid_to IS NULL"),
    )


def _create_organization_placement() -> None:
    op.create_table(
        "organization_placement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from",
            name=op.f("ck_organization_placement_dates"),
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["member.id"], name=("fk_organization_placement_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=("fk_organization_placement_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organization.id"], name=("fk_organization_placement_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_organization_placement")),
    )
    op.create_index(
        ("ix_organization_placement_organization_id"),
        "organization_placement",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        "uq_organization_placement_open",
        "organization_placement",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
        sqlite_where=sa.text("valid_to IS NULL"),
    )


def _create_outbox_message() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("params", JSON, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("channel IN ('inbox')", name=op.f("ck_outbox_message_channel")),
        sa.CheckConstraint(
            "state IN ('pending', 'leased', 'sent', 'delivered', 'rejected', 'unknown', 'expired', 'cancelled')",
            name=op.f("ck_outbox_message_state"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_outbox_message_member_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_outbox_message")),
        sa.UniqueConstraint("dedupe_key", name=("uq_outbox_message_dedupe_key")),
    )
    op.create_index(
        "ix_outbox_message_state",
        "outbox_message",
        ["channel", "state", "not_before", "id"],
        unique=False,
    )


def _create_points_quota() -> None:
    op.create_table(
        "points_quota",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_code", sa.String(length=40), nullable=False),
        sa.Column("bucket", sa.String(length=80), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= cap", name=op.f("ck_points_quota_room")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_points_quota_member_id")),
        sa.PrimaryKeyConstraint("member_id", "scheme_code", "bucket", name=("pk_points_quota")),
    )


def _create_points_scheme_version() -> None:
    op.create_table(
        "points_scheme_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scheme_code", sa.String(length=40), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("definition_sha256", sa.String(length=64), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'retired')",
            name=op.f("ck_points_scheme_version_status"),
        ),
        sa.CheckConstraint(
            "effective_to IS NULL OR effective_to > effective_from",
            name=op.f("ck_points_scheme_version_dates"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=("fk_points_scheme_version_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["member.id"], name=("fk_points_scheme_version_published_by")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_points_scheme_version")),
        sa.UniqueConstraint(
            "organization_id",
            "scheme_code",
            "version",
            name=("uq_points_scheme_version_organization_id_scheme_code_version"),
        ),
    )


def _create_role_grant() -> None:
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(length=200), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "role <> 'delegate' OR valid_to IS NOT NULL", name=op.f("ck_role_grant_delegate_ends")
        ),
        sa.CheckConstraint(
            "role IN ('group_leader', 'branch_secretary', 'deputy_secretary', 'delegate', 'committee_officer', 'district_admin', 'auditor', 'system_admin')",
            name=op.f("ck_role_grant_role"),
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_role_grant_revocation")
        ),
        sa.CheckConstraint(
            "granted_by IS NULL OR granted_by <> member_id", name=op.f("ck_role_grant_not_oneself")
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_role_grant_dates")
        ),
        sa.ForeignKeyConstraint(["granted_by"], ["member.id"], name=("fk_role_grant_granted_by")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_role_grant_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_role_grant_organization_id")
        ),
        sa.ForeignKeyConstraint(["revoked_by"], ["member.id"], name=("fk_role_grant_revoked_by")),
        sa.PrimaryKeyConstraint("id", name=("pk_role_grant")),
    )
    op.create_index(("ix_role_grant_member_id"), "role_grant", ["member_id"], unique=False)
    op.create_index(
        ("ix_role_grant_organization_id"), "role_grant", ["organization_id"], unique=False
    )
    op.create_index(
        "uq_role_grant_live",
        "role_grant",
        ["member_id", "role", "organization_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL AND valid_to IS NULL"),
        sqlite_where=sa.text("revoked_at IS NULL AND valid_to IS NULL"),
    )


def _create_roster_import() -> None:
    op.create_table(
        "roster_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("committed_at", INSTANT, nullable=True),
        sa.Column("undo_until", INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('uploaded', 'checked', 'committing', 'committed', 'rolling_back', 'rolled_back')",
            name=op.f("ck_roster_import_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_roster_import_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["member.id"], name=("fk_roster_import_uploaded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_roster_import")),
    )


def _create_claim_event() -> None:
    op.create_table(
        "claim_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('submitted', 'resubmitted', 'returned', 'approved', 'withdrawn')",
            name=op.f("ck_claim_event_kind"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=("fk_claim_event_actor_id")),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=("fk_claim_event_claim_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_claim_event")),
    )
    op.create_index(("ix_claim_event_claim_id"), "claim_event", ["claim_id"], unique=False)


def _create_inbox_message() -> None:
    op.create_table(
        "inbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=1000), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_inbox_message_member_id")),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox_message.id"], name=("fk_inbox_message_outbox_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_inbox_message")),
        sa.UniqueConstraint("outbox_id", name=("uq_inbox_message_outbox_id")),
    )
    op.create_index(
        "ix_inbox_message_member_id", "inbox_message", ["member_id", "id"], unique=False
    )


def _create_ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("seq", BIGINT, sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_version_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.String(length=40), nullable=False),
        sa.Column("component_code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("binding_cap", sa.String(length=80), nullable=True),
        sa.Column("inputs", JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("posted_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(binding_cap IS NULL) = (points = asked)", name=op.f("ck_ledger_entry_binding_cap")
        ),
        sa.CheckConstraint(
            "(claim_id IS NULL) <> (reverses_id IS NULL)", name=op.f("ck_ledger_entry_one_source")
        ),
        sa.CheckConstraint(
            "(claim_id IS NULL AND reverses_id IS NULL) OR actor_id <> member_id",
            name=op.f("ck_ledger_entry_not_oneself"),
        ),
        sa.CheckConstraint(
            "reverses_id IS NOT NULL OR (points >= 0 AND points <= asked)",
            name=op.f("ck_ledger_entry_granted"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=("fk_ledger_entry_actor_id")),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["claim.posted_ref"], name=("fk_ledger_entry_claim_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=("fk_ledger_entry_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_ledger_entry_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["period_id"], ["points_period.id"], name=("fk_ledger_entry_period_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["ledger_entry.id"], name=("fk_ledger_entry_reverses_id")
        ),
        sa.ForeignKeyConstraint(
            ["scheme_version_id"],
            ["points_scheme_version.id"],
            name=("fk_ledger_entry_scheme_version_id"),
        ),
        sa.PrimaryKeyConstraint("seq", name=("pk_ledger_entry")),
        sa.UniqueConstraint("claim_id", name=("uq_ledger_entry_claim_id")),
        sa.UniqueConstraint("id", name=("uq_ledger_entry_id")),
        sa.UniqueConstraint("reverses_id", name=("uq_ledger_entry_reverses_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_entry_member", "ledger_entry", ["member_id", "seq"], unique=False)
    op.create_index(
        "ix_ledger_entry_organization", "ledger_entry", ["organization_id", "seq"], unique=False
    )


def _create_roster_import_row() -> None:
    op.create_table(
        "roster_import_row",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("problems", JSON, nullable=False),
        sa.Column("warnings", JSON, nullable=False),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("undo_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("undo_result", sa.String(length=8), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('new', 'changed', 'unchanged', 'refused', 'not_in_file')",
            name=op.f("ck_roster_import_row_outcome"),
        ),
        sa.CheckConstraint(
            "undo_result IN ('undone', 'kept')", name=op.f("ck_roster_import_row_undo_result")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["roster_import.id"], name=("fk_roster_import_row_import_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_roster_import_row")),
    )
    op.create_index(
        "ix_roster_import_row_import",
        "roster_import_row",
        ["import_id", "row_number", "id"],
        unique=False,
    )
    op.create_index(
        "ix_roster_import_row_outcome",
        "roster_import_row",
        ["import_id", "outcome", "row_number", "id"],
        unique=False,
    )


def _create_volunteer_record() -> None:
    op.create_table(
        "volunteer_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("organiser", sa.String(length=120), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("external_reference", sa.String(length=80), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("planned_minutes", sa.Integer(), nullable=False),
        sa.Column("claimed_minutes", sa.Integer(), nullable=False),
        sa.Column("flags", JSON, nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "origin IN ('scanned', 'organiser', 'self', 'external')",
            name=op.f("ck_volunteer_record_origin"),
        ),
        sa.CheckConstraint(
            "claimed_minutes BETWEEN 1 AND 1440", name=op.f("ck_volunteer_record_claimed_minutes")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_volunteer_record_times")),
        sa.CheckConstraint(
            "planned_minutes BETWEEN 1 AND 1440", name=op.f("ck_volunteer_record_planned_minutes")
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=("fk_volunteer_record_claim_id")),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["member.id"], name=("fk_volunteer_record_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=("fk_volunteer_record_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=("fk_volunteer_record_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_volunteer_record")),
        sa.UniqueConstraint("claim_id", name=("uq_volunteer_record_claim_id")),
    )
    op.create_index(
        "uq_volunteer_record_start",
        "volunteer_record",
        ["member_id", "starts_at"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
        sqlite_where=sa.text("withdrawn_at IS NULL"),
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_claim_posted_ref", "claim", type_="foreignkey")
    for table in TABLES_NEWEST_FIRST:
        op.drop_table(table)
