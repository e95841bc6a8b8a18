"""Long work at the command line: a bar, and a transaction for each chunk."""

from collections.abc import Iterator

import click
from sqlalchemy.orm import Session

from core.background import Progress
from core.db import unit_of_work


def run_to_end(session: Session, steps: Iterator[Progress], label: str) -> None:
    """Do all the work, committing at each yield as the jobs process does."""
    with click.progressbar(length=1, label=label) as bar:
        while True:
            with unit_of_work(session):
                reached = next(steps, None)
            if reached is None:
                break
            bar.length = reached.total or reached.done + 1
            bar.update(reached.done - bar.pos)
