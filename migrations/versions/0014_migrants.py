"""Migrant members with their hosts and contact persons, transfers under way, graduates.

Never import product code here: a migration must keep meaning what it meant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
APPEND_ONLY = ("migrant_place", "migrant_touch")
TABLES = (
    "migrant_registration",
    "migrant_place",
    "migrant_contact",
    "host_placement",
    "migrant_touch",
    "transfer",
    "graduate",
)


def upgrade() -> None:
    _create_graduate()
    _create_migrant_registration()
    _create_transfer()
    _create_host_placement()
    _create_migrant_contact()
    _create_migrant_place()
    _create_migrant_touch()
    guard(APPEND_ONLY)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_graduate() -> None:
    op.create_table(
        "graduate",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("graduated_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("recorded_by <> member_id", name=op.f("ck_graduate_not_oneself")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_graduate_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_graduate_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_graduate_recorded_by")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_graduate")),
    )
    op.create_index(
        op.f("ix_graduate_organization_id"), "graduate", ["organization_id"], unique=False
    )


def _create_migrant_registration() -> None:
    op.create_table(
        "migrant_registration",
        *_migrant_registration_columns(),
        *_migrant_registration_checks(),
        *_migrant_registration_keys(),
    )
    op.create_index(
        "ix_migrant_registration_status",
        "migrant_registration",
        ["status", "member_id"],
        unique=False,
    )
    op.create_index(
        "uq_migrant_registration_live",
        "migrant_registration",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('proposed', 'open')"),
        sqlite_where=sa.text("status IN ('proposed', 'open')"),
    )


def _migrant_registration_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("home_organization_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=False),
        sa.Column("expected_back_on", sa.Date(), nullable=True),
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("reason_code", sa.String(length=24), nullable=False),
        sa.Column("holds_card", sa.Boolean(), nullable=False),
        sa.Column("card_number", sa.String(length=40), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decision_reason", sa.String(length=200), nullable=False),
        sa.Column("class_decision", sa.String(length=200), nullable=False),
        sa.Column("last_touch_on", sa.Date(), nullable=True),
        sa.Column("last_talk_on", sa.Date(), nullable=True),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.Column("card_outcome", sa.String(length=12), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closing_note", sa.String(length=200), nullable=False),
    ]


def _migrant_registration_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(status = 'closed') = (returned_on IS NOT NULL)",
            name=op.f("ck_migrant_registration_closed"),
        ),
        sa.CheckConstraint(
            "(status = 'proposed') = (decided_by IS NULL)",
            name=op.f("ck_migrant_registration_decided"),
        ),
        sa.CheckConstraint(
            "card_number = '' OR holds_card", name=op.f("ck_migrant_registration_card")
        ),
        sa.CheckConstraint(
            "card_outcome IN ('checked', 'lost', 'lapsed')",
            name=op.f("ck_migrant_registration_card_outcome"),
        ),
        sa.CheckConstraint(
            "reason_code IN ('work_elsewhere', 'employer_gone', 'after_graduation', 'employer_changed', 'abroad', 'home_moved', 'other')",
            name=op.f("ck_migrant_registration_reason_code"),
        ),
        sa.CheckConstraint(
            "status <> 'closed' OR holds_card = (card_outcome IS NOT NULL)",
            name=op.f("ck_migrant_registration_card_checked"),
        ),
        sa.CheckConstraint(
            "status <> 'declined' OR decision_reason <> ''",
            name=op.f("ck_migrant_registration_reason"),
        ),
        sa.CheckConstraint(
            "status IN ('proposed', 'declined', 'withdrawn', 'open', 'closed')",
            name=op.f("ck_migrant_registration_status"),
        ),
        sa.CheckConstraint(
            "status IN ('proposed', 'withdrawn') OR decided_by <> member_id",
            name=op.f("ck_migrant_registration_not_oneself"),
        ),
        sa.CheckConstraint(
            "closed_by <> member_id", name=op.f("ck_migrant_registration_not_closed_by_oneself")
        ),
        sa.CheckConstraint(
            "expected_back_on > left_on", name=op.f("ck_migrant_registration_dates")
        ),
        sa.CheckConstraint("returned_on >= left_on", name=op.f("ck_migrant_registration_return")),
    ]


def _migrant_registration_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["closed_by"], ["member.id"], name=op.f("fk_migrant_registration_closed_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["member.id"], name=op.f("fk_migrant_registration_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["member.id"], name=op.f("fk_migrant_registration_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["home_organization_id"],
            ["organization.id"],
            name=op.f("fk_migrant_registration_home_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_migrant_registration_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrant_registration")),
    ]


def _create_transfer() -> None:
    op.create_table("transfer", *_transfer_columns(), *_transfer_checks(), *_transfer_keys())
    op.create_index(
        "ix_transfer_receiver_organization_id",
        "transfer",
        ["receiver_organization_id", "status"],
        unique=False,
    )
    op.create_index(
        "ix_transfer_sender_organization_id",
        "transfer",
        ["sender_organization_id", "status"],
        unique=False,
    )
    op.create_index("ix_transfer_sent_on", "transfer", ["status", "sent_on"], unique=False)
    op.create_index(
        "uq_transfer_open",
        "transfer",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("status = 'sent'"),
        sqlite_where=sa.text("status = 'sent'"),
    )


def _transfer_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("sender_organization_id", sa.Uuid(), nullable=False),
        sa.Column("receiver_organization_id", sa.Uuid(), nullable=True),
        sa.Column("receiver_name", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("letter_number", sa.String(length=40), nullable=False),
        sa.Column("letter_on", sa.Date(), nullable=False),
        sa.Column("letter_valid_to", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision_reason", sa.String(length=200), nullable=False),
        sa.Column("document_number", sa.String(length=80), nullable=False),
        sa.Column("accepted_on", sa.Date(), nullable=True),
    ]


def _transfer_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(receiver_organization_id IS NULL) <> (receiver_name = '')",
            name=op.f("ck_transfer_one_receiver"),
        ),
        sa.CheckConstraint(
            "(status = 'accepted') = (accepted_on IS NOT NULL)",
            name=op.f("ck_transfer_accepted_on"),
        ),
        sa.CheckConstraint(
            "(status = 'sent') = (decided_at IS NULL)", name=op.f("ck_transfer_decided")
        ),
        sa.CheckConstraint(
            "status <> 'accepted' OR receiver_organization_id IS NOT NULL OR document_number <> ''",
            name=op.f("ck_transfer_outside_document"),
        ),
        sa.CheckConstraint(
            "status IN ('sent', 'accepted', 'returned', 'withdrawn')",
            name=op.f("ck_transfer_status"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('accepted', 'returned') OR receiver_organization_id IS NULL OR decided_by <> sent_by",
            name=op.f("ck_transfer_two_persons"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('returned', 'withdrawn') OR decision_reason <> ''",
            name=op.f("ck_transfer_reason"),
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by IS NULL)", name=op.f("ck_transfer_decided_by")
        ),
        sa.CheckConstraint("letter_valid_to > letter_on", name=op.f("ck_transfer_letter")),
        sa.CheckConstraint(
            "receiver_organization_id IS NULL OR receiver_organization_id <> sender_organization_id",
            name=op.f("ck_transfer_elsewhere"),
        ),
        sa.CheckConstraint(
            "sent_by <> member_id AND decided_by <> member_id", name=op.f("ck_transfer_not_oneself")
        ),
    ]


def _transfer_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["decided_by"], ["member.id"], name=op.f("fk_transfer_decided_by")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_transfer_member_id")),
        sa.ForeignKeyConstraint(
            ["receiver_organization_id"],
            ["organization.id"],
            name=op.f("fk_transfer_receiver_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["sender_organization_id"],
            ["organization.id"],
            name=op.f("fk_transfer_sender_organization_id"),
        ),
        sa.ForeignKeyConstraint(["sent_by"], ["member.id"], name=op.f("fk_transfer_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
    ]


def _create_host_placement() -> None:
    op.create_table(
        "host_placement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("migrant_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answer_reason", sa.String(length=200), nullable=False),
        sa.Column("affiliation_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'asked') = (answered_by IS NULL)", name=op.f("ck_host_placement_answered")
        ),
        sa.CheckConstraint(
            "(status IN ('accepted', 'ended')) = (affiliation_id IS NOT NULL)",
            name=op.f("ck_host_placement_affiliation"),
        ),
        sa.CheckConstraint(
            "status <> 'declined' OR answer_reason <> ''", name=op.f("ck_host_placement_reason")
        ),
        sa.CheckConstraint(
            "status IN ('asked', 'declined', 'accepted', 'ended', 'withdrawn')",
            name=op.f("ck_host_placement_status"),
        ),
        sa.CheckConstraint("answered_by <> migrant_id", name=op.f("ck_host_placement_not_oneself")),
        sa.ForeignKeyConstraint(
            ["affiliation_id"], ["affiliation.id"], name=op.f("fk_host_placement_affiliation_id")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["member.id"], name=op.f("fk_host_placement_answered_by")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["member.id"], name=op.f("fk_host_placement_asked_by")
        ),
        sa.ForeignKeyConstraint(
            ["migrant_id"], ["member.id"], name=op.f("fk_host_placement_migrant_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_host_placement_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["migrant_registration.id"],
            name=op.f("fk_host_placement_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_placement")),
    )
    op.create_index(
        "ix_host_placement_organization_id",
        "host_placement",
        ["organization_id", "status"],
        unique=False,
    )
    op.create_index(
        "uq_host_placement_live",
        "host_placement",
        ["registration_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('asked', 'accepted')"),
        sqlite_where=sa.text("status IN ('asked', 'accepted')"),
    )


def _create_migrant_contact() -> None:
    op.create_table(
        "migrant_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("migrant_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "contact_id <> migrant_id", name=op.f("ck_migrant_contact_somebody_else")
        ),
        sa.CheckConstraint("set_by <> migrant_id", name=op.f("ck_migrant_contact_not_by_oneself")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_migrant_contact_dates")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["member.id"], name=op.f("fk_migrant_contact_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["migrant_id"], ["member.id"], name=op.f("fk_migrant_contact_migrant_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["migrant_registration.id"],
            name=op.f("fk_migrant_contact_registration_id"),
        ),
        sa.ForeignKeyConstraint(["set_by"], ["member.id"], name=op.f("fk_migrant_contact_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrant_contact")),
    )
    op.create_index(
        "ix_migrant_contact_contact_id", "migrant_contact", ["contact_id", "valid_to"], unique=False
    )
    op.create_index(
        "uq_migrant_contact_open",
        "migrant_contact",
        ["registration_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
        sqlite_where=sa.text("valid_to IS NULL"),
    )


def _create_migrant_place() -> None:
    op.create_table(
        "migrant_place",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("expected_back_on", sa.Date(), nullable=True),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("reported_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["migrant_registration.id"],
            name=op.f("fk_migrant_place_registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reported_by"], ["member.id"], name=op.f("fk_migrant_place_reported_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrant_place")),
    )
    op.create_index(
        op.f("ix_migrant_place_registration_id"), "migrant_place", ["registration_id"], unique=False
    )


def _create_migrant_touch() -> None:
    op.create_table(
        "migrant_touch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("migrant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("is_talk", sa.Boolean(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind <> 'host_confirmed' OR NOT is_talk", name=op.f("ck_migrant_touch_talk")
        ),
        sa.CheckConstraint(
            "kind IN ('answered_call', 'reply', 'visit', 'host_confirmed')",
            name=op.f("ck_migrant_touch_kind"),
        ),
        sa.CheckConstraint("recorded_by <> migrant_id", name=op.f("ck_migrant_touch_not_oneself")),
        sa.ForeignKeyConstraint(
            ["migrant_id"], ["member.id"], name=op.f("fk_migrant_touch_migrant_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_migrant_touch_recorded_by")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["migrant_registration.id"],
            name=op.f("fk_migrant_touch_registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrant_touch")),
    )
    op.create_index(
        "ix_migrant_touch_registration_id",
        "migrant_touch",
        ["registration_id", "happened_on"],
        unique=False,
    )
