"""Who may call an operation: token, actor and access policy; deny by default."""

import enum
import functools
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import flask
import flask_jwt_extended as jwt_extended
import jwt as pyjwt
from flask_jwt_extended import JWTManager

from api import limits
from api.attributing import attribute_actor, attribute_bearer
from api.extensions import db
from api.problems import Problem
from core.clock import business_day, utc_now
from core.config import Settings
from core.errors import Forbidden
from core.scope import work_for
from members import confirmations
from members.access import Actor, find_actor
from members.access_models import Role
from members.device_sessions import Tokens

REQUIRED_CLAIMS = frozenset({"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "type", "sid"})
_BEARER = re.compile(r"Bearer [A-Za-z0-9_.=-]+")


class Access(enum.Enum):
    """Access that needs no role."""

    PUBLIC = "public"
    SIGNED_IN = "signed in, even before the initial password is changed"
    MEMBER = "signed in"


Policy = Access | frozenset[Role]


def any_of(*roles: Role) -> frozenset[Role]:
    """Policy: one of these roles somewhere; which objects, the domain's getters decide."""
    return frozenset(roles)


STAFF = any_of(
    Role.GROUP_LEADER,
    Role.BRANCH_SECRETARY,
    Role.DEPUTY_SECRETARY,
    Role.DELEGATE,
    Role.COMMITTEE_OFFICER,
    Role.DISTRICT_ADMIN,
    Role.AUDITOR,
)


def current_actor() -> Actor:
    """The member who sent this request."""
    actor: Actor = flask.g.actor
    return actor


def guard(
    view: Callable[..., Any], policy: Policy, *, asks_confirmation: bool = False
) -> Callable[..., Any]:
    """The view behind its policy, which is checked before anything of the input is read."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        sign_in_caller(policy)
        # Before what he may do is looked at: a refusal is written down, and he may ask for many.
        too_many = limits.check_member()
        if too_many is not None:
            return too_many
        require(policy, asks_confirmation=asks_confirmation)
        return flask.current_app.ensure_sync(view)(*args, **kwargs)

    guarded.__dict__["access_policy"] = policy
    guarded.__dict__["asks_confirmation"] = asks_confirmation
    return guarded


def sign_in_caller(policy: Policy) -> None:
    """Find out who asks, where the policy wants to know.

    Raises:
        Problem: no valid token.
    """
    session = db.session()
    if policy is Access.PUBLIC:
        work_for(session, None)
        return
    _, claims = _verified_token()
    attribute_bearer(UUID(claims["sub"]))
    work_for(session, UUID(claims["sub"]))
    actor = find_actor(
        session,
        UUID(claims["sub"]),
        UUID(claims["sid"]),
        on=business_day(utc_now()),
        request_id=flask.g.request_id,
    )
    if actor is None:
        raise Problem(401, "auth.session_revoked")
    attribute_actor(actor)
    flask.g.actor = actor


def require(policy: Policy, *, asks_confirmation: bool) -> None:
    """Check that who asks may do so.

    Raises:
        Problem: the initial password is still in use, or it was not shown lately that it is he.
        Forbidden: the caller holds none of the roles.
    """
    if policy is Access.PUBLIC:
        return
    actor = current_actor()
    if actor.must_change_password and policy is not Access.SIGNED_IN:
        raise Problem(403, "auth.password_change_required")
    if isinstance(policy, frozenset) and not actor.has_role(*policy):
        raise Forbidden
    if asks_confirmation and not confirmations.is_recent(actor.confirmed_at, now=utc_now()):
        raise Problem(403, "auth.confirmation_required")


def _verified_token() -> tuple[dict[str, Any], dict[str, Any]]:
    # flask-jwt-extended takes a list of credentials apart and stumbles over an empty one.
    if not _BEARER.fullmatch(flask.request.headers.get("Authorization", "")):
        raise Problem(401, "auth.required")
    verified = jwt_extended.verify_jwt_in_request()
    if verified is None:
        raise Problem(401, "auth.required")
    return verified


def access_token(member_id: UUID, session_id: UUID) -> str:
    """A token of one device's session; ending the session voids it at once."""
    token: str = jwt_extended.create_access_token(
        str(member_id), additional_claims={"sid": str(session_id)}
    )
    return token


def shown_tokens(tokens: Tokens) -> dict[str, Any]:
    """The answer to a sign-in or a renewal."""
    life: timedelta = flask.current_app.config["JWT_ACCESS_TOKEN_EXPIRES"]
    return {
        "access_token": access_token(tokens.member_id, tokens.session_id),
        "refresh_token": tokens.refresh_token,
        "expires_in": int(life.total_seconds()),
        "must_change_password": tokens.must_change_password,
    }


def jwt_config(settings: Settings) -> dict[str, Any]:
    """flask-jwt-extended settings: one algorithm, its own key, headers only, all claims bound."""
    return {
        "JWT_SECRET_KEY": settings.jwt_secret,
        "JWT_ALGORITHM": "HS256",
        "JWT_DECODE_ALGORITHMS": ["HS256"],
        "JWT_TOKEN_LOCATION": ["headers"],
        "JWT_ENCODE_ISSUER": settings.jwt_issuer,
        "JWT_DECODE_ISSUER": settings.jwt_issuer,
        "JWT_ENCODE_AUDIENCE": settings.jwt_audience,
        "JWT_DECODE_AUDIENCE": settings.jwt_audience,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=settings.access_minutes),
    }


def register(jwt: JWTManager) -> None:
    """Refuse tokens that lack a claim.

    flask-jwt-extended fills in a missing `type` and `jti` and accepts a missing `exp`, so the
    raw claims are examined here, where it asks for the key. The signature over exactly these
    bytes is verified right after.
    """

    @jwt.decode_key_loader
    def key_for(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        if REQUIRED_CLAIMS - claims.keys():
            raise pyjwt.InvalidTokenError("a required claim is missing")
        if claims["type"] != "access":
            raise pyjwt.InvalidTokenError("it is no access token")
        if not (_is_identifier(claims["sub"]) and _is_identifier(claims["sid"])):
            raise pyjwt.InvalidTokenError("the subject or the session is no identifier")
        key: str = flask.current_app.config["JWT_SECRET_KEY"]
        return key


def _is_identifier(subject: Any) -> bool:
    try:
        return isinstance(subject, str) and str(UUID(subject)) == subject
    except ValueError:
        return False


def unguarded_rules(app: flask.Flask) -> list[str]:
    """Routes without a declared policy; `create_app` refuses to start with any."""
    return [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "access_policy")
    ]
