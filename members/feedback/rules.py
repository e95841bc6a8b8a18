"""Feedback without SQL: who may be asked to answer, until when, and what anonymous means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.errors import FieldProblem, RuleViolation
from core.working_days import WorkCalendar, add_working_days
from members.feedback.models import DATA_TOPICS, FeedbackKind, FeedbackTopic

ANONYMITY = (
    "选“匿名”后，答复人和上级看不到您的姓名，审计记录里也不写您；答复仍送到“我的反馈”。"
    "系统保存着是谁发的，只用来把答复送给您；依法调查时，可以从数据库和服务器日志查出。"
    "文字里能认出您的内容，系统不会替您隐去。涉及本人信息的请求不能匿名。"
)


@dataclass(frozen=True, slots=True)
class AnswerTerms:
    """Working days within which an answer is owed, by kind.

    Fifteen is the longest that 《App违法违规收集使用个人信息行为认定方法》 (2019, section 6)
    leaves for complaints and for correcting or deleting data; PIPL article 50 only says
    "promptly". The rules against 指尖上的形式主义 ask for a way to complain and name no term
    (domain 8.1).
    """

    suggestion: int = 15
    complaint: int = 15
    data_request: int = 15

    def due_on(self, kind: FeedbackKind, filed_on: date, calendar: WorkCalendar) -> date:
        """The last day for an answer to what came on a day."""
        return add_working_days(filed_on, getattr(self, kind.value), calendar).day


TERMS = AnswerTerms()


class FeedbackInvalid(RuleViolation):
    """What was sent contradicts itself; the problems say where."""

    code = "feedback.invalid"
    title = "反馈填写有误"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a member sends.

    Args:
        about_organization_id: of his line of organisations; None is his branch.
        about_member_id: the office holder there whom he complains about.
        to_organization_id: who is to answer; None leaves it to the rule.
    """

    kind: FeedbackKind
    topic: FeedbackTopic
    text: str
    page: str = ""
    operation: str = ""
    error_request_id: str = ""
    about_organization_id: UUID | None = None
    about_member_id: UUID | None = None
    to_organization_id: UUID | None = None
    is_anonymous: bool = False


def chain_of(path: str) -> list[UUID]:
    """The organisations of a tree path, the nearest first."""
    return [UUID(part) for part in reversed(path.strip("/").split("/")) if part]


def chain_above(chain: Sequence[UUID], organization_id: UUID) -> Sequence[UUID]:
    """Those of a chain that stand above one of its organisations."""
    return chain[chain.index(organization_id) + 1 :]


def require_consistent(draft: Draft) -> None:
    """Raise FeedbackInvalid unless topic and kind fit, and anonymous is meant in earnest."""
    problems = tuple(_problems(draft))
    if problems:
        raise FeedbackInvalid(problems[0].message, problems=problems)


def find_bodies(
    chain: Sequence[UUID], about: UUID, kind: FeedbackKind, wanted: UUID | None
) -> Sequence[UUID]:
    """The bodies that may answer, the first choice first; empty where the wanted one may not.

    By default it goes above whatever it is about. A suggestion or a data request may be addressed
    to any organisation of the line; a complaint only above the one complained about, because
    nobody answers for himself. Above the highest there is nobody, so that one answers.

    Args:
        chain: the member's organisations, the nearest first.
    """
    above = chain[chain.index(about) + 1 :] or chain[-1:]
    if wanted is None:
        return above
    may_answer = above if kind is FeedbackKind.COMPLAINT else chain
    return chain[chain.index(wanted) :] if wanted in may_answer else ()


def _problems(draft: Draft) -> Iterator[FieldProblem]:
    is_request = draft.kind is FeedbackKind.DATA_REQUEST
    if is_request != (draft.topic in DATA_TOPICS):
        yield _problem("topic", "查阅复制、更正、删除本人信息属于“个人信息请求”，其他事项不是")
    if draft.is_anonymous and is_request:
        yield _problem("is_anonymous", "涉及本人信息的请求须知道是谁，不能匿名")
    if draft.is_anonymous and draft.error_request_id:
        yield _problem("error_request_id", "凭错误编号能查到是谁遇到的，匿名时请不要填写")


def _problem(field: str, message: str) -> FieldProblem:
    return FieldProblem(f"/{field}", FeedbackInvalid.code, message)
