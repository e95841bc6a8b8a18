"""Members' accounts: issuing a temporary password, stopping an account."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import OutSchema
from api.idempotency import Retry
from core.clock import utc_now
from core.db import unit_of_work
from members import accounts
from members.accounts import ISSUING_ROLES

blp = Blueprint("accounts", __name__, description="登录账号")

ISSUERS = any_of(*ISSUING_ROLES)


class TemporaryPasswordOut(OutSchema):
    temporary_password = fields.String(
        metadata={"example": "k7m2p9qdx4ht", "description": "只显示这一次，首次登录须修改"}
    )


@blp.post(
    "/members/<uuid:member_id>/account",
    access=ISSUERS,
    retry=Retry.SHOWN_ONCE,
    asks_confirmation=True,
)
@blp.response(201, TemporaryPasswordOut)
def issue_account(member_id: UUID) -> Any:
    """开通或重置党员的账号，给出一次性密码；原有登录随即失效"""
    with unit_of_work(db.session()) as session:
        password = accounts.issue(session, current_actor(), member_id, now=utc_now())
    # Nothing between here and the screen may keep a copy.
    return {"temporary_password": password}, 201, {"Cache-Control": "no-store"}


@blp.delete("/members/<uuid:member_id>/account", access=ISSUERS)
@blp.response(204)
def disable_account(member_id: UUID) -> Any:
    """停用党员的账号，立即生效"""
    with unit_of_work(db.session()) as session:
        accounts.disable(session, current_actor(), member_id, now=utc_now())
