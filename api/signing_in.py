"""The ways to sign in: each shows who it is, and opens a session of the device.

A try is counted and committed before it is judged, so that a refusal cannot take it back; one
that succeeds gives it back, so that only failures use up a limit.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import flask
from sqlalchemy.orm import Session

from api import wechat
from api.extensions import db
from core.clock import utc_now
from core.config import Settings
from core.db import read_only, unit_of_work
from members import accounts, attempt_limits, passwords, sms_codes, wechat_bindings
from members.device_sessions import Device, Proven, Tokens, open_session
from members.session_models import CodePurpose, SignInMeans
from members.sign_in_limits import tries_of
from members.sms_codes import CodeInvalid
from members.wechat_bindings import WechatUnbound
from notifications import account_events

Means = Callable[[Mapping[str, Any], Device], Tokens]


def sign_in(data: Mapping[str, Any], *, device: Device) -> Tokens:
    """Open a session by the means that the request names.

    Raises:
        TooManyTries: signing in has failed too often for this phone or from this address.
        PasswordsBusy: this process is checking as many passwords as it may.
        DomainError, Problem: who it is was not shown; see each means.
    """
    means = _MEANS[data["grant"]]
    flask.g.sign_in_means = data["grant"]
    # A flood must not hold a thread and a connection each while it waits for its limit's row.
    with passwords.place() if means is _by_password else nullcontext():
        return _limited(means, data, device)


def bind_wechat(data: Mapping[str, Any], *, device: Device) -> Tokens:
    """Bind the ticket's WeChat to whom the code was sent, and sign him in.

    Raises:
        TooManyTries: it has failed too often for this phone or from this address.
        CodeInvalid, BindTicketInvalid: the code or the ticket is not good.
    """
    return _limited(_by_binding, data, device)


def session_life() -> timedelta:
    """How long a session sleeps before it is over."""
    return timedelta(days=_settings().refresh_days)


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction of its own for a password to be checked in, and nothing else.

    Checking takes long and writes nothing; on SQLite a writer's transaction would keep everybody
    else waiting meanwhile.
    """
    read_only.set(True)
    try:
        yield db.session()
    finally:
        db.session().rollback()
        read_only.set(False)


def _limited(means: Means, data: Mapping[str, Any], device: Device) -> Tokens:
    tries = tries_of(flask.request.remote_addr or "", data.get("phone", ""))
    with unit_of_work(db.session()) as session:
        attempt_limits.count(session, tries, now=utc_now())
    tokens = means(data, device)
    with unit_of_work(db.session()) as session:
        attempt_limits.give_back(session, tries)
    return tokens


def _by_binding(data: Mapping[str, Any], device: Device) -> Tokens:
    now = utc_now()
    with unit_of_work(db.session()) as session:
        checked = sms_codes.check(
            session, data["phone"], data["code"], purpose=CodePurpose.BIND_WECHAT, now=now
        )
    if checked.member_id is None:
        raise CodeInvalid
    with unit_of_work(db.session()) as session:
        accounts.open_plain(session, checked.member_id, now=now)
        proven = wechat_bindings.bind(session, data["bind_ticket"], checked.member_id, now=now)
        return open_session(session, proven, device=device, life=session_life(), now=now)


def _by_password(data: Mapping[str, Any], device: Device) -> Tokens:
    with reading() as session:
        proven = accounts.prove_password(session, data["phone"], data["password"])
    with unit_of_work(db.session()) as session:
        return open_session(session, proven, device=device, life=session_life(), now=utc_now())


def _by_code(data: Mapping[str, Any], device: Device) -> Tokens:
    now = utc_now()
    with unit_of_work(db.session()) as session:
        checked = sms_codes.check(
            session, data["phone"], data["code"], purpose=CodePurpose.SIGN_IN, now=now
        )
    # A wrong try is kept, so it is told after the commit.
    if checked.member_id is None:
        raise CodeInvalid
    with unit_of_work(db.session()) as session:
        accounts.open_plain(session, checked.member_id, now=now)
        proven = Proven(checked.member_id, SignInMeans.SMS)
        return open_session(session, proven, device=device, life=session_life(), now=now)


def _by_wechat(data: Mapping[str, Any], device: Device) -> Tokens:
    openid, now = wechat.find_openid(_settings(), data["code"]), utc_now()
    with unit_of_work(db.session()) as session:
        proven = wechat_bindings.find_bound(session, openid)
        if proven is not None:
            return open_session(session, proven, device=device, life=session_life(), now=now)
        ticket = wechat_bindings.issue_ticket(session, openid, now=now)
    raise WechatUnbound(ticket)


def _by_ticket(data: Mapping[str, Any], device: Device) -> Tokens:
    with unit_of_work(db.session()) as session:
        return account_events.redeem_ticket(
            session, data["ticket"], device=device, life=session_life(), now=utc_now()
        )


def _settings() -> Settings:
    settings: Settings = flask.current_app.extensions["settings"]
    return settings


_MEANS: Mapping[str, Means] = {
    SignInMeans.PASSWORD: _by_password,
    SignInMeans.SMS: _by_code,
    SignInMeans.WECHAT: _by_wechat,
    SignInMeans.TICKET: _by_ticket,
}
