"""Members on the roster: adding, changing, reading one, listing a subtree."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.errors import Forbidden, NotFound, VersionConflict
from members import people
from members.access import Actor
from members.access_models import Role
from members.affiliations import Belonging, FutureDate, WrongPlace
from members.models import Affiliation, Member, MemberKind
from members.people import Profile, ProfileInconsistent
from members.phones import PhoneInvalid, open_phone
from tests.district import NOW, TODAY, District

PROFILE = Profile(name="王志强", kind=MemberKind.FULL_MEMBER, joined_on=date(2010, 7, 1))


def _create(
    district: District, actor: Actor, belonging: Belonging, phone: str | None = None
) -> Member:
    return people.create(
        district.session, actor, profile=PROFILE, phone=phone, belonging=belonging, now=NOW
    )


def test_new_member_belongs_to_the_branch_and_group_at_once(
    district: District, secretary: Actor, session: Session
) -> None:
    belonging = Belonging(district.branch.id, district.group.id, date(2026, 3, 1), "组织关系转入")

    member = _create(district, secretary, belonging)

    (affiliation,) = session.scalars(
        sa.select(Affiliation).where(Affiliation.member_id == member.id)
    )
    assert affiliation.organization_id == district.branch.id
    assert affiliation.party_group_id == district.group.id
    assert (affiliation.valid_from, affiliation.valid_to) == (date(2026, 3, 1), None)
    assert affiliation.recorded_by == secretary.member_id


def test_phone_is_stored_sealed_searchable_and_masked(
    district: District, secretary: Actor, vault: Vault
) -> None:
    belonging = Belonging(district.branch.id, None, TODAY)

    member = _create(district, secretary, belonging, phone="+86 138-0000-8000")

    assert member.phone_masked == "138****8000"
    assert member.phone_index == vault.blind_index("13800008000", purpose="phone")
    assert member.phone_sealed is not None
    assert b"13800008000" not in member.phone_sealed
    assert open_phone(district.session, member.id, member.phone_sealed) == "13800008000"


@pytest.mark.parametrize("phone", ["010-62345678", "1380000", "13800008000/13900008000", "无"])
def test_what_is_not_one_mobile_number_is_refused(
    district: District, secretary: Actor, phone: str
) -> None:
    with pytest.raises(PhoneInvalid):
        _create(district, secretary, Belonging(district.branch.id, None, TODAY), phone)


def test_roster_of_another_branch_is_not_found(district: District, secretary: Actor) -> None:
    with pytest.raises(NotFound):
        _create(district, secretary, Belonging(district.village.id, None, TODAY))


def test_members_belong_to_branches_only(district: District) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)

    with pytest.raises(WrongPlace):
        _create(district, officer, Belonging(district.street.id, None, TODAY))
    with pytest.raises(WrongPlace):
        _create(district, officer, Belonging(district.second_branch.id, district.group.id, TODAY))


def test_membership_cannot_begin_tomorrow(district: District, secretary: Actor) -> None:
    belonging = Belonging(district.branch.id, None, TODAY + timedelta(days=1))

    with pytest.raises(FutureDate):
        _create(district, secretary, belonging)


@pytest.mark.parametrize(
    ("profile", "pointer"),
    [
        (Profile("甲", MemberKind.FULL_MEMBER, joined_on=date(2030, 1, 1)), "/joined_on"),
        (
            Profile(
                "甲",
                MemberKind.FULL_MEMBER,
                joined_on=date(2020, 1, 1),
                converted_on=date(2019, 1, 1),
            ),
            "/converted_on",
        ),
        (
            Profile("甲", MemberKind.PROBATIONARY_MEMBER, converted_on=date(2020, 1, 1)),
            "/kind",
        ),
    ],
)
def test_contradicting_particulars_are_refused(
    district: District, secretary: Actor, session: Session, profile: Profile, pointer: str
) -> None:
    member = district.enrol("甲")

    with pytest.raises(ProfileInconsistent) as refusal:
        people.update(session, secretary, member.id, profile=profile, version=1, now=NOW)

    assert [problem.pointer for problem in refusal.value.problems] == [pointer]


def test_update_replaces_particulars_and_counts_the_version(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志", phone="13800008000")

    people.update(session, secretary, member.id, profile=PROFILE, version=1, now=NOW)

    session.expire_all()
    assert (member.name, member.joined_on, member.version) == ("王志强", date(2010, 7, 1), 2)
    assert member.phone_masked == "138****8000"


def test_update_of_an_older_version_is_conflict(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志")
    people.update(session, secretary, member.id, profile=PROFILE, version=1, now=NOW)

    with pytest.raises(VersionConflict):
        people.update(session, secretary, member.id, profile=PROFILE, version=1, now=NOW)


def test_member_does_not_keep_his_own_record(district: District, session: Session) -> None:
    member = district.enrol("王志")

    with pytest.raises(Forbidden):
        people.update(
            session, district.actor(member), member.id, profile=PROFILE, version=1, now=NOW
        )


def test_phone_can_be_changed_and_removed(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志", phone="13800008000")

    people.change_phone(session, secretary, member.id, phone="13900009000", now=NOW)
    assert member.phone_masked == "139****9000"
    people.change_phone(session, secretary, member.id, phone=None, now=NOW)

    session.expire_all()
    assert (member.phone_sealed, member.phone_index, member.phone_masked) == (None, None, None)
