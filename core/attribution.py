"""On whose account a session writes; the edge says so, the audit trail keeps it (I7)."""

import enum
import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

# Where a session carries it.
KEY = "attribution"


class ActorKind(enum.StrEnum):
    """Who acted: a signed-in member, a job, somebody at a console, or nobody who is named.

    That is whoever knew a public address, and who was promised to stay anonymous.
    """

    MEMBER = "member"
    JOB = "job"
    COMMAND = "command"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who does what by which request; identifiers only, no personal data.

    Args:
        operation: the operationId, the job's name, or the command as it was typed.
        operator: the account on this machine, for a command.
        session_id: the device that the member has signed in with.
    """

    kind: ActorKind
    operation: str
    actor_id: UUID | None = None
    operator: str | None = None
    organization_id: UUID | None = None
    request_id: str | None = None
    session_id: UUID | None = None


def by_command(operation: str) -> Attribution:
    """Of what somebody does at a console, by the name of his account on the machine."""
    try:
        operator = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        operator = "unknown"
    return Attribution(ActorKind.COMMAND, operation[:80], operator=operator[:40])


def by_this_program() -> Attribution:
    """Of a program that does not say more of itself."""
    return by_command(Path(sys.argv[0]).name or "python")


def by_job(name: str) -> Attribution:
    """Of a scheduled or requested job."""
    return Attribution(ActorKind.JOB, name)
