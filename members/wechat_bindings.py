"""Whose WeChat it is: bound once by phone and code, afterwards a sign-in of one tap.

The openid that WeChat vouches for is kept as a keyed digest only; its session key is not kept.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import vault_of
from core.errors import Conflict, FieldProblem, NotFound, Unauthenticated
from core.rows import insert_rows
from members.access import Actor
from members.device_sessions import TOKEN_BYTES, Proven, digest_of
from members.session_models import SignInMeans, WechatBinding, WechatTicket

TICKET_LIFE = timedelta(minutes=10)


class WechatUnbound(Conflict):
    """WeChat vouches for somebody, and nobody has said yet who of the roster he is."""

    code = "auth.wechat_unbound"
    title = "这个微信还没有绑定手机号，请先绑定"
    retry = "never"

    def __init__(self, bind_ticket: str = "") -> None:
        params = {"bind_ticket": bind_ticket}
        problem = FieldProblem("/code", self.code, "请用手机号和验证码绑定", params)
        super().__init__(problems=(problem,))


class BindTicketInvalid(Unauthenticated):
    """Unknown, used and expired tickets answer alike."""

    code = "auth.bind_ticket_invalid"
    title = "绑定已超时，请重新用微信登录"


def find_bound(session: Session, openid: str) -> Proven | None:
    """Whom this WeChat signs in, if it is bound."""
    bound = sa.select(WechatBinding.member_id).where(
        WechatBinding.openid_digest == _digest(session, openid)
    )
    member_id = session.scalar(bound)
    return Proven(member_id, SignInMeans.WECHAT) if member_id else None


def issue_ticket(session: Session, openid: str, *, now: datetime) -> str:
    """A ticket by which this WeChat can be bound, once; shown this once."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"digest": digest_of(token), "openid_digest": _digest(session, openid)}
    insert_rows(session, WechatTicket, [row | {"expires_at": now + TICKET_LIFE}])
    return token


def bind(session: Session, ticket: str, member_id: UUID, *, now: datetime) -> Proven:
    """Bind the ticket's WeChat to a member, in the place of what either was bound to.

    Raises:
        BindTicketInvalid: it is unknown, used or expired.
    """
    openid_digest = session.scalar(
        sa.update(WechatTicket)
        .where(
            WechatTicket.digest == digest_of(ticket),
            WechatTicket.used_at.is_(None),
            WechatTicket.expires_at > now,
        )
        .values(used_at=now)
        .returning(WechatTicket.openid_digest)
        .execution_options(synchronize_session=False)
    )
    if openid_digest is None:
        raise BindTicketInvalid
    session.execute(
        sa.delete(WechatBinding)
        .where(
            (WechatBinding.openid_digest == openid_digest) | (WechatBinding.member_id == member_id)
        )
        .execution_options(synchronize_session=False)
    )
    row = {"openid_digest": openid_digest, "member_id": member_id, "bound_at": now}
    insert_rows(session, WechatBinding, [row])
    return Proven(member_id, SignInMeans.WECHAT)


def unbind(session: Session, actor: Actor) -> None:
    """Forget the actor's WeChat; sessions that it opened stay until he ends them.

    Raises:
        NotFound: none is bound.
    """
    unbound = session.scalar(
        sa.delete(WechatBinding)
        .where(WechatBinding.member_id == actor.member_id)
        .returning(WechatBinding.member_id)
        .execution_options(synchronize_session=False)
    )
    if unbound is None:
        raise NotFound


def _digest(session: Session, openid: str) -> str:
    return vault_of(session).blind_index(openid, purpose="wechat_openid")
