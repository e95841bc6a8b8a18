"""Is the database as new as this program? Without Alembic, which no server needs to import."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
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
        sqlalchemy.exc.OperationalError: PostgreSQL cannot be reached.
    """
    try:
        return session.scalar(_APPLIED) or ""
    except DBAPIError as error:
        session.rollback()
        is_away = isinstance(error, OperationalError) and "no such table" not in str(error.orig)
        if is_away:
            raise
        return ""


def is_behind(session: Session) -> bool:
    """Whether migrations are missing. A newer database is right: upgrades begin with it."""
    return applied_revision(session) < newest_revision()
