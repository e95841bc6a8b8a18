"""The organiser's list: who came for how long, confirmed for all in one call."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from activities import opportunities, settled_signups
from activities.models import ServiceOrigin, VolunteerRecord
from activities.opportunities import OpportunityClosed
from activities.service_models import ServiceOpportunity
from activities.service_rules import ServiceFacts, Surroundings, flags_of
from activities.service_surroundings import load_surroundings
from activities.signup_rules import minutes_problem
from activities.volunteering import SOURCE_KIND
from core.errors import Forbidden
from core.ids import new_id
from core.quantities import format_half_hours
from core.rows import insert_rows
from members.access import Actor
from notifications import outbox
from points import claim_batches, periods
from points.claim_batches import Submitted
from points.claims import NewClaim
from points.definitions import Event

CONFIRMATIONS_MAX = 500


class OwnService(Forbidden):
    """Confirming one's own hours; told as the result of that line."""

    code = "service.own"
    title = "不能核定本人的时长"


_ABSENT = ("not_found", "没有找到，或不是本次服务的报名。")
_SETTLED = ("signup.settled", "这次报名已经撤回或核定过。")
_OWN = (OwnService.code, "不能核定本人的时长，请由其他组织者核定。")
_RUNNING = ("service.refused", "服务还没有结束，结束后才能核定。")
_DUPLICATE = ("claim.duplicate", "本人已就同一时间的服务单独申报。")
_NO_HOME = ("member.not_affiliated", "当日没有登记组织关系，请联系本人所在支部。")


class Outcome(enum.StrEnum):
    """What became of one line of the list."""

    CONFIRMED = "confirmed"
    ABSENT = "absent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Line:
    """So many minutes for one sign-up; none means that the person did not come."""

    signup_id: UUID
    minutes: int


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one line; a confirmed one without a claim says why it gives no points."""

    signup_id: UUID
    outcome: Outcome
    code: str = ""
    message: str = ""
    record_id: UUID | None = None
    claim_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Service:
    """One person's service, ready to be recorded."""

    record_id: UUID
    line: Line
    signup: Row[Any]
    facts: ServiceFacts
    flags: Sequence[str]


def confirm(
    session: Session, actor: Actor, opportunity_id: UUID, lines: Sequence[Line], *, now: datetime
) -> list[Result]:
    """Confirm minutes; each confirmed service is recorded and claimed at its member's branch.

    A line that cannot stand is refused alone. Lock order: role grants, periods, sign-ups by id.

    Args:
        lines: at most CONFIRMATIONS_MAX, each sign-up once.

    Raises:
        NotFound: the service is another organisation's.
        OpportunityClosed: it was cancelled.
    """
    opportunity = opportunities.get_managed(session, actor, opportunity_id)
    if opportunity.cancelled_at is not None:
        raise OpportunityClosed
    opportunities.hold_organising(session, actor, opportunity.organization_id)
    open_periods = periods.hold_all_open(session)
    signups = settled_signups.lock(session, opportunity, [line.signup_id for line in lines])
    homes = {signup.member_id: signup.organization_id for signup in signups.values()}
    around = load_surroundings(session, opportunity.starts_at, opportunity.ends_at, homes)
    judged = [
        _judge(actor, line, signups.get(line.signup_id), opportunity, around, now) for line in lines
    ]
    services = [one for one in judged if isinstance(one, _Service)]
    new = [_claim_of(one) for one in services]
    claims = claim_batches.submit_all(session, actor, new, open_periods=open_periods, now=now)
    rows = [_record_row(one, claims[one.record_id], actor, now) for one in services]
    insert_rows(session, VolunteerRecord, rows)
    settled = [one.line if isinstance(one, _Service) else one for one in judged]
    done = [one.signup_id for one in settled if isinstance(one, Line)]
    settled_signups.settle(session, done, now=now)
    messages = [_message(one, claims[one.record_id]) for one in services]
    outbox.enqueue(session, messages, now=now)
    return [_result(one, claims) for one in judged]


