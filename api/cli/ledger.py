"""`flask ledger`: proving that the ledger adds up, and that nobody has changed it since."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import flask
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from api.cli.refusals import refusals_shown
from api.cli.signing_key import load_public_key, load_signing_key
from api.extensions import db
from core.clock import utc_now
from core.db import read_only, unit_of_work
from points import checkpoints, sealing, verification, verification_proofs

ledger = AppGroup("ledger", help="积分账本")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@ledger.command("verify")
@click.option("--checkpoint", type=_FILE, help="另存的存证文件，须与 --pub 一同给出")
@click.option("--pub", type=_FILE, help="签名公钥（PEM）")
def verify(checkpoint: Path | None, pub: Path | None) -> None:
    """逐笔重新核算整个账本；有一处不符即以状态 1 结束，并列出最先发现的若干处。"""
    if (checkpoint is None) != (pub is None):
        raise click.UsageError("--checkpoint 与 --pub 须一同给出。")
    head = None
    if checkpoint is not None and pub is not None:
        with refusals_shown():
            head = checkpoints.open_signed(_read_json(checkpoint), load_public_key(pub))
    session = _snapshot()
    report = verification.verify(session)
    if head is not None:
        verification_proofs.verify_checkpoint(session, head, report)
    session.rollback()
    for finding in report.findings:
        click.echo(f"{finding.subject}：{finding.message}", err=True)
    if report.faults:
        raise click.ClickException(f"账本有 {report.faults} 处不符，请勿改动数据并立即上报。")
    click.echo(f"账本核对无误：{report.entries} 笔记录，{report.quotas} 项额度。")
    if head is not None:
        click.echo(f"与存证一致：签名时的 {head.size} 笔记录没有改动。")


@ledger.command("checkpoint")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="写入的目录；请把文件交给上级或其他保管人",
)
def checkpoint(out: Path) -> None:
    """封存到现在为止的记录，签名，并写出存证文件和公钥。"""
    key = load_signing_key(flask.current_app.extensions["settings"])
    now = utc_now()
    with refusals_shown(), unit_of_work(db.session()) as session:
        while sealing.seal(session, now=now):
            pass
        signed = checkpoints.sign(session, key, now=now)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"checkpoint-{now:%Y%m%dT%H%M%SZ}-{signed.size}.json"
    _write_json(file, checkpoints.to_file(signed))
    (out / f"checkpoint-{signed.key_id}.pem").write_bytes(key.public_key().pem)
    click.echo(f"已签名 {signed.size} 笔记录：{file}（密钥 {signed.key_id}）。")


@ledger.command("prove")
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path)
)
def prove(entry_id: UUID, out: Path) -> None:
    """写出一笔记录的存证，任何人都可用 docs/verify_proof.py 离线核对。"""
    with refusals_shown():
        _write_json(out, checkpoints.prove(_snapshot(), entry_id))
    click.echo(f"已写到 {out}。")


def _snapshot() -> Session:
    """A session with one view for all of it, or what is posted meanwhile looks like faults."""
    read_only.set(True)
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return session


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{file} 不是有效的 JSON。") from error


def _write_json(file: Path, data: Any) -> None:
    file.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
