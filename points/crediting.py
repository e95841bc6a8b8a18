"""Points that follow from a fact without a claim: attendance, grades, manual entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.quantities import Points, format_points
from members.access import Actor
from notifications import outbox
from points import ledger, periods, rules, schemes
from points.definitions import Event, Item, match_items
from points.granting import Award, grant_all, note_of, occasion_of
from points.ledger import Posting, Source
from points.periods import HeldPeriods, NoOpenPeriod, PostingPeriod
from points.schemes import SchemeInForce

_NO_PERIOD = "该年度未开放或已结账，本次只作记录，不计分。"
_NO_SCHEME = "当日没有适用的积分方案，本次只作记录，不计分。"
_NO_ITEM = "适用的积分方案没有相应项目，本次只作记录，不计分。"
_EXEMPT = "组织已批准豁免，不作扣分。"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happened and gives or takes points by the scheme of that day.

    Args:
        revision: 1, and one more each time a corrected fact is credited anew, after the entry
            of the fact before was reversed.
        path: the tree path of the organisation of that day.
        tags: the kinds of an attended activity.
        status: how somebody attended.
        grade: the name of a grade.
        quantity: occurrences, unless the item counts minutes.
        item_code: the item that a person chose; empty when the event alone decides.
        points: hundredths that a person gave, where the item leaves the number to one.
        ratings: rater -> hundredths, where several give the number together.
        member_class: the member's class on that day, empty for an ordinary one.
        is_exempt: no deduction for an exempt member (domain 5.6).
    """

    source_kind: str
    source_id: UUID
    revision: int
    member_id: UUID
    organization_id: UUID
    path: str
    title: str
    happened_on: date
    event: Event
    tags: frozenset[str] = frozenset()
    status: str = ""
    grade: str = ""
    quantity: int = 1
    item_code: str = ""
    points: int | None = None
    ratings: Mapping[str, int] = field(default_factory=dict)
    member_class: str = ""
    is_exempt: bool = False
    subject: str = "party_members"


@dataclass(frozen=True, slots=True)
class Credited:
    """What became of an occasion: its entry and points, or a sentence that says why none."""

    entry_id: UUID | None
    points: Points
    note: str = ""


def credit(
    session: Session, actor: Actor, occasions: Sequence[Occasion], *, now: datetime
) -> dict[UUID, Credited]:
    """Post at most one entry per occasion, in a constant number of statements.

    An occasion that no item counts is no error: the fact stands without points. Of several
    items that count one occasion, the one worth most does; an activity of several kinds is one
    attendance. What belongs to a closed period becomes an adjustment of the open one behind it;
    the caps are those of its own day. Lock order: periods, quota rows by key, ledger.

    Returns:
        source id -> what became of it.

    Raises:
        PeriodClosed: the period of one of them is being closed.
    """
    if not occasions:
        return {}
    held = periods.hold(session)
    published = schemes.load_published(session)
    judged = {one.source_id: _judge(one, held, published) for one in occasions}
    postings = grant_all(session, [one for one in judged.values() if isinstance(one, Award)])
    entries = ledger.post(session, actor, postings, now=now)
    # Nobody finds out about a deduction from a bulletin (guardrail 10).
    taken = [one for one in postings if one.grant.asked < 0]
    outbox.enqueue(session, [_notice(one) for one in taken], now=now)
    credited = {
        source_id: Credited(None, Points(0), one)
        for source_id, one in judged.items()
        if isinstance(one, str)
    }
    for one in postings:
        credited[one.origin_id] = Credited(entries[one.origin_id], one.grant.points, note_of(one))
    return credited


def _notice(posting: Posting) -> outbox.Message:
    origin = posting.origin
    occasion = f"{posting.origin_id}:{origin.revision if isinstance(origin, Source) else 0}"
    params = {"title": posting.title, "points": format_points(-posting.grant.points)}
    return outbox.Message(posting.member_id, "deduction_posted", occasion, params)


def _judge(
    occasion: Occasion, held: HeldPeriods, published: Sequence[SchemeInForce]
) -> Award | str:
    """An award ready to be granted, or why there is none."""
    try:
        posting = held.find(occasion.happened_on)
    except NoOpenPeriod:
        posting = None
    if posting is None:
        return _NO_PERIOD
    scheme = schemes.choose(
        published, occasion.path, occasion.happened_on, subject=occasion.subject
    )
    if scheme is None:
        return _NO_SCHEME
    inputs = _inputs(occasion)
    worth = [
        (points, item)
        for item in _matching(scheme, occasion)
        if (points := rules.asked_from(item, inputs)) is not None
    ]
    if not worth:
        return _NO_ITEM
    asked, item = max(worth, key=lambda pair: pair[0])
    if asked < 0 and occasion.is_exempt:
        return _EXEMPT
    return _award(occasion, scheme, item, asked, inputs, posting)


def _matching(scheme: SchemeInForce, occasion: Occasion) -> list[Item]:
    found = match_items(
        scheme.definition,
        occasion.event,
        tags=occasion.tags,
        status=occasion.status,
        member_class=occasion.member_class,
    )
    return [item for item in found if occasion.item_code in ("", item.code)]


def _inputs(occasion: Occasion) -> dict[str, Any]:
    """What the entry pins, so that its number can be rebuilt and tried under another scheme."""
    ratings = {"ratings": dict(occasion.ratings)} if occasion.ratings else {}
    return ratings | {
        "event": str(occasion.event),
        "tags": sorted(occasion.tags),
        "status": occasion.status,
        "grade": occasion.grade,
        "quantity": occasion.quantity,
        "points": occasion.points,
        "member_class": occasion.member_class,
    }


def _award(
    occasion: Occasion,
    scheme: SchemeInForce,
    item: Item,
    asked: Points,
    inputs: dict[str, Any],
    posting: PostingPeriod,
) -> Award:
    return Award(
        origin=Source(occasion.source_kind, occasion.source_id, occasion.revision),
        member_id=occasion.member_id,
        organization_id=occasion.organization_id,
        title=occasion.title,
        happened_on=occasion.happened_on,
        period_id=posting.period_id,
        about_period_id=posting.about_period_id,
        scheme=scheme,
        item=item,
        asked=asked,
        inputs=inputs,
        caps=rules.caps_of(
            scheme.definition,
            item,
            occasion.happened_on,
            asked,
            occasion_of(occasion.source_id),
            occasion.member_class,
        ),
    )
