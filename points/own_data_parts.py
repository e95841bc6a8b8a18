"""What a member's copy of his data holds, part by part, and what it leaves out and why.

A table about members stands in one of the two lists (`tests/points/test_own_data.py` finds one that
does not). Of a table every column is copied, so that a new one cannot be forgotten, but those that
say something about other people, are secrets of signing in, or only serve to find a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from core.db import Base
from members.id_numbers import id_number_context
from members.phones import phone_context
from notifications.addresses import address_context


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one table that are about the member.

    Args:
        by: the column that says whose a row is; with `through`, the one that leads to its parent.
        through: the table above, whose `member_id` says whose a row is.
        named: columns with other members whose names he may read, as he does in the app.
        opened: sealed columns that he reads in clear: the name there, and what they are bound to.
        without: columns that are left out beside those of the general rule.
    """

    table: str
    title: str
    by: str = "member_id"
    through: str = ""
    named: tuple[str, ...] = ()
    opened: Mapping[str, tuple[str, Callable[[Any], str]]] = field(default_factory=dict)
    without: tuple[str, ...] = ()


_PHONE = ("phone", lambda row: phone_context(row.id))
_ID_NUMBER = ("id_number", lambda row: id_number_context(row.id))
_ADDRESS = ("address", lambda row: address_context(row.member_id, row.channel))

PARTS = (
    Part(
        "member",
        "名册：姓名、性别、出生年、学历、职务、入党日期、手机号",
        by="id",
        opened={"phone_sealed": _PHONE, "id_number_sealed": _ID_NUMBER},
    ),
    Part("account", "登录账号"),
    Part("affiliation", "组织关系和双报到"),
    Part("member_classification", "积分分类"),
    Part("exemption", "免于参加和计分的类别和起止（只有类别，没有病情）"),
    Part("role_grant", "党内职务"),
    Part("cadre_appointment", "村（社区）干部职务"),
    Part("graduate", "毕业后组织关系的去向"),
    Part("transfer", "组织关系转接"),
    Part("migrant_registration", "流动登记"),
    Part("membership_decision", "党籍处理决定"),
    Part("assigned_work", "党组织分配的工作"),
    Part("attendance", "组织生活的出席"),
    Part("check_in", "签到"),
    Part("leave_request", "请假"),
    Part("make_up", "补课"),
    Part("volunteer_record", "志愿服务记录"),
    Part("service_signup", "志愿服务报名和签到签退"),
    Part("service_correction", "志愿服务时长的更正申请"),
    Part("service_sheet", "志愿服务记录单", without=("verify_code",)),
    Part("pledge", "承诺"),
    Part("pledge_event", "承诺的办理经过"),
    Part("pledge_evaluation", "承诺的评议"),
    Part("claim", "积分申报", without=("flags", "is_flagged")),
    Part("adjustment", "人工加减分"),
    Part("period_statement", "年度结账单"),
    Part("objection", "我提出的异议和答复", by="objector_id"),
    # A message to somebody in office names those whom it is about.
    Part(
        "inbox_message",
        "收到的消息（标题和时间；正文可能写有他人的姓名，请在应用里看）",
        without=("body",),
    ),
    Part("notification_preference", "消息设置"),
    Part(
        "member_channel_address",
        "我填写的邮箱等地址",
        opened={"address_sealed": _ADDRESS},
    ),
    Part("push_registration", "接收推送的应用", without=("token_masked",)),
    Part("device_session", "登录过的设备", named=("assisted_by",)),
    Part("wechat_binding", "微信绑定"),
    Part("consent", "我作过的同意和撤回"),
    Part("contact_standing", "联系情况"),
    Part("contact_fact", "算作联系的事项", without=("note",)),
    Part("contact_hold", "不计入联系时间的日子"),
    Part("contact_contest", "我对“待联系”的说明和答复"),
    Part("feedback", "我的反馈"),
    Part("feedback_step", "我的反馈的办理经过和答复", by="feedback_id", through="feedback"),
    Part("personal_data_access", "谁看过我的完整号码", named=("actor_id",)),
    Part("data_copy", "我要过的副本"),
)

_CASE = (
    "查找工作的过程，含提供线索的他人；本人看到的是“联系情况”和处理决定"
    "（个人信息保护法第四十五条第一款），需要查阅的，请提出个人信息请求，由党组织答复"
)
_DERIVED = "由本副本里的其他部分算出，或与之重复"
_CREDENTIAL = "只用于验证登录和请求，含密钥或一次性凭证；给出会危及账号安全"
LEFT_OUT = {
    "case_assignment": _CASE,
    "case_review": _CASE,
    "code_try": _CREDENTIAL,
    "contact_attempt": _CASE,
    "contact_case": _CASE,
    "contact_number": _CASE,
    "contact_stage_entry": _DERIVED,
    "erasure": "删除个人信息的办理记录，办结后本人的信息已不存在",
    "idempotency_key": _CREDENTIAL,
    "member_key": _CREDENTIAL,
    "outbox_message": "消息的发送记录，内容见“收到的消息”",
    "own_report_link": _CREDENTIAL,
    "points_quota": _DERIVED,
    "recusal": "审核人申请回避的记录，是他人的信息",
    "roster_import_row": "导入名册时逐行的结果，内容见“名册”，一年后删除",
    "scheme_simulation_change": "积分方案的试算，不是本人的得分",
    "shred_log": "删除个人信息的办理记录，办结后本人的信息已不存在",
    "sign_in_ticket": _CREDENTIAL,
    "sms_code": _CREDENTIAL,
}

# What only serves to recognise a value, or repeats it.
_LOOKUPS = ("_index", "_hash", "_digest", "_masked")


def reading(part: Part) -> sa.Select[*tuple[Any, ...]]:
    """The one statement that reads a part, for the parameter `member`.

    Organisations are given by name too; of other people only the names that the part allows.
    """
    tables = Base.metadata.tables
    table = tables[part.table]
    source: sa.FromClause = table
    shown: list[sa.ColumnElement[Any]] = []
    for column in table.c:
        target = _target(column)
        if target == "organization" or column.name in part.named:
            other = tables[target].alias(f"of_{column.name}")
            source = source.outerjoin(other, other.c.id == column)
            shown.append(other.c.name.label(column.name.removesuffix("_id") + "_name"))
        if _is_copied(part, column):
            shown.append(column)
    owner: sa.ColumnElement[Any] = table.c[part.by]
    if part.through:
        above = tables[part.through]
        source = source.join(above, above.c.id == owner)
        owner = above.c.member_id
    return (
        sa.select(*shown)
        .select_from(source)
        .where(owner == sa.bindparam("member", type_=sa.Uuid))
        .order_by(*table.primary_key)
    )


def _is_copied(part: Part, column: sa.Column[Any]) -> bool:
    if column.name in part.opened:
        return True
    is_about_others = _target(column) == "member" and column.name != part.by
    is_sealed = isinstance(column.type, sa.LargeBinary)
    is_lookup = column.name.endswith(_LOOKUPS) or column.name in part.without
    return not (is_about_others or is_sealed or is_lookup)


def _target(column: sa.Column[Any]) -> str:
    """The table that a column points at."""
    return next((key.column.table.name for key in column.foreign_keys), "")
