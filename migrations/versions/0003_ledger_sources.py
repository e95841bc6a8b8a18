"""Entries that no claim stands behind, deductions, and claims whose approval was undone.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.sqlite_rebuild import rebuild_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ONE_SOURCE = (
    "(CASE WHEN claim_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN reverses_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN source_id IS NULL THEN 0 ELSE 1 END) = 1"
)
NOT_ONESELF = (
    "actor_id <> member_id OR coalesce(source_kind, '') IN ('attendance', 'pledge', 'carry_over')"
)
# table -> constraint -> (the CHECK of 0001, the CHECK from now on)
CHECKS = {
    "ledger_entry": {
        "one_source": ("(claim_id IS NULL) <> (reverses_id IS NULL)", ONE_SOURCE),
        "not_oneself": (
            "(claim_id IS NULL AND reverses_id IS NULL) OR actor_id <> member_id",
            NOT_ONESELF,
        ),
        "granted": (
            "reverses_id IS NOT NULL OR (points >= 0 AND points <= asked)",
            "reverses_id IS NOT NULL OR points BETWEEN 0 AND asked OR points BETWEEN asked AND 0",
        ),
    },
    "claim": {
        "status": (
            "status IN ('pending', 'approved', 'returned', 'withdrawn')",
            "status IN ('pending', 'approved', 'returned', 'withdrawn', 'undone')",
        ),
        "decided": (
            "(status IN ('approved', 'returned')) = (decided_by IS NOT NULL)",
            "(status IN ('approved', 'returned', 'undone')) = (decided_by IS NOT NULL)",
        ),
        "posted": (
            "(status = 'approved') = (posted_ref IS NOT NULL)",
            "(status IN ('approved', 'undone')) = (posted_ref IS NOT NULL)",
        ),
    },
    "claim_event": {
        "kind": (
            "kind IN ('submitted', 'resubmitted', 'returned', 'approved', 'withdrawn')",
            "kind IN ('submitted', 'resubmitted', 'returned', 'approved', 'withdrawn', 'undone')",
        ),
    },
}
# New checks over the new columns.
SOURCE = "(source_kind IS NULL) = (source_id IS NULL)"
REVISION = "(source_id IS NULL) = (source_revision IS NULL)"
SUBJECT = "subject IN ('party_members', 'cadres')"
ABOUT = "about_period_id IS NULL OR about_period_id <> period_id"
NEW_CHECKS = {
    "ck_ledger_entry_source": SOURCE,
    "ck_ledger_entry_source_revision": REVISION,
    "ck_ledger_entry_subject": SUBJECT,
    "ck_ledger_entry_about_period": ABOUT,
}
COLUMNS = """source_kind VARCHAR(40), 
	source_id CHAR(32), 
	source_revision INTEGER, 
	subject VARCHAR(20) NOT NULL, 
	about_period_id CHAR(32), 
	"""  # noqa: W291 - SQLite keeps the spaces of its CREATE TABLE statements.
UNIQUE_SOURCE = "uq_ledger_entry_source_kind_source_id_source_revision"
ADDITIONS = "".join(f"CONSTRAINT {n} CHECK ({c}), \n\t" for n, c in NEW_CHECKS.items()) + (
    "CONSTRAINT fk_ledger_entry_about_period_id FOREIGN KEY(about_period_id)"
    " REFERENCES points_period (id), \n\t"
    f"CONSTRAINT {UNIQUE_SOURCE} UNIQUE (source_kind, source_id, source_revision), \n\t"
)
FIRST_CHECK = "CONSTRAINT ck_ledger_entry_binding_cap"
CLAIM_SOURCE = ", \n\tCONSTRAINT uq_claim_source_kind_source_id UNIQUE (source_kind, source_id)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _upgrade_postgresql()
    else:
        _upgrade_sqlite()
    live = sa.text("status <> 'undone'")
    op.create_index(
        "uq_claim_source_live",
        "claim",
        ["source_kind", "source_id"],
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )


def _upgrade_postgresql() -> None:
    op.add_column("ledger_entry", sa.Column("source_kind", sa.String(40)))
    op.add_column("ledger_entry", sa.Column("source_id", sa.Uuid()))
    op.add_column("ledger_entry", sa.Column("source_revision", sa.Integer()))
    # A constant default is stored in the catalogue: the append-only rows are not rewritten.
    op.add_column(
        "ledger_entry",
        sa.Column("subject", sa.String(20), nullable=False, server_default="party_members"),
    )
    op.alter_column("ledger_entry", "subject", server_default=None)
    op.add_column("ledger_entry", sa.Column("about_period_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_ledger_entry_about_period_id"),
        "ledger_entry",
        "points_period",
        ["about_period_id"],
        ["id"],
    )
    op.create_unique_constraint(
        op.f(UNIQUE_SOURCE), "ledger_entry", ["source_kind", "source_id", "source_revision"]
    )
    for name, check in NEW_CHECKS.items():
        op.create_check_constraint(op.f(name), "ledger_entry", check)
    _replace_checks(1)
    op.drop_constraint(op.f("uq_claim_source_kind_source_id"), "claim")


def _replace_checks(which: int) -> None:
    for table, checks in CHECKS.items():
        for name, versions in checks.items():
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, versions[which])


def _upgrade_sqlite() -> None:
    rebuild_table(
        "ledger_entry",
        [*_edits("ledger_entry", 0, 1), (FIRST_CHECK, COLUMNS + ADDITIONS + FIRST_CHECK)],
        filled={"subject": "'party_members'"},
    )
    rebuild_table("claim", [*_edits("claim", 0, 1), (CLAIM_SOURCE, "")])
    rebuild_table("claim_event", _edits("claim_event", 0, 1))


def _edits(table: str, before: int, after: int) -> list[tuple[str, str]]:
    return [
        (
            f"ck_{table}_{name} CHECK ({versions[before]})",
            f"ck_{table}_{name} CHECK ({versions[after]})",
        )
        for name, versions in CHECKS[table].items()
    ]


def downgrade() -> None:
    op.drop_index("uq_claim_source_live", "claim")
    if op.get_bind().dialect.name == "postgresql":
        _downgrade_postgresql()
    else:
        _downgrade_sqlite()


def _downgrade_postgresql() -> None:
    op.create_unique_constraint(
        op.f("uq_claim_source_kind_source_id"), "claim", ["source_kind", "source_id"]
    )
    _replace_checks(0)
    for name in NEW_CHECKS:
        op.drop_constraint(op.f(name), "ledger_entry")
    op.drop_constraint(op.f(UNIQUE_SOURCE), "ledger_entry")
    for column in ("source_kind", "source_id", "source_revision", "subject", "about_period_id"):
        op.drop_column("ledger_entry", column)


def _downgrade_sqlite() -> None:
    rebuild_table(
        "ledger_entry",
        [*_edits("ledger_entry", 1, 0), (COLUMNS + ADDITIONS + FIRST_CHECK, FIRST_CHECK)],
    )
    last = "UNIQUE (posted_ref)"
    rebuild_table("claim", [*_edits("claim", 1, 0), (last, last + CLAIM_SOURCE)])
    rebuild_table("claim_event", _edits("claim_event", 1, 0))
