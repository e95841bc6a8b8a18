"""Settings that the apps of members read: the oldest versions still served, and whom to ask."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "PARTY_POINTS_"
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}", re.ASCII)
_PHONE = re.compile(r"\+?[\d-]{3,20}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,120}")

Version = tuple[int, ...]


class ClientSettingsError(Exception):
    """A setting for the apps is malformed."""


class Platform(enum.StrEnum):
    """Where an app runs."""

    ANDROID = "android"
    IOS = "ios"
    HARMONY = "harmony"
    WECHAT = "wechat"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a deployment says to the apps of its members.

    Args:
        oldest: the oldest version of a platform's app that is still served; the others all are.
        service_phone, service_email: whom members ask when the app does not work; may be empty.
    """

    oldest: Mapping[Platform, str] = field(default_factory=dict)
    service_phone: str = ""
    service_email: str = ""


def read_client_settings(environ: Mapping[str, str]) -> ClientSettings:
    """Read PARTY_POINTS_MIN_CLIENT (android=1.4.0,ios=1.3), _SERVICE_PHONE and _SERVICE_EMAIL.

    Raises:
        ClientSettingsError: one of them is malformed.
    """
    listed = environ.get(PREFIX + "MIN_CLIENT", "").split(",")
    pairs = [one.strip().partition("=") for one in listed if one.strip()]
    for platform, _, version in pairs:
        if platform not in list(Platform) or find_version(version) is None:
            raise ClientSettingsError(
                f"{PREFIX}MIN_CLIENT 应为“平台=版本”，以逗号分开，平台为 {'、'.join(Platform)}"
            )
    return ClientSettings(
        oldest={Platform(platform): version for platform, _, version in pairs},
        service_phone=_matching(environ, "SERVICE_PHONE", _PHONE),
        service_email=_matching(environ, "SERVICE_EMAIL", _EMAIL),
    )


def find_version(text: str) -> Version | None:
    """A version as numbers that can be compared, 1.4 like 1.4.0; None if it is none."""
    if not _VERSION.fullmatch(text):
        return None
    numbers = [int(part) for part in text.split(".")]
    return (*numbers, *[0] * (4 - len(numbers)))


def _matching(environ: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    text = environ.get(PREFIX + name, "")
    if text and not pattern.fullmatch(text):
        raise ClientSettingsError(f"{PREFIX}{name} 格式不对")
    return text
