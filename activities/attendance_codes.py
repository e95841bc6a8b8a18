"""Rotating sign-in codes: what an organiser's screen shows, and how a scan of it is judged.

A code is an HMAC over the activity and a 15-second step of time. The token carries its step, so
that a scan kept on a phone without signal can still be verified when it arrives. What this proves
is narrow, and `WHAT_IT_PROVES` says so on the page: roll call stays the record that decides.
"""

import base64
import enum
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.crypto import Vault

STEP_SECONDS = 15
# The current step and the one before it: a scan has 15 to 30 seconds.
STEPS_ACCEPTED = 2
# A person who types the digits too slowly is told so, for as long as this; nothing is accepted.
STEPS_CALLED_STALE = 20
WINDOW_GRACE = timedelta(minutes=10)
LATE_MAX = timedelta(hours=72)
WHAT_IT_PROVES = (
    "签到码只说明一台已登录的设备在当时看到了新的码，不能证明本人到场；"
    "到场情况以组织者点名确认为准。"
)

_STEP_BYTES = 4
_MAC_BYTES = 11
# 15 bytes are 20 characters without padding or spare bits: each token has one spelling only.
_TOKEN_SHAPE = re.compile(r"[A-Za-z0-9_-]{20}", re.ASCII)
_DIGITS_SHAPE = re.compile(r"[0-9]{6}", re.ASCII)


class Verdict(enum.StrEnum):
    """What a code is worth at the moment of the scan."""

    ACCEPTED = "accepted"
    STALE = "stale"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    AHEAD = "ahead"


class ScanVerdict(enum.StrEnum):
    """Whether a scan with an accepted code came within its time."""

    ACCEPTED = "accepted"
    BEFORE_WINDOW = "before_window"
    AFTER_WINDOW = "after_window"
    TOO_LATE = "too_late"
    FROM_FUTURE = "from_future"


VERDICT_LABELS: dict[Verdict, str] = {
    Verdict.ACCEPTED: "签到码有效",
    Verdict.STALE: "签到码已过期，请扫屏幕上最新的码",
    Verdict.FOREIGN: "这不是本次活动的签到码",
    Verdict.MALFORMED: "签到码不完整，请重新扫码",
    Verdict.AHEAD: "签到码的时间晚于扫码时间，请校准手机时间后再扫",
}
SCAN_LABELS: dict[ScanVerdict, str] = {
    ScanVerdict.ACCEPTED: "在签到时间内",
    ScanVerdict.BEFORE_WINDOW: "还没有到签到时间，活动开始前 10 分钟起可以签到",
    ScanVerdict.AFTER_WINDOW: "签到时间已过，请联系组织者点名补记",
    ScanVerdict.TOO_LATE: "离线签到超过 72 小时才送达，请联系组织者点名补记",
    ScanVerdict.FROM_FUTURE: "扫码时间晚于送达时间，请校准手机时间",
}


@dataclass(frozen=True, slots=True)
class Code:
    """One step's code; `valid_until` is the first instant at which a scan comes too late."""

    token: str
    digits: str
    valid_until: datetime


def code_key(vault: Vault) -> bytes:
    """The server's key of all sign-in codes."""
    return vault.derive("attendance_code")


def issue(key: bytes, activity_id: UUID, *, at: datetime) -> Code:
    """The code to show at an instant."""
    step = _step_of(at)
    carried = step.to_bytes(_STEP_BYTES, "big")
    token = base64.urlsafe_b64encode(carried + _token_mac(key, activity_id, step)).decode()
    valid_until = datetime.fromtimestamp((step + STEPS_ACCEPTED) * STEP_SECONDS, UTC)
    return Code(token, _digits_of(key, activity_id, step), valid_until)


def check_token(key: bytes, activity_id: UUID, token: str, *, scanned_at: datetime) -> Verdict:
    """Judge a scanned token at the time of the scan, which may lie before its arrival."""
    if not _TOKEN_SHAPE.fullmatch(token):
        return Verdict.MALFORMED
    content = base64.urlsafe_b64decode(token)
    step = int.from_bytes(content[:_STEP_BYTES], "big")
    # The signature comes first: a made-up token learns nothing about time.
    if not hmac.compare_digest(content[_STEP_BYTES:], _token_mac(key, activity_id, step)):
        return Verdict.FOREIGN
    age = _step_of(scanned_at) - step
    if age < 0:
        return Verdict.AHEAD
    return Verdict.ACCEPTED if age < STEPS_ACCEPTED else Verdict.STALE


def check_digits(key: bytes, activity_id: UUID, digits: str, *, entered_at: datetime) -> Verdict:
    """Judge six typed digits; a million guesses find them, so the caller limits the tries."""
    if not _DIGITS_SHAPE.fullmatch(digits):
        return Verdict.MALFORMED
    step = _step_of(entered_at)
    # All are compared, and only then looked at, so that the time taken tells nothing.
    matches = [
        hmac.compare_digest(digits, _digits_of(key, activity_id, step - age))
        for age in range(STEPS_CALLED_STALE)
    ]
    if any(matches[:STEPS_ACCEPTED]):
        return Verdict.ACCEPTED
    return Verdict.STALE if any(matches) else Verdict.FOREIGN


def judge_scan(
    window_start: datetime, window_end: datetime, *, scanned_at: datetime, received_at: datetime
) -> ScanVerdict:
    """Whether a scan lies within 10 minutes of the activity and came at most 72 hours late."""
    if scanned_at > received_at:
        return ScanVerdict.FROM_FUTURE
    if window_start - scanned_at > WINDOW_GRACE:
        return ScanVerdict.BEFORE_WINDOW
    if scanned_at - window_end > WINDOW_GRACE:
        return ScanVerdict.AFTER_WINDOW
    return ScanVerdict.TOO_LATE if received_at - scanned_at > LATE_MAX else ScanVerdict.ACCEPTED


def _step_of(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("a naive datetime belongs to no step")
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=STEP_SECONDS)


def _token_mac(key: bytes, activity_id: UUID, step: int) -> bytes:
    return _mac(key, b"token", activity_id, step)[:_MAC_BYTES]


def _digits_of(key: bytes, activity_id: UUID, step: int) -> str:
    number = int.from_bytes(_mac(key, b"digits", activity_id, step)[:8], "big")
    return f"{number % 1_000_000:06d}"


def _mac(key: bytes, form: bytes, activity_id: UUID, step: int) -> bytes:
    # Each part has one length or is told apart by the form, so no two messages coincide.
    message = form + activity_id.bytes + step.to_bytes(8, "big", signed=True)
    return hmac.new(key, message, hashlib.sha256).digest()
