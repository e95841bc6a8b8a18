"""How a command tells the operator that the domain refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from core.errors import DomainError


@contextmanager
def refusals_shown() -> Iterator[None]:
    """Turn a domain error into one line on stderr and exit status 1."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(f"{error.title}：{error.detail}") from error
