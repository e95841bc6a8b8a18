"""The stages of an import: who may see one, which step may follow, and asking for a step."""

import enum
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import background
from core.background import BackgroundJob, JobState
from core.errors import Conflict, NotFound
from members.access import ROSTER_ROLES, Actor, within
from members.models import Organization
from members.roster.models import ImportStatus, RosterImport
from members.roster.refusals import ColumnsMissing

UNDO_WINDOW = timedelta(days=7)


class WrongStage(Conflict):
    """The import is not where this step begins."""

    code = "import.wrong_stage"
    title = "这次导入现在不能做这一步"


class JobPending(Conflict):
    """A requested step of this import has not ended yet."""

    code = "import.job_pending"
    title = "这次导入还有任务没有做完"


class FileDropped(Conflict):
    """The uploaded file was deleted at the end of its time."""

    code = "import.file_dropped"
    title = "原文件已按期删除，请重新上传"
    retry = "never"


class AlreadyRolledBack(Conflict):
    """An import can be undone once."""

    code = "import.already_rolled_back"
    title = "这次导入已经撤销过"
    retry = "never"


class UndoExpired(Conflict):
    """The time in which an import can be undone is over."""

    code = "import.undo_expired"
    title = "已超过 7 天的撤销期限"
    retry = "never"


class Step(enum.StrEnum):
    """The steps that run in the background, by the kind of their job."""

    CHECK = "roster.check"
    COMMIT = "roster.commit"
    ROLLBACK = "roster.rollback"


# A commit that a fault has ended halfway can be gone on with, or undone.
_STARTS_AT: dict[Step, frozenset[ImportStatus]] = {
    Step.CHECK: frozenset({ImportStatus.UPLOADED, ImportStatus.CHECKED}),
    Step.COMMIT: frozenset({ImportStatus.CHECKED, ImportStatus.COMMITTING}),
    Step.ROLLBACK: frozenset(
        {ImportStatus.COMMITTING, ImportStatus.COMMITTED, ImportStatus.ROLLING_BACK}
    ),
}
_STEP_NAMES = {Step.CHECK: "检查", Step.COMMIT: "导入", Step.ROLLBACK: "撤销"}
_STATUS_NAMES = {
    ImportStatus.UPLOADED: "已上传，未检查",
    ImportStatus.CHECKED: "已检查",
    ImportStatus.COMMITTING: "正在导入",
    ImportStatus.COMMITTED: "已导入",
    ImportStatus.ROLLING_BACK: "正在撤销",
    ImportStatus.ROLLED_BACK: "已撤销",
}


def get_import(session: Session, actor: Actor, import_id: UUID) -> RosterImport:
    """An import into an organisation whose roster the actor keeps.

    Raises:
        NotFound: it is absent or out of scope.
    """
    roster_import = session.scalar(
        sa.select(RosterImport)
        .join(Organization, Organization.id == RosterImport.organization_id)
        .where(RosterImport.id == import_id, within(actor.paths(ROSTER_ROLES)))
    )
    if roster_import is None:
        raise NotFound
    return roster_import


def request(
    session: Session, actor: Actor, import_id: UUID, *, step: Step, now: datetime
) -> BackgroundJob:
    """Have the jobs process do a step.

    Raises:
        NotFound: the import is out of the actor's scope.
        JobPending: another step is waiting or running.
        WrongStage, AlreadyRolledBack, UndoExpired: the step is not possible now.
        ColumnsMissing: no column holds the name or the branch.
    """
    get_import(session, actor, import_id)
    roster_import = lock_import(session, import_id)
    require_no_job(session, import_id)
    require_step(roster_import, step, now)
    if roster_import.missing_columns:
        titles = "”“".join(roster_import.missing_columns)
        raise ColumnsMissing(f"没有列对应“{titles}”，请先在列对应里指明是哪一列。")
    return background.enqueue(
        session, kind=step, subject_id=import_id, requested_by=actor.member_id, now=now
    )


def lock_import(session: Session, import_id: UUID) -> RosterImport:
    """The import as it is now, locked until the transaction ends; chunks and requests take turns.

    Raises:
        NotFound: it is absent.
    """
    roster_import = session.get(
        RosterImport, import_id, with_for_update=True, populate_existing=True
    )
    if roster_import is None:
        raise NotFound
    return roster_import


def require_no_job(session: Session, import_id: UUID) -> None:
    """Raise JobPending while a requested step of the import waits or runs."""
    pending = sa.select(BackgroundJob.id).where(
        BackgroundJob.subject_id == import_id,
        BackgroundJob.state.in_((JobState.QUEUED, JobState.RUNNING)),
    )
    if session.scalar(pending.limit(1)) is not None:
        raise JobPending


def require_step(roster_import: RosterImport, step: Step, now: datetime) -> None:
    """Raise the conflict that says why the step cannot begin or go on, if it cannot."""
    status = ImportStatus(roster_import.status)
    if step is Step.ROLLBACK and status is ImportStatus.ROLLED_BACK:
        raise AlreadyRolledBack
    if status not in _STARTS_AT[step]:
        raise WrongStage(f"这次导入的状态是“{_STATUS_NAMES[status]}”，不能{_STEP_NAMES[step]}。")
    if step is not Step.ROLLBACK or status is ImportStatus.ROLLING_BACK:
        return
    if roster_import.undo_until is None or now > roster_import.undo_until:
        raise UndoExpired
