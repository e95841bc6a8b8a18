"""The commands that an operator runs before anybody has a role."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from members.access_models import Account, Role, RoleGrant
from members.models import Member, Organization
from tests.district import District

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "organizations.csv"
PERSON = ("--phone", "13800008000", "--name", "王志强")
BRANCH = ("--branch", "区档案馆党支部")


def _run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


def _password(result: Result) -> str:
    return result.output.split("一次性密码：")[1][:12]


def _sign_in(app: Flask, password: str) -> int:
    body = {"grant": "password", "phone": "13800008000", "password": password}
    return app.test_client().post("/api/v1/auth/sessions", json=body).status_code


def test_empty_installation_gets_its_tree_and_first_administrator(
    app: Flask, session: Session
) -> None:
    imported = _run(app, "org", "import", str(SAMPLE))
    assert (imported.exit_code, imported.output) == (0, "新设 20 个，已有 0 个。\n")

    granted = _run(app, "accounts", "grant-first-admin", *PERSON, *BRANCH)

    assert granted.exit_code == 0, granted.output
    assert "王志强已任首任区级管理员" in granted.output
    assert _sign_in(app, _password(granted)) == 201
    grant = session.query(RoleGrant).one()
    assert (grant.role, grant.granted_by) == (Role.DISTRICT_ADMIN, None)


def test_second_role_of_the_first_administrator_keeps_his_password(
    app: Flask, session: Session
) -> None:
    _run(app, "org", "import", str(SAMPLE))
    password = _password(_run(app, "accounts", "grant-first-admin", *PERSON, *BRANCH))

    second = _run(app, "accounts", "grant-first-admin", *PERSON, "--role", "system_admin")

    assert second.exit_code == 0
    assert "一次性密码" not in second.output
    assert _sign_in(app, password) == 201
    assert session.query(Member).count() == 1


def test_first_administrator_is_appointed_once(app: Flask, session: Session) -> None:
    _run(app, "org", "import", str(SAMPLE))
    _run(app, "accounts", "grant-first-admin", *PERSON, *BRANCH)

    other = ("--phone", "13900009000", "--name", "赵敏")
    refused = _run(app, "accounts", "grant-first-admin", *other, *BRANCH)

    assert refused.exit_code == 1
    assert "已有区级管理员" in refused.output
    # The person was enrolled in the same transaction, so he is gone too.
    assert session.query(Member).count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (PERSON, "首次使用请加 --branch"),
        ((*PERSON, *BRANCH), "须恰好一个"),
        (("--phone", "110", "--name", "王志强"), "手机号应为"),
    ],
)
def test_first_administrator_needs_a_branch_and_a_phone(
    app: Flask, session: Session, arguments: tuple[str, ...], words: str
) -> None:
    refused = _run(app, "accounts", "grant-first-admin", *arguments)

    assert refused.exit_code == 1
    assert words in refused.output
    assert session.query(Member).count() == 0


def test_import_names_the_refused_lines_and_keeps_the_others(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("上级,名称,类别\n,区委组织部,组织部\n无,某支部,农村\n", encoding="utf-8-sig")

    result = _run(app, "org", "import", str(file))

    assert result.exit_code == 1
    assert "第 3 行“某支部”没有导入：没有找到上级“无”" in result.output
    assert [organization.name for organization in session.query(Organization)] == ["区委组织部"]


def test_unreadable_list_is_one_line_not_a_traceback(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes("上级,名称,类别\n".encode("gb18030"))

    result = _run(app, "org", "import", str(file))

    assert result.exit_code == 1
    assert "UTF-8" in result.output
    assert "Traceback" not in result.output


def test_operator_issues_an_account_to_exactly_one_member(app: Flask, session: Session) -> None:
    district = District.build(session)
    district.enrol("王志强", phone="13800008000")
    wife = district.enrol("李静", phone="13800008000")
    session.commit()

    several = _run(app, "accounts", "issue", "--phone", "13800008000")
    assert (several.exit_code, session.query(Account).count()) == (1, 0)
    assert "符合的党员有 2 名" in several.output

    named = _run(app, "accounts", "issue", "--phone", "138-0000-8000", "--name", "李静")
    assert named.exit_code == 0
    assert session.query(Account).one().member_id == wife.id
    assert _sign_in(app, _password(named)) == 201
