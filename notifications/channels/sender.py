"""The one interface of all channels: what is sent, what is answered."""

import enum
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from notifications.models import Channel

NEVER = timedelta(0)
PRODUCT = "智慧党建"
NUMBER_LENGTH_MAX = 120
_CODE = re.compile(r"[^A-Za-z0-9._:-]")
# A provider that puts a number into its code must not bring it into our tables.
_PHONE = re.compile(r"1\d{10}")


class Result(enum.StrEnum):
    """What is known after a call."""

    ACCEPTED = "accepted"
    # The provider has said no; the code says why.
    REFUSED = "refused"
    # The provider, or the lack of one, has said that nothing was taken and later may be better.
    TRY_AGAIN = "try_again"
    # The request left, and nobody can say what became of it.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: the provider's own code and its number for the message."""

    result: Result
    code: str = ""
    provider_message_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", _PHONE.sub("", _CODE.sub("", self.code))[:60])
        object.__setattr__(self, "provider_message_id", storable(self.provider_message_id))


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """One message on its way: no personal data beyond the surname; no repr, so it is not logged.

    Args:
        key: the same at every attempt of the message.
        matters: what it is about, one or, in a digest, several short phrases.
        link: an address for this member alone, which no table holds.
        code: digits to type in, which are then all that the message says.
    """

    id: UUID
    key: str
    address: str
    salutation: str
    matters: tuple[str, ...]
    kind: str
    link: str = ""
    code: str = ""

    @property
    def link_code(self) -> str:
        """The last part of the link: what a template takes whose domain is registered."""
        return self.link.rpartition("/")[2]

    @property
    def matter(self) -> str:
        """What it is about in one phrase, as a registered text message template takes it."""
        return self.matters[0] if len(self.matters) == 1 else f"您有{len(self.matters)}条消息"

    @property
    def text(self) -> str:
        """The whole sentence for channels without templates."""
        asked = f"请点开确认：{self.link}" if self.link else f"请打开{PRODUCT}查看。"
        return f"{self.salutation}：{'；'.join(self.matters)}。{asked}"


def storable(number: str) -> str:
    """A provider's number for a message if it can be one, else nothing."""
    return number if number.isprintable() and len(number) <= NUMBER_LENGTH_MAX else ""


class Sender(Protocol):
    """A provider of one channel.

    `idempotent_for` is how long after the first attempt a repetition with the same key is
    certain not to reach the member twice.
    """

    channel: Channel
    provider: str
    idempotent_for: timedelta

    def reserve_key(self, message_id: UUID) -> str | None:
        """The key for all attempts of a message; None while the provider gives none."""

    def send(self, outgoing: Outgoing) -> Answer:
        """Make the call once; never raises for what a network or a provider can do."""
