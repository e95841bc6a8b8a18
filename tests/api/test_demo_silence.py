"""A demo reaches nobody outside: no channel is made, and nothing else opens a connection."""

import ast
from pathlib import Path

import pytest

from core.clock import utc_now
from core.config import ConfigError, Settings
from notifications.channels.registry import make_senders

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("core", "members", "notifications", "points", "activities", "jobs", "api")
# What could carry something off this machine. The health probe of `flask demo` asks 127.0.0.1.
NETWORK = (
    *("smtplib", "requests", "urllib.request", "urllib3", "http.client", "socket", "ftplib"),
    *("asyncio", "httpx", "boto3", "notifications.channels.http"),
)
# Adapters, none of which is made unless it is switched on.
ADAPTERS = ("notifications/channels/", "core/s3_files.py", "api/wechat.py")
LOOPBACK_ONLY = ("api/cli/demo.py", "api/cli/demo_processes.py")


def test_there_is_no_channel_that_leaves_this_machine(tmp_path: Path) -> None:
    """The demo's people are invented, their phones are not: nothing is ever sent to them."""
    switched_on = {
        "PARTY_POINTS_CHANNELS": "feishu",
        "PARTY_POINTS_DEMO": "1",
        "PARTY_POINTS_DATA_DIR": str(tmp_path),
    }

    with pytest.raises(ConfigError, match="演示方式"):
        Settings.from_env(switched_on)

    del switched_on["PARTY_POINTS_CHANNELS"]
    settings = Settings.from_env(switched_on)
    assert make_senders(settings.channels, clock=utc_now) == {}


@pytest.mark.parametrize("package", PRODUCT)
def test_product_opens_no_connection_to_other_machines(package: str) -> None:
    files = {str(f.relative_to(ROOT)): f.read_text() for f in (ROOT / package).rglob("*.py")}
    assert files, "the package has moved, and this rule no longer reads it"

    found = {
        name: ways
        for name, text in files.items()
        if (ways := _ways_out(text)) and not name.startswith((*ADAPTERS, *LOOPBACK_ONLY))
    }

    assert found == {}


def test_ways_out_are_seen_however_they_are_imported() -> None:
    for source in (
        "import urllib.request",
        "from urllib import request",
        "def f():\n import boto3",
    ):
        assert _ways_out(source), source
    assert _ways_out("from urllib.parse import quote") == []


def _ways_out(source: str) -> list[str]:
    """What a module imports of the modules that could carry something off this machine."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return sorted(n for n in names if any(f"{n}.".startswith(f"{way}.") for way in NETWORK))
