"""`flask crypto`: going over to another key or suite."""

from collections.abc import Iterator

import click
import sqlalchemy as sa
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from api.extensions import db
from core.db import unit_of_work, vault_of
from members import resealing
from members.access_models import Account
from members.models import Member
from members.roster.models import RosterImport
from notifications import addresses, push_registrations

crypto = AppGroup("crypto", help="密钥和密码套件")


@crypto.command("rotate")
def rotate() -> None:
    """用现在的密钥和套件重新加密、重建索引；可以中断后再次运行。"""
    session = db.session()
    _show("党员密钥", _committed(session, resealing.rewrap_keys(session)))
    for sealed in (*resealing.SEALED, addresses.SEALED, push_registrations.SEALED):
        done = _committed(session, resealing.reseal(session, sealed))
        _show(f"{sealed.table}.{sealed.column}", done)
    with unit_of_work(session):
        _warn(session)


def _committed(session: Session, batches: Iterator[int]) -> int:
    done = 0
    for count in batches:
        done += count
        session.commit()
    session.commit()
    return done


def _show(name: str, count: int) -> None:
    click.echo(f"{name}：{count} 项已是现在的密钥。")


def _warn(session: Session) -> None:
    """What could not be moved, and for how long the former keys must stay."""
    apart = session.scalar(
        sa.select(sa.func.count())
        .select_from(Account)
        .join(Member, Member.id == Account.member_id)
        .where(
            Account.phone_index.is_distinct_from(Member.phone_index), Account.disabled_at.is_(None)
        )
    )
    if apart:
        click.echo(
            f"有 {apart} 个账号的登录手机号与名册不同；换过索引密钥或套件的，须重新开通。", err=True
        )
    head = vault_of(session).master.head
    files = session.scalar(
        sa.select(sa.func.count()).where(
            RosterImport.file_sealed.is_not(None),
            sa.func.substr(RosterImport.file_sealed, 1, len(head)) != head,
        )
    )
    if files:
        click.echo(f"有 {files} 个导入的名册还用旧密钥封存；过了撤销期再去掉旧密钥。", err=True)
