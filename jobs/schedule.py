"""What runs when: one line a job, and the handlers of work that people request."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from activities import activity_reminders, pledge_reminders
from core import audit_sealing
from core.background import Progress
from jobs import outside, retention
from jobs.calendar import daily, monthly, weekly
from jobs.definitions import Job, Sweep
from members import data_copies
from members.contact import preview as contact_preview
from members.contact import suspended_cases
from members.roster import applying, importing, previewing, undoing
from members.roster.stages import Step
from notifications import (
    case_tasks,
    code_messages,
    contact_reminders,
    feedback_overdue,
    inbox,
    migrant_reminders,
    transfer_flags,
)
from points import (
    adjustment_posting,
    bulletins,
    closing,
    objection_escalation,
    opening,
    own_data,
    periods,
    reminders,
    scheme_simulation,
    sealing,
    self_audit,
)

RequestedHandler = Callable[..., Iterator[Progress]]

_DAY, _HALF_DAY = timedelta(days=1), timedelta(hours=12)

# Name, when it is due, how late it may still be run, and what it does.
JOBS = (
    # On New Year's Day a claim finds its year open without anybody having to remember it.
    Job("open-year", daily(0, 1), _DAY, periods.open_current),
    Job("self-audit", daily(2, 30), _DAY, self_audit.audit, lease=timedelta(hours=1)),
    # What a roster import keeps of the uploaded file goes when it cannot be undone any more.
    Job("purge-imports", daily(3, 10), _DAY, importing.purge_files),
    Job("retention", daily(3, 30), _DAY, retention.purge),
    # Who crossed a stage, and what it asks of whom; the days in between are caught up in one.
    Job(
        "contact-scan",
        daily(6),
        3 * _DAY,
        contact_reminders.scan_and_tell,
        lease=timedelta(minutes=15),
        preview=contact_preview.listing,
    ),
    Job("suspended-cases", daily(6, 10), 3 * _DAY, suspended_cases.raise_ripe),
    # The notice for a year comes in November; without it quiet days are guessed.
    Job("watch-work-calendar", daily(7), _DAY, outside.watch_calendar),
    # Reminders leave the house by day only; one that is made hours late would come too late.
    Job("claims-waiting", weekly("mon", 8, 30), 3 * _DAY, reminders.remind_of_claims),
    Job("objections-overdue", daily(8, 35), _DAY, objection_escalation.escalate_overdue),
    Job("objections-due", daily(8, 40), _HALF_DAY, reminders.remind_of_objections),
    Job("feedback-overdue", daily(8, 45), _DAY, feedback_overdue.tell_overdue),
    Job("period-reminders", daily(8, 50), _HALF_DAY, reminders.remind_of_period),
    Job("theme-day-tomorrow", daily(9), _HALF_DAY, activity_reminders.remind_of_theme_days),
    Job("pledges-due", daily(9, 10), _HALF_DAY, pledge_reminders.remind_of_due),
    Job("case-tasks", daily(9, 15), _HALF_DAY, case_tasks.enqueue_case_tasks),
    Job("migrants-due", daily(9, 20), _HALF_DAY, migrant_reminders.remind_contacts),
    Job("migrants-waiting", daily(9, 25), _HALF_DAY, migrant_reminders.tell_waiting),
    Job("transfers-overdue", daily(9, 30), _DAY, transfer_flags.flag_overdue),
    Job("month-unplanned", monthly(20, 9), 7 * _DAY, activity_reminders.remind_of_unplanned_months),
)

# What waits for a deed of somebody's, and not for a time of day: name, seconds, what it does.
SWEEPS = (
    Sweep("deliver-inbox", 1, inbox.deliver),
    # Who asked for a code is waiting for it.
    Sweep("send-codes", 1, code_messages.enqueue),
    # A deduction whose window is over, or whose objection was answered, needs nobody's memory.
    Sweep("post-deductions", 300, adjustment_posting.post_ripe),
    # Without an open objection nobody has to do anything for what was published to be final.
    Sweep("close-bulletins", 60, bulletins.close_ripe),
    # Behind the postings, so that a slow approval never makes anybody wait.
    Sweep("seal-ledger", 30, sealing.seal),
    # What is sealed is ten minutes old, so there is no hurry.
    Sweep("seal-audit", 600, audit_sealing.seal),
)

# kind -> handler(session, subject_id, *, now); the runner commits at each yield.
REQUESTED: Mapping[str, RequestedHandler] = {
    Step.CHECK: previewing.check,
    Step.COMMIT: applying.commit,
    Step.ROLLBACK: undoing.rollback,
    closing.JOB: closing.close,
    opening.JOB: opening.carry,
    scheme_simulation.JOB: scheme_simulation.run,
    data_copies.JOB: own_data.write,
}
