"""What formalism measures, and how it is recognised under other names (api.md section 3)."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

PACKAGES = ("core", "members", "notifications", "points", "activities", "jobs", "api")
# Measures of people that may not exist: log-ins and presence in the app, clicks, places, faces,
# league tables (decision 1, guardrails 1 to 5).
BANNED = {
    "login", "logins", "signin", "signins", "streak", "streaks", "like", "likes", "liked",
    "share", "shares", "shared", "comment", "comments", "rank", "ranks", "ranked", "ranking",
    "rankings", "leaderboard", "leaderboards", "league", "podium", "percentile", "top", "topn",
    "gps", "latitude", "longitude", "lat", "lng", "lon", "geo", "geofence", "geohash", "altitude",
    "coordinates", "coordinate", "location", "locations", "trajectory", "tracks", "wifi", "bssid",
    "ssid", "bluetooth", "beacon", "face", "faces", "faceid", "selfie", "liveness", "fingerprint",
    "biometric", "biometrics", "install", "installs", "installed", "uninstalled", "online",
    "offline", "views", "clicks", "impressions", "heartbeat", "presence", "duration", "device",
    "devices", "imei", "imsi", "oaid", "idfa", "mac", "dau", "mau", "wau",
    "paiming", "paihang", "paihangbang", "mingci", "denglu", "dianzan", "daka", "dingwei",
    "renlian",
}  # fmt: skip
BANNED_PHRASES = (
    "view_minutes", "open_app", "app_open", "last_seen", "last_login", "last_active",
    "last_sign_in", "last_used", "last_opened", "read_minutes", "read_rate", "open_rate",
    "study_minutes",
    "watch_minutes", "screen_time", "time_spent", "time_in_app", "stay_minutes", "device_id",
    "sign_in_count", "sign_in_days", "sign_ins", "signed_in_at", "days_signed_in", "active_users",
    "active_days", "active_rate", "daily_active", "daily_check_in", "check_in_days",
    "consecutive_days", "usage_rate", "install_rate", "face_id", "place_in_branch",
    "sort_by_points",
)  # fmt: skip
# Where a member is signed in, for himself, so that he can sign a lost phone out. Exactly these.
OWN_SESSIONS = {
    "device_session", "device_name", "/api/v1/me/devices/{registration_id}",
}  # fmt: skip
# A share of last year's total, not of a link.
NOT_MEANT = {"carry_share"} | OWN_SESSIONS
# The same in sentences; "不排名" and its like say that there is none.
BANNED_SENTENCE = re.compile(
    r"(?<![不无非])(?:排名|名次|排行|榜单|龙虎榜|登录天数|登录次数|点赞|转发|在线时长|活跃度"
    r"|安装率|每日打卡|连续签到|人脸|经纬度|定位)"
)
# What nobody needs for points, unless a rule names the document that asks for it (guardrail 4).
EVIDENCE = {
    "photo", "photos", "picture", "pictures", "image", "images", "video", "videos", "evidence",
    "attachment", "attachments", "screenshot", "screenshots", "selfie",
}  # fmt: skip
# Whether somebody has read a message is his own affair (guardrail 5).
READ_STATE = {"read_at", "is_read", "unread", "unread_count", "read_count", "read_by", "opened_by"}
# Numbers about people by which no list may be ordered.
MEASURES = {
    "points", "asked", "granted", "total", "totals", "score", "scores", "points_total", "balance",
    "balances", "confirmed_points", "provisional_points", "service_minutes", "claimed_minutes",
    "confirmed_minutes", "minutes", "hours", "rate", "rates", "attended", "attendance_rate", "band",
}  # fmt: skip
_RANKS = {"rank", "dense_rank", "percent_rank", "ntile", "cume_dist"}
_PICKERS = {"sorted", "sort", "nlargest", "nsmallest"}
_ORDER_IN_SQL = re.compile(r"ORDER\s+BY\s+(.*)", re.IGNORECASE | re.DOTALL)


def words_of(name: str) -> set[str]:
    """The words of a name, however it is joined: snake, kebab, camel, a path."""
    return set(re.split("[^a-z]+", _snake(name)))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")


def is_banned(name: str) -> bool:
    """Whether a table, column, field, path or code measures what is banned."""
    if name in NOT_MEANT:
        return False
    snake = _snake(name)
    return bool(BANNED & words_of(name)) or any(phrase in snake for phrase in BANNED_PHRASES)


def is_evidence(name: str) -> bool:
    """Whether a field asks for a picture or a paper."""
    return bool(EVIDENCE & words_of(name))


def orders_by_measure(source: str) -> list[int]:
    """The lines of a module that put people in the order of their points, hours or rates."""
    tree = ast.parse(source)
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return sorted({node.lineno for node in ast.walk(tree) if _is_ordering(node, modules)})


def _is_ordering(node: ast.AST, modules: set[str]) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return any(_names_measure(found) for found in _ORDER_IN_SQL.findall(node.value))
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called in _RANKS:
        return True
    keys = [word.value for word in node.keywords if word.arg in ("key", "order_by")]
    if called == "order_by":
        keys += node.args
    elif called not in _PICKERS and called != "over":
        return False
    return any(_measures(key, modules) for key in keys)


def _measures(key: ast.AST, modules: set[str]) -> bool:
    for node in ast.walk(key):
        if isinstance(node, ast.Attribute) and node.attr in MEASURES:
            return True
        if isinstance(node, ast.Name) and node.id in MEASURES - modules:
            return True
        if isinstance(node, ast.Constant) and _names_measure(node.value):
            return True
    return False


def _names_measure(text: object) -> bool:
    return isinstance(text, str) and bool(MEASURES & words_of(text))


def properties_of(part: Any) -> Iterator[tuple[str, bool]]:
    """Each property below a schema, and whether it has to be given."""
    if isinstance(part, list):
        for value in part:
            yield from properties_of(value)
    if isinstance(part, Mapping):
        required = part.get("required", [])
        for name in part.get("properties", {}):
            yield name, isinstance(required, list) and name in required
        for value in part.values():
            yield from properties_of(value)


def compulsory_evidence(operations: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[str]:
    """Operations that do not go without evidence, but for those that only take it in."""
    return [
        f"{method} {path} {name}"
        for (method, path), operation in operations.items()
        if not is_evidence(path.rpartition("/")[2])
        for name, is_required in properties_of(operation.get("requestBody", {}))
        if is_required and is_evidence(name)
    ]


def reported_read_state(operations: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[str]:
    """Operations that tell anybody but the reader whether a message was read."""
    return [
        f"{method} {path} {name}"
        for (method, path), operation in operations.items()
        # A phone's sync carries the inbox of its owner, and of nobody else.
        if "/me/" not in path and not path.endswith("/v1/sync")
        for name, _ in properties_of(operation.get("responses", {}))
        if name in READ_STATE
    ]


def texts_under(part: Any, *keys: str) -> Iterator[str]:
    """Every text, or text in a list, below one of the keys."""
    if isinstance(part, list):
        for value in part:
            yield from texts_under(value, *keys)
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key in keys:
                yield from (str(one) for one in (value if isinstance(value, list) else [value]))
            yield from texts_under(value, *keys)
