"""The first screen: everything that it shows, in one request."""

import dataclasses
from typing import Any, NamedTuple

import flask
from marshmallow import fields

from activities import home
from activities.home import Home
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.feature_level import FEATURE_LEVEL
from api.fields import Identifier, Instant, OutSchema, PointsText
from core.clock import utc_now
from core.todo import Todo, TodoKind
from members.access import Actor
from members.access_models import Role
from members.branch_contact import BranchContact

blp = Blueprint("home", __name__, description="首页")

_ID = "0198c0de-0000-7000-8000-000000000001"


class Answer(NamedTuple):
    """The operation that answers a kind: its endpoint, and its query."""

    endpoint: str
    query: dict[str, Any] = {}


# What names the thing that a line is about, in the path of its operation.
_SUBJECT = {TodoKind.MEETING: "activity_id"}
ANSWERS: dict[TodoKind, Answer] = {
    TodoKind.OWN_REPORT: Answer("contacts.confirm_contact"),
    TodoKind.MEETING: Answer("activities.get_activity"),
    TodoKind.SERVICE: Answer("service-signups.list_own_signups"),
    TodoKind.CLAIM_RETURNED: Answer("claims.list_claims"),
    TodoKind.DEDUCTION_TOLD: Answer("adjustments.list_my_adjustments"),
    TodoKind.BULLETIN_OPEN: Answer("bulletins.list_bulletins"),
    TodoKind.OBJECTION_REPLIED: Answer("objections.list_my_objections"),
    TodoKind.PLEDGE_RETURNED: Answer("pledge_records.list_my_pledges"),
    TodoKind.PLEDGE_DUE: Answer("pledge_records.list_my_pledges"),
    TodoKind.ASSIGNED_WORK: Answer("assigned-work.list_own_assigned_work"),
    TodoKind.CLAIMS_CLEAN: Answer("claims.list_waiting_claims", {"flagged": "false"}),
    TodoKind.CLAIMS_FLAGGED: Answer("claims.list_waiting_claims", {"flagged": "true"}),
    TodoKind.OBJECTIONS_OPEN: Answer("objections.list_objections"),
    TodoKind.PLEDGES_SUBMITTED: Answer(
        "pledge_lists.list_working_pledges", {"status": "submitted"}
    ),
    TodoKind.LEAVES_REQUESTED: Answer("leave.list_waiting_leaves"),
    TodoKind.CONTACT_CASES: Answer("contact-cases.list_contact_cases"),
    TodoKind.FEEDBACK: Answer("feedback.list_feedback", {"state": "open"}),
    TodoKind.TRANSFERS_IN: Answer(
        "transfers.list_transfers", {"direction": "in", "status": "sent"}
    ),
}


class HomePointsOut(OutSchema):
    year = fields.Integer(metadata={"example": 2026})
    provisional = PointsText(metadata={"example": "2", "description": "公示期满前"})
    confirmed = PointsText(metadata={"example": "18.5", "description": "公示期满后"})


class TodoOut(OutSchema):
    kind = fields.String(metadata={"example": "claim_returned"})
    line = fields.String(metadata={"example": "“清扫社区”的申报被退回，请修改后再报"})
    count = fields.Integer(metadata={"example": 1})
    subject_id = Identifier(
        allow_none=True, metadata={"example": None, "description": "只说一件事的，是哪一件"}
    )
    state = fields.String(
        allow_none=True,
        metadata={
            "example": None,
            "description": "本人已有的表示：requested approved（请假）、signed_up（报名）",
        },
    )
    href = fields.String(
        metadata={"example": "/api/v1/claims", "description": "去哪里办；own_report 用 POST"}
    )


class HomeNoticeOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    title = fields.String(metadata={"example": "申报已通过"})
    at = Instant(attribute="created_at", metadata={"example": "2026-03-02T10:00:00+08:00"})


class BranchContactOut(OutSchema):
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "青石桥社区党支部"})
    name = fields.String(allow_none=True, metadata={"example": "陈建国"})
    role = fields.String(
        allow_none=True,
        metadata={
            "example": "branch_secretary",
            "description": "支部没有书记的，为副书记或上级干事；都没有的为 null",
        },
    )
    office_phone = fields.String(
        attribute="phone",
        allow_none=True,
        metadata={"example": "029-87010000", "description": "支部公开的联系电话；不是个人号码"},
    )
    line = fields.String(metadata={"example": "打电话给书记陈建国"})
    is_report_asked = fields.Boolean(
        metadata={"example": False, "description": "支部是否在等本人点“我在”"}
    )


class HomeSyncOut(OutSchema):
    href = fields.String(metadata={"example": "/api/v1/sync"})
    feature_level = fields.Integer(metadata={"example": FEATURE_LEVEL})


class HomeOut(OutSchema):
    points = fields.Nested(HomePointsOut)
    todo = fields.List(fields.Nested(TodoOut), metadata={"description": "等我办的事；没有即为空"})
    notices = fields.List(fields.Nested(HomeNoticeOut), metadata={"description": "最新的未读消息"})
    unread = fields.Integer(metadata={"example": 1})
    contact = fields.Nested(BranchContactOut, allow_none=True)
    sync = fields.Nested(HomeSyncOut)
    server_time = Instant(
        metadata={"example": "2026-03-02T10:00:00+08:00", "description": "不计入 ETag"}
    )


@blp.get("/me/home", access=Access.MEMBER)
@blp.response(200, HomeOut)
def get_home() -> Any:
    """首页：积分、待办、未读消息、支部联系人，一次取齐"""
    now, actor = utc_now(), current_actor()
    found = home.get_home(db.session(), actor, now=now)
    return {
        "points": found,
        "todo": [_shown(one, actor) for one in found.todo],
        "notices": found.notices,
        "unread": found.unread,
        "contact": _contact(found, actor),
        "sync": {"href": flask.url_for("sync.sync"), "feature_level": FEATURE_LEVEL},
        "server_time": now,
    }


def _shown(one: Todo, actor: Actor) -> dict[str, Any]:
    answer = ANSWERS[one.kind]
    named: dict[str, Any] = dict(answer.query)
    if one.place_id is not None:
        named["organization_id"] = one.place_id
    if one.kind in _SUBJECT:
        named[_SUBJECT[one.kind]] = one.subject_id
    if one.kind is TodoKind.PLEDGES_SUBMITTED:
        named["year"] = actor.on.year
    return {
        "kind": one.kind,
        "line": one.line,
        "count": one.count,
        "subject_id": one.subject_id,
        "state": one.state,
        "href": flask.url_for(answer.endpoint, **named),
    }


_LEADING = (Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY)
_DUTIES = {
    "branch_secretary": "书记",
    "deputy_secretary": "副书记",
    "committee_officer": "上级党组织的",
}


def _contact(found: Home, actor: Actor) -> dict[str, Any] | None:
    contact = found.contact
    if contact is None:
        return None
    return {
        **dataclasses.asdict(contact),
        "line": _call(contact, leads_himself=bool(actor.places(_LEADING))),
        "is_report_asked": found.is_report_asked,
    }


def _call(contact: BranchContact, *, leads_himself: bool) -> str:
    if contact.name is None or contact.role is None:
        return "请联系上级党组织" if leads_himself else "支部书记暂缺，请联系上级党组织"
    person = f"{_DUTIES[contact.role]}{contact.name}"
    # The number is the branch's: nobody from above answers it.
    is_there = contact.role in _LEADING
    return f"打电话给{person}" if contact.phone and is_there else f"请找{person}"
