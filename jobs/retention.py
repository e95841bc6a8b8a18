"""What is kept for a stated time goes when that time is over (domain section 7).

The ledger, decisions, cases and who was shown them are kept for good.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from activities import check_ins, photo_retention
from core import audit_sealing, background, changes, idempotency, job_records
from core.data_classes import term_of
from members import data_copies, id_numbers, sign_in_records
from members.contact import search_log_retention
from members.roster import importing
from notifications import inbox


class Purge(Protocol):
    """Deletes what ended before an instant; returns how many rows."""

    def __call__(self, session: Session, *, ended_before: datetime) -> int: ...


# By class of data. `import_file` has a job of its own, because a rollback goes by its term too,
# a `photo` is noted with the time at which it went, because its file goes afterwards, and of the
# `audit` trail sealed stretches go as a whole.
PURGES: Mapping[str, Purge] = {
    "id_number": id_numbers.purge_unwanted,
    "import_result": importing.purge_results,
    "message_text": inbox.purge_texts,
    "code_try": check_ins.purge_tries,
    "requested_work": background.purge,
    "job_run": job_records.purge,
    "repeatable_request": idempotency.purge,
    "change": changes.purge,
    "search_log": search_log_retention.purge,
    "sign_in": sign_in_records.purge,
    "replaced_token": sign_in_records.purge_replaced,
    "data_copy": data_copies.purge,
}


def purge(session: Session, *, now: datetime) -> int:
    """Delete what nobody needs any more; returns how many rows."""
    photos = photo_retention.purge(session, closed_before=now - term_of("photo"), now=now)
    events = audit_sealing.purge(session, now=now)
    return (
        photos
        + events
        + sum(
            purge_class(session, ended_before=now - term_of(code))
            for code, purge_class in PURGES.items()
        )
    )
