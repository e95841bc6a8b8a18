"""`flask accounts`: what needs nobody's role, because it comes before the first one."""

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from core.errors import NotFound
from members import accounts as member_accounts
from members import organization_reading, people, role_grants
from members.access_models import Role
from members.models import Member, MemberKind
from members.people import Profile
from members.role_rules import ROLE_NAMES

accounts = AppGroup("accounts", help="登录账号")
_phone = click.option("--phone", required=True, help="手机号")


@accounts.command("issue")
@_phone
@click.option("--name", help="姓名；几名党员共用一个手机号时须填写")
def issue(phone: str, name: str | None) -> None:
    """开通或重置一名党员的账号，显示一次性密码。"""
    with refusals_shown(), unit_of_work(db.session()) as session:
        found = people.find_from_console(session, phone=phone, name=name)
        if len(found) != 1:
            raise NotFound(f"名册里符合的党员有 {len(found)} 名，须恰好一名，请核对手机号和姓名。")
        password = member_accounts.issue_from_console(session, found[0].id, now=utc_now())
    _show_password(password)


@accounts.command("grant-first-admin")
@_phone
@click.option("--name", required=True, help="姓名")
@click.option(
    "--role",
    type=click.Choice([Role.DISTRICT_ADMIN.value, Role.SYSTEM_ADMIN.value]),
    default=Role.DISTRICT_ADMIN.value,
    show_default=True,
    help="首任职务",
)
@click.option("--branch", help="名册里还没有这个人时，编入的党支部的名称")
def grant_first_admin(phone: str, name: str, role: str, branch: str | None) -> None:
    """任命首任区级管理员或系统管理员；已有人担任时拒绝。"""
    with refusals_shown(), unit_of_work(db.session()) as session:
        member = _find_or_enrol(session, phone, name, branch)
        root = organization_reading.get_root_from_console(session)
        role_grants.appoint_first(session, member.id, root.id, role=Role(role), now=utc_now())
        password = (
            None
            if member_accounts.has_account(session, member.id)
            else member_accounts.issue_from_console(session, member.id, now=utc_now())
        )
    click.echo(f"{name}已任首任{ROLE_NAMES[Role(role)]}。")
    if password:
        _show_password(password)


def _find_or_enrol(session: Session, phone: str, name: str, branch: str | None) -> Member:
    found = people.find_from_console(session, phone=phone, name=name)
    if found:
        return found[0]
    if branch is None:
        raise NotFound("名册里没有这个姓名和手机号；首次使用请加 --branch。")
    profile = Profile(name=name, kind=MemberKind.FULL_MEMBER)
    return people.enrol_from_console(session, branch, profile=profile, phone=phone, now=utc_now())


def _show_password(password: str) -> None:
    click.echo(f"一次性密码：{password}（只显示这一次，首次登录须修改）")
