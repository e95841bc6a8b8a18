"""`flask seed` and `flask demo`: a district to look around in, and everything running at once."""

import os
import socket

import click
import flask
from flask.cli import with_appcontext

from api.cli.demo_processes import serve_until_stopped
from api.cli.migrating import migrate
from api.extensions import db
from core.clock import utc_now
from core.config import Settings
from core.db import unit_of_work

PORT_DEFAULT = 8000
_SIGN_IN = (
    "curl -s {url}/api/v1/auth/sessions -H 'Content-Type: application/json'"
    """ -d '{{"grant":"password","phone":"{phone}","password":"{password}"}}' """
    """| python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])'"""
)


@click.command("seed")
@with_appcontext
def seed() -> None:
    """建表，并在空数据库里写入演示数据（密码是公开的，不要用于正式环境）。"""
    if _prepare():
        click.echo("已写入演示数据。")
    else:
        click.echo("数据库里已有数据，没有改动。")


@click.command("demo")
@with_appcontext
def demo() -> None:
    """一条命令看全貌：建表、写入演示数据、启动接口和后台任务。"""
    if not _settings().database_url.startswith("sqlite"):
        # Its passwords are public, and a server on PostgreSQL refuses to start as a demo.
        raise click.ClickException("演示只用 SQLite：去掉 PARTY_POINTS_DATABASE_URL 再试。")
    port = _read_port()
    # Held from here on and handed to the server open: whoever else wants it is told at once.
    with _listen(port) as listener:
        click.echo("正在准备数据库……")
        _prepare()
        banner = _banner(f"http://127.0.0.1:{port}")
        # A transaction left open here would keep the children from writing.
        db.session.remove()
        db.engine.dispose()
        died = serve_until_stopped(listener, _environment(), on_ready=lambda: click.echo(banner))
    if died:
        raise click.ClickException(f"{died}意外停止，已一并停止其他进程。")
    click.echo("已停止。")


def _prepare() -> bool:
    """Migrate, and seed if nothing is there; True when it seeded."""
    # Inventing a district is nothing that any other command needs to import.
    from api.demo.seeding import seed as write_district

    migrate(_settings())
    with unit_of_work(db.session()) as session:
        return write_district(session, now=utc_now())


def _read_port() -> int:
    text = os.environ.get("PARTY_POINTS_PORT", str(PORT_DEFAULT))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise click.ClickException("PARTY_POINTS_PORT 应为 1 至 65535 的端口号。")
    return int(text)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        another = f"PARTY_POINTS_PORT={port % 65_000 + 1} make run"
        raise click.ClickException(
            f"端口 {port} 用不了，可能已被占用。请换一个：{another}"
        ) from error


def _environment() -> dict[str, str]:
    """What the children are told beyond ours: the same data, wherever we were started."""
    settings = _settings()
    return {
        "PARTY_POINTS_DEMO": "1",
        "PARTY_POINTS_DATA_DIR": str(settings.data_dir.absolute()),
        "PARTY_POINTS_DATABASE_URL": settings.database_url,
        "PARTY_POINTS_WORKERS": os.environ.get("PARTY_POINTS_WORKERS", "2"),
    }


def _settings() -> Settings:
    settings: Settings = flask.current_app.extensions["settings"]
    return settings


def _banner(url: str) -> str:
    from api.demo import cast
    from api.demo.seeding import is_seeded

    places = f"接口文档  {url}/docs\nOpenAPI   {url}/openapi.json\n"
    if not is_seeded(db.session()):
        return f"\n数据库里已有自己的数据，没有写入演示数据。\n\n{places}\n按 Ctrl-C 停止。\n"
    accounts = "".join(
        f"  {one.phone}  {one.name:　<4}{one.duty:　<8}{one.branch_name}\n" for one in cast.ACCOUNTS
    )
    token = _SIGN_IN.format(url=url, phone=cast.MEMBER.phone, password=cast.PASSWORD)
    return f"""
演示数据：人物、组织、电话全是虚构的。演示只有站内消息，不会有短信、微信或邮件发到任何人手里；
要了短信验证码，它就打印在这个终端里。

{places}
五个账号，密码都是 {cast.PASSWORD}
{accounts}
看看{cast.MEMBER.name}的积分（整行粘贴）：
curl -s {url}/api/v1/me/points -H "Authorization: Bearer $({token})"

再走一遍主要流程：bash docs/tour.sh {url}
按 Ctrl-C 停止。
"""
