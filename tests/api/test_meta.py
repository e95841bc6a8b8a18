"""What an app asks first: the time, levels, features, words, errors, and whether it is too old."""

import dataclasses
import enum
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from api import clients
from api.dictionaries import DICTIONARIES
from api.dictionaries.dictionary import worded
from api.document import PREFIX
from api.feature_level import FEATURE_LEVEL
from core.channel_settings import ChannelSettings
from core.client_settings import ClientSettings, Platform
from core.config import Settings
from members.access_models import Role
from points.models import ClaimStatus
from tests.contract.formalism import PACKAGES
from tests.engines import ROOT
from tests.served import CHINESE, Document, Service
from tests.world import NOW

# Values that no answer holds, and why.
NOT_ANSWERED = {
    "ActivityState": "a duty's view of an activity",
    "Feed": "where a recorded day comes from",
    "JobRunKind": "for who runs the system",
    "JobRunState": "for who runs the system",
    "Result": "what a channel said to its sender",
    "Rollover": "the words of `points.opening` with the same values",
    "Step": "names of background jobs",
}


def every_enumeration(cls: type = enum.StrEnum) -> Iterator[type[enum.StrEnum]]:
    for one in cls.__subclasses__():
        # The jobs package enumerates for itself, and is loaded by some tests only.
        if one.__module__.partition(".")[0] in set(PACKAGES) - {"jobs"}:
            yield one
        yield from every_enumeration(one)


def test_meta_tells_what_this_deployment_can_do(
    app_with: Callable[[Settings], Flask], fresh_settings: Settings
) -> None:
    channels = ChannelSettings(providers=("jpush", "email"))
    told = ClientSettings(service_phone="029-87010000")
    settings = dataclasses.replace(fresh_settings, channels=channels, clients=told)
    client = app_with(settings).test_client()
    with time_machine.travel(NOW):
        answer = client.get(f"{PREFIX}/meta")
    found = answer.get_json()

    assert found["server_time"] == "2026-11-10T10:00:00+08:00"
    assert (found["api_version"], found["feature_level"]) == ("v1", FEATURE_LEVEL)
    assert (found["min_client"], found["contacts"]["service_phone"]) == ({}, "029-87010000")
    assert found["features"] == {
        "sms_sign_in": False,
        "wechat_sign_in": False,
        "channels": ["email", "push"],
        "id_numbers": True,
        "photo_store": "folder",
        "crypto_suite": "intl",
        "demo": False,
    }
    for address in found["links"].values():
        assert client.get(address).status_code == 200, address
    # Nothing of the settings that are no one's business.
    for secret in (settings.jwt_secret, settings.flask_secret, str(settings.data_dir)):
        assert secret not in answer.text


def test_unchanged_meta_is_not_sent_again_though_time_goes_on(service: Service) -> None:
    for path in ("/meta", "/meta/dictionaries", "/meta/errors"):
        tag = service.nobody.get(path).headers["ETag"]
        with time_machine.travel(NOW + timedelta(hours=1)):
            later = service.nobody.send("GET", path, headers={"If-None-Match": tag})
        assert (later.status_code, tag.startswith("W/")) == (304, False), path


def test_feature_level_never_falls() -> None:
    text = (ROOT / "docs/feature_levels.md").read_text(encoding="utf-8")
    levels = [int(number) for number in re.findall(r"^\| (\d+) \| \S", text, re.MULTILINE)]

    # Each level stays listed, the newest first, and the code says the newest.
    assert levels == list(range(FEATURE_LEVEL, 0, -1))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    named = [int(number) for number in re.findall(r"feature level (\d+)", changelog)]
    assert max(named) == FEATURE_LEVEL


def test_dictionaries_have_every_enumeration_whole(service: Service) -> None:
    worded_ones = {one.values for one in DICTIONARIES.values()}
    missing = {one.__name__ for one in every_enumeration() if one not in worded_ones}
    assert missing == NOT_ANSWERED.keys()

    found = service.nobody.get("/meta/dictionaries").json["dictionaries"]
    assert found.keys() == DICTIONARIES.keys()
    for name, words in found.items():
        assert [word["value"] for word in words] == [str(one) for one in DICTIONARIES[name].values]
        assert all(CHINESE.search(word["label"]) for word in words), name


def test_value_without_a_word_stops_the_start() -> None:
    with pytest.raises(ValueError, match="ClaimStatus"):
        worded(ClaimStatus, pending="待审核")
    with pytest.raises(ValueError, match="Role"):
        worded(Role, **{str(one): "某" for one in Role}, nobody="无")


def test_each_error_says_what_to_do(document: Document) -> None:
    for code, row in document.catalogue.items():
        assert row["retry"] in {"never", "refresh", "confirm", "upgrade", "after"} or re.fullmatch(
            r"after:\d+", row["retry"]
        ), code
        assert CHINESE.search(row["fix"]), code


@pytest.fixture
def document(service: Service) -> Document:
    return service.document


OLDEST = ClientSettings({Platform.ANDROID: "1.4", Platform.IOS: "2.0.1"})


@pytest.mark.parametrize(
    ("said", "is_refused"),
    [
        ("android/1.3.9", True), ("android/1", True), ("android/1.4", False),
        ("android/1.4.0", False), ("android/1.10", False), ("ios/2.0.0.9", True),
        ("ios/2.0.1", False),
        # No minimum for it, no app of ours, no version: nothing happens.
        ("harmony/0.1", False), ("desktop/0.1", False), ("android", False), ("android/x", False),
        ("android/1.3.9\u0661", False), ("android/-1", False), ("", False),
    ],
)  # fmt: skip
def test_only_apps_below_the_minimum_are_too_old(
    app: Flask, said: str, *, is_refused: bool
) -> None:
    with app.test_request_context():
        assert (clients.refuse(OLDEST, said) is not None) is is_refused


def test_app_that_is_too_old_is_told_so_and_can_still_ask_why(
    app_with: Callable[[Settings], Flask], fresh_settings: Settings
) -> None:
    client = app_with(dataclasses.replace(fresh_settings, clients=OLDEST)).test_client()
    old = {clients.HEADER: "android/1.3.9"}
    refused = client.get(f"{PREFIX}/me/home", headers=old)
    signing_in = client.post(f"{PREFIX}/auth/sessions", json={}, headers=old)

    assert (refused.status_code, refused.mimetype) == (426, "application/problem+json")
    body = refused.get_json()
    assert (body["code"], body["retry"]) == ("client.upgrade_required", "upgrade")
    assert body["detail"] == "应用版本 1.3.9 已停止使用，请更新到 1.4 或更新的版本。"
    assert signing_in.status_code == 426
    assert client.get(f"{PREFIX}/me/home").status_code == 401
    assert client.get(f"{PREFIX}/meta", headers=old).get_json()["min_client"]["android"] == "1.4"
    for path in ("/meta/errors", "/healthz"):
        assert client.get(PREFIX + path, headers=old).status_code == 200
