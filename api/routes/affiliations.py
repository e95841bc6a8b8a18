"""Where a member belongs and how he counts: transfer, guests, class, exemptions."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, OutSchema, Text
from api.routes.members import AffiliationOut, ExemptionOut
from core.clock import business_day, utc_now
from core.db import unit_of_work
from members import affiliations, classifications, exemptions
from members.access import ROSTER_ROLES
from members.affiliations import SECONDARY_PLACES, Belonging, Guest
from members.exemptions import ExemptionTerms
from members.models import AffiliationKind, ExemptionKind, MemberClass

blp = Blueprint("affiliations", __name__, description="组织关系、类别与免于考核")

_ORGANIZATION_ID = "0198c0de-0000-7000-8000-000000000051"
KEEPERS = any_of(*ROSTER_ROLES)


class TransferIn(InSchema):
    organization_id = Identifier(required=True, metadata={"example": _ORGANIZATION_ID})
    party_group_id = Identifier(load_default=None, allow_none=True, metadata={"example": None})
    on = Day(metadata={"example": "2026-03-01", "description": "转接之日；省略即今天"})
    reason = Text(length_max=200, length_min=0, load_default="", metadata={"example": "工作调动"})


class GuestIn(InSchema):
    kind = Choice(SECONDARY_PLACES, required=True, metadata={"example": "migrant_host"})
    organization_id = Identifier(required=True, metadata={"example": _ORGANIZATION_ID})
    valid_from = Day(metadata={"example": "2026-03-01", "description": "省略即今天"})
    valid_to = Day(load_default=None, allow_none=True, metadata={"example": None})
    reason = Text(length_max=200, length_min=0, load_default="", metadata={"example": "在区内务工"})


class ClassIn(InSchema):
    member_class = Choice(MemberClass, required=True, metadata={"example": "migrant"})
    on = Day(metadata={"example": "2026-03-01", "description": "省略即今天"})


class ClassOut(OutSchema):
    member_class = fields.String(metadata={"example": "migrant"})
    valid_from = Day(metadata={"example": "2026-03-01"})


class ExemptionIn(InSchema):
    kind = Choice(
        ExemptionKind,
        required=True,
        metadata={"example": "aged", "description": "只记类型，不记病情"},
    )
    valid_from = Day(required=True, metadata={"example": "2026-03-01"})
    valid_to = Day(
        required=True, metadata={"example": "2027-03-01", "description": "不含当天，最长一年"}
    )
    decided_by_organization_id = Identifier(required=True, metadata={"example": _ORGANIZATION_ID})


@blp.post("/members/<uuid:member_id>/transfer", access=KEEPERS)
@blp.arguments(TransferIn)
@blp.response(201, AffiliationOut)
def transfer_member(data: dict[str, Any], member_id: UUID) -> Any:
    """把组织关系转到管理范围内的另一个支部或小组；已有积分不变"""
    now = utc_now()
    belonging = Belonging(
        data["organization_id"],
        data["party_group_id"],
        data.get("on", business_day(now)),
        data["reason"],
    )
    with unit_of_work(db.session()) as session:
        return affiliations.transfer(session, current_actor(), member_id, to=belonging, now=now)


@blp.post("/members/<uuid:member_id>/affiliations", access=KEEPERS)
@blp.arguments(GuestIn)
@blp.response(201, AffiliationOut)
def add_secondary_affiliation(data: dict[str, Any], member_id: UUID) -> Any:
    """登记流入地、双报到社区或临时支部；组织关系不变"""
    now = utc_now()
    guest = Guest(
        AffiliationKind(data["kind"]),
        data["organization_id"],
        data.get("valid_from", business_day(now)),
        data["valid_to"],
        data["reason"],
    )
    with unit_of_work(db.session()) as session:
        return affiliations.add_guest(session, current_actor(), member_id, guest=guest, now=now)


@blp.delete("/members/<uuid:member_id>/affiliations/<uuid:affiliation_id>", access=KEEPERS)
@blp.response(204)
def end_secondary_affiliation(member_id: UUID, affiliation_id: UUID) -> Any:
    """今天起结束一项流入、双报到或临时编入"""
    now = utc_now()
    with unit_of_work(db.session()) as session:
        affiliations.end_guest(
            session, current_actor(), member_id, affiliation_id, on=business_day(now), now=now
        )


@blp.put("/members/<uuid:member_id>/class", access=KEEPERS)
@blp.arguments(ClassIn)
@blp.response(200, ClassOut)
def classify_member(data: dict[str, Any], member_id: UUID) -> Any:
    """划分党员类别，从某天起；以前的类别保留"""
    now = utc_now()
    with unit_of_work(db.session()) as session:
        return classifications.classify(
            session,
            current_actor(),
            member_id,
            member_class=MemberClass(data["member_class"]),
            on=data.get("on", business_day(now)),
            now=now,
        )


@blp.post("/members/<uuid:member_id>/exemptions", access=KEEPERS)
@blp.arguments(ExemptionIn)
@blp.response(201, ExemptionOut)
def grant_exemption(data: dict[str, Any], member_id: UUID) -> Any:
    """登记一项免于考核，到期自动结束"""
    terms = ExemptionTerms(**data | {"kind": ExemptionKind(data["kind"])})
    with unit_of_work(db.session()) as session:
        return exemptions.grant(session, current_actor(), member_id, terms=terms, now=utc_now())


@blp.delete("/members/<uuid:member_id>/exemptions/<uuid:exemption_id>", access=KEEPERS)
@blp.response(204)
def end_exemption(member_id: UUID, exemption_id: UUID) -> Any:
    """今天起结束一项免于考核"""
    with unit_of_work(db.session()) as session:
        exemptions.end(session, current_actor(), member_id, exemption_id, now=utc_now())
