"""Settings of the HTTP server: who may be named, who stands before it, how much one may ask."""

from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "PARTY_POINTS_"
# Whoever asks on the machine itself, a probe for example.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class ServerSettingsError(Exception):
    """A setting of the server is malformed."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server meets the network.

    Args:
        trusted_hosts: the names under which it may be asked; empty: any.
        proxies: how many proxies of ours stand before it and say who is asking.
        member_requests: how many requests of one member a worker takes in a minute.
        address_requests: how many of one address; a whole branch may share one.
    """

    trusted_hosts: tuple[str, ...] = ()
    proxies: int = 0
    member_requests: int = 600
    address_requests: int = 6_000


def read_server_settings(environ: Mapping[str, str]) -> ServerSettings:
    """Read PARTY_POINTS_TRUSTED_HOSTS, _PROXIES and _{MEMBER,ADDRESS}_REQUESTS_PER_MINUTE.

    Raises:
        ServerSettingsError: a number is none.
    """
    listed = environ.get(PREFIX + "TRUSTED_HOSTS", "").split(",")
    named = tuple(host.strip() for host in listed if host.strip())
    default = ServerSettings()
    return ServerSettings(
        trusted_hosts=(*named, *LOCAL_HOSTS) if named else (),
        proxies=_number(environ, "PROXIES", default.proxies),
        member_requests=_number(environ, "MEMBER_REQUESTS_PER_MINUTE", default.member_requests),
        address_requests=_number(environ, "ADDRESS_REQUESTS_PER_MINUTE", default.address_requests),
    )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(PREFIX + name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ServerSettingsError(f"{PREFIX}{name} 须为非负整数")
    return int(text)
