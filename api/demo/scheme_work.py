"""Schemes as data in the demo: a town writes its own, next year's is drafted and tried."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from api.demo.district import District
from api.demo.founding import SCHEME
from api.demo.timeline import Event
from core import background
from core.background import JobState
from core.clock import at_local, business_day
from members.access import Actor
from points import scheme_delegations, scheme_drafts, scheme_publishing, scheme_simulation
from points.models import SchemeStatus, SchemeVersion
from points.scheme_delegations import Delegation
from points.scheme_simulation import Stretch
from points.scheme_texts import SchemeText
from points.scheme_timeline import Entering

TOWN_BRANCH = "上川村党支部"
# Days behind the founding; the town's scheme begins before anything was decided by the district's.
DELEGATED, ENACTED, IN_FORCE, DRAFTED = 2, 4, 6, 400
TOWN_CARRIES, TOWN_STARTS_AT = "0.1", "55"
# Next year an hour of service would give less, and ten hours more would count.
TRIED_SERVICE = {"points": "0.8", "caps": {"day": "8", "year": "12"}}


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """Who may write schemes, the one that came of it, and the one that is being tried."""
    for days, act in ((DELEGATED, _delegate), (ENACTED, _enact), (DRAFTED, _try)):
        at = at_local(founded_on + timedelta(days=days), 9)
        yield Event(at, partial(act, session, district))


def _delegate(session: Session, district: District, now: datetime) -> None:
    day = business_day(now)
    terms = Delegation(day, None, f"区组通〔{day.year}〕9 号")
    town_id = district.branches[TOWN_BRANCH].committee_id
    scheme_delegations.delegate(session, district.admin.actor(day), town_id, terms=terms, now=now)


def _enact(session: Session, district: District, now: datetime) -> None:
    """The town's members begin with less, and a tenth of last year's total on top of it."""
    day, town_id = business_day(now), district.branches[TOWN_BRANCH].committee_id
    actor = district.officers[town_id].actor(day)
    draft = _draft(session, actor, town_id, _of_the_town(_start()), now)
    begins_on = day + timedelta(days=IN_FORCE - ENACTED)
    terms = Entering(draft.revision, begins_on, f"李台镇党委会纪要〔{day.year}〕11 号")
    scheme_publishing.publish(session, actor, draft.id, terms=terms, now=now)


def _try(session: Session, district: District, now: datetime) -> None:
    """Next year's scheme lies on the table, with what it would have changed this year."""
    day, root = business_day(now), district.root
    actor = district.admin.actor(day)
    published_id = session.scalars(
        sa.select(SchemeVersion.id).where(
            SchemeVersion.status == SchemeStatus.PUBLISHED,
            SchemeVersion.organization_id == root.id,
            SchemeVersion.subject == "party_members",
        )
    ).one()
    draft = scheme_drafts.create(session, actor, root.id, text=None, copy_of=published_id, now=now)
    data = _with_item(draft.definition, "volunteer_service", TRIED_SERVICE)
    scheme_drafts.edit(session, actor, draft.id, text=SchemeText(data), revision=draft.revision)
    scheme_simulation.request(session, actor, draft.id, stretch=Stretch(day.year), now=now)
    _let_job_run(session, now)


def _let_job_run(session: Session, now: datetime) -> None:
    """What the jobs process does with the one request that waits."""
    job = background.claim_next(session, now=now)
    if job is None:
        raise LookupError("nobody asked for a simulation")
    for progress in scheme_simulation.run(session, job.subject_id, now=now):
        background.report(
            session, job, now=now, progress_done=progress.done, progress_total=progress.total
        )
    background.report(session, job, now=now, state=JobState.DONE, finished_at=now)


def _draft(
    session: Session, actor: Actor, organization_id: UUID, data: Mapping[str, Any], now: datetime
) -> SchemeVersion:
    text = SchemeText(data)
    return scheme_drafts.create(session, actor, organization_id, text=text, now=now)


def _start() -> dict[str, Any]:
    scheme: dict[str, Any] = yaml.safe_load(SCHEME.read_text(encoding="utf-8"))
    return scheme


def _of_the_town(data: Mapping[str, Any]) -> dict[str, Any]:
    parts = [
        part | {"start": TOWN_STARTS_AT} if part["code"] == "base" else part
        for part in data["components"]
    ]
    return {
        **data,
        "code": "litai-town-points",
        "name": "李台镇党员积分方案",
        "source": "区积分方案，另加上年总分十分之一结转",
        "base_model": "carry_share",
        "carry_share": TOWN_CARRIES,
        "components": parts,
    }


def _with_item(data: Mapping[str, Any], code: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    items = [item | changes if item["code"] == code else item for item in data["items"]]
    return {**data, "items": items}
