"""Who stands at which stage of a ladder: one statement over those whose silence is long enough."""

from typing import Any

import sqlalchemy as sa

from members.access import primary_affiliation_on
from members.contact import assigned_work_signal, hearing, standing
from members.contact.day_numbers import day_number, earlier_of, later_of
from members.contact.hearing import STAGES, Ladder, computed_once
from members.contact.models import Clock, ContactHold, Outage, Signal, StageEntry, Standing
from members.models import (
    Affiliation,
    Exemption,
    ExemptionKind,
    Member,
    MembershipStatus,
)

ON = sa.bindparam("on", type_=sa.Date)
# No anchor later than this has reached a stage anywhere: what makes the scan read an index.
NEWEST = sa.bindparam("newest", type_=sa.Date)
# Whoever was heard from on this day or before is lost in every district, not staying away.
REACHED_AFTER = sa.bindparam("reached_after", type_=sa.Date)
WATCHED = (MembershipStatus.NORMAL, MembershipStatus.RESTORED)
_SINCE = {
    None: "reached_on",
    Signal.LIFE: "last_attended_on",
    Signal.DUES: "last_dues_on",
    Signal.WORK: "undone_since_on",
}


def crossed(dialect: str, ladder: Ladder) -> sa.Select[Any]:
    """Those who have crossed a stage that their entry does not show yet; their standings locked.

    A standing that somebody is changing just now is passed over: either a contact is being
    recorded, or the next scan finds it.
    """
    return _staged(dialect, ladder, Outage.__table__, is_writing=True)


def standing_at(dialect: str, ladder: Ladder, *, outages: Any) -> sa.Select[Any]:
    """Everybody at a stage, whether an entry shows it or not; nothing is locked."""
    return _staged(dialect, ladder, outages, is_writing=False)


def is_paused(member_id: Any) -> sa.ColumnElement[bool]:
    """Condition: on that day an exemption other than being abroad, or a hold, covers the member."""
    return sa.or_(
        _covered(Exemption, member_id, Exemption.kind != ExemptionKind.ABROAD),
        _covered(ContactHold, member_id),
    )


def is_abroad(member_id: Any) -> sa.ColumnElement[bool]:
    """Condition: on that day the member is recorded as abroad."""
    return _covered(Exemption, member_id, Exemption.kind == ExemptionKind.ABROAD)


def _covered(model: Any, member_id: Any, *more: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        model.member_id == member_id, model.valid_from <= ON, model.valid_to > ON, *more
    )


def _known(ladder: Ladder) -> sa.CTE:
    """The standings as they were on the day: those with a later contact from their facts."""
    if ladder.signal == Signal.WORK:
        return computed_once(assigned_work_signal.known(NEWEST), "known")
    names = ("member_id", "reached_on", "last_attended_on", "last_dues_on")
    since = _SINCE[ladder.signal]
    current = sa.select(*(getattr(Standing, name) for name in names)).where(
        Standing.reached_on <= ON, getattr(Standing, since) <= NEWEST, *_narrowed(ladder)
    )
    later = sa.select(Standing.member_id).where(Standing.reached_on > ON)
    then = standing.derived(until=ON, members=later)
    anchor = sa.func.coalesce(then.c.last_hard_on, Standing.watched_from)
    reached = sa.case((then.c.last_soft_on > anchor, then.c.last_soft_on), else_=anchor)
    recomputed = (
        sa.select(Standing.member_id, reached, then.c.last_attended_on, then.c.last_dues_on)
        .outerjoin(then, then.c.member_id == Standing.member_id)
        .where(Standing.reached_on > ON)
    )
    return computed_once(sa.union_all(current, recomputed), "known")


def _narrowed(ladder: Ladder) -> list[sa.ColumnElement[bool]]:
    """What of `_belongs` the standing alone can tell, so that few are looked up any further."""
    if ladder.clock == Clock.ABROAD:
        return [is_abroad(Standing.member_id)]
    if ladder.signal is None:
        return []
    since = getattr(Standing, _SINCE[ladder.signal])
    return [Standing.reached_on > since, Standing.reached_on > REACHED_AFTER]


def _placed(dialect: str, ladder: Ladder) -> sa.CTE:
    """The known with their branch, its cutoffs, and what their entry shows.

    A step of its own: joined together with the conditions that follow, the planner would take
    the few that it expects for a reason to look for each one's branch among all of them.
    """
    known, place = _known(ladder), hearing.places(dialect, ladder)
    entry = _entries(ladder)
    since = known.c[_SINCE[ladder.signal]]
    query = (
        sa.select(
            known,
            since.label("since_on"),
            day_number(dialect, since).label("since"),
            later_of(dialect, day_number(dialect, since), place.c.begun).label("start"),
            *(column for name, column in place.c.items() if name != "begun"),
            entry.c.entry_stage,
            entry.c.entry_anchor_on,
            entry.c.entry_signal,
        )
        .join(Member, Member.id == known.c.member_id)
        .join(Affiliation, primary_affiliation_on(ON))
        .join(place, place.c.organization_id == Affiliation.organization_id)
        .outerjoin(entry, entry.c.member_id == known.c.member_id)
        .where(since <= NEWEST, Member.membership_status.in_(WATCHED))
    )
    return computed_once(query, "placed")


