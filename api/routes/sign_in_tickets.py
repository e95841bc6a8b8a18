"""Helping a member to sign in: a QR code on the branch leader's screen, scanned by his phone."""

from typing import Any
from uuid import UUID

import segno
from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Instant, OutSchema
from api.idempotency import Retry
from core.clock import utc_now
from core.db import unit_of_work
from members import sign_in_tickets
from members.sign_in_tickets import HELPING_ROLES

blp = Blueprint("sign-in-tickets", __name__, description="协助登录")

_TICKET = "Vn3o0b8cQ1dMZr9yHk2u7wXeT4sLfGpAiJ5tRzKmNqE"


class SignInTicketOut(OutSchema):
    ticket = fields.String(metadata={"example": _TICKET, "description": "只显示这一次"})
    expires_at = Instant(metadata={"example": "2026-03-02T10:05:00+08:00"})
    svg = fields.String(metadata={"example": "<svg></svg>", "description": "二维码，内容即 ticket"})


@blp.post(
    "/members/<uuid:member_id>/sign-in-tickets",
    access=any_of(*HELPING_ROLES),
    retry=Retry.SHOWN_ONCE,
    asks_confirmation=True,
)
@blp.response(201, SignInTicketOut)
def create_sign_in_ticket(member_id: UUID) -> Any:
    """给本支部党员开登录码：五分钟内用他的手机扫一次即登录；记录谁协助了谁"""
    with unit_of_work(db.session()) as session:
        issued = sign_in_tickets.issue(session, current_actor(), member_id, now=utc_now())
    image = segno.make(issued.token, error="m", micro=False)
    shown = {"ticket": issued.token, "expires_at": issued.expires_at}
    # Nothing between here and the screen may keep a copy.
    return shown | {"svg": image.svg_inline(scale=8)}, 201, {"Cache-Control": "no-store"}
