"""Two handlers at one piece of feedback: it is answered once, or forwarded, never both."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from members.access_models import Role
from members.feedback.answering import Forwarding
from members.feedback.models import Feedback, FeedbackKind, FeedbackStep, FeedbackTopic
from members.feedback.rules import Draft
from notifications import feedback_steps
from tests.concurrency.arena import Act, Arena
from tests.depth import far
from tests.world import NOW

RACES = far(deep=300, quick=20)
DRAFT = Draft(FeedbackKind.COMPLAINT, FeedbackTopic.FORMALISM, "要求交照片")


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        arena.world.add_member("街道干事二", "二支部")
        arena.world.grant("街道干事二", Role.COMMITTEE_OFFICER, "街道")
        arena.world.session.commit()
        yield arena


def send(arena: Arena) -> UUID:
    def act(session: Session) -> UUID:
        # The limit of a day is counted by member, so everybody takes a turn.
        session.execute(sa.text("DELETE FROM attempt_limit"))
        sender = arena.actor(session, "党员甲")
        return feedback_steps.send(session, sender, draft=DRAFT, now=NOW).id

    feedback_id: UUID = arena.alone(act)
    return feedback_id


def answer(arena: Arena, name: str, feedback_id: UUID, version: int = 1) -> Act:
    def act(session: Session) -> str:
        feedback_steps.answer(
            session,
            arena.actor(session, name),
            feedback_id,
            reply="已改正",
            version=version,
            now=NOW,
        )
        return "answered"

    return act


def forward(arena: Arena, name: str, feedback_id: UUID) -> Act:
    def act(session: Session) -> str:
        forwarding = Forwarding(arena.world.organizations["区委"], "由上级答复")
        actor = arena.actor(session, name)
        feedback_steps.forward(
            session, actor, feedback_id, forwarding=forwarding, version=1, now=NOW
        )
        return "forwarded"

    return act


def unsettle(arena: Arena, feedback_id: UUID) -> Act:
    def act(session: Session) -> str:
        actor = arena.actor(session, "党员甲")
        feedback_steps.call_unsettled(session, actor, feedback_id, reason="没改", now=NOW)
        return "unsettled"

    return act


def reading(feedback_id: UUID) -> Act:
    return lambda session: session.get_one(Feedback, feedback_id)


def kinds_of(arena: Arena, feedback_id: UUID) -> list[str]:
    steps = sa.select(FeedbackStep.kind).where(FeedbackStep.feedback_id == feedback_id)
    return sorted(arena.alone(lambda session: session.scalars(steps).all()))


def test_feedback_is_answered_or_forwarded_never_both(arena: Arena) -> None:
    fates: Counter[str] = Counter()
    for number in range(RACES):
        feedback_id = send(arena)
        rival = answer if number % 2 else forward
        acts = (answer(arena, "街道干事", feedback_id), rival(arena, "街道干事二", feedback_id))
        finishes = arena.race(*acts, pauses=(arena.pause(), arena.pause()))

        (won,) = [one for one in finishes if one.won]
        (lost,) = [one.refusal for one in finishes if one.refusal]
        assert lost.code in ("conflict.version", "feedback.answered", "not_found")
        row = arena.alone(reading(feedback_id))
        assert (row.version, row.status) == (2, "answered" if won.value == "answered" else "open")
        assert kinds_of(arena, feedback_id) == sorted(["filed", won.value])
        fates[won.value] += 1

    assert fates["answered"] > 0


def test_guessed_version_answers_nothing_that_was_forwarded(arena: Arena) -> None:
    for _ in range(RACES):
        feedback_id = send(arena)
        guessing = answer(arena, "街道干事二", feedback_id, version=2)
        acts = (forward(arena, "街道干事", feedback_id), guessing)
        forwarded, answered = arena.race(*acts, pauses=(arena.pause(), arena.pause()))

        assert (forwarded.won, answered.won) == (True, False)
        assert arena.alone(reading(feedback_id)).status == "open"


def test_not_settled_is_said_once(arena: Arena) -> None:
    for _ in range(RACES // 2):
        feedback_id = send(arena)
        arena.alone(answer(arena, "街道干事", feedback_id))
        finishes = arena.race(unsettle(arena, feedback_id), unsettle(arena, feedback_id))

        assert sorted(one.won for one in finishes) == [False, True]
        assert kinds_of(arena, feedback_id) == ["answered", "filed", "unsettled"]
