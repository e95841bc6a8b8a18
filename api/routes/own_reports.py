"""“我在”: what a member sees and taps behind the link that he was sent. No signing in."""

from typing import Any

from marshmallow import fields

from api.auth import Access
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import OutSchema
from core.clock import utc_now
from core.db import unit_of_work
from members.contact import own_report_links

blp = Blueprint("own-reports", __name__, description="我在")

_ASKING = "如果这条链接是发给您本人的，请确认“我在”。确认一次即可，不需要登录。"
_THANKS = "已经收到，谢谢。"


class OwnReportOut(OutSchema):
    message = fields.String(metadata={"example": _ASKING})


@blp.get("/own-reports/<string(maxlength=80):token>", access=Access.PUBLIC)
@blp.response(200, OwnReportOut)
def get_own_report(token: str) -> Any:
    """请本人确认的一句话；用没用过都一样，什么也不透露，什么也不写入"""
    # Mail and chat programs open links by themselves: a GET must not speak for the member.
    own_report_links.require_issued(db.session(), token)
    return {"message": _ASKING}


@blp.post("/own-reports/<string(maxlength=80):token>", access=Access.PUBLIC)
@blp.response(200, OwnReportOut)
def confirm_own_report(token: str) -> Any:
    """确认“我在”：记为本人报告，查找随之结束"""
    with unit_of_work(db.session()) as session:
        own_report_links.confirm(session, token, now=utc_now())
    return {"message": _THANKS}
