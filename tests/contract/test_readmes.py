"""The two READMEs: the same commands in both, and each of them exists."""

import re
from pathlib import Path

import click
import pytest
from flask import Flask

from api import cli
from jobs.commands import jobs

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.en.md")
FLASK, MAKE = re.compile(r"^flask --app wsgi (.+)", re.M), re.compile(r"^make ([a-z-]+)", re.M)


def _program() -> click.Group:
    """What `flask --app wsgi` offers of ours."""
    app = Flask(__name__)
    cli.register(app)
    app.cli.add_command(jobs)
    return app.cli


def _command(words: list[str]) -> str:
    """The command that a line runs, by its full name, without its arguments."""
    command: click.Command = _program()
    names: list[str] = []
    while isinstance(command, click.Group):
        name = words[len(names)]
        assert name in command.commands, f"there is no command {' '.join([*names, name])}"
        command = command.commands[name]
        names.append(name)
    return " ".join(names)


def _commands(readme: str) -> set[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = {f"make {name}" for name in MAKE.findall(text)}
    return targets | {_command(line.split()) for line in FLASK.findall(text)}


def test_both_readmes_name_the_same_commands() -> None:
    chinese, english = map(_commands, READMES)

    assert chinese == english
    assert {"make run", "doctor", "ledger verify", "backup drill"} <= chinese


@pytest.mark.parametrize("readme", READMES)
def test_what_is_made_can_be_made(readme: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))

    assert set(MAKE.findall((ROOT / readme).read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("readme", READMES)
def test_every_link_leads_to_a_file(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")

    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (ROOT / target).exists(), target
