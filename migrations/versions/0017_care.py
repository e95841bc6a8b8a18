"""What care still lacked: assigned work, years abroad.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import APP_ROLE, guard
from migrations.sqlite_rebuild import rebuild_table

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


# Table -> which of its rows may go once their case has been over for three years.
LOGS = {"contact_attempt": "true", "case_access_record": "OLD.kind = 'number'"}
IS_LONG_OVER = """
  SELECT 1 FROM contact_case c WHERE c.id = OLD.case_id AND c.closed_at <= {three_years_ago}
"""
PG_LONG_OVER = f"""
CREATE FUNCTION refuse_early_purge() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS ({IS_LONG_OVER.format(three_years_ago="clock_timestamp() - interval '3 years'")})
  THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME;
END $$
"""
SQLITE_LONG_OVER = IS_LONG_OVER.format(
    three_years_ago="strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-3 years')"
)
CLOCKS, ABROAD_REVIEW = ("lost_contact", "self_withdrawal", "abroad"), "abroad_review"


def upgrade() -> None:
    _create_assigned_work()
    op.add_column(
        "contact_standing",
        sa.Column("work_version", sa.Integer(), nullable=False, server_default="0"),
    )
    _set_stage_clocks(*CLOCKS, ABROAD_REVIEW)
    _add_cadence()
    _create_case_review()
    guard(["case_review"])
    op.create_table(
        "discarded_photo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("discarded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discarded_photo")),
    )
    _let_old_logs_go()


def downgrade() -> None:
    _drop_cadence()
    _keep_old_logs()
    op.drop_table("discarded_photo")
    op.drop_table("case_review")
    op.execute(f"DELETE FROM contact_stage_entry WHERE clock = '{ABROAD_REVIEW}'")
    _set_stage_clocks(*CLOCKS)
    op.drop_column("contact_standing", "work_version")
    op.drop_table("assigned_work")


def _create_assigned_work() -> None:
    op.create_table(
        "assigned_work",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("basis", sa.String(200), nullable=False),
        sa.Column("document_number", sa.String(80), nullable=False),
        sa.Column("assigned_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("counts_from", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("own_word", sa.String(200), nullable=False),
        sa.Column("own_word_at", INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'refused', 'done', 'excused', 'withdrawn')",
            name=op.f("ck_assigned_work_state"),
        ),
        sa.CheckConstraint("title <> ''", name=op.f("ck_assigned_work_title")),
        sa.CheckConstraint("due_on >= assigned_on", name=op.f("ck_assigned_work_dates")),
        sa.CheckConstraint("counts_from >= assigned_on", name=op.f("ck_assigned_work_counts_from")),
        sa.CheckConstraint("recorded_by <> member_id", name=op.f("ck_assigned_work_not_oneself")),
        sa.CheckConstraint(
            "answered_by <> member_id", name=op.f("ck_assigned_work_answered_by_another")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (answered_by IS NULL)", name=op.f("ck_assigned_work_answered")
        ),
        sa.CheckConstraint(
            "(answered_by IS NULL) = (answered_at IS NULL)",
            name=op.f("ck_assigned_work_answered_at"),
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'excused', 'withdrawn')) = (settled_on IS NOT NULL)",
            name=op.f("ck_assigned_work_settled"),
        ),
        sa.CheckConstraint("settled_on >= assigned_on", name=op.f("ck_assigned_work_settled_on")),
        sa.CheckConstraint(
            "state IN ('open', 'done') OR note <> ''", name=op.f("ck_assigned_work_note")
        ),
        sa.CheckConstraint(
            "(own_word = '') = (own_word_at IS NULL)", name=op.f("ck_assigned_work_own_word")
        ),
        *_references(
            "assigned_work",
            member_id="member",
            organization_id="organization",
            recorded_by="member",
            answered_by="member",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assigned_work")),
    )
    op.create_index("ix_assigned_work_member_id", "assigned_work", ["member_id", "id"])
    op.create_index("ix_assigned_work_organization_id", "assigned_work", ["organization_id", "id"])
    op.create_index("ix_assigned_work_settled_on", "assigned_work", ["settled_on", "counts_from"])
    _keep_settled()


def _create_case_review() -> None:
    op.create_table(
        "case_review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(120), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        sa.Column("finding", sa.String(20), nullable=False),
        sa.Column("document_number", sa.String(80), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "finding IN ('continue_searching', 'return_with_gaps', 'ready_for_study')",
            name=op.f("ck_case_review_finding"),
        ),
        sa.CheckConstraint("body <> ''", name=op.f("ck_case_review_body")),
        sa.CheckConstraint(
            "document_number <> '' OR note <> ''", name=op.f("ck_case_review_named")
        ),
        sa.CheckConstraint(
            "finding <> 'return_with_gaps' OR note <> ''", name=op.f("ck_case_review_gaps")
        ),
        sa.CheckConstraint("recorded_by <> member_id", name=op.f("ck_case_review_not_oneself")),
        *_references(
            "case_review", member_id="member", recorded_by="member", case_id="contact_case"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_review")),
    )
    op.create_index("ix_case_review_case_id", "case_review", ["case_id", "id"])


def _set_stage_clocks(*clocks: str) -> None:
    """Let stages be of these clocks."""
    name = op.f("ck_contact_stage_entry_clock")

    def condition(allowed: tuple[str, ...]) -> str:
        return "clock IN ({})".format(", ".join(f"'{one}'" for one in allowed))

    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(name, "contact_stage_entry", type_="check")
        op.create_check_constraint(name, "contact_stage_entry", condition(clocks))
        return
    before = CLOCKS if len(clocks) > len(CLOCKS) else (*CLOCKS, ABROAD_REVIEW)
    rebuild_table("contact_stage_entry", [(condition(before), condition(clocks))])


CADENCE = "touch_months >= 1 AND touch_months <= talk_months AND talk_months <= 6"
_LAST_COLUMN, _FIRST_CHECK = (
    "abroad_years INTEGER NOT NULL",
    "CONSTRAINT ck_contact_policy_care_days",
)
_CADENCE_COLUMNS = (
    f"{_LAST_COLUMN}, touch_months INTEGER DEFAULT '1' NOT NULL,"
    " talk_months INTEGER DEFAULT '3' NOT NULL"
)
_CADENCE_CHECK = f"CONSTRAINT ck_contact_policy_cadence CHECK ({CADENCE}), {_FIRST_CHECK}"


def _add_cadence() -> None:
    """A district says how often its migrants are heard from."""
    if op.get_bind().dialect.name != "postgresql":
        edits = [(_LAST_COLUMN, _CADENCE_COLUMNS), (_FIRST_CHECK, _CADENCE_CHECK)]
        rebuild_table("contact_policy", edits)
        return
    for name, months in (("touch_months", "1"), ("talk_months", "3")):
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=months)
        op.add_column("contact_policy", column)
    op.create_check_constraint(op.f("ck_contact_policy_cadence"), "contact_policy", CADENCE)


def _drop_cadence() -> None:
    if op.get_bind().dialect.name != "postgresql":
        edits = [(_CADENCE_COLUMNS, _LAST_COLUMN), (_CADENCE_CHECK, _FIRST_CHECK)]
        rebuild_table("contact_policy", edits)
        return
    op.drop_constraint(op.f("ck_contact_policy_cadence"), "contact_policy", type_="check")
    op.drop_column("contact_policy", "talk_months")
    op.drop_column("contact_policy", "touch_months")


def _let_old_logs_go() -> None:
    """Deletion of a search log meets a trigger that asks how long its case has been over."""
    if op.get_bind().dialect.name != "postgresql":
        for table, condition in LOGS.items():
            op.execute(f"DROP TRIGGER {table}_no_delete")
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
                f" WHEN NOT ({condition} AND EXISTS ({SQLITE_LONG_OVER}))"
                f" BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
            )
        return
    op.execute(PG_LONG_OVER)
    for table, condition in LOGS.items():
        op.execute(f"DROP TRIGGER append_only ON {table}")
        for name, event, function in (
            ("append_only", "UPDATE", "refuse_change"),
            ("append_only_delete", "DELETE", "refuse_early_purge"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {function}()"
            )
        if condition != "true":
            op.execute(
                f"CREATE TRIGGER append_only_others BEFORE DELETE ON {table} FOR EACH ROW"
                f" WHEN (NOT ({condition})) EXECUTE FUNCTION refuse_change()"
            )
    _for_app_role(f"GRANT DELETE ON {', '.join(LOGS)} TO {APP_ROLE}")


def _keep_old_logs() -> None:
    if op.get_bind().dialect.name != "postgresql":
        for table in LOGS:
            op.execute(f"DROP TRIGGER {table}_no_delete")
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
                f" BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
            )
        return
    for table in LOGS:
        for name in ("append_only", "append_only_delete", "append_only_others"):
            op.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute("DROP FUNCTION refuse_early_purge()")
    _for_app_role(f"REVOKE DELETE ON {', '.join(LOGS)} FROM {APP_ROLE}")


def _for_app_role(statement: str) -> None:
    # Where the operator has not made the application's role, there is nobody to grant to.
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN"
        f" {statement}; END IF; END $$"
    )


def _keep_settled() -> None:
    """What has been said of settled work stays said, and no work disappears."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER settled BEFORE UPDATE ON assigned_work FOR EACH ROW"
            " WHEN (OLD.settled_on IS NOT NULL) EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER kept BEFORE DELETE ON assigned_work FOR EACH ROW"
            " EXECUTE FUNCTION refuse_change()"
        )
        return
    for name, event in (
        ("settled", "UPDATE ON assigned_work WHEN OLD.settled_on IS NOT NULL"),
        ("kept", "DELETE ON assigned_work"),
    ):
        op.execute(
            f"CREATE TRIGGER assigned_work_{name} BEFORE {event}"
            " BEGIN SELECT RAISE(ABORT, 'append-only: assigned_work'); END"
        )


def _references(table: str, **keys: str) -> list[sa.ForeignKeyConstraint]:
    """Foreign keys: column -> the table whose id it holds."""
    return [
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"))
        for name, target in keys.items()
    ]
