"""Proofs: what a member keeps so that anybody can check his entry offline."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import OutSchema
from points import checkpoints

blp = Blueprint("proofs", __name__, description="存证")

_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class SignedOut(OutSchema):
    content = fields.String(
        metadata={
            "example": '{"block":9,"points":"812.5","size":420,"v":1}',
            "description": "被签名的原文",
        }
    )
    signature = fields.String(
        metadata={"example": _HASH * 2, "description": "Ed25519 或 SM2，十六进制"}
    )


class ProofOut(OutSchema):
    v = fields.Integer(metadata={"example": 1})
    entry = fields.String(
        metadata={
            "example": '{"points":250,"seq":12,"v":1}',
            "description": "这笔积分的规范文本，逐字节参与计算",
        }
    )
    position = fields.Integer(metadata={"example": 11})
    path = fields.List(fields.String(), metadata={"example": [_HASH]})
    checkpoint = fields.Nested(SignedOut)


@blp.get("/me/points/entries/<uuid:entry_id>/proof", access=Access.MEMBER)
@blp.alt_response(409, "CONFLICT")
@blp.response(200, ProofOut)
def get_my_proof(entry_id: UUID) -> Any:
    """我的一笔积分的存证：可用 docs/verify_proof.py 离线核对；还没有签名时答 409"""
    return checkpoints.prove_own(db.session(), current_actor(), entry_id)
