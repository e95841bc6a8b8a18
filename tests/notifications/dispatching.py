"""A fake provider with its own log, and a dispatcher on the test's own connection."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from jobs.outside import Outside, dispatch
from notifications import outbox
from notifications.catalogue import KINDS
from notifications.channels.sender import NEVER, Answer, Outgoing, Result
from notifications.models import Channel, OutboxMessage
from notifications.outbox import Message
from notifications.preparing import Trial
from notifications.stop_conditions import StopCondition
from tests.world import World

SENT = Answer(Result.ACCEPTED, "OK", "biz-1")
OFF = Trial(is_on=False)


@dataclass
class FakeSender:
    """Answers in the order of its script, the last one again and again; keeps what it got."""

    script: list[Answer | None] = field(default_factory=lambda: [SENT])
    channel: Channel = Channel.SMS
    provider: str = "sms_aliyun"
    idempotent_for: timedelta = NEVER
    log: list[Outgoing] = field(default_factory=list)
    during: Callable[[Outgoing], None] = lambda _outgoing: None

    def reserve_key(self, message_id: UUID) -> str | None:
        return str(message_id)

    def send(self, outgoing: Outgoing) -> Answer:
        self.log.append(outgoing)
        self.during(outgoing)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if answer is None:
            raise KilledError
        return answer


class KilledError(BaseException):
    """The process ends in the middle of a call."""


@dataclass
class Desk:
    """One reader's messages and the dispatcher, at a time that the test moves."""

    session: Session
    world: World
    now: datetime
    sender: FakeSender = field(default_factory=FakeSender)
    trial: Trial = OFF
    stops: Mapping[str, StopCondition] = field(default_factory=dict)

    def tell(self, kind: str, occasion: str, *, name: str = "党员甲", **given: Any) -> None:
        params = {key: given.pop(key, "某事") for key in sorted(KINDS[kind].params)}
        message = Message(self.world.members[name], kind, occasion, params, **given)
        outbox.enqueue(self.session, [message], now=self.now)

    def dispatch(self, *, at: datetime | None = None) -> int:
        self.now = at or self.now

        def sessions() -> AbstractContextManager[Session]:
            # The test's own session, whose commits end a savepoint only.
            return nullcontext(self.session)

        outside = Outside({self.sender.channel: self.sender}, self.trial, self.stops)
        return dispatch(sessions, outside, clock=lambda: self.now)  # type: ignore[arg-type]

    def rows(self, *, outside: bool) -> list[OutboxMessage]:
        is_outside = OutboxMessage.channel != Channel.INBOX
        return list(
            self.session.scalars(
                sa.select(OutboxMessage)
                .where(is_outside if outside else sa.not_(is_outside))
                .order_by(OutboxMessage.id)
                .execution_options(populate_existing=True)
            )
        )

    @property
    def row(self) -> OutboxMessage:
        [row] = self.rows(outside=True)
        return row

    @property
    def record(self) -> OutboxMessage:
        [record] = self.rows(outside=False)
        return record
