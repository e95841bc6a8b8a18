"""Settings for the apps of members."""

from pathlib import Path

import pytest

from core.client_settings import PREFIX, Platform, find_version, read_client_settings
from core.config import ConfigError, Settings


def test_without_settings_every_app_is_served() -> None:
    assert read_client_settings({}).oldest == {}


def test_minimum_is_read_for_each_platform() -> None:
    settings = read_client_settings({PREFIX + "MIN_CLIENT": " android=1.4.0, ios=2 "})

    assert settings.oldest == {Platform.ANDROID: "1.4.0", Platform.IOS: "2"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MIN_CLIENT", "1.4.0"), ("MIN_CLIENT", "symbian=1"), ("MIN_CLIENT", "android=1.x"),
        ("MIN_CLIENT", "android="), ("MIN_CLIENT", "android=1.2.3.4.5"),
        ("SERVICE_PHONE", "请来电"), ("SERVICE_EMAIL", "nobody"),
    ],
)  # fmt: skip
def test_malformed_setting_stops_the_start(name: str, text: str, tmp_path: Path) -> None:
    given = {PREFIX + name: text, PREFIX + "DATA_DIR": str(tmp_path)}
    with pytest.raises(ConfigError, match=name):
        Settings.from_env(given)


def test_versions_compare_as_numbers() -> None:
    assert find_version("1.4") == find_version("1.4.0.0")
    assert (find_version("1.10") or ()) > (find_version("1.9") or ())
