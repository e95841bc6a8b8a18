"""Where checks of the ledger say what they have found."""

from typing import Protocol


class Report(Protocol):
    """What takes findings: `points.verification.Verification` does."""

    def add(self, subject: str, message: str) -> None:
        """Take one thing that does not add up.

        Args:
            subject: what it is about.
            message: a sentence for the operator, in Chinese.
        """
        ...
