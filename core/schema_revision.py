"""Is the database as new as this program? Without Alembic, which no server needs to import."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

_VERSIONS = Path(__file__).resolve().parents[1] / "migrations" / "versions"
_APPLIED = sa.text("SELECT max(version_num) FROM alembic_version")


@cache
def newest_revision() -> str:
    """The newest migration of this program; revisions are numbered by their files."""
    return max(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*_*.py"))


def applied_revision(session: Session) -> str:
    """The newest migration of the database; empty before the first.

    Raises:
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    if not sa.inspect(session.connection()).has_table("alembic_version"):
        return ""
    return session.scalar(_APPLIED) or ""


def is_behind(session: Session) -> bool:
    """Whether migrations are missing. A newer database is right: upgrades begin with it."""
    return applied_revision(session) < newest_revision()
