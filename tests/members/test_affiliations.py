"""Dated belonging: one primary place at any time, guests beside it, classes, exemptions."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from members import affiliations
from members.access import Actor
from members.access_models import Role
from members.affiliations import (
    AffiliationOverlap,
    Belonging,
    DatesReversed,
    FutureDate,
    Guest,
    WrongPlace,
)
from members.models import (
    Affiliation,
    AffiliationKind,
    Member,
    Organization,
    OrganizationKind,
)
from tests.district import LONG_AGO, NOW, TODAY, District, found

DAY = timedelta(days=1)


def _transfer(
    district: District,
    actor: Actor,
    member: Member,
    to: Organization,
    on: date = TODAY,
    group: Organization | None = None,
) -> Affiliation:
    belonging = Belonging(to.id, group.id if group else None, on, "工作调动")
    return affiliations.transfer(district.session, actor, member.id, to=belonging, now=NOW)


def _primary(session: Session, member: Member) -> list[Affiliation]:
    session.expire_all()
    return list(
        session.scalars(
            sa.select(Affiliation)
            .where(Affiliation.member_id == member.id, Affiliation.kind == AffiliationKind.PRIMARY)
            .order_by(Affiliation.valid_from, Affiliation.valid_to.is_(None))
        )
    )


def test_transfer_closes_one_affiliation_and_opens_the_next_on_the_same_day(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志", district.group)

    _transfer(district, admin, member, district.village, date(2026, 3, 1))

    before, after = _primary(session, member)
    assert (before.organization_id, before.valid_to) == (district.branch.id, date(2026, 3, 1))
    assert (after.organization_id, after.valid_to) == (district.village.id, None)
    assert (after.valid_from, after.party_group_id) == (date(2026, 3, 1), None)
    assert (after.recorded_by, after.reason) == (admin.member_id, "工作调动")


def test_two_transfers_on_one_day_leave_the_second(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")

    _transfer(district, admin, member, district.village)
    _transfer(district, admin, member, district.second_branch)

    rows = _primary(session, member)
    in_force = [row for row in rows if row.valid_from <= TODAY < (row.valid_to or date.max)]
    assert [row.organization_id for row in in_force] == [district.second_branch.id]


def test_another_group_of_the_branch_is_a_transfer_too(
    district: District, session: Session
) -> None:
    secretary = district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
    member = district.enrol("王志")

    _transfer(district, secretary, member, district.branch, group=district.group)

    assert [row.party_group_id for row in _primary(session, member)] == [None, district.group.id]


def test_transfer_to_where_the_member_is_refused_and_changes_nothing(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")

    with pytest.raises(WrongPlace):
        _transfer(district, admin, member, district.branch)

    (row,) = _primary(session, member)
    assert row.valid_to is None


def test_transfer_before_the_present_affiliation_began_is_overlap(
    district: District, admin: Actor
) -> None:
    member = district.enrol("王志", since=date(2026, 2, 1))

    with pytest.raises(AffiliationOverlap):
        _transfer(district, admin, member, district.village, date(2026, 1, 31))


def test_transfer_tomorrow_is_refused(district: District, admin: Actor) -> None:
    member = district.enrol("王志")

    with pytest.raises(FutureDate):
        _transfer(district, admin, member, district.village, TODAY + DAY)


def test_secretary_does_not_transfer_out_of_his_branch(district: District) -> None:
    secretary = district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
    member = district.enrol("王志")

    with pytest.raises(NotFound):
        _transfer(district, secretary, member, district.second_branch)


def test_database_refuses_a_second_primary_affiliation(
    district: District, session: Session
) -> None:
    member = district.enrol("王志")
    session.add(
        Affiliation(
            member_id=member.id,
            organization_id=district.village.id,
            valid_from=LONG_AGO - 2 * DAY,
            valid_to=LONG_AGO + DAY,
        )
    )

    with pytest.raises(IntegrityError, match=r"no_overlapping_primary|overlapping primary"):
        session.flush()


def test_guest_of_a_temporary_branch_keeps_his_own_branch(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    place = found(session, district.street, OrganizationKind.TEMPORARY_BRANCH, "防汛临时党支部")
    guest = Guest(AffiliationKind.TEMPORARY, place.id, TODAY, TODAY + 30 * DAY, "防汛")

    affiliation = affiliations.add_guest(session, admin, member.id, guest=guest, now=NOW)

    assert (affiliation.organization_id, affiliation.valid_to) == (place.id, TODAY + 30 * DAY)
    (primary,) = _primary(session, member)
    assert primary.organization_id == district.branch.id


def test_guest_twice_on_the_same_days_is_overlap(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    kind, place = AffiliationKind.MIGRANT_HOST, district.village.id
    first = Guest(kind, place, TODAY - 30 * DAY, TODAY)
    affiliations.add_guest(session, admin, member.id, guest=first, now=NOW)
    affiliations.add_guest(
        session, admin, member.id, guest=Guest(kind, place, TODAY, None), now=NOW
    )

    with pytest.raises(AffiliationOverlap):
        affiliations.add_guest(session, admin, member.id, guest=first, now=NOW)


def test_guest_goes_only_where_this_kind_may(
    district: District, admin: Actor, session: Session
) -> None:
    member = district.enrol("王志")

    for kind in (AffiliationKind.TEMPORARY, AffiliationKind.PRIMARY):
        guest = Guest(kind, district.village.id, TODAY, None)
        with pytest.raises(WrongPlace):
            affiliations.add_guest(session, admin, member.id, guest=guest, now=NOW)
    reversed_days = Guest(AffiliationKind.MIGRANT_HOST, district.village.id, TODAY, TODAY)
    with pytest.raises(DatesReversed):
        affiliations.add_guest(session, admin, member.id, guest=reversed_days, now=NOW)


def test_guest_ends_once(district: District, admin: Actor, session: Session) -> None:
    member = district.enrol("王志")
    guest = Guest(AffiliationKind.COMMUNITY_REGISTRATION, district.village.id, LONG_AGO, None)
    added = affiliations.add_guest(session, admin, member.id, guest=guest, now=NOW)

    affiliations.end_guest(session, admin, member.id, added.id, on=TODAY, now=NOW)

    session.expire_all()
    assert added.valid_to == TODAY
    with pytest.raises(AffiliationOverlap):
        affiliations.end_guest(session, admin, member.id, added.id, on=TODAY, now=NOW)


def test_primary_affiliation_is_not_ended_without_a_next_one(
    district: District, admin: Actor, session: Session
) -> None:
    member, other = district.enrol("王志"), district.enrol("赵敏")
    (primary,) = _primary(session, member)

    with pytest.raises(WrongPlace):
        affiliations.end_guest(session, admin, member.id, primary.id, on=TODAY, now=NOW)
    with pytest.raises(NotFound):
        affiliations.end_guest(session, admin, other.id, primary.id, on=TODAY, now=NOW)
