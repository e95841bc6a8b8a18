"""Dated classes and exemptions of members."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from members import classifications, exemptions
from members.access import Actor
from members.access_models import Role
from members.affiliations import (
    DatesReversed,
    FutureDate,
)
from members.classifications import ClassificationOverlap
from members.exemptions import ExemptionEnded, ExemptionTerms, ExemptionTooLong, WrongBody
from members.models import (
    Exemption,
    ExemptionKind,
    Member,
    MemberClass,
    MemberClassification,
    Organization,
)
from tests.district import NOW, TODAY, District

DAY = timedelta(days=1)


def test_class_changes_from_a_day_on_and_keeps_the_earlier_one(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")

    def classify(member_class: MemberClass, on: date) -> MemberClassification:
        return classifications.classify(
            session, admin, member.id, member_class=member_class, on=on, now=NOW
        )

    first = classify(MemberClass.MIGRANT, date(2026, 1, 1))
    second = classify(MemberClass.ORDINARY, date(2026, 3, 1))

    assert (first.valid_to, second.valid_to) == (date(2026, 3, 1), None)
    assert classify(MemberClass.ORDINARY, TODAY) is second
    with pytest.raises(ClassificationOverlap):
        classify(MemberClass.MIGRANT, date(2026, 2, 1))
    with pytest.raises(FutureDate):
        classify(MemberClass.MIGRANT, TODAY + DAY)


def test_nobody_classifies_or_exempts_himself(district: District, session: Session) -> None:
    secretary = district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
    own_id = secretary.member_id
    terms = ExemptionTerms(ExemptionKind.AGED, TODAY, TODAY + DAY, district.branch.id)

    with pytest.raises(Forbidden):
        classifications.classify(
            session, secretary, own_id, member_class=MemberClass.MIGRANT, on=TODAY, now=NOW
        )
    with pytest.raises(Forbidden):
        exemptions.grant(session, secretary, own_id, terms=terms, now=NOW)


def _exempt(district: District, actor: Actor, member: Member, begin: date, end: date) -> Exemption:
    terms = ExemptionTerms(ExemptionKind.LIMITED_MOBILITY, begin, end, district.branch.id)
    return exemptions.grant(district.session, actor, member.id, terms=terms, now=NOW)


def test_exemption_has_an_end_within_a_year(district: District, admin: Actor) -> None:
    member = district.enrol("王志")

    with pytest.raises(ExemptionTooLong):
        _exempt(district, admin, member, TODAY, TODAY + 367 * DAY)
    with pytest.raises(DatesReversed):
        _exempt(district, admin, member, TODAY, TODAY)
    assert _exempt(district, admin, member, TODAY, TODAY + 366 * DAY)


def test_exemption_is_decided_by_the_branch_or_a_body_above(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志", district.group)

    def exempt(body: Organization) -> Exemption:
        terms = ExemptionTerms(ExemptionKind.AGED, TODAY, TODAY + DAY, body.id)
        return exemptions.grant(session, admin, member.id, terms=terms, now=NOW)

    assert exempt(district.branch).decided_by_organization_id == district.branch.id
    assert exempt(district.street)
    for body in (district.group, district.second_branch, district.village):
        with pytest.raises(WrongBody):
            exempt(body)


def test_exemption_holds_no_diagnosis() -> None:
    columns = set(Exemption.__table__.columns.keys())

    assert columns == {
        "id", "member_id", "kind", "valid_from", "valid_to",
        "decided_by_organization_id", "recorded_by",
    }  # fmt: skip


def test_running_exemption_ends_today_and_only_once(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    exemption = _exempt(district, admin, member, TODAY - 30 * DAY, TODAY + 30 * DAY)

    exemptions.end(session, admin, member.id, exemption.id, now=NOW)

    session.expire_all()
    assert exemption.valid_to == TODAY
    with pytest.raises(ExemptionEnded):
        exemptions.end(session, admin, member.id, exemption.id, now=NOW)


def test_exemption_of_today_lasts_today_and_a_coming_one_disappears(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    today = _exempt(district, admin, member, TODAY, TODAY + 30 * DAY)
    coming = _exempt(district, admin, member, TODAY + DAY, TODAY + 30 * DAY)

    exemptions.end(session, admin, member.id, today.id, now=NOW)
    exemptions.end(session, admin, member.id, coming.id, now=NOW)

    session.expire_all()
    assert today.valid_to == TODAY + DAY
    left = session.scalars(sa.select(Exemption).where(Exemption.member_id == member.id)).all()
    assert left == [today]


def test_exemption_of_another_member_is_not_found(
    district: District, admin: Actor, session: Session
) -> None:
    member, other = district.enrol("王志"), district.enrol("赵敏")
    exemption = _exempt(district, admin, member, TODAY, TODAY + 30 * DAY)

    with pytest.raises(NotFound):
        exemptions.end(session, admin, other.id, exemption.id, now=NOW)