def _judge(
    actor: Actor,
    line: Line,
    signup: Row[Any] | None,
    opportunity: ServiceOpportunity,
    around: Mapping[UUID, Surroundings],
    now: datetime,
) -> _Service | Line | Result:
    """A service ready to be recorded, a line of somebody who did not come, or a refusal."""
    refusal = _refusal(actor, signup, opportunity, now)
    if refusal is not None or signup is None:
        return Result(line.signup_id, Outcome.REFUSED, *(refusal or _ABSENT))
    if line.minutes == 0:
        return line
    starts_at, ends_at = opportunity.starts_at, opportunity.ends_at
    problem = minutes_problem(line.minutes, signup.claimed_minutes, starts_at, ends_at)
    if problem:
        return Result(line.signup_id, Outcome.REFUSED, "service.refused", problem)
    facts = _facts(line, signup, opportunity)
    theirs = around[signup.member_id]
    if any(start == facts.starts_at for start, _, _ in theirs.other_records):
        return Result(line.signup_id, Outcome.REFUSED, *_DUPLICATE)
    return _Service(new_id(), line, signup, facts, flags_of(facts, theirs, now=now))


def _refusal(
    actor: Actor, signup: Row[Any] | None, opportunity: ServiceOpportunity, now: datetime
) -> tuple[str, str] | None:
    if signup is None:
        return _ABSENT
    if signup.withdrawn_at is not None or signup.settled_at is not None:
        return _SETTLED
    if signup.member_id == actor.member_id:
        return _OWN
    if (signup.checked_out_at or opportunity.ends_at) > now:
        return _RUNNING
    if signup.organization_id is None:
        return _NO_HOME
    return None


def _facts(line: Line, signup: Row[Any], opportunity: ServiceOpportunity) -> ServiceFacts:
    was_timed = signup.checked_out_at is not None
    return ServiceFacts(
        title=opportunity.title,
        organiser="",
        place=opportunity.place,
        origin=ServiceOrigin.SCANNED if signup.is_scanned else ServiceOrigin.ORGANISER,
        external_reference="",
        starts_at=signup.checked_in_at if was_timed else opportunity.starts_at,
        ends_at=signup.checked_out_at if was_timed else opportunity.ends_at,
        planned_minutes=opportunity.planned_minutes,
        claimed_minutes=line.minutes,
        is_office_duty=False,
    )


def _claim_of(service: _Service) -> NewClaim:
    return NewClaim(
        member_id=service.signup.member_id,
        organization_id=service.signup.organization_id,
        event=Event.VOLUNTEER_SERVICE,
        source_kind=SOURCE_KIND,
        source_id=service.record_id,
        title=service.facts.title,
        happened_on=service.facts.happened_on,
        quantity=service.line.minutes,
        flags=service.flags,
    )


def _record_row(
    service: _Service, submitted: Submitted, actor: Actor, now: datetime
) -> dict[str, Any]:
    facts, signup = service.facts, service.signup
    return {
        "id": service.record_id,
        "member_id": signup.member_id,
        "organization_id": signup.organization_id,
        "claim_id": submitted.claim_id,
        "signup_id": signup.id,
        "title": facts.title,
        "organiser": facts.organiser,
        "place": facts.place,
        "origin": facts.origin,
        "external_reference": "",
        "happened_on": facts.happened_on,
        "starts_at": facts.starts_at,
        "ends_at": facts.ends_at,
        "planned_minutes": facts.planned_minutes,
        # Who did not check out has claimed what the organiser's list says for him.
        "claimed_minutes": signup.claimed_minutes or service.line.minutes,
        "confirmed_minutes": service.line.minutes,
        "confirmed_by": actor.member_id,
        "confirmed_at": now,
        "flags": list(service.flags),
        "entered_by": actor.member_id,
        "created_at": now,
        "version": 1,
    }


def _message(service: _Service, submitted: Submitted) -> outbox.Message:
    told = {
        "title": service.facts.title,
        "hours": format_half_hours(service.line.minutes),
        "note": submitted.note or "接下来由您所在支部审核积分。",
    }
    return outbox.Message(
        service.signup.member_id, "service_confirmed", str(service.record_id), told
    )


def _result(judged: _Service | Line | Result, claims: Mapping[UUID, Submitted]) -> Result:
    if isinstance(judged, Result):
        return judged
    if isinstance(judged, Line):
        return Result(judged.signup_id, Outcome.ABSENT)
    submitted = claims[judged.record_id]
    return Result(
        judged.line.signup_id,
        Outcome.CONFIRMED,
        message=submitted.note,
        record_id=judged.record_id,
        claim_id=submitted.claim_id,
    )
