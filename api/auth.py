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

from api.extensions import db
from api.problems import Problem
from core.clock import business_day, utc_now
from core.config import Settings
from core.errors import Forbidden
from core.scope import work_for
from members.access import Actor, find_actor
from members.access_models import Role

REQUIRED_CLAIMS = frozenset({"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "type", "epoch"})
_BEARER = re.compile(r"Bearer [A-Za-z0-9_.=-]+")


class Access(enum.Enum):
    """Access that needs no role."""

    PUBLIC = "public"
    REFRESH = "refresh token"
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


def guard(view: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    """The view behind its policy, which is checked before anything of the input is read."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        require(policy)
        return flask.current_app.ensure_sync(view)(*args, **kwargs)

    guarded.__dict__["access_policy"] = policy
    return guarded


def require(policy: Policy) -> None:
    """Sign the caller in and check the policy.

    Raises:
        Problem: no valid token, or the initial password is still in use.
        Forbidden: the caller holds none of the roles.
    """
    session = db.session()
    if policy is Access.PUBLIC:
        work_for(session, None)
        return
    _, claims = _verified_token(refresh=policy is Access.REFRESH)
    work_for(session, UUID(claims["sub"]))
    actor = find_actor(
        session,
        UUID(claims["sub"]),
        claims["epoch"],
        on=business_day(utc_now()),
        request_id=flask.g.request_id,
    )
    if actor is None:
        raise Problem(401, "auth.session_revoked")
    if actor.must_change_password and policy is not Access.SIGNED_IN:
        raise Problem(403, "auth.password_change_required")
    if isinstance(policy, frozenset) and not actor.has_role(*policy):
        raise Forbidden
    flask.g.actor = actor


def _verified_token(*, refresh: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    # flask-jwt-extended takes a list of credentials apart and stumbles over an empty one.
    if not _BEARER.fullmatch(flask.request.headers.get("Authorization", "")):
        raise Problem(401, "auth.required")
    verified = jwt_extended.verify_jwt_in_request(refresh=refresh)
    if verified is None:
        raise Problem(401, "auth.required")
    return verified


def issue_tokens(member_id: UUID, session_epoch: int) -> dict[str, Any]:
    """A pair of tokens of the current session epoch; a password change voids both."""
    identity, claims = str(member_id), {"epoch": session_epoch}
    config = flask.current_app.config
    return {
        "access_token": jwt_extended.create_access_token(identity, additional_claims=claims),
        "refresh_token": jwt_extended.create_refresh_token(identity, additional_claims=claims),
        "expires_in": int(config["JWT_ACCESS_TOKEN_EXPIRES"].total_seconds()),
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
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(days=settings.refresh_days),
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
        if claims["type"] not in ("access", "refresh") or not _is_epoch(claims["epoch"]):
            raise pyjwt.InvalidTokenError("a claim has no known value")
        if not _is_identifier(claims["sub"]):
            raise pyjwt.InvalidTokenError("the subject is not a member")
        key: str = flask.current_app.config["JWT_SECRET_KEY"]
        return key


def _is_epoch(epoch: Any) -> bool:
    # A truth value is an int to Python, equals 1 in SQLite and is an error in PostgreSQL.
    return type(epoch) is int and 0 < epoch < 2**31


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
