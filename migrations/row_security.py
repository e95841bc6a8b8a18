"""Policies of row-level security, for PostgreSQL: which rows of a table a member's places show."""

from collections.abc import Iterable, Mapping

from alembic import op

# Table -> the columns that say where a row belongs, and whom it is about.
Scoped = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def enable(scoped: Scoped) -> None:
    """Show rows of these tables only where one of their columns is in scope (migration 0023)."""
    for table, (places, people) in scoped.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} USING ({_condition(places, people)})")


def disable(tables: Iterable[str]) -> None:
    """Show every row again."""
    for table in tables:
        op.execute(f"DROP POLICY scope ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _condition(places: tuple[str, ...], people: tuple[str, ...]) -> str:
    """The cheap answers first; each setting is read once a statement, not once a row."""
    return " OR ".join(
        [
            "(SELECT scope_is_all())",
            *(f"{place} = ANY ((SELECT scope_organizations())::uuid[])" for place in places),
            *(f"{person} = (SELECT scope_member())" for person in people),
            f"{people[-1]} IN (SELECT scope_people())",
        ]
    )
