"""From the `stop` of a message kind to the function that answers it, wherever its tables are."""

from collections.abc import Mapping

from activities import activity_life, activity_reminders, pledge_reminders
from notifications import (
    case_tasks,
    contact_reminders,
    migrant_reminders,
    own_report_messages,
    transfer_flags,
)
from notifications.stop_conditions import StopCondition
from points import reminders

STOP_CONDITIONS: Mapping[str, StopCondition] = {
    "member_still_unheard": contact_reminders.is_unheard,
    "case_still_open": case_tasks.is_case_open,
    "own_report_still_waited": own_report_messages.is_waited_for,
    "transfer_still_open": transfer_flags.is_transfer_open,
    "migrant_still_due": migrant_reminders.is_touch_due,
    "activity_is_on": activity_life.is_on,
    "activity_still_ahead": activity_reminders.is_activity_ahead,
    "month_still_unplanned": activity_reminders.is_month_unplanned,
    "pledge_still_open": pledge_reminders.is_pledge_open,
    "claims_still_waiting": reminders.is_claim_waiting,
    "objection_still_open": reminders.is_objection_open,
    "period_still_open": reminders.is_period_open,
}
