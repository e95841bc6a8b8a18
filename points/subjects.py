"""Whose points one may read: party members' and cadres' are never shown or added up together."""

from collections.abc import Collection

import sqlalchemy as sa

from members.access import READING_ROLES, Actor, within
from members.access_models import Role
from points.models import LedgerEntry, Subject

# A group leader helps with roll call and first calls; points of others are not his to read.
_MEMBER_ROLES = READING_ROLES - {Role.GROUP_LEADER}
# Cadres' points move their pay: branch leaders, who are often cadres themselves, do not see them.
CADRE_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN, Role.AUDITOR})


def roles_of_subject(subject: str) -> frozenset[Role]:
    """The roles that read points of a subject in their organisation and everything below it."""
    return CADRE_ROLES if subject == Subject.CADRES else _MEMBER_ROLES


def may_read_subject(actor: Actor, subject: str, path: str) -> bool:
    """Whether the actor reads other people's points of a subject at a node of the tree."""
    return actor.covers(path, roles_of_subject(subject))


def readable_entries(
    actor: Actor, subjects: Collection[Subject] = tuple(Subject)
) -> sa.ColumnElement[bool]:
    """Filter: entries, joined with their organisation, that the actor reads by a role of his."""
    return sa.or_(
        sa.false(),
        *(
            (LedgerEntry.subject == subject) & within(actor.paths(roles_of_subject(subject)))
            for subject in subjects
        ),
    )
