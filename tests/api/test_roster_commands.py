"""The roster commands: a dry run, an import with its marked workbook, an undo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from members.models import Member
from tests.district import District
from tests.roster_imports import NATIONAL, NOW, count, sample_district


@pytest.fixture(autouse=True)
def _on_that_day() -> Iterator[None]:
    """The samples hold dates up to this day, and an import can be undone for seven days."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def district(session: Session) -> District:
    return sample_district(session)


def test_command_imports_and_undoes(
    app: Flask, session: Session, district: District, tmp_path: Path
) -> None:
    session.commit()
    runner, errors = app.test_cli_runner(), tmp_path / "errors.xlsx"

    tried = runner.invoke(args=["roster", "import", str(NATIONAL), "--dry-run"])
    assert tried.exit_code == 0, tried.output
    assert "新增 1146" in tried.output
    assert count(session, Member) == 0

    done = runner.invoke(args=["roster", "import", str(NATIONAL), "--errors", str(errors)])
    assert done.exit_code == 0, done.output
    assert "第 9 行“雷英”退回：公民身份号码：身份证号变成了数字" in done.output
    assert "不导入的列：民族" in done.output
    assert errors.exists()
    assert count(session, Member) == 1146

    import_id = done.output.split("flask roster rollback ")[1].split()[0]
    undone = runner.invoke(args=["roster", "rollback", import_id])
    assert (undone.exit_code, count(session, Member)) == (0, 0), undone.output


def test_command_refuses_what_it_cannot_read(
    app: Flask, session: Session, district: District, tmp_path: Path
) -> None:
    session.commit()
    (tmp_path / "a.csv").write_bytes(b"%PDF")
    runner = app.test_cli_runner()

    refused = runner.invoke(args=["roster", "import", str(tmp_path / "a.csv")])
    nowhere = runner.invoke(
        args=["roster", "import", str(NATIONAL), "--organization", "没有的党委"]
    )

    assert refused.exit_code == 1
    assert "这不是表格文件" in refused.output
    assert (nowhere.exit_code, "没有的党委" in nowhere.output) == (1, True)
