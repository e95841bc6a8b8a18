"""E-mail over SMTP: one mail to one reader under a Message-ID that stays the same."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from notifications.channels.sender import NEVER, PRODUCT, Answer, Outgoing, Result
from notifications.models import Channel

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """The operator's mail server; without a user it takes mail from this host as it is."""

    host: str
    port: int
    from_address: str
    user: str = ""
    password: str = field(default="", repr=False)
    is_starttls: bool = True
    timeout_seconds: float = TIMEOUT_SECONDS


class Email:
    """Mail servers know no repetitions: an unknown mail is not sent again by itself.

    The Message-ID is fixed all the same, so that a person who sends again shows one mail.
    """

    channel = Channel.EMAIL
    provider = "email"
    idempotent_for = NEVER

    def __init__(self, server: MailServer, clock: Callable[[], datetime]) -> None:
        self._server = server
        self._clock = clock

    def reserve_key(self, message_id: UUID) -> str | None:
        """The Message-ID."""
        return f"<{message_id}@{self._server.from_address.rpartition('@')[2]}>"

    def send(self, outgoing: Outgoing) -> Answer:
        """Hand the mail over; what the server said of it last counts."""
        try:
            smtp = self._connect()
        # That the server, or our password, is no good today says nothing about the mail.
        except (OSError, smtplib.SMTPException):
            return Answer(Result.TRY_AGAIN, "connect")
        try:
            return self._hand_over(smtp, outgoing)
        finally:
            # No farewell: an odd answer to it must not put the answer to the mail in doubt.
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        try:
            if server.is_starttls:
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _hand_over(self, smtp: smtplib.SMTP, outgoing: Outgoing) -> Answer:
        # What is lost before the mail itself has left leaves nothing behind.
        is_leaving = False
        try:
            for code, _ in (smtp.mail(self._server.from_address), smtp.rcpt(outgoing.address)):
                if code not in (250, 251):
                    return _judge(code)
            is_leaving = True
            code, _ = smtp.data(self._compose(outgoing))
            return _judge(code)
        except smtplib.SMTPDataError as error:
            return _judge(error.smtp_code)
        except (OSError, smtplib.SMTPException):
            return Answer(Result.UNKNOWN if is_leaving else Result.TRY_AGAIN, "connection_lost")

    def _compose(self, outgoing: Outgoing) -> bytes:
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = f"{PRODUCT}：{outgoing.matter}"
        mail["From"] = self._server.from_address
        mail["To"] = outgoing.address
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = outgoing.key
        # Nobody's absence notice should answer a machine (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(outgoing.text)
        return mail.as_bytes()


def _judge(code: int) -> Answer:
    # Only the code: servers repeat the address in their text.
    if 200 <= code < 300:
        return Answer(Result.ACCEPTED, str(code))
    # RFC 5321: 4yz, nothing was taken and the same later may succeed.
    return Answer(Result.TRY_AGAIN if 400 <= code < 500 else Result.REFUSED, str(code))
