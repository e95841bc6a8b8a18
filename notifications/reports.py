"""What providers report of messages later: doubled, out of order, or before their own answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import FieldProblem, RuleViolation
from core.ids import new_id
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from notifications.channels.sender import Answer, Result, storable
from notifications.delivery_models import OutboxOutcome, OutcomeSource
from notifications.models import OutboxMessage, OutboxState

REPORTS_MAX = 500
# A report can only move a message forward from here; what is settled stays so.
_OPEN = (OutboxState.LEASED, OutboxState.SENT, OutboxState.UNKNOWN)


class ReportInvalid(RuleViolation):
    """The body is none of the provider's reports."""

    code = "callback.invalid"
    title = "回执格式不对"


@dataclass(frozen=True, slots=True)
class Report:
    """One report: of which message, by the provider's number or by ours, and what it says."""

    is_delivered: bool
    code: str
    provider_message_id: str = ""
    message_id: str = ""


def parse_reports(provider: str, body: Any) -> list[Report]:
    """The reports in a provider's own format; what else it says, phones among it, is dropped.

    Raises:
        ReportInvalid: no list of at most REPORTS_MAX reports, or one without what is needed.
    """
    rows = body.get("reports") if provider == "webhook" and isinstance(body, dict) else body
    if not isinstance(rows, list) or len(rows) > REPORTS_MAX:
        raise ReportInvalid
    try:
        return [PARSERS[provider](row) for row in rows]
    except (KeyError, TypeError, AttributeError) as error:
        problem = FieldProblem("", ReportInvalid.code, ReportInvalid.title)
        raise ReportInvalid(problems=(problem,)) from error


def take_reports(
    session: Session, provider: str, reports: Sequence[Report], *, now: datetime
) -> int:
    """Move the messages that are reported; returns how many moved. Two statements.

    A number that nobody knows, a report that came before, and one that contradicts what is
    settled change nothing.
    """
    rows = _rows(reports)
    if not rows:
        return 0
    moved = session.execute(
        _moving(dialect_of(session)),
        rows_parameter(session, rows) | {"reporting": provider, "heard_at": now},
    ).all()
    insert_rows(
        session,
        OutboxOutcome,
        [
            {"id": new_id(), "outbox_id": row.id, "number": row.attempts, "state": row.state}
            | {"source": OutcomeSource.REPORT, "code": row.provider_code, "heard_at": now}
            for row in moved
        ],
    )
    return len(moved)


def _rows(reports: Sequence[Report]) -> list[dict[str, Any]]:
    # Of two on one message in one delivery the first counts, as it does in two deliveries.
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for report in reports:
        state = OutboxState.DELIVERED if report.is_delivered else OutboxState.REJECTED
        number = storable(report.provider_message_id)
        key = (number, report.message_id)
        rows.setdefault(
            key,
            {
                "provider_message_id": number or None,
                "message_id": _as_uuid(report.message_id),
                "state": state,
                "code": Answer(Result.REFUSED, report.code).code,
            },
        )
    return list(rows.values())


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@cache
def _moving(dialect: str) -> sa.Executable:
    columns = OutboxMessage.__table__.c
    given = row_source(
        dialect,
        {
            "provider_message_id": columns.provider_message_id.type,
            "message_id": columns.id.type,
            "state": columns.state.type,
            "code": columns.provider_code.type,
        },
    )
    return (
        sa.update(OutboxMessage)
        .where(
            OutboxMessage.provider == sa.bindparam("reporting"),
            OutboxMessage.state.in_(_OPEN),
            sa.or_(
                OutboxMessage.id == given.c.message_id,
                OutboxMessage.provider_message_id == given.c.provider_message_id,
            ),
        )
        .values(
            state=given.c.state,
            provider_code=given.c.code,
            leased_by=None,
            lease_until=None,
            finished_at=sa.bindparam("heard_at", type_=columns.finished_at.type),
        )
        .returning(
            OutboxMessage.id,
            OutboxMessage.attempts,
            OutboxMessage.state,
            OutboxMessage.provider_code,
        )
        .execution_options(synchronize_session=False)
    )


def _aliyun(row: Mapping[str, Any]) -> Report:
    return Report(
        row["success"] is True,
        str(row.get("err_code") or ""),
        str(row["biz_id"]),
        str(row.get("out_id") or ""),
    )


def _tencent(row: Mapping[str, Any]) -> Report:
    # Their errmsg is a code such as DELIVRD; the sentence is in the description.
    return Report(row["report_status"] == "SUCCESS", str(row.get("errmsg") or ""), str(row["sid"]))


def _webhook(row: Mapping[str, Any]) -> Report:
    return Report(row["state"] == "delivered", str(row.get("code") or ""), "", str(row["id"]))


# Who reports, and how one report is read.
PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Report]] = {
    "sms_aliyun": _aliyun,
    "sms_tencent": _tencent,
    "webhook": _webhook,
}
