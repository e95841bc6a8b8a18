"""“我在” by text message: the link leaves, works once, and stands in no table."""

import json
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from core.db import Base, vault_of
from core.ids import new_id
from jobs.outside import Outside, dispatch
from jobs.stop_conditions import STOP_CONDITIONS
from members.contact import own_report_links
from members.contact.case_models import ContactAttempt, OwnReportLink
from members.contact.models import CaseState, ContactCase
from members.contact.own_report_links import LinkInvalid
from notifications import own_report_messages
from notifications.models import Because, Channel, OutboxMessage
from notifications.own_report_messages import KIND, link_maker
from tests.casework import add_case
from tests.notifications.dispatching import OFF, FakeSender
from tests.world import NOW, TODAY, World, build_world

PAGE = "https://dj.example.cn/w"


class Scene:
    """A case with an attempt, and a dispatcher that keeps what it sends."""

    def __init__(self, session: Session) -> None:
        self.session, self.sender = session, FakeSender()
        self.world: World = build_world(session)
        self.member_id = self.world.members["党员乙"]
        self.case_id = add_case(session, self.member_id, self.world.organizations["一支部"])

    def send(self) -> own_report_links.IssuedLink:
        attempt = ContactAttempt(
            id=new_id(), case_id=self.case_id, member_id=self.member_id, method="message",
            contacted="nobody", outcome="no_answer", attempted_at=NOW, document_number="",
            note="", recorded_by=self.world.members["书记一"], recorded_at=NOW,
        )  # fmt: skip
        self.session.add(attempt)
        self.session.flush()
        actor = self.world.actor("书记一")
        return own_report_messages.send(
            self.session, actor, self.case_id, attempt.id, now=at_local(TODAY, 9)
        )

    def dispatch(self, *, page: str = PAGE, hour: int = 10) -> str:
        """The text that left last; empty when nothing did."""
        self.sender.log.clear()
        links = {KIND: link_maker(page)}
        outside = Outside({Channel.SMS: self.sender}, OFF, STOP_CONDITIONS, links)
        sessions: Any = lambda: nullcontext(self.session)  # noqa: E731
        dispatch(sessions, outside, clock=lambda: at_local(TODAY, hour))
        return self.sender.log[-1].text if self.sender.log else ""

    def everything(self) -> str:
        """All that any table holds, as text."""
        rows = [
            [str(value) for value in row]
            for table in Base.metadata.sorted_tables
            for row in self.session.execute(sa.select(table))
        ]
        return json.dumps(rows, ensure_ascii=False)


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


def test_the_link_leaves_by_text_message_in_the_hours_and_works_once(scene: Scene) -> None:
    link = scene.send()
    early = scene.dispatch(hour=9)

    text = scene.dispatch()

    assert early == ""
    assert text == f"党同志：支部正在联系您，盼您回个信。请点开确认：{PAGE}/{link.token}"
    own_report_links.confirm(scene.session, link.token, now=NOW)
    scene.session.expire_all()
    assert scene.session.get_one(ContactCase, scene.case_id).state == CaseState.RECONTACTED
    with pytest.raises(LinkInvalid):
        own_report_links.confirm(scene.session, link.token, now=NOW)


def test_no_table_holds_the_token_before_or_after_it_has_left(scene: Scene) -> None:
    link = scene.send()
    before = scene.everything()
    scene.dispatch()

    assert link.token not in before + scene.everything()
    assert link.token == own_report_links.token_of(vault_of(scene.session), link.id)


def test_whoever_has_answered_is_sent_nothing(scene: Scene) -> None:
    link = scene.send()
    scene.session.execute(sa.update(OwnReportLink).values(answered_at=NOW))

    assert scene.dispatch() == ""
    row = scene.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.channel == Channel.SMS)
    ).one()
    assert row.suppressed_because == Because.STOPPED
    assert link.expires_at > NOW + timedelta(days=13)


def test_without_a_page_the_message_leaves_without_a_link(scene: Scene) -> None:
    scene.send()

    assert scene.dispatch(page="").endswith("请打开智慧党建查看。")


def test_the_fourth_is_a_task_to_phone_and_not_a_message(scene: Scene) -> None:
    for _ in range(4):
        scene.send()

    kinds = scene.session.scalars(sa.select(OutboxMessage.kind)).all()
    kept_back = scene.session.scalars(
        sa.select(OutboxMessage.suppressed_because).where(OutboxMessage.kind == KIND)
    ).all()
    assert "phone_this_member" in kinds
    assert sorted(str(one) for one in kept_back) == ["None", "None", "None", Because.UNANSWERED]
