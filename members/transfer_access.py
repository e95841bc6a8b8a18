"""Which transfers somebody may answer, and the one statement that decides them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound
from members.access import ROSTER_ROLES, Actor, within
from members.models import Organization
from members.transfer_models import Transfer, TransferStatus


class TransferOpen(Conflict):
    """A member is on his way to one place at a time."""

    code = "transfer.open"
    title = "这名党员已有一次转接在办理"


class TransferDecided(Conflict):
    """Somebody accepted, returned or withdrew it first."""

    code = "transfer.already_decided"
    title = "这次转接已经办结"


class OwnTransfer(Forbidden):
    """Nobody sends or answers his own transfer, nor answers one that he sent."""

    code = "transfer.own"
    title = "不能办理本人的转接，也不能接收自己发出的转接"


def get_transfer(session: Session, actor: Actor, transfer_id: UUID, side: Any) -> Transfer:
    """The transfer, if that side of it, sender or receiver, is in the actor's scope.

    Raises:
        NotFound: it is absent or out of scope.
    """
    transfer = session.scalar(
        sa.select(Transfer)
        .join(Organization, Organization.id == side)
        .where(Transfer.id == transfer_id, within(actor.paths(ROSTER_ROLES)))
    )
    if transfer is None:
        raise NotFound
    return transfer


def decide(
    session: Session, actor: Actor, transfer_id: UUID, *, now: datetime, **values: Any
) -> Transfer:
    """Answer or withdraw a transfer that nobody has answered.

    Raises:
        TransferDecided: somebody was first.
    """
    decided = session.scalar(
        sa.update(Transfer)
        .where(Transfer.id == transfer_id, Transfer.status == TransferStatus.SENT)
        .values(decided_by=actor.member_id, decided_at=now, **values)
        .returning(Transfer)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if decided is None:
        raise TransferDecided
    return decided


def find_open(session: Session, member_id: UUID) -> UUID | None:
    """The transfer of a member that nobody has answered yet."""
    return session.scalar(
        sa.select(Transfer.id).where(
            Transfer.member_id == member_id, Transfer.status == TransferStatus.SENT
        )
    )
