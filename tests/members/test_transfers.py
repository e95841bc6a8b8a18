"""Transfers under way: the sender is responsible until somebody else accepts."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import new_id
from members import affiliations, transfer_answers, transfer_reading
from members.affiliations import AffiliationOverlap, Belonging, FutureDate, WrongPlace
from members.models import Affiliation
from members.transfer_access import (
    OwnTransfer,
    TransferDecided,
    TransferOpen,
    find_open,
)
from members.transfer_answers import Acceptance, BeforeSending
from members.transfer_models import Transfer, TransferStatus
from members.transfer_reading import Direction, Sought
from members.transfer_rules import LetterTooLong, find_step, graduate_limit, letter_ends_on
from notifications import transfer_flags, transfer_steps
from points.models import LedgerEntry
from tests.members.moving import Moving, days
from tests.statements import counted_statements
from tests.world import NOW, TODAY, build_world


@pytest.fixture
def moving(session: Session) -> Moving:
    return Moving(build_world(session))


def test_sender_stays_responsible_until_the_day_of_acceptance(moving: Moving) -> None:
    places = moving.world.organizations

    transfer = moving.send()
    assert moving.branches() == [(places["一支部"], None)]

    moving.accept(transfer)
    assert moving.branches() == [(places["一支部"], TODAY), (places["二支部"], None)]
    assert moving.facts() == [("transfer_accepted", TODAY)]
    assert moving.standing().last_hard_on == TODAY


def test_each_side_is_told_what_the_other_did(moving: Moving) -> None:
    first = moving.send()
    assert moving.told("transfer_sent") == {"书记二"}
    transfer_steps.send_back(
        moving.session, moving.world.actor("书记二"), first.id, reason="单位有误", now=NOW
    )
    assert moving.told("transfer_returned") == {"书记一", "副书记一", "党员甲"}

    second = moving.send()
    moving.accept(second)
    assert moving.told("transfer_accepted") == {"书记一", "副书记一", "党员甲"}

    third = moving.send("党员乙")
    actor = moving.world.actor("书记一")
    transfer_steps.withdraw(moving.session, actor, third.id, reason="写错了", now=NOW)
    assert moving.told("transfer_withdrawn") == {"书记二", "党员乙"}


def test_both_branches_and_the_member_see_it_and_nobody_else(moving: Moving) -> None:
    transfer = moving.send()

    for name in ("书记一", "书记二", "街道干事", "区管理员", "党员甲"):
        line = transfer_reading.get(moving.session, moving.world.actor(name), transfer.id)
        assert (line.sender_name, line.receiver_name) == ("一支部", "二支部")
    for name in ("书记三", "党员乙", "组长"):
        with pytest.raises(NotFound):
            transfer_reading.get(moving.session, moving.world.actor(name), transfer.id)
    for name, direction in (("书记一", Direction.OUT), ("书记二", Direction.IN)):
        page = transfer_reading.list_transfers(
            moving.session,
            moving.world.actor(name),
            moving.world.organizations["一支部" if name == "书记一" else "二支部"],
            sought=Sought(direction, TransferStatus.SENT),
            after=None,
            limit=10,
        )
        assert [line.member_name for line in page.items] == ["党员甲"]


def test_nobody_sends_or_answers_his_own_transfer(moving: Moving) -> None:
    actor = moving.world.actor
    with pytest.raises(OwnTransfer):
        moving.send("书记一")

    # The street's officer has both branches in his scope, and sent it himself.
    transfer = moving.send(by="街道干事")
    with pytest.raises(OwnTransfer):
        moving.accept(transfer, by="街道干事")
    with pytest.raises(OwnTransfer):
        transfer_answers.send_back(
            moving.session, actor("街道干事"), transfer.id, reason="不收", now=NOW
        )
    assert moving.accept(transfer).decided_by == moving.id("书记二")

    own = moving.send("街道干事", by="书记二", letter=moving.letter("一支部"))
    with pytest.raises(OwnTransfer):
        moving.accept(own, by="街道干事")


@pytest.mark.parametrize(
    ("column", "name"),
    [("sent_by", "not_oneself"), ("decided_by", "not_oneself"), ("decided_by", "two_persons")],
)
def test_database_refuses_the_same_person_on_both_sides(
    moving: Moving, column: str, name: str
) -> None:
    transfer = moving.send()
    person = "书记一" if name == "two_persons" else "党员甲"
    values = {column: moving.id(person)}
    if column == "decided_by":
        values |= {"status": "accepted", "decided_at": NOW, "accepted_on": TODAY}  # type: ignore[dict-item]

    with pytest.raises(IntegrityError, match=f"ck_transfer_{name}"):
        moving.session.execute(
            sa.update(Transfer).where(Transfer.id == transfer.id).values(**values)
        )


def test_out_of_scope_is_not_found_on_either_side(moving: Moving) -> None:
    with pytest.raises(NotFound):
        moving.send(by="书记三")
    transfer = moving.send()
    for by in ("书记一", "书记三"):
        with pytest.raises(NotFound):
            moving.accept(transfer, by=by)
    for by in ("书记二", "书记三"):
        with pytest.raises(NotFound):
            moving.withdraw(transfer, by=by)
    actor = moving.world.actor("书记一")
    with pytest.raises(NotFound):
        transfer_answers.record_outside_acceptance(
            moving.session, actor, transfer.id, on=TODAY, document_number="回执1号", now=NOW
        )


def test_what_was_answered_once_is_not_answered_again(moving: Moving) -> None:
    transfer = moving.send()
    moving.withdraw(transfer)

    with pytest.raises(TransferDecided):
        moving.accept(transfer)
    with pytest.raises(TransferDecided):
        moving.withdraw(transfer)
    assert moving.branches() == [(moving.world.organizations["一支部"], None)]


def test_one_transfer_of_a_member_is_under_way_and_holds_other_moves(moving: Moving) -> None:
    moving.send()

    with pytest.raises(TransferOpen):
        moving.send(letter=moving.letter("三支部"))
    to = Belonging(moving.world.organizations["二支部"], None, TODAY, "直接转")
    officer = moving.world.actor("街道干事")
    with pytest.raises(TransferOpen):
        affiliations.transfer(moving.session, officer, moving.id("党员甲"), to=to, now=NOW)
    # Another group of the same branch is no matter of the letter.
    inside = Belonging(moving.world.organizations["一支部"], None, TODAY, "换组")
    affiliations.transfer(moving.session, officer, moving.id("党员甲"), to=inside, now=NOW)


def test_letter_and_days_are_possible(moving: Moving) -> None:
    with pytest.raises(LetterTooLong):
        moving.send(letter=moving.letter(letter_valid_to=date(2027, 2, 11)))
    with pytest.raises(FutureDate):
        moving.send(letter=moving.letter(letter_on=TODAY + timedelta(days=1)))
    with pytest.raises(WrongPlace):
        moving.send(letter=moving.letter("一支部"))
    with pytest.raises(WrongPlace):
        moving.send(letter=moving.letter("街道"))
    with pytest.raises(NotFound):
        moving.send(letter=moving.letter(receiver_organization_id=new_id()))
    transfer = moving.send()
    with pytest.raises(BeforeSending):
        moving.accept(transfer, on=TODAY - timedelta(days=1))
    with pytest.raises(FutureDate):
        moving.accept(transfer, on=TODAY + timedelta(days=1))
    elsewhere = Acceptance(TODAY, moving.world.organizations["一组"])
    with pytest.raises(WrongPlace):
        transfer_answers.accept(
            moving.session,
            moving.world.actor("书记二"),
            transfer.id,
            acceptance=elsewhere,
            now=NOW,
        )


def test_member_who_moved_otherwise_is_not_moved_again(moving: Moving) -> None:
    transfer = moving.send()
    moving.session.execute(
        sa.update(Affiliation)
        .where(Affiliation.member_id == moving.id("党员甲"))
        .values(valid_to=TODAY)
    )

    with pytest.raises(AffiliationOverlap):
        moving.accept(transfer)


def test_organisation_outside_accepts_by_its_document(moving: Moving) -> None:
    letter = moving.letter(None, outside="上海市浦东新区某街道党工委")
    transfer = moving.send(letter=letter)
    assert moving.told("transfer_sent") == set()
    with pytest.raises(NotFound):
        moving.accept(transfer)

    done = transfer_steps.record_outside_acceptance(
        moving.session,
        moving.world.actor("书记一"),
        transfer.id,
        on=TODAY,
        document_number="回执〔2026〕7号",
        now=NOW,
    )

    assert done.status == TransferStatus.ACCEPTED
    assert moving.branches() == [(moving.world.organizations["一支部"], TODAY)]
    assert moving.told("transfer_accepted") == {"副书记一", "党员甲"}


def test_acceptance_never_touches_the_ledger(moving: Moving) -> None:
    moving.world.add_claim("党员甲", "一支部")
    before = moving.session.scalar(sa.select(sa.func.count(LedgerEntry.id)))
    with counted_statements(moving.session) as seen:
        moving.accept(moving.send())

    assert [sql for sql in seen if "ledger_entry" in sql or "claim" in sql] == []
    assert moving.session.scalar(sa.select(sa.func.count(LedgerEntry.id))) == before


@pytest.mark.parametrize(
    ("after", "step"), [(29, None), (30, 30), (59, 30), (60, 60), (89, 60), (90, 90), (400, 90)]
)
def test_step_is_reached_on_its_day(after: int, step: int | None) -> None:
    assert find_step(TODAY, on=TODAY + timedelta(days=after)) == step


def test_months_of_letters_and_years_of_graduates_end_on_real_days() -> None:
    assert letter_ends_on(date(2026, 11, 30)) == date(2027, 2, 28)
    assert graduate_limit(date(2024, 2, 29)) == date(2026, 2, 28)


def test_long_transfers_are_told_to_all_concerned_once_for_each_step(moving: Moving) -> None:
    moving.send()
    flag = transfer_flags.flag_overdue

    assert flag(moving.session, now=days(29)) == 0
    assert flag(moving.session, now=days(30)) == 1
    assert moving.told("transfer_waiting") == {"书记一", "副书记一", "书记二", "街道干事"}
    messages = "SELECT count(*) FROM outbox_message WHERE kind = 'transfer_waiting'"
    for now in (days(30), days(31), days(59)):
        flag(moving.session, now=now)
        assert moving.session.scalar(sa.text(messages)) == 4
    # The second step was missed while nothing ran: only the third is told.
    flag(moving.session, now=days(95))
    assert moving.session.scalar(sa.text(messages)) == 8


def test_flagging_any_number_takes_as_many_statements(moving: Moving) -> None:
    names = ("党员甲", "党员乙", "组长")
    counts = []
    for name in names:
        moving.send(name)
        with counted_statements(moving.session) as seen:
            transfer_flags.flag_overdue(moving.session, now=days(40))
        counts.append(len(seen))

    assert counts == [3, 3, 3]


def test_letter_shows_when_it_is_no_longer_valid(moving: Moving) -> None:
    transfer = moving.send(letter=moving.letter(letter_valid_to=TODAY + timedelta(days=30)))
    later = moving.world.actor("书记一", on=TODAY + timedelta(days=31))

    line = transfer_reading.get(moving.session, later, transfer.id)

    assert (line.is_letter_valid, line.days_under_way, line.step) == (False, 31, 30)


def test_listing_takes_one_statement_for_any_number(moving: Moving) -> None:
    actor = moving.world.actor("街道干事")
    street = moving.world.organizations["街道"]
    for name in ("党员甲", "党员乙", "组长"):
        moving.send(name)
    with counted_statements(moving.session) as seen:
        page = transfer_reading.list_transfers(
            moving.session, actor, street, sought=Sought(Direction.OUT), after=None, limit=2
        )

    assert len(page.items) == 2
    assert page.next_key is not None
    assert len(seen) <= 2
    rest = transfer_reading.list_transfers(
        moving.session, actor, street, sought=Sought(Direction.OUT), after=page.next_key, limit=2
    )
    assert [line.member_name for line in rest.items] == ["组长"]
    assert find_open(moving.session, moving.id("党员甲")) is not None
