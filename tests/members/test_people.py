"""Members on the roster: adding, changing, reading one, listing a subtree."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.errors import Forbidden, NotFound, VersionConflict
from core.paging import InvalidCursor
from members import exemptions, member_records, people
from members.access import Actor
from members.access_models import Role
from members.affiliations import Belonging, FutureDate, WrongPlace
from members.exemptions import ExemptionTerms
from members.models import Affiliation, ExemptionKind, Member, MemberClass, MemberKind
from members.people import Profile, ProfileInconsistent
from members.phones import PhoneInvalid
from tests.district import NOW, TODAY, District

PROFILE = Profile(name="王志强", kind=MemberKind.FULL_MEMBER, joined_on=date(2010, 7, 1))


@pytest.fixture
def district(session: Session) -> District:
    return District.build(session)


@pytest.fixture
def secretary(district: District) -> Actor:
    return district.officer("书记", Role.BRANCH_SECRETARY, district.branch)


def _create(
    district: District, actor: Actor, belonging: Belonging, phone: str | None = None
) -> Member:
    return people.create(
        district.session, actor, profile=PROFILE, phone=phone, belonging=belonging, now=NOW
    )


@contextmanager
def _statements(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", note)
    yield seen
    sa.event.remove(connection, "before_cursor_execute", note)


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
    plain = vault.decrypt(member.phone_sealed, context=f"member.phone:{member.id}")
    assert plain == b"13800008000"


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


def test_record_shows_what_holds_today(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志", district.group)
    terms = ExemptionTerms(
        ExemptionKind.AGED, TODAY, TODAY + timedelta(days=90), district.branch.id
    )
    exemptions.grant(session, secretary, member.id, terms=terms, now=NOW)

    record = member_records.get(session, secretary, member.id)

    (affiliation,) = record.affiliations
    assert affiliation.organization_name == district.branch.name
    assert affiliation.party_group_name == district.group.name
    assert record.member_class is MemberClass.ORDINARY
    assert [exemption.kind for exemption in record.exemptions] == [ExemptionKind.AGED]


def test_group_leader_does_not_see_exemptions(
    district: District, secretary: Actor, session: Session
) -> None:
    member = district.enrol("王志", district.group)
    leader = district.officer("组长", Role.GROUP_LEADER, district.group)
    terms = ExemptionTerms(
        ExemptionKind.LONG_TERM_CARE, TODAY, TODAY + timedelta(days=90), district.branch.id
    )
    exemptions.grant(session, secretary, member.id, terms=terms, now=NOW)

    assert member_records.get(session, leader, member.id).exemptions == []
    own = member_records.get(session, district.actor(member), member.id)
    assert len(own.exemptions) == 1


def test_list_is_by_branch_and_group_then_name(district: District, session: Session) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)
    for name, place in (
        ("丁", district.second_branch),
        ("丙", district.group),
        ("乙", district.branch),
        ("甲", district.group),
        ("村民", district.village),
    ):
        district.enrol(name, place)

    page = member_records.list_members(session, officer, district.street.id, after=None, limit=50)

    names = [line.member.name for line in page.items]
    assert names == ["丁", *sorted(["乙", "干事"]), *sorted(["丙", "甲"])]
    assert page.next_key is None
    assert [line.party_group_name for line in page.items][3:] == [district.group.name] * 2


def test_pages_join_without_gap_or_repeat_among_namesakes(
    district: District, session: Session
) -> None:
    officer = district.officer("干事", Role.COMMITTEE_OFFICER, district.street)
    expected = {district.enrol("张伟", place).id for place in [district.branch] * 5}
    expected |= {district.enrol("张伟", district.group).id for _ in range(4)} | {officer.member_id}

    seen, key = [], None
    while True:
        page = member_records.list_members(session, officer, district.street.id, after=key, limit=3)
        seen += [line.member.id for line in page.items]
        if page.next_key is None:
            break
        key = page.next_key

    assert len(seen) == len(expected)
    assert set(seen) == expected


def test_cursor_of_a_member_outside_the_list_is_refused(
    district: District, secretary: Actor, session: Session
) -> None:
    stranger = district.enrol("村民", district.village)

    for key in ([str(stranger.id)], ["x"], ["a", "b"]):
        with pytest.raises(InvalidCursor):
            member_records.list_members(session, secretary, district.branch.id, after=key, limit=5)


def test_list_takes_the_same_statements_for_any_number_of_members(
    district: District, secretary: Actor, session: Session
) -> None:
    counts = []
    for _ in range(2):
        for number in range(10):
            district.enrol(f"党员{number}", district.group)
        with _statements(session) as statements:
            member_records.list_members(
                session, secretary, district.branch.id, after=None, limit=200
            )
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 2
