"""E-mail against a local server that speaks SMTP."""

import email
from datetime import UTC, datetime
from email import policy
from uuid import UUID

import pytest

from notifications.channels.email import Email, MailServer
from notifications.channels.sender import Answer, Outgoing, Result
from tests.notifications.provider_servers import CLOSE, HANG, mail_sink

AT = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
ID = UUID("0198c0de-0000-7000-8000-000000000001")


def outgoing(address: str, key: str = "<key@example.cn>") -> Outgoing:
    return Outgoing(ID, key, address, "王同志", ("您的一项申报已有结果",), "claim_approved")


def mailer(port: int) -> Email:
    server = MailServer(
        "127.0.0.1", port, "points@example.cn", is_starttls=False, timeout_seconds=0.5
    )
    return Email(server, lambda: AT)


def test_mail_arrives_whole_under_a_fixed_message_id() -> None:
    with mail_sink() as sink:
        sender = mailer(sink.port)
        key = sender.reserve_key(ID)
        assert key == f"<{ID}@example.cn>"
        answer = sender.send(outgoing("wang@example.cn", key))
        [(recipient, content)] = sink.mails

    mail = email.message_from_bytes(content, policy=policy.default)
    assert answer == Answer(Result.ACCEPTED, "250")
    assert recipient == "<wang@example.cn>"
    assert mail["Message-ID"] == key
    assert mail["Subject"] == "智慧党建：您的一项申报已有结果"
    body = mail.get_body()
    assert body is not None
    assert body.get_content().strip() == "王同志：您的一项申报已有结果。请打开智慧党建查看。"


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ({"connect": "421 busy"}, Result.TRY_AGAIN),
        ({"mail": "451 later"}, Result.TRY_AGAIN),
        ({"rcpt": "550 nobody"}, Result.REFUSED),
        ({"rcpt": "450 greylisted"}, Result.TRY_AGAIN),
        ({"rcpt": CLOSE}, Result.TRY_AGAIN),
        ({"data": "554 no"}, Result.REFUSED),
        ({"end": "554 spam"}, Result.REFUSED),
        ({"end": "452 full"}, Result.TRY_AGAIN),
        ({"end": CLOSE}, Result.UNKNOWN),
        ({"end": HANG}, Result.UNKNOWN),
        # An odd farewell does not put what was taken in doubt.
        ({"quit": "421 sorry"}, Result.ACCEPTED),
    ],
)
def test_mail_server_s_answers_are_told_apart(answers: dict[str, str], result: Result) -> None:
    with mail_sink(**answers) as sink:
        assert mailer(sink.port).send(outgoing("wang@example.cn")).result is result
