"""A cadre's own points: scored by the cadres' scheme of his place, apart from members' points."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from core.errors import RuleViolation
from core.quantities import Points
from members import cadres
from members.access import Actor
from points import balances, schemes, scores, scoring
from points.models import Subject
from points.schemes import SchemeInForce
from points.scoring import Score


class NotACadre(RuleViolation):
    """The actor is no village or community cadre on that day."""

    code = "cadre.not_appointed"
    title = "您当时不是村（社区）干部"


@dataclass(frozen=True, slots=True)
class CadreScore:
    """A score of a year with the scheme that it follows from.

    Args:
        provisional, confirmed: what the entries of each kind add up to, before spans and bounds.
    """

    year: int
    scheme: SchemeInForce
    score: Score
    provisional: Points
    confirmed: Points


def get_own_scheme(session: Session, actor: Actor, *, on: date) -> SchemeInForce:
    """The cadres' scheme of the actor's own place on a day.

    Raises:
        NotACadre: he is none that day.
        NoSchemeInForce: none covers his place.
    """
    place = cadres.find_appointments(session, [actor.member_id], on=on).get(actor.member_id)
    if place is None:
        raise NotACadre
    return schemes.require_in_force(session, place[1], on, subject=Subject.CADRES)


def get_own(session: Session, actor: Actor, *, year: int) -> CadreScore:
    """The actor's own score as a cadre.

    Raises:
        NotACadre, NoSchemeInForce: there is none.
    """
    on = min(actor.on, date(year, 12, 31))
    scheme = get_own_scheme(session, actor, on=on)
    ids = [actor.member_id]
    tallies = scores.find_tallies(session, ids, year=year, subject=Subject.CADRES)
    reasons = scores.find_exempting(session, ids, on=on).get(actor.member_id, set())
    score = scoring.score(
        scheme.definition,
        tallies.get(actor.member_id, ()),
        year=year,
        through=on,
        is_exempt=bool(reasons & scheme.definition.exempt),
        member_class=scores.class_of(reasons),
    )
    sums = balances.find_sums(session, actor.member_id, year=year, subject=Subject.CADRES)
    return CadreScore(year, scheme, score, sums["provisional"], sums["confirmed"])
