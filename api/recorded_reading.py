"""Readings that leave a record of who was shown what.

Such a GET is still safe in the sense of RFC 9110 section 9.2.1: the caller asks for nothing but the
showing, and what is written is the log of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from api.extensions import db
from api.problems import Problem
from core.db import OutcomeUnknown, is_working, read_only, unit_of_work


@contextmanager
def recorded_reading() -> Iterator[Session]:
    """A unit of work inside a GET; what it shows and the record of it are one transaction.

    Where a write shows what it has changed, the record is part of the write.

    Looking up the caller has begun a transaction that only reads. On SQLite it cannot become a
    writer without failing when somebody else writes, so it ends here and another begins.
    """
    session = db.session()
    if not is_working(session):
        session.rollback()
        read_only.set(False)
    try:
        with unit_of_work(session):
            yield session
    except OutcomeUnknown as error:
        # Nothing was asked for but the showing: to ask again is safe, and needs no key.
        raise Problem(503, "server.busy") from error
