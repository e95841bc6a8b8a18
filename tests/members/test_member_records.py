"""Reading members: one record as of today, and pages of a subtree."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.paging import InvalidCursor
from members import exemptions, member_records
from members.access import Actor
from members.access_models import Role
from members.exemptions import ExemptionTerms
from members.models import ExemptionKind, MemberClass
from tests.district import NOW, TODAY, District


@contextmanager
def _statements(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", note)
    yield seen
    sa.event.remove(connection, "before_cursor_execute", note)


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
