"""Confirming the session that asks: by the password, or by a code to one's own phone."""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from api.extensions import db
from api.signing_in import reading
from core.clock import utc_now
from core.db import unit_of_work
from members import attempt_limits, confirmations, passwords, sms_codes
from members.access import Actor
from members.confirmations import ConfirmationFailed
from members.session_models import CodePurpose
from notifications import account_events


def confirm(actor: Actor, data: Mapping[str, Any]) -> datetime:
    """Take a proof that the actor himself holds this device; returns until when it counts.

    The try is committed before it is judged, and given back when it was right, as in signing in.

    Raises:
        ConfirmationFailed: the proof is wrong.
        TooManyTries: it has failed too often on this device.
        PasswordsBusy: this process is checking as many passwords as it may.
        SessionRevoked: the session was ended meanwhile.
    """
    tries = confirmations.tries_of(actor)
    is_by_password = "password" in data
    with passwords.place() if is_by_password else nullcontext():
        with unit_of_work(db.session()) as session:
            attempt_limits.count(session, tries, now=utc_now())
        is_right = _knows_password(actor, data) if is_by_password else _has_phone(actor, data)
    if not is_right:
        raise ConfirmationFailed
    with unit_of_work(db.session()) as session:
        attempt_limits.give_back(session, tries)
        return confirmations.confirm(session, actor, now=utc_now())


def change_password(actor: Actor, *, old: str, new: str) -> None:
    """Choose a new password; a wrong old one is a failed confirmation, and counts as one.

    Raises:
        PasswordWeak: the new one is soon guessed, the old one again, or the phone.
        OldPasswordWrong, AccountChanged: see `accounts.change_password`.
        TooManyTries, PasswordsBusy: as in `confirm`.
    """
    # What is said of the new one alone is no try at the old one.
    passwords.require_strong(new)
    tries = confirmations.tries_of(actor)
    with passwords.place():
        with unit_of_work(db.session()) as session:
            attempt_limits.count(session, tries, now=utc_now())
        with unit_of_work(db.session()) as session:
            account_events.change_password(session, actor, old=old, new=new, now=utc_now())
            attempt_limits.give_back(session, tries)


def _knows_password(actor: Actor, data: Mapping[str, Any]) -> bool:
    with reading() as session:
        return confirmations.knows_password(session, actor, data["password"])


def _has_phone(actor: Actor, data: Mapping[str, Any]) -> bool:
    # A code that would open a session confirms one as well: whoever has it could do either.
    with unit_of_work(db.session()) as session:
        checked = sms_codes.check(
            session, data["phone"], data["code"], purpose=CodePurpose.SIGN_IN, now=utc_now()
        )
    return checked.member_id == actor.member_id
