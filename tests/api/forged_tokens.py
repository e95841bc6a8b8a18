"""Forged and odd tokens, each made from the claims of a good one."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.engines import ENVIRONMENT
from tests.world import NOW

KEY = ENVIRONMENT["PARTY_POINTS_JWT_SECRET"]
OTHER_KEY = "another-key-of-another-service-entirely-0"
Claims = dict[str, Any]
Forge = Callable[[Claims], str]


def sign(claims: Claims, key: Any = KEY, algorithm: str = "HS256", **header: Any) -> str:
    return pyjwt.encode(claims, key, algorithm, headers=header or None)


def segment(part: Any) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def raw_token(header: Any, claims: Any, signature: str = "") -> str:
    return f"{segment(header)}.{segment(claims)}.{signature}"


def hmac_signed(header: Any, claims: Any, algorithm: str = "HS256") -> str:
    """Rightly signed bytes that the library would not have written."""
    text = f"{segment(header)}.{segment(claims)}"
    mac = pyjwt.get_algorithm_by_name(algorithm).sign(text.encode(), KEY.encode())
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def without(name: str) -> Forge:
    return lambda claims: sign({key: value for key, value in claims.items() if key != name})


def having(**changed: Any) -> Forge:
    return lambda claims: sign(claims | changed)


def with_public_rsa_key(claims: Claims) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return sign(claims, key, "RS256")


SECONDS = int(NOW.timestamp())
HS256 = {"alg": "HS256", "typ": "JWT"}
FORGED: dict[str, Forge] = {
    "alg none": lambda c: raw_token({"alg": "none", "typ": "JWT"}, c),
    "alg None": lambda c: raw_token({"alg": "None"}, c),
    "alg nOnE with signature": lambda c: raw_token({"alg": "nOnE"}, c, "c2ln"),
    "alg missing": lambda c: raw_token({"typ": "JWT"}, c, "c2ln"),
    "alg is a list": lambda c: raw_token({"alg": ["HS256"]}, c, "c2ln"),
    "HS384 with our key": lambda c: hmac_signed({"alg": "HS384"}, c, "HS384"),
    "HS512 with our key": lambda c: hmac_signed({"alg": "HS512"}, c, "HS512"),
    "RS256 with his own key": with_public_rsa_key,
    "HS256 named RS256": lambda c: hmac_signed({"alg": "RS256"}, c),
    "another key": lambda c: sign(c, OTHER_KEY),
    "Flask's key": lambda c: sign(c, ENVIRONMENT["PARTY_POINTS_FLASK_SECRET"]),
    "signature cut off": lambda c: sign(c).rsplit(".", 1)[0] + ".",
    "signature of other claims": lambda c: (
        sign(c).rsplit(".", 2)[0] + "." + segment(c | {"x": 1}) + "." + sign(c).rsplit(".")[2]
    ),
    "two segments": lambda c: sign(c).rsplit(".", 1)[0],
    "four segments": lambda c: sign(c) + ".x",
    "empty segments": lambda _: "..",
    "text": lambda _: "token",
    "not base64": lambda _: "%%%.%%%.%%%",
    "null": lambda _: "null",
    "payload is a list": lambda _: hmac_signed(HS256, []),
    "payload is text": lambda _: hmac_signed(HS256, '"claims"'),
    "payload is deep": lambda _: hmac_signed(HS256, "[" * 5000),
    "payload has 5000 digits": lambda _: hmac_signed(HS256, '{"exp": ' + "9" * 5000 + "}"),
    "payload is UTF-8 of nothing": lambda c: sign(c).replace(".", "._w", 1),
    "header is deep": lambda c: f"{segment('[' * 5000)}.{segment(c)}.c2ln",
    "header is a list": lambda c: raw_token([], c, "c2ln"),
    "critical extension": lambda c: sign(c, crit=["x"], x=1),
    "detached payload": lambda c: sign(c, b64=False, crit=["b64"]),
    "kid is a path to an empty file": lambda c: sign(c, OTHER_KEY, kid="../../dev/null"),
    "kid is SQL": lambda c: sign(c, OTHER_KEY, kid="' UNION SELECT 'key'"),
    "kid is no text": lambda c: hmac_signed(HS256 | {"kid": {"a": 1}}, c),
    "key to fetch": lambda c: sign(c, OTHER_KEY, jku="http://127.0.0.1:9/keys.json"),
    "key enclosed": lambda c: sign(c, OTHER_KEY, jwk={"kty": "oct", "k": "YQ"}),
    "no iss": without("iss"),
    "no aud": without("aud"),
    "no sub": without("sub"),
    "no iat": without("iat"),
    "no nbf": without("nbf"),
    "no exp": without("exp"),
    "no jti": without("jti"),
    "no type": without("type"),
    "no sid": without("sid"),
    "foreign iss": having(iss="another-issuer"),
    "iss is a list": lambda c: hmac_signed(HS256, c | {"iss": [c["iss"]]}),
    "foreign aud": having(aud="another-service"),
    "aud among others' name": having(aud=["another-service"]),
    "unknown type": having(type="session"),
    "type is a list": having(type=["access"]),
    "type is null": having(type=None),
    "expired": having(exp=SECONDS - 1),
    "exp is text": having(exp="never"),
    "exp is infinite": lambda c: hmac_signed(HS256, json.dumps(c | {"exp": float("inf")})),
    "exp is null": having(exp=None),
    "exp is a list": having(exp=[SECONDS + 60]),
    "not yet valid": having(nbf=SECONDS + 3600),
    "issued in the future": having(iat=SECONDS + 3600),
    "nbf is text": having(nbf="now"),
    "jti is no text": lambda c: hmac_signed(HS256, c | {"jti": {"a": 1}}),
    "sub is a number": lambda c: hmac_signed(HS256, c | {"sub": 1}),
    "sub is null": lambda c: hmac_signed(HS256, c | {"sub": None}),
    "sub is empty": having(sub=""),
    "sub is no member": having(sub=str(uuid4())),
    "sub in upper case": lambda c: sign(c | {"sub": c["sub"].upper()}),
    "sub in braces": lambda c: sign(c | {"sub": "{" + c["sub"] + "}"}),
    "sub without dashes": lambda c: sign(c | {"sub": c["sub"].replace("-", "")}),
    "sub with NUL": lambda c: sign(c | {"sub": c["sub"] + "\x00"}),
    "sub is a lone surrogate": lambda c: hmac_signed(HS256, c | {"sub": "\ud800"}),
    "sid of nobody's session": having(sid=str(uuid4())),
    "sid in upper case": lambda c: sign(c | {"sid": c["sid"].upper()}),
    "sid without dashes": lambda c: sign(c | {"sid": c["sid"].replace("-", "")}),
    "sid is empty": having(sid=""),
    "sid is null": having(sid=None),
    "sid is true": having(sid=True),
    "sid is a list": lambda c: sign(c | {"sid": [c["sid"]]}),
    "sid and sub exchanged": lambda c: sign(c | {"sid": c["sub"], "sub": c["sid"]}),
    "an epoch in the place of the session": lambda c: sign(
        {key: value for key, value in c.items() if key != "sid"} | {"epoch": 1}
    ),
    "a refresh token of the library": having(type="refresh"),
    "an opaque refresh token's shape": lambda _: "Vn3o0b8cQ1dMZr9yHk2u7wXeT4sLfGpAiJ5tRzKmNqE",
}