def _candidates(dialect: str, ladder: Ladder, *, is_writing: bool) -> sa.Select[Any]:
    """Members whose plain silence, before anything is subtracted, has reached a stage."""
    placed = _placed(dialect, ladder)
    plain = _stage(placed, placed.c.start)
    query = sa.select(placed).where(plain > 0, _belongs(dialect, ladder, placed))
    if not is_writing:
        return query
    # Read again under the lock: a contact may have been recorded since.
    still = (Standing.reached_on == placed.c.reached_on) | (Standing.reached_on > ON)
    if ladder.signal == Signal.WORK:
        still = still & (Standing.work_version == placed.c.work_version)
    return (
        query.join(Standing, (Standing.member_id == placed.c.member_id) & still)
        .where(_is_news(ladder, placed.c, placed.c.since_on, plain))
        .with_for_update(key_share=True, skip_locked=True, of=Standing)
    )


def _entries(ladder: Ladder) -> sa.Subquery:
    return (
        sa.select(
            StageEntry.member_id,
            StageEntry.stage.label("entry_stage"),
            StageEntry.anchor_on.label("entry_anchor_on"),
            StageEntry.signal.label("entry_signal"),
        )
        .where(StageEntry.clock == ladder.clock)
        .subquery("entry")
    )


def _belongs(dialect: str, ladder: Ladder, placed: sa.CTE) -> sa.ColumnElement[bool]:
    """Whether this ladder is the member's: not paused, abroad or not, reachable for the duties'.

    Who has been reached lately, and since the duty was last done, is not lost but stays away.
    """
    paused, abroad = is_paused(placed.c.member_id), is_abroad(placed.c.member_id)
    if ladder.clock == Clock.ABROAD:
        return abroad & ~paused
    stays = ~sa.or_(paused, abroad)
    if ladder.signal is None:
        return stays
    is_reachable = day_number(dialect, placed.c.reached_on) > placed.c.lost
    return stays & is_reachable & (placed.c.reached_on > placed.c.since_on)


def _staged(dialect: str, ladder: Ladder, outages: Any, *, is_writing: bool) -> sa.Select[Any]:
    one = computed_once(_candidates(dialect, ladder, is_writing=is_writing), "one")
    paused = _paused_days(dialect, ladder, one, outages)
    counted = computed_once(sa.select(one, (one.c.start + paused).label("effective")), "counted")
    staged = sa.select(counted, _stage(counted, counted.c.effective).label("stage"))
    found = staged.subquery("found")
    query = sa.select(found, (found.c.effective - found.c.since).label("uncounted_days"))
    query = query.where(found.c.stage > 0)
    if not is_writing:
        return query
    return query.where(_is_news(ladder, found.c, found.c.since_on, found.c.stage))


def _is_news(ladder: Ladder, entry: Any, since: Any, reached: Any) -> sa.ColumnElement[bool]:
    """Whether the entry, if there is one, shows less than what the clock has reached."""
    moved = entry.entry_anchor_on != since
    if ladder.signal is not None:
        # The one entry of the two duties shows the duty that has been left for longer.
        moved = moved & (entry.entry_signal == ladder.signal)
    return sa.or_(entry.entry_stage.is_(None), moved, entry.entry_stage < reached)


def _stage(ground: sa.FromClause, day: Any) -> sa.ColumnElement[int]:
    """The highest stage whose cutoff is not before the day; 0 for none."""
    reached = [(day <= ground.c[f"stage_{stage}"], stage) for stage in reversed(STAGES)]
    return sa.case(*reached, else_=0)


def _paused_days(dialect: str, ladder: Ladder, one: sa.CTE, outages: Any) -> sa.ColumnElement[int]:
    """Days after the start that do not count; a day in two stretches is subtracted once."""
    stretch = _stretches(dialect, ladder, one, outages)
    before = sa.func.max(stretch.c.ends).over(
        order_by=(stretch.c.begins, stretch.c.ends), rows=(None, -1)
    )
    spans = sa.select(
        earlier_of(dialect, stretch.c.ends, one.c.heard).label("last"),
        later_of(
            dialect,
            stretch.c.begins - 1,
            one.c.start,
            sa.func.coalesce(before, stretch.c.begins - 1),
        ).label("before_first"),
    ).correlate(one)
    span = spans.subquery("spans")
    days = later_of(dialect, span.c.last - span.c.before_first, 0)
    total = sa.func.coalesce(sa.func.sum(days), 0)
    return sa.cast(sa.select(total).correlate(one).scalar_subquery(), sa.Integer)


def _stretches(dialect: str, ladder: Ladder, one: sa.CTE, outages: Any) -> sa.Subquery:
    """The branch's outages and the member's past exemptions and holds, as numbers of days."""
    silent = sa.select(
        day_number(dialect, outages.c.begins_on).label("begins"),
        day_number(dialect, outages.c.ends_on).label("ends"),
    ).where(
        outages.c.organization_id == one.c.organization_id,
        outages.c.ends_on > one.c.since_on,
        # An outage is known when the next record ends it; on that day it was not known before.
        outages.c.ends_on < ON,
    )
    stays = [Exemption.kind != ExemptionKind.ABROAD] if ladder.clock == Clock.ABROAD else []
    dated = [
        sa.select(
            day_number(dialect, model.valid_from), day_number(dialect, model.valid_to) - 1
        ).where(
            model.member_id == one.c.member_id,
            model.valid_from <= ON,
            model.valid_to > one.c.since_on,
            *(stays if model is Exemption else ()),
        )
        for model in (Exemption, ContactHold)
    ]
    return sa.union_all(*(query.correlate(one) for query in (silent, *dated))).subquery("stretch")
