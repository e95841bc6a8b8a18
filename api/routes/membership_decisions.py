"""Decisions about a membership, as named people enter them from their documents."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members.contact import membership_decisions
from members.contact.membership_decisions import ENTERING_ROLES, DecisionLine
from members.contact.membership_rules import DecisionFacts, DecisionGround, DecisionKind

blp = Blueprint("membership-decisions", __name__, description="党籍处理")

_ID = "0198c0de-0000-7000-8000-000000000162"


class MembershipDecisionIn(InSchema):
    kind = Choice(
        DecisionKind,
        required=True,
        metadata={"example": "suspension", "description": "停止、恢复、除名、开除"},
    )
    ground = Choice(DecisionGround, required=True, metadata={"example": "lost_contact"})
    deciding_body = Text(
        length_max=120, required=True, metadata={"example": "梧桐里社区党支部党员大会"}
    )
    decided_on = Day(required=True, metadata={"example": "2026-11-02"})
    document_number = Text(
        length_max=80, required=True, metadata={"example": "杨街党字〔2026〕31号"}
    )
    approving_body = Text(length_max=120, required=True, metadata={"example": "杨陵街道党工委"})
    approved_on = Day(required=True, metadata={"example": "2026-11-09"})
    note = Text(length_max=500, length_min=0, load_default="", metadata={"example": ""})


class MembershipDecisionOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    number = fields.Integer(metadata={"example": 1, "description": "本人的第几项决定"})
    kind = fields.String(metadata={"example": "suspension"})
    ground = fields.String(metadata={"example": "lost_contact"})
    from_status = fields.String(metadata={"example": "normal"})
    to_status = fields.String(metadata={"example": "suspended"})
    deciding_body = fields.String(metadata={"example": "梧桐里社区党支部党员大会"})
    decided_on = Day(metadata={"example": "2026-11-02"})
    document_number = fields.String(metadata={"example": "杨街党字〔2026〕31号"})
    approving_body = fields.String(metadata={"example": "杨陵街道党工委"})
    approved_on = Day(metadata={"example": "2026-11-09"})
    note = fields.String(metadata={"example": ""})
    entered_by = Identifier(metadata={"example": _ID})
    entered_by_name = fields.String(metadata={"example": "李静"})
    entered_at = Instant(metadata={"example": "2026-11-10T09:00:00+08:00"})


@blp.post("/members/<uuid:member_id>/membership-decisions", access=any_of(*ENTERING_ROLES))
@blp.arguments(MembershipDecisionIn)
@blp.response(201, MembershipDecisionOut)
def enter_membership_decision(data: dict[str, Any], member_id: UUID) -> Any:
    """登记一项党籍决定：须有决定机构、批准机构、日期和文号；党籍状态随之改变"""
    facts = DecisionFacts(
        kind=DecisionKind(data.pop("kind")), ground=DecisionGround(data.pop("ground")), **data
    )
    actor = current_actor()
    with unit_of_work(db.session()) as session:
        made = membership_decisions.enter(session, actor, member_id, decision=facts, now=utc_now())
    return _shown(DecisionLine(made, actor.name))


@blp.get("/members/<uuid:member_id>/membership-decisions", access=Access.MEMBER)
@blp.response(200, MembershipDecisionOut(many=True))
def list_membership_decisions(member_id: UUID) -> Any:
    """一名党员的党籍决定，先登记的在前；本人可以查看自己的"""
    found = membership_decisions.list_decisions(db.session(), current_actor(), member_id)
    return [_shown(line) for line in found]


def _shown(line: DecisionLine) -> dict[str, Any]:
    shown = {name: getattr(line.decision, name) for name in _FIELDS}
    return shown | {"entered_by_name": line.entered_by_name}


_FIELDS = MembershipDecisionOut().fields.keys() - {"entered_by_name"}
