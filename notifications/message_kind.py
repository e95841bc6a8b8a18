"""What a kind of message is: its texts, how insistent it may be, and how far it may travel."""

from dataclasses import dataclass

from notifications.models import Channel

OUTSIDE = frozenset(Channel) - {Channel.INBOX}


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One kind: its required parameters and its zh-CN templates (str.format).

    Args:
        matter: what it is about, in a few words without any parameter; the whole of what leaves
            the house besides the salutation, because others read over shoulders. Empty: the kind
            stays in the inbox.
        version: goes up when the parameters or the sense of a text change.
        is_duty: a member may choose the channel of it, not switch it off.
        is_urgent_on_day: on the day of its event it waits for nothing (decision 10).
        stop: code of the condition that is asked again before it leaves the house.
        link: code of what makes the address that leaves with it; it is stored nowhere.
        channels: by which channels it may leave the inbox.
    """

    code: str
    params: frozenset[str]
    title: str
    body: str
    matter: str = ""
    version: int = 1
    is_duty: bool = False
    is_urgent_on_day: bool = False
    stop: str = ""
    link: str = ""
    channels: frozenset[Channel] = OUTSIDE

    @property
    def goes_outside(self) -> bool:
        """Whether anything of it may leave the inbox."""
        return bool(self.matter)
