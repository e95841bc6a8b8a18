"""Running the work that people requested, chunk by chunk, so that a crash loses one chunk."""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy.orm import Session, sessionmaker

from core import audit, background
from core.attribution import by_job
from core.background import BackgroundJob, JobState, LeaseLost
from core.db import unit_of_work
from core.errors import DomainError
from jobs.schedule import RequestedHandler

log = structlog.get_logger(__name__)

# Work that ends its worker each time, or outlasts its lease, would otherwise be begun for ever.
ATTEMPTS_MAX = 5


def run_next(
    sessions: sessionmaker[Session],
    handlers: Mapping[str, RequestedHandler],
    clock: Callable[[], datetime],
) -> bool:
    """Run one waiting job to its end; False when none waits.

    Each chunk is a transaction together with its progress. After a crash another process takes
    the job over and the handler carries on from what is committed, ATTEMPTS_MAX times in all.
    """
    with sessions() as session:
        with unit_of_work(session):
            job = background.claim_next(session, now=clock())
        if job is None:
            return False
        audit.attribute(session, by_job(job.kind))
        if job.attempt > ATTEMPTS_MAX:
            log.error("job.given_up", job_id=str(job.id), kind=job.kind)
            _fail(session, job, "任务多次中断，已经停止，请联系管理员。", clock())
            return True
        try:
            _work(session, job, handlers[job.kind], clock)
        except LeaseLost:
            session.rollback()
            log.warning("job.taken_over", job_id=str(job.id), kind=job.kind)
        except DomainError as error:
            session.rollback()
            _fail(session, job, error.detail, clock())
        except Exception as error:  # a defect in one job must not stop the others
            session.rollback()
            log.error("job.failed", job_id=str(job.id), kind=job.kind, error=type(error).__name__)
            _fail(session, job, "系统出错，请联系管理员。", clock())
    return True


def _work(
    session: Session, job: BackgroundJob, handler: RequestedHandler, clock: Callable[[], datetime]
) -> None:
    for progress in handler(session, job.subject_id, now=clock()):
        background.report(
            session,
            job,
            now=clock(),
            progress_done=progress.done,
            progress_total=progress.total,
        )
        session.commit()
    with unit_of_work(session):
        background.report(session, job, now=clock(), state=JobState.DONE, finished_at=clock())


def _fail(session: Session, job: BackgroundJob, message: str, now: datetime) -> None:
    try:
        with unit_of_work(session):
            background.report(
                session, job, now=now, state=JobState.FAILED, error=message, finished_at=now
            )
    except LeaseLost:
        log.warning("job.taken_over", job_id=str(job.id), kind=job.kind)
