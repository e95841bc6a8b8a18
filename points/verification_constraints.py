"""Do the walls of the database stand: keys and checks that the models declare, and triggers?"""

from collections.abc import Iterator
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import Base
from core.rows import dialect_of


class Report(Protocol):
    """What findings are told to."""

    def add(self, subject: str, message: str) -> None: ...


def verify_constraints(session: Session, report: Report) -> None:
    """Check that no constraint has been dropped or never been validated, and no wall is down.

    The rows may be faultless today; without its constraint nothing keeps them so.
    """
    found = set(_standing(session))
    for table, constraint in sorted(set(_declared(session)) - found):
        report.add("数据库", f"表 {table} 的约束 {constraint} 不在或未生效。")
    armed = {tuple(row) for row in session.execute(_ARMED[dialect_of(session)])}
    for table, trigger in sorted(set(_TRIGGERS) - armed):
        report.add("数据库", f"表 {table} 的触发器 {trigger} 不在或未生效。")


def _declared(session: Session) -> Iterator[tuple[str, str]]:
    # The preparer shortens a long name as the migration's statement did.
    preparer = session.get_bind().dialect.identifier_preparer
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, _KINDS):
                yield table.name, str(preparer.format_constraint(constraint)).strip('"')


_KINDS = (sa.CheckConstraint, sa.ForeignKeyConstraint, sa.UniqueConstraint)


def _standing(session: Session) -> Iterator[tuple[str, str]]:
    if dialect_of(session) == "postgresql":
        for table, constraint in session.execute(_POSTGRESQL_CONSTRAINTS):
            yield table, constraint
        return
    # SQLite keeps a table's constraints as the text that made it.
    for table, text in session.execute(_SQLITE_TABLES):
        for part in text.split("CONSTRAINT ")[1:]:
            yield table, part.split(None, 1)[0].strip('"')


_POSTGRESQL_CONSTRAINTS = sa.text("""
    SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = 'public'::regnamespace AND k.convalidated
""")
# What no constraint can say of the ledger and its publicity: it looks at other rows.
_TRIGGERS = (
    ("ledger_entry", "deduction_after_window"),
    ("ledger_entry", "late_entry_names_its_period"),
    ("bulletin_entry", "bulletin_is_of_one_subject"),
)
_ARMED = {
    "postgresql": sa.text("""
        SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled IN ('O', 'A')
    """),
    "sqlite": sa.text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"),
}
_SQLITE_TABLES = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
