"""The same district on both engines, with the same ids and the same time."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from unittest import mock

import sqlalchemy as sa
import time_machine

from core import ids
from tests.contract.authz_service import AuthzService, authz_service
from tests.contract.authz_world import SIGNED_IN
from tests.engines import ENGINE_KINDS, Databases
from tests.world import NOW


@dataclass
class Twins:
    """One service for each engine; a request that is put to both finds the same things there."""

    services: dict[str, AuthzService]

    @property
    def first(self) -> AuthzService:
        return next(iter(self.services.values()))

    def token(self, principal: str) -> str | None:
        """The same token opens both: its ids and its key are the same."""
        return self.first.tokens[principal] if principal in SIGNED_IN else None


@contextlib.contextmanager
def twins(databases: Databases) -> Iterator[Twins]:
    """Serve the district of the authorisation matrix on both engines.

    Time stands still, so that neither twin is ever a second younger than the other.
    """
    with contextlib.ExitStack() as stack:
        services = {}
        for kind in ENGINE_KINDS:
            with _same_ids():
                services[kind] = stack.enter_context(authz_service(databases, kind))
        # It waits while requests are made up, which for some operations takes minutes.
        services["postgresql"].connection.execute(
            sa.text("SET LOCAL idle_in_transaction_session_timeout = 0")
        )
        stack.enter_context(time_machine.travel(NOW, tick=False))
        yield Twins(services)


@contextlib.contextmanager
def _same_ids() -> Iterator[None]:
    dice = random.Random(0)
    instant = int(NOW.timestamp()) * 10**9
    with (
        mock.patch.object(ids, "os", SimpleNamespace(urandom=dice.randbytes)),
        mock.patch.object(ids, "time", SimpleNamespace(time_ns=lambda: instant)),
    ):
        yield
