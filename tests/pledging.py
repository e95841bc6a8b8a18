"""A branch's pledges to test against: written, and brought to any status by its real steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from activities import pledge_evaluations, pledge_reviews, pledges
from activities.pledge_evaluations import Result
from activities.pledge_meetings import Grading, Meeting
from activities.pledge_models import Pledge, PledgeBody, PledgeKind
from activities.pledge_reviews import Ruling
from activities.pledge_rules import Amendment, NewPledge, PledgeWords
from activities.pledge_states import MEMBER_STEPS, PledgeStatus, PledgeStep
from tests.world import NOW, TODAY, World

DUE = date(2026, 12, 20)
WORDS = PledgeWords(
    category="service",
    title="帮扶独居老人",
    content="每月上门看望社区独居老人。",
    target="全年 12 次以上",
    beneficiary="社区独居老人",
    post="",
    due_on=DUE,
)
MEETING = Meeting(PledgeBody.GENERAL_MEETING, TODAY, "党员大会记录〔2026〕4 号")
# The shortest way to each status, in steps.
S, P = PledgeStatus, PledgeStep
_OPEN = (P.SUBMIT, P.APPROVE, P.PUBLISH)
WAYS: dict[PledgeStatus, tuple[PledgeStep, ...]] = {
    S.DRAFT: (),
    S.SUBMITTED: (P.SUBMIT,),
    S.RETURNED: (P.SUBMIT, P.RETURN),
    S.WITHDRAWN: (P.WITHDRAW,),
    S.APPROVED: (P.SUBMIT, P.APPROVE),
    S.PUBLISHED: _OPEN,
    S.IN_PROGRESS: (*_OPEN, P.NOTE_PROGRESS),
    S.AMENDED: (*_OPEN, P.AMEND),
    S.SUSPENDED: (*_OPEN, P.SUSPEND),
    S.FULFILMENT_REPORTED: (*_OPEN, P.REPORT_FULFILMENT),
    S.EVALUATED: (*_OPEN, P.EVALUATE),
    S.UNFULFILLED: (*_OPEN, P.FIND_UNFULFILLED),
    S.UNFULFILLED_EXCUSED: (*_OPEN, P.EXCUSE),
    S.CLOSED: (*_OPEN, P.EXCUSE, P.CLOSE),
}


@dataclass
class Pledging:
    """The steps of 党员甲's pledges, taken by him and by 书记一 unless somebody else is named."""

    world: World
    now: datetime = NOW
    writers: dict[UUID, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def write(
        self, name: str = "党员甲", *, by: str = "", year: int = 2026, **changes: Any
    ) -> UUID:
        """A draft with a title of its own."""
        kind = PledgeKind(changes.pop("kind", PledgeKind.ANNUAL))
        words = replace(WORDS, **{"title": f"第 {next(self.numbers)} 项承诺", **changes})
        pledge_id = pledges.create(
            self.world.session,
            self.world.actor(by or name),
            self.world.members[name],
            new=NewPledge(year, kind, words),
            now=self.now,
        )
        self.writers[pledge_id] = by or name
        return pledge_id

    def at(self, status: PledgeStatus, name: str = "党员甲", *, decider: str = "书记一") -> UUID:
        """A pledge that has been brought to a status."""
        pledge_id = self.write(name)
        for step in WAYS[status]:
            self.take(pledge_id, step, decider=decider)
        return pledge_id

    def get(self, pledge_id: UUID) -> Pledge:
        """The pledge as it is stored."""
        return self.world.session.get_one(Pledge, pledge_id, populate_existing=True)

    def take(
        self, pledge_id: UUID, step: PledgeStep, *, by: str = "", decider: str = "书记一"
    ) -> None:
        """Any step with ordinary data, by whoever usually takes it."""
        version = self.get(pledge_id).version
        if step in (P.EVALUATE, P.FIND_UNFULFILLED):
            judge = self.grade_well if step is P.EVALUATE else self.find_unfulfilled
            judge(pledge_id, by=by or decider)
            return
        usual = self.writers[pledge_id] if step in MEMBER_STEPS else decider
        act, data = _ACTS[step]
        actor = self.world.actor(by or usual)
        act(self.world.session, actor, pledge_id, **data(version), now=self.now)

    def grade_well(self, pledge_id: UUID, *, by: str = "书记一") -> Result:
        """The best grade, with a reason in case it is a correction."""
        return self.grade(pledge_id, "优", by=by, reason="复核")

    def grade(self, pledge_id: UUID, grade: str, *, by: str = "书记一", reason: str = "") -> Result:
        """What the general meeting of today finds."""
        one = grading(pledge_id, grade, self.get(pledge_id).version, reason=reason)
        return self.evaluate(one, by=by)

    def find_unfulfilled(self, pledge_id: UUID, *, by: str = "书记一") -> Result:
        """The meeting finds that the pledge was not kept."""
        version = self.get(pledge_id).version
        one = Grading(pledge_id, version, "差", is_fulfilled=False, reason="没有开展")
        return self.evaluate(one, by=by)

    def evaluate(self, one: Grading, *, by: str = "书记一", meeting: Meeting = MEETING) -> Result:
        """One grading by somebody, in the body that decides there."""
        if self.get(one.pledge_id).reviewer_organization_id == self.world.organizations["街道"]:
            meeting = replace(meeting, body=PledgeBody.UPPER_COMMITTEE)
        return pledge_evaluations.evaluate(
            self.world.session, self.world.actor(by), one, meeting=meeting, now=self.now
        )


def grading(pledge_id: UUID, grade: str, version: int, *, reason: str = "") -> Grading:
    """A grading whose three ratings are the grade itself."""
    return Grading(pledge_id, version, grade, True, grade, grade, grade, reason)


def amendment(**changes: str) -> Amendment:
    """Other words for a pledge, with a title that no other has."""
    words = {
        "category": "service",
        "title": "帮扶独居老人和困难儿童",
        "content": "每月上门看望独居老人，每周辅导儿童。",
        "target": "全年 24 次以上",
        "beneficiary": "社区老人和儿童",
        "post": "",
        "reason": "服务对象增加",
    }
    return Amendment(**(words | changes))


def _rule(step: PledgeStep) -> Callable[[int], dict[str, Any]]:
    return lambda version: {"step": step, "ruling": Ruling(version, "因客观原因")}


# How each step is taken, with ordinary data for the version that was seen.
_ACTS: dict[PledgeStep, tuple[Callable[..., Any], Callable[[int], dict[str, Any]]]] = {
    P.EDIT: (pledges.edit, lambda version: {"words": WORDS, "version": version}),
    P.SUBMIT: (pledges.submit, lambda _: {}),
    P.WITHDRAW: (pledges.withdraw, lambda _: {}),
    P.AMEND: (pledges.amend, lambda version: {"amendment": amendment(), "version": version}),
    P.NOTE_PROGRESS: (pledges.note_progress, lambda _: {"note": "上门两次"}),
    P.REPORT_FULFILMENT: (pledges.report_fulfilment, lambda _: {"note": "全年上门 14 次"}),
    P.PUBLISH: (pledge_reviews.publish, lambda version: {"version": version}),
    P.APPROVE: (
        pledge_reviews.approve,
        lambda version: {"meeting": Meeting(), "version": version},
    ),
    P.RETURN: (
        pledge_reviews.return_for_rewriting,
        lambda version: {"ruling": Ruling(version, "目标不具体")},
    ),
    P.SUPERVISE: (pledge_reviews.supervise, lambda _: {"note": "已核实"}),
    P.EXTEND: (
        pledge_reviews.extend,
        lambda version: {"due_on": date(2027, 3, 1), "ruling": Ruling(version, "住院")},
    ),
    **{
        step: (pledge_reviews.decide, _rule(step))
        for step in (P.SUSPEND, P.RESUME, P.EXCUSE, P.CLOSE)
    },
}
