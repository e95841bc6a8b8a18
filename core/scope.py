"""Who asks, told to the database: PostgreSQL's row-level security is the second wall.

Each transaction of a session begins by saying for whom it works. Whoever says nothing sees no
row of a scoped table. The database looks up by itself where a member belongs and what roles he
holds (`enter_scope` of migration 0023), so a fault in the services' filters does not pass.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

_KEY = "scope"
# Jobs, commands and what needs no sign-in work for everybody.
SYSTEM = {_KEY: "all"}
NOBODY = ""
_ENTER = sa.text("SELECT enter_scope(:member)").bindparams(sa.bindparam("member", type_=sa.Uuid))
# Only until the transaction ends: a pooled connection must not keep who used it last.
_SET = sa.text(
    "SELECT set_config('app.scope', :scope, true),"
    " set_config('app.member', '', true), set_config('app.organizations', '', true)"
)


def work_for(session: Session, asking: UUID | None) -> None:
    """From now on the session works for this member; None stands for the system itself."""
    _change(session, asking or SYSTEM[_KEY])


def work_for_nobody(session: Session) -> None:
    """Until somebody is signed in, the session sees no row of a scoped table."""
    _change(session, NOBODY)


def _change(session: Session, scope: UUID | str) -> None:
    session.info[_KEY] = scope
    if session.in_transaction():
        _tell(session, session.connection())


@event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: Any, connection: Connection) -> None:
    # A savepoint keeps what its transaction has been told.
    if not transaction.nested:
        _tell(session, connection)


def _tell(session: Session, connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    asking = session.info.get(_KEY, NOBODY)
    if isinstance(asking, UUID):
        connection.execute(_ENTER, {"member": asking})
    else:
        connection.execute(_SET, {"scope": asking})
