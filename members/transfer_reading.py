"""Reading transfers: both branches see them; how long they are under way; graduates overdue."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound
from core.paging import Page, cut, id_key
from members.access import READING_ROLES, Actor, get_organization
from members.models import Member, Organization
from members.transfer_models import Transfer, TransferStatus
from members.transfer_rules import find_step

Sender, Receiver = aliased(Organization), aliased(Organization)


class Direction(enum.StrEnum):
    """Out of an organisation, or into it."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True)
class Sought:
    """Which transfers of an organisation a list shows."""

    direction: Direction
    status: TransferStatus | None = None


@dataclass(frozen=True, slots=True)
class TransferLine:
    """A transfer with the names of all concerned; days and step only while it is under way.

    `step` is the highest of 30, 60 and 90 days that has been reached.
    """

    transfer: Transfer
    member_name: str
    sender_name: str
    receiver_name: str
    days_under_way: int | None
    step: int | None
    is_letter_valid: bool


def get(session: Session, actor: Actor, transfer_id: UUID) -> TransferLine:
    """One transfer, for either branch, the bodies above them and the member himself.

    Raises:
        NotFound: it is absent or out of scope.
    """
    query = _lines().where(
        Transfer.id == transfer_id,
        sa.or_(
            Transfer.member_id == actor.member_id,
            *(
                side.path.startswith(path, autoescape=True)
                for side in (Sender, Receiver)
                for path in actor.paths(READING_ROLES)
            ),
        ),
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return _line(row, actor.on)


def list_own(session: Session, actor: Actor) -> list[TransferLine]:
    """The actor's own transfers, the latest first."""
    query = _lines().where(Transfer.member_id == actor.member_id).order_by(Transfer.id.desc())
    return [_line(row, actor.on) for row in session.execute(query)]


def list_transfers(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    sought: Sought,
    after: list[str | int] | None,
    limit: int,
) -> Page[TransferLine]:
    """Transfers out of an organisation and below, or into them, in the order of sending.

    Raises:
        NotFound: the organisation is absent or out of scope.
    """
    top = get_organization(session, actor, organization_id, roles=READING_ROLES)
    side = Sender if sought.direction is Direction.OUT else Receiver
    query = _lines().where(side.path.startswith(top.path))
    if sought.status is not None:
        query = query.where(Transfer.status == sought.status)
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(Transfer.id > last_id)
    rows = session.execute(query.order_by(Transfer.id).limit(limit + 1)).all()
    lines = [_line(row, actor.on) for row in rows]
    return cut(lines, limit, lambda line: [str(line.transfer.id)])


def find_long_under_way(session: Session, *, sent_up_to: date) -> Sequence[Any]:
    """Transfers sent by that day that nobody has answered, each with the names of its parties."""
    query = _lines().where(Transfer.status == TransferStatus.SENT, Transfer.sent_on <= sent_up_to)
    return session.execute(query.order_by(Transfer.id)).all()


def _lines() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Transfer,
            Member.name.label("member_name"),
            Sender.name.label("sender_name"),
            sa.func.coalesce(Receiver.name, Transfer.receiver_name).label("receiver_name"),
        )
        .join(Member, Member.id == Transfer.member_id)
        .join(Sender, Sender.id == Transfer.sender_organization_id)
        .outerjoin(Receiver, Receiver.id == Transfer.receiver_organization_id)
    )


def _line(row: Any, on: date) -> TransferLine:
    transfer: Transfer = row[0]
    is_under_way = transfer.status == TransferStatus.SENT
    return TransferLine(
        transfer,
        row.member_name,
        row.sender_name,
        row.receiver_name,
        days_under_way=(on - transfer.sent_on).days if is_under_way else None,
        step=find_step(transfer.sent_on, on=on) if is_under_way else None,
        is_letter_valid=on <= transfer.letter_valid_to,
    )
