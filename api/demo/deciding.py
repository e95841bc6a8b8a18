"""How reviewers of the demo decide, and how members put right what was returned."""

import random
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from activities import volunteering
from activities.models import VolunteerRecord
from activities.service_rules import ServiceFacts, ServiceFlag
from api.demo.district import District, Person
from core.clock import business_day
from members.models import Organization
from points import queue, review, rules, schemes
from points.models import Claim
from points.review import Action, Decision, Outcome

RETURNED_SHARE = 0.02
CORRECTED_SHARE = 0.6
_OVER_PLAN = "申报时长超过计划，请按实际时长修改后再报。"
_UNCLEAR = "请补充服务地点。"
_MAX = review.DECISIONS_MAX


def decide_all(
    session: Session, rng: random.Random, district: District, *, now: datetime
) -> list[Claim]:
    """Clear every queue: branches' heads, and officers for the secretaries' own claims.

    Returns:
        The claims that were sent back.
    """
    desks = [(branch.head, branch.id) for branch in district.working(business_day(now))]
    desks += [(officer, committee_id) for committee_id, officer in district.officers.items()]
    returned: list[Claim] = []
    for reviewer, organization_id in desks:
        returned += _decide(session, rng, reviewer, organization_id, now)
    return returned


def correct_some(
    session: Session,
    rng: random.Random,
    people: dict[UUID, Person],
    returned: Iterable[Claim],
    *,
    now: datetime,
) -> None:
    """Most members put right what was returned; some leave it."""
    for claim in returned:
        person = people[claim.member_id]
        if not person.has_phone or rng.random() > CORRECTED_SHARE:
            continue
        record = session.get_one(VolunteerRecord, claim.source_id)
        day = business_day(now)
        if record.signup_id is not None or _is_too_late(session, claim, day):
            continue
        volunteering.correct(
            session,
            person.actor(day),
            record.id,
            facts=_corrected(record),
            version=record.version,
            now=now,
        )


def _decide(
    session: Session, rng: random.Random, reviewer: Person, organization_id: UUID, now: datetime
) -> list[Claim]:
    actor = reviewer.actor(business_day(now))
    page = queue.list_waiting(
        session, actor, organization_id, is_flagged=None, after=None, limit=_MAX
    )
    claims = [row.Claim for row in page.items]
    if not claims:
        return []
    decisions = [_decision(rng, claim) for claim in claims]
    results = review.review(session, actor, decisions, now=now)
    refused = [result for result in results if result.outcome is Outcome.REFUSED]
    if refused:
        raise RuntimeError(f"the demo's own decision was refused: {refused[0]}")
    sent_back = {d.claim_id for d in decisions if d.action is Action.RETURN}
    return [claim for claim in claims if claim.id in sent_back]


def _decision(rng: random.Random, claim: Claim) -> Decision:
    if ServiceFlag.OVER_PLAN in claim.flags:
        return Decision(claim.id, claim.version, Action.RETURN, _OVER_PLAN)
    if rng.random() < RETURNED_SHARE:
        return Decision(claim.id, claim.version, Action.RETURN, _UNCLEAR)
    return Decision(claim.id, claim.version, Action.APPROVE)


def _is_too_late(session: Session, claim: Claim, day: date) -> bool:
    path = session.get_one(Organization, claim.organization_id).path
    cutoff = schemes.require_in_force(session, path, claim.happened_on).definition.cutoff
    return day > rules.claim_deadline(cutoff, claim.happened_on)


def _corrected(record: VolunteerRecord) -> ServiceFacts:
    return ServiceFacts(
        title=record.title,
        organiser=record.organiser,
        place="党群服务中心",
        origin=record.origin,
        external_reference=record.external_reference,
        starts_at=record.starts_at,
        ends_at=record.ends_at,
        planned_minutes=record.planned_minutes,
        claimed_minutes=min(record.claimed_minutes, record.planned_minutes),
        is_office_duty=False,
    )
