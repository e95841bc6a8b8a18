"""Words about feedback, complaints and requests about one's own data."""

from api.dictionaries.dictionary import worded
from members.feedback.models import (
    FeedbackKind,
    FeedbackStatus,
    FeedbackStepKind,
    FeedbackTopic,
)
from members.feedback.reading import FeedbackState

WORDS = {
    "feedback_kind": worded(
        FeedbackKind, suggestion="意见建议", complaint="投诉", data_request="个人信息请求"
    ),
    "feedback_topic": worded(
        FeedbackTopic,
        formalism="形式主义、增加负担",
        personal_data="个人信息保护",
        number="积分、时长等数字有误",
        conduct="工作态度和方式",
        other="其他",
        copy="查阅、复制个人信息",
        correction="更正个人信息",
        deletion="删除个人信息",
    ),
    "feedback_status": worded(FeedbackStatus, open="待受理", taken="办理中", answered="已答复"),
    "feedback_step_kind": worded(
        FeedbackStepKind,
        filed="提出",
        taken="受理",
        forwarded="转办",
        answered="答复",
        unsettled="提出没有解决",
        overdue="逾期提醒",
    ),
    "feedback_state": worded(FeedbackState, open="待答复", overdue="逾期", answered="已答复"),
}
