"""The roster: listing a subtree, adding a member, reading and changing one."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Day, Identifier, InSchema, OutSchema, Text, Version
from api.paging import PageQuery, encode_page, page_of
from api.recorded_reading import recorded_reading
from core import audit
from core.clock import business_day, utc_now
from core.db import unit_of_work
from members import member_records, people
from members.access import READING_ROLES, ROSTER_ROLES
from members.affiliations import Belonging
from members.member_records import MemberRecord
from members.models import MemberKind
from members.people import Profile

blp = Blueprint("members", __name__, description="党员名册")

_ID = "0198c0de-0000-7000-8000-000000000060"
_ORGANIZATION_ID = "0198c0de-0000-7000-8000-000000000051"
_PHONE_HELP = "手机号；本接口只返回打码后的号码"
READERS = any_of(*READING_ROLES)
KEEPERS = any_of(*ROSTER_ROLES)


class ProfileIn(InSchema):
    name = Text(length_max=60, required=True, metadata={"example": "王志强"})
    kind = Choice(MemberKind, required=True, metadata={"example": "full_member"})
    sex = Choice(("male", "female"), allow_none=True, metadata={"example": "male"})
    birth_year = Count(minimum=1900, maximum=2100, allow_none=True, metadata={"example": 1958})
    education = Text(length_max=40, allow_none=True, metadata={"example": "大专"})
    post = Text(length_max=60, allow_none=True, metadata={"example": "退休"})
    joined_on = Day(allow_none=True, metadata={"example": "1985-07-01"})
    converted_on = Day(allow_none=True, metadata={"example": "1986-07-01"})


class MemberIn(ProfileIn):
    phone = Text(
        length_max=20,
        allow_none=True,
        metadata={"example": "13800008000", "description": _PHONE_HELP},
    )
    party_group_id = Identifier(allow_none=True, metadata={"example": None})
    valid_from = Day(metadata={"example": "2026-03-01", "description": "编入之日；省略即今天"})
    reason = Text(
        length_max=200, length_min=0, load_default="", metadata={"example": "组织关系转入"}
    )


class MemberChangeIn(ProfileIn):
    phone = Text(
        length_max=20,
        allow_none=True,
        metadata={"example": "13800008000", "description": "省略即不改，null 即删除"},
    )
    version = Version(metadata={"example": 1})


class RosterLineOut(OutSchema):
    id = Identifier(attribute="member.id", metadata={"example": _ID})
    name = fields.String(attribute="member.name", metadata={"example": "王志强"})
    kind = fields.String(attribute="member.kind", metadata={"example": "full_member"})
    phone_masked = fields.String(
        attribute="member.phone_masked", allow_none=True, metadata={"example": "138****8000"}
    )
    organization_id = Identifier(metadata={"example": _ORGANIZATION_ID})
    organization_name = fields.String(metadata={"example": "上川村党支部"})
    party_group_id = Identifier(allow_none=True, metadata={"example": None})
    party_group_name = fields.String(allow_none=True, metadata={"example": None})
    member_class = fields.String(metadata={"example": "ordinary"})


class AffiliationOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "primary"})
    organization_id = Identifier(metadata={"example": _ORGANIZATION_ID})
    party_group_id = Identifier(allow_none=True, metadata={"example": None})
    valid_from = Day(metadata={"example": "2026-03-01"})
    valid_to = Day(allow_none=True, metadata={"example": None})


class NamedAffiliationOut(OutSchema):
    affiliation = fields.Nested(AffiliationOut)
    organization_name = fields.String(metadata={"example": "上川村党支部"})
    party_group_name = fields.String(allow_none=True, metadata={"example": None})


class ExemptionOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "aged"})
    valid_from = Day(metadata={"example": "2026-03-01"})
    valid_to = Day(metadata={"example": "2027-03-01"})
    decided_by_organization_id = Identifier(metadata={"example": _ORGANIZATION_ID})


class MemberOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "王志强"})
    kind = fields.String(metadata={"example": "full_member"})
    sex = fields.String(allow_none=True, metadata={"example": "male"})
    birth_year = fields.Integer(allow_none=True, metadata={"example": 1958})
    education = fields.String(allow_none=True, metadata={"example": "大专"})
    post = fields.String(allow_none=True, metadata={"example": "退休"})
    joined_on = Day(allow_none=True, metadata={"example": "1985-07-01"})
    converted_on = Day(allow_none=True, metadata={"example": "1986-07-01"})
    membership_status = fields.String(metadata={"example": "normal"})
    phone_masked = fields.String(allow_none=True, metadata={"example": "138****8000"})
    id_number_masked = fields.String(
        allow_none=True,
        metadata={"example": None, "description": "没有启用身份证号的，总是为空"},
    )
    version = fields.Integer(metadata={"example": 1})
    member_class = fields.String(metadata={"example": "ordinary"})
    affiliations = fields.List(fields.Nested(NamedAffiliationOut))
    exemptions = fields.List(fields.Nested(ExemptionOut))


RosterPage = page_of(RosterLineOut)


@blp.get("/orgs/<uuid:organization_id>/members", access=READERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, RosterPage)
def list_members(query: dict[str, Any], organization_id: UUID) -> Any:
    """本级和下级的党员，按支部、小组、姓名排列"""
    with recorded_reading() as session:
        page = member_records.list_members(
            session,
            current_actor(),
            organization_id,
            after=query.get("cursor"),
            limit=query["limit"],
        )
        audit.note_reading(session, "roster", (line.member.id for line in page.items))
    return encode_page(page)


@blp.post("/orgs/<uuid:organization_id>/members", access=KEEPERS)
@blp.arguments(MemberIn)
@blp.response(201, MemberOut)
def create_member(data: dict[str, Any], organization_id: UUID) -> Any:
    """把一名党员编入支部"""
    actor, now = current_actor(), utc_now()
    belonging = Belonging(
        organization_id,
        data.get("party_group_id"),
        data.get("valid_from", business_day(now)),
        data["reason"],
    )
    with unit_of_work(db.session()) as session:
        member = people.create(
            session,
            actor,
            profile=_profile(data),
            phone=data.get("phone"),
            belonging=belonging,
            now=now,
        )
    return shown_member(member_records.get(db.session(), actor, member.id))


@blp.get("/members/<uuid:member_id>", access=Access.MEMBER)
@blp.response(200, MemberOut)
def get_member(member_id: UUID) -> Any:
    """一名党员今天的情况；本人也可查看自己"""
    with recorded_reading() as session:
        record = member_records.get(session, current_actor(), member_id)
        audit.note_reading(session, "member_record", [member_id])
    return shown_member(record)


@blp.put("/members/<uuid:member_id>", access=KEEPERS)
@blp.arguments(MemberChangeIn)
@blp.response(200, MemberOut)
def update_member(data: dict[str, Any], member_id: UUID) -> Any:
    """修改党员信息；没有填的项即清空，手机号除外"""
    actor, now = current_actor(), utc_now()
    with unit_of_work(db.session()) as session:
        people.update(
            session,
            actor,
            member_id,
            profile=_profile(data),
            version=data["version"],
            now=now,
        )
        if "phone" in data:
            people.change_phone(session, actor, member_id, phone=data["phone"], now=now)
    return shown_member(member_records.get(db.session(), actor, member_id))


def shown_member(record: MemberRecord) -> dict[str, Any]:
    """A member's record as `MemberOut` dumps it."""
    shown = {name: getattr(record.member, name) for name in _MEMBER_FIELDS}
    return shown | {
        "member_class": record.member_class,
        "affiliations": record.affiliations,
        "exemptions": record.exemptions,
    }


def _profile(data: dict[str, Any]) -> Profile:
    given: dict[str, Any] = {name: data.get(name) for name in _PROFILE_FIELDS}
    return Profile(**given | {"kind": MemberKind(data["kind"])})


_PROFILE_FIELDS = ProfileIn().fields.keys()
_MEMBER_FIELDS = MemberOut().fields.keys() - {"member_class", "affiliations", "exemptions"}
