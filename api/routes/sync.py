"""What a phone holds while it has no network: everything once, then what has changed."""

from typing import Any
from uuid import UUID

import flask
from marshmallow import fields, validate

from activities import attendance_reading, pledge_reading, volunteering
from activities.models import Activity, VolunteerRecord
from activities.pledge_models import Pledge
from api import sync_cursor, sync_pages
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, InSchema, OutSchema, QueryCount
from api.paging import LIMIT_MAX
from api.problems import Problem
from api.routes.activities import MyActivityOut, shown_mine
from api.routes.bulletins import BulletinOut
from api.routes.claims import ClaimOut, shown_claim
from api.routes.me import MessageOut
from api.routes.members import RosterLineOut
from api.routes.pledge_lists import PledgeOut, shown_line
from api.routes.points import EntryOut, shown_entry
from api.routes.services import ServiceOut, shown_service
from api.sync_cursor import SyncReset
from api.sync_pages import Kind
from core.clock import utc_now
from members import member_records
from members.audiences import Circle
from members.models import Member
from notifications import inbox
from notifications.models import InboxMessage
from points import bulletin_reading, claims, entries
from points.models import Claim, LedgerEntry
from points.publicity_models import Bulletin

blp = Blueprint("sync", __name__, description="离线同步")

_ID = "0198c0de-0000-7000-8000-000000000020"
_CURSOR = "WzEsIjAxOThjMGRlIl0.c2lnbmVk"

KINDS = (
    Kind(
        "activity",
        Circle.EVERYBODY,
        Activity,
        attendance_reading.readable,
        lambda _actor, row: shown_mine(row),
    ),
    Kind(
        "bulletin",
        Circle.EVERYBODY,
        Bulletin,
        bulletin_reading.readable,
        lambda _actor, row: row[0],
    ),
    Kind(
        "claim",
        Circle.DECIDERS,
        Claim,
        claims.readable,
        lambda _actor, row: shown_claim(*row),
        # A volunteer record says what has become of its claim; the claim comes first.
        beside=lambda row: _record_of(row[0]),
    ),
    Kind(
        "member",
        Circle.LEADERS,
        Member,
        member_records.readable,
        lambda _actor, row: member_records.line_of(row),
    ),
    Kind("message", None, InboxMessage, inbox.readable, lambda _actor, row: row[0]),
    Kind(
        "pledge",
        Circle.DECIDERS,
        Pledge,
        pledge_reading.readable,
        lambda actor, row: shown_line(pledge_reading.line_of(actor, row)),
    ),
    Kind(
        "points_entry",
        Circle.DECIDERS,
        LedgerEntry,
        entries.readable,
        lambda _actor, row: shown_entry(row),
    ),
    Kind(
        "service_record",
        Circle.DECIDERS,
        VolunteerRecord,
        volunteering.readable,
        lambda _actor, row: shown_service(row),
    ),
)


class SyncQuery(InSchema):
    since = fields.String(
        validate=validate.Regexp(r"[A-Za-z0-9._-]{1,2000}\Z", error="同步位置格式不对"),
        metadata={
            "description": "上一次的 next；省略即从头下载，本机原有的同步数据先清空",
            "example": _CURSOR,
        },
    )
    limit = QueryCount(
        minimum=1,
        maximum=LIMIT_MAX,
        load_default=LIMIT_MAX,
        metadata={"description": f"每页条数，最多 {LIMIT_MAX}", "example": LIMIT_MAX},
    )


class ChangedOut(OutSchema):
    activity = fields.List(fields.Nested(MyActivityOut))
    bulletin = fields.List(fields.Nested(BulletinOut))
    claim = fields.List(fields.Nested(ClaimOut))
    member = fields.List(fields.Nested(RosterLineOut))
    message = fields.List(fields.Nested(MessageOut))
    pledge = fields.List(fields.Nested(PledgeOut))
    points_entry = fields.List(fields.Nested(EntryOut))
    service_record = fields.List(fields.Nested(ServiceOut))


class GoneOut(OutSchema):
    kind = fields.String(metadata={"example": "claim"})
    id = Identifier(metadata={"example": _ID})


class SyncOut(OutSchema):
    forget = fields.List(
        fields.String(metadata={"example": "activity"}),
        metadata={
            "description": "先清空本机这几类的全部数据：管理范围或组织关系变了，随后重新下发"
        },
    )
    deleted = fields.List(
        fields.Nested(GoneOut),
        metadata={"description": "再删除这几条：已不存在，或已不在您能看到的范围内"},
    )
    changed = fields.Nested(
        ChangedOut,
        metadata={"description": "最后写入这些：各条都是完整的最新内容，可能重复收到"},
    )
    next = fields.String(
        metadata={"example": _CURSOR, "description": "本页全部写入后再保存，下一次作为 since"}
    )
    more = fields.Boolean(metadata={"example": False, "description": "还有下一页，请立即再取"})


@blp.get("/sync", access=Access.MEMBER)
@blp.arguments(SyncQuery, location="query")
@blp.response(200, SyncOut)
@blp.alt_response(410, response="GONE")
def sync(query: dict[str, Any]) -> Any:
    """离线同步：自上次以来我能看到的变化；第一次为全部"""
    actor = current_actor()
    secret = str(flask.current_app.secret_key)
    try:
        since = query.get("since")
        page = sync_pages.read_page(
            db.session(),
            actor,
            KINDS,
            since=sync_cursor.decode(since, secret, actor.member_id) if since else None,
            limit=query["limit"],
            now=utc_now(),
        )
    except SyncReset as reset:
        raise Problem(410, "sync.reset", f"{reset}请清空本机的同步数据，从头下载。") from reset
    return {
        "forget": page.forget,
        "deleted": page.deleted,
        "changed": {kind.name: list(page.changed[kind.name].values()) for kind in KINDS},
        "next": sync_cursor.encode(page.next, secret),
        "more": page.more,
    }


def _record_of(claim: Claim) -> tuple[str, UUID] | None:
    is_record = claim.source_kind == volunteering.SOURCE_KIND
    return ("service_record", claim.source_id) if is_record else None
