"""What holds until the last answer has been given."""

import pytest
from sqlalchemy.orm import Session

from members.access_models import Role
from members.erasure_holds import find_holds
from members.feedback.models import FeedbackKind, FeedbackTopic
from members.feedback.rules import FeedbackInvalid
from tests.members.feedback.test_feedback import answer, forward, send, unsettled
from tests.world import TODAY, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def test_what_was_not_settled_goes_upwards_only(world: World) -> None:
    world.add_member("街道干事二", "二支部")
    world.grant("街道干事二", Role.COMMITTEE_OFFICER, "街道")
    sent = send(world)
    answer(world, "街道干事", sent)
    again = unsettled(world, "党员甲", sent)

    with pytest.raises(FeedbackInvalid):
        forward(world, "区管理员", again, "街道", version=3)


def test_member_is_not_erased_before_he_has_his_answer(world: World) -> None:
    sentence = "有意见反馈还没有答复。"

    def holds(name: str) -> bool:
        return sentence in find_holds(world.session, world.members[name], on=TODAY)

    sent = send(world)
    # To ask for the deletion itself is no reason against it.
    send(world, "党员乙", kind=FeedbackKind.DATA_REQUEST, topic=FeedbackTopic.DELETION)

    assert (holds("党员甲"), holds("党员乙")) == (True, False)
    answer(world, "街道干事", sent)
    assert not holds("党员甲")
