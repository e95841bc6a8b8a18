"""Sessions of devices in tests, as a sign-in opens them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.ids import new_id
from members.access_models import Account
from members.device_sessions import Device, Proven, Tokens, open_session
from members.session_models import DeviceSession, SignInMeans

LIFE = timedelta(days=180)


def sign_in(session: Session, member_id: UUID, *, now: datetime, name: str = "") -> Tokens:
    """A session as one opens it with the right password, and its tokens."""
    account = session.get_one(Account, member_id)
    proven = Proven(member_id, SignInMeans.PASSWORD, password_hash=account.password_hash)
    return open_session(session, proven, device=Device(name), life=LIFE, now=now)


def add_session(session: Session, member_id: UUID, *, now: datetime) -> UUID:
    """A session without a token, for whoever only acts."""
    row = new_session(member_id, now=now)
    session.add(row)
    session.flush()
    return row.id


def new_session(member_id: UUID, *, now: datetime) -> DeviceSession:
    """The row of such a session."""
    row = DeviceSession(id=new_id(), member_id=member_id, means=SignInMeans.PASSWORD)
    row.device_name = row.platform = row.app_version = ""
    row.created_at = row.renewed_at = now
    row.expires_at = now + LIFE
    # Whatever a test's clock says, its people need not confirm who they are.
    row.confirmed_at = now + 20 * LIFE
    return row
