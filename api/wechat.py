"""WeChat's code2Session: a one-time code of the mini program for the openid behind it.

Called with no transaction open. What WeChat calls the session key is neither kept nor passed on.
"""

from typing import Any
from urllib.parse import urlencode

from api.problems import Problem
from core.config import Settings
from core.errors import RuleViolation, TooManyRequests, Unauthenticated
from notifications.channels.http import HttpCaller

# A person is waiting, and a thread with him.
_CALLER = HttpCaller(timeout=(2, 4))
_OPENID_LENGTH_MAX = 128
# Their codes: no such code, used already, blocked as risky; called too often for one user.
_REFUSED, _TOO_OFTEN = {40029, 40163, 40226}, 45011
_WAIT_SECONDS = 60


class WechatOff(RuleViolation):
    """The deployment has no mini program."""

    code = "auth.wechat_off"
    title = "没有开通微信登录，请用手机号登录"


class WechatCodeInvalid(Unauthenticated):
    """WeChat does not know the code, or it was used."""

    code = "auth.wechat_code_invalid"
    title = "微信登录码无效或已用过，请重新点微信登录"


class WechatTooOften(TooManyRequests):
    """WeChat limits the calls for one of its users."""

    code = "auth.wechat_too_often"
    title = "微信登录太频繁，请稍后再试"


def find_openid(settings: Settings, code: str) -> str:
    """Whom WeChat vouches for.

    Raises:
        WechatOff: the deployment has no appid.
        WechatCodeInvalid, WechatTooOften: WeChat refuses.
        Problem: it did not answer, or answered what nobody understands.
    """
    if not settings.wechat_appid:
        raise WechatOff
    query = urlencode(
        {
            "appid": settings.wechat_appid,
            "secret": settings.wechat_secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
    )
    url = f"{settings.wechat_url.rstrip('/')}/sns/jscode2session?{query}"
    return _read(_CALLER.get_json(url, {}) or {})


def _read(answer: dict[str, Any]) -> str:
    # They answer 200 with an errcode; a success has none, or 0.
    error = answer.get("errcode", 0)
    if error in _REFUSED:
        raise WechatCodeInvalid
    if error == _TOO_OFTEN:
        raise WechatTooOften(_WAIT_SECONDS)
    openid = answer.get("openid")
    if error or not isinstance(openid, str) or not 0 < len(openid) <= _OPENID_LENGTH_MAX:
        raise Problem(503, "auth.wechat_unavailable")
    return openid
