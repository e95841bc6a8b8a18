"""Settings of the channels: nothing is on by itself, and the trial is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.channel_settings import (
    DEFAULTS,
    PREFIX,
    REQUIRED,
    ChannelSettings,
    ChannelSettingsError,
    read_channel_settings,
)
from core.config import ConfigError, Settings
from notifications.channels.registry import make_senders
from notifications.models import Channel

AT = datetime(2026, 11, 10, tzinfo=UTC)
EVERYTHING = {PREFIX + name: "canary-value" for names in REQUIRED.values() for name in names}
EVERYTHING |= {PREFIX + "CHANNELS": ", ".join(REQUIRED)}


def test_embedded_default_has_the_inbox_only_and_is_a_trial() -> None:
    settings = read_channel_settings({})

    assert settings == ChannelSettings(values=DEFAULTS)
    assert settings.is_trial
    assert make_senders(settings, clock=lambda: AT) == {}


@pytest.mark.parametrize(
    ("word", "is_trial"), [("1", True), ("", True), ("off", True), ("0", False)]
)
def test_trial_ends_only_by_its_own_word(word: str, is_trial: bool) -> None:
    assert read_channel_settings({PREFIX + "TRIAL_MODE": word}).is_trial is is_trial


def test_every_provider_has_a_sender() -> None:
    for provider in REQUIRED:
        settings = read_channel_settings(EVERYTHING | {PREFIX + "CHANNELS": provider})
        [sender] = make_senders(settings, clock=lambda: AT).values()
        assert sender.provider == provider
    everything = read_channel_settings(EVERYTHING)
    both = make_senders(everything, clock=lambda: AT)
    assert both.keys() == set(Channel) - {Channel.INBOX}
    assert everything.channels == sorted(both)
    assert both[Channel.SMS].provider == "sms_aliyun"


@pytest.mark.parametrize(
    "environ",
    [
        {"CHANNELS": "pigeon"},
        {"CHANNELS": "email"},
        {"CHANNELS": "email", "SMTP_HOST": "h", "SMTP_FROM": ""},
        {"CALLBACK_SECRET": "short"},
        {"SMTP_PORT": "smtp"},
    ],
)
def test_unsafe_setting_stops_the_process(environ: dict[str, str], tmp_path: Path) -> None:
    given = {PREFIX + name: value for name, value in environ.items()}

    with pytest.raises(ChannelSettingsError):
        read_channel_settings(given)
    with pytest.raises(ConfigError):
        Settings.from_env(given | {PREFIX + "DATA_DIR": str(tmp_path)})


def test_secrets_stand_in_no_repr() -> None:
    settings = read_channel_settings(EVERYTHING | {PREFIX + "TRIAL_ADDRESSES": "canary-value"})

    assert "canary-value" not in repr(settings)
    assert settings.trial_addresses == {"canary-value"}
