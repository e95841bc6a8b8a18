"""What an erasure takes away of a member, and what stays with the reason for it: one table.

Names are those of tables and columns, as in foreign keys: the packages above this one keep data
about members too. `tests/members/test_erasures.py` finds a table that is in neither list.
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

ERASED_NAME = "已删除"


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows of a table that are about a member, and what their columns become."""

    table: str
    member_column: str = "member_id"
    values: dict[str, Any] = field(default_factory=dict)


def _blank(table: str, *columns: str, by: str = "member_id") -> Erased:
    return Erased(table, by, dict.fromkeys(columns, ""))


def _gone(table: str, *columns: str, by: str = "member_id") -> Erased:
    """For texts that a CHECK wants to be there."""
    return Erased(table, by, dict.fromkeys(columns, ERASED_NAME))


def _unmatchable(own_id: str) -> sa.ColumnElement[str]:
    """No digest of any number, and another one for each row."""
    return sa.literal("erased:").concat(sa.literal_column(f"CAST({own_id} AS VARCHAR(40))"))


# Deleted whole, the key first: without it what backups hold is noise.
DELETED = (
    "member_key",
    "member_channel_address",
    "notification_preference",
    "code_try",
    "push_registration",
    "idempotency_key",
    "sms_code",
    "sign_in_ticket",
    "wechat_binding",
    "device_session",
    "data_copy",
)
EMPTIED = (
    Erased(
        "member",
        "id",
        {"name": ERASED_NAME}
        | dict.fromkeys(("sex", "birth_year", "education", "post", "joined_on", "converted_on"))
        | dict.fromkeys(("phone_sealed", "phone_index", "phone_masked"))
        | dict.fromkeys(("id_number_sealed", "id_number_index", "id_number_masked")),
    ),
    Erased(
        "account",
        values={
            "phone_index": _unmatchable("member_id"),
            "password_hash": "",
        },
    ),
    Erased(
        "contact_number",
        values={
            "phone_sealed": b"",
            "phone_index": _unmatchable("id"),
            "phone_masked": "",
        },
    ),
    Erased(
        "roster_import_row",
        values={"name": "", "problems": [], "warnings": [], "changes": {}, "undo_sealed": None},
    ),
    Erased("outbox_message", values={"params": {}}),
    Erased("inbox_message", values={"title": ERASED_NAME, "body": ""}),
    _blank("affiliation", "reason"),
    _blank("contact_case", "closing_note"),
    _gone("contact_contest", "note"),
    _blank("leave_request", "note"),
    _blank("migrant_registration", "card_number", "closing_note"),
    _blank("transfer", "reason"),
    _blank("service_signup", "given_word"),
    _gone("service_correction", "grounds"),
    _gone("objection", "reason", by="objector_id"),
    Erased(
        "feedback",
        values={"text": ERASED_NAME, "unsettled_reason": "", "page": "", "operation": ""}
        | {"error_request_id": ""},
    ),
)

_NO_TEXT = "只有编号、日期和类别，没有姓名和自由文字"
_ARCHIVE = "党内文件材料，按党员档案和党务公开规定保存"
_LEDGER = "积分账本及其证明：只有编号；改动会使存证失效"
KEPT = {
    "adjustment": _ARCHIVE,
    "assigned_work": _ARCHIVE,
    "attendance": _NO_TEXT,
    "cadre_appointment": _ARCHIVE,
    "case_assignment": _NO_TEXT,
    "case_review": _ARCHIVE,
    "check_in": _NO_TEXT,
    "claim": "申报的事项；姓名不在其中，通过后与账本一致",
    "consent": "本人作过的同意和撤回，证明处理有依据（个人信息保护法第十四条）",
    "contact_attempt": _ARCHIVE,
    "contact_fact": _ARCHIVE,
    "contact_hold": _NO_TEXT,
    "contact_stage_entry": _NO_TEXT,
    "contact_standing": _NO_TEXT,
    "erasure": "删除本身的记录",
    "exemption": _NO_TEXT,
    "graduate": _NO_TEXT,
    "ledger_entry": _LEDGER,
    "make_up": _ARCHIVE,
    "member_classification": _NO_TEXT,
    "membership_decision": _ARCHIVE,
    "own_report_link": _NO_TEXT,
    "period_statement": _LEDGER,
    "personal_data_access": "谁看过号码的记录（个人信息保护法第五十四条）",
    "pledge": _ARCHIVE,
    "pledge_evaluation": _ARCHIVE,
    "pledge_event": _ARCHIVE,
    "points_quota": _LEDGER,
    "recusal": _ARCHIVE,
    "role_grant": _ARCHIVE,
    "scheme_simulation_change": _NO_TEXT,
    "service_sheet": "项目和时长，与账本一致；姓名从名册读出",
    "shred_log": "删除本身的记录",
    "volunteer_record": "服务的项目、时间和地点，与账本一致",
}
