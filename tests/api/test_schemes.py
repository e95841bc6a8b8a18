"""Schemes through HTTP: who may, what is refused, and what every way in refuses alike."""

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.orm import Session

from core.db import vault_of
from core.scope import SYSTEM
from jobs.requested import run_next
from jobs.schedule import REQUESTED
from points import scheme_texts
from points.definition_reading import digest
from points.models import SchemeVersion
from tests.served import Caller, Service
from tests.world import NOW, SCHEME

NEXT_YEAR = "2027-01-01"
BASIS = "区组通〔2026〕12号"


@pytest.fixture
def admin(service: Service) -> Caller:
    return service.caller("区管理员")


@pytest.fixture
def district(service: Service) -> str:
    return str(service.world.organizations["区委"])


def with_item(word: str) -> dict[str, Any]:
    """The world's scheme with an item of a banned kind."""
    data: dict[str, Any] = copy.deepcopy(SCHEME)
    data["items"][0]["code" if word.isascii() else "name"] = word
    return data


def delegate(service: Service, place: str = "街道") -> str:
    path = f"/orgs/{service.world.organizations[place]}/scheme-delegations"
    answer = service.caller("区管理员").post(path, {"valid_from": "2026-11-10", "basis": BASIS})
    assert answer.status_code == 201
    return str(answer.json["id"])


def test_scheme_is_drafted_edited_published_and_retired(admin: Caller, district: str) -> None:
    made = admin.post("/schemes", {"organization_id": district, "definition": SCHEME}).json
    text = yaml.safe_dump(SCHEME | {"name": "新一年的方案"}, allow_unicode=True)
    path = f"/schemes/{made['id']}"
    edited = admin.put(path, {"revision": 1, "yaml": text}).json
    stale = admin.put(path, {"revision": 1, "yaml": text})
    body = {"revision": 2, "effective_from": NEXT_YEAR, "basis": BASIS}
    published = admin.post(f"{path}/publish", body).json
    retirement = {"effective_on": "2028-01-01", "basis": BASIS}
    retired = admin.post(f"{path}/retire", retirement).json

    assert (made["status"], made["version"], made["revision"]) == ("draft", None, 1)
    assert (edited["revision"], edited["name"]) == (2, "新一年的方案")
    assert (stale.status_code, stale.json["code"]) == (409, "conflict.version")
    assert (published["version"], published["effective_from"]) == (2, NEXT_YEAR)
    assert (retired["status"], retired["effective_to"]) == ("retired", "2028-01-01")
    assert admin.put(path, {"revision": 2, "yaml": text}).status_code == 404
    assert admin.delete(path).status_code == 404


def test_faults_are_listed_with_pointer_line_and_sentence(admin: Caller) -> None:
    text = yaml.safe_dump(SCHEME | {"publicity_days": 90, "floor": 1}, sort_keys=False)
    expected = next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith("floor"))

    answer = admin.post("/schemes/validate", {"yaml": text}).json
    good = admin.post("/schemes/validate", {"definition": SCHEME}).json

    assert answer["is_valid"] is False
    (fault,) = answer["errors"]
    assert (fault["pointer"], fault["line"]) == ("/floor", expected)
    assert good["is_valid"] is True


@pytest.mark.parametrize("word", ["login", "streak", "install", "阅读", "点赞"])
def test_every_way_in_refuses_banned_items(
    service: Service, admin: Caller, district: str, word: str, tmp_path: Path
) -> None:
    """Draft, edit, YAML, publication of what was stored otherwise, and the command line."""
    data = with_item(word)
    text = yaml.safe_dump(data, allow_unicode=True)
    made = admin.post("/schemes", {"organization_id": district}).json["id"]
    answers = [
        admin.post("/schemes", {"organization_id": district, "definition": data}),
        admin.post("/schemes", {"organization_id": district, "yaml": text}),
        admin.put(f"/schemes/{made}", {"revision": 1, "definition": data}),
        admin.put(f"/schemes/{made}", {"revision": 1, "yaml": text}),
    ]
    stored = SchemeVersion(
        scheme_code="banned",
        organization_id=service.world.organizations["区委"],
        definition=data,
        definition_sha256=digest(data),
        created_at=NOW,
    )
    service.world.session.add(stored)
    service.world.session.flush()
    body = {"revision": 1, "effective_from": NEXT_YEAR, "basis": BASIS}
    answers.append(admin.post(f"/schemes/{stored.id}/publish", body))

    assert [(a.status_code, a.json["code"]) for a in answers] == [
        (422, "policy.forbidden_event")
    ] * len(answers)
    file = tmp_path / "banned.yaml"
    file.write_text(text, encoding="utf-8")
    for arguments in (
        ("scheme", "check", str(file)),
        ("scheme", "import", str(file), "--organization", "区委"),
        ("points", "publish", str(file), "--from", NEXT_YEAR),
    ):
        result = service.app.test_cli_runner().invoke(args=list(arguments))
        assert result.exit_code == 1, arguments
        assert "禁止计分" in result.output or "不允许" in result.output
    report = admin.post("/schemes/validate", {"yaml": text}).json
    assert "policy.forbidden_event" in [fault["code"] for fault in report["errors"]]


def test_committee_without_delegation_is_refused_and_with_one_is_not(
    service: Service, district: str
) -> None:
    officer = service.caller("街道干事")
    places = {name: str(place) for name, place in service.world.organizations.items()}
    refused = officer.post("/schemes", {"organization_id": places["街道"]})
    delegation_id = delegate(service)
    made = officer.post("/schemes", {"organization_id": places["一支部"]})
    others = [
        officer.post("/schemes", {"organization_id": places[name]}) for name in ("镇", "区委")
    ]
    elsewhere = service.caller("区管理员").post("/schemes", {"organization_id": places["镇"]})
    hidden = officer.get(f"/schemes/{elsewhere.json['id']}")

    assert (refused.status_code, refused.json["code"]) == (403, "scheme.not_delegated")
    assert made.status_code == 201
    assert {answer.status_code for answer in others} == {404}
    assert hidden.status_code == 404
    admin = service.caller("区管理员")
    assert [row["organization_name"] for row in admin.get("/scheme-delegations").json["items"]] == [
        "街道"
    ]
    assert admin.delete(f"/scheme-delegations/{delegation_id}").status_code == 204
    again = admin.delete(f"/scheme-delegations/{delegation_id}")
    assert again.json["code"] == "scheme_delegation.over"
    assert officer.get(f"/schemes/{made.json['id']}").status_code == 404


@pytest.mark.parametrize("name", ["书记一", "党员乙"])
def test_branches_and_members_write_no_schemes(service: Service, district: str, name: str) -> None:
    answer = service.caller(name).post("/schemes", {"organization_id": district})

    assert answer.status_code == 403


def test_auditor_reads_and_writes_nothing(service: Service, admin: Caller, district: str) -> None:
    made = admin.post("/schemes", {"organization_id": district}).json
    auditor = service.caller("审计员")

    assert auditor.get(f"/schemes/{made['id']}").json["definition"]["name"] == "新方案"
    assert auditor.post("/schemes", {"organization_id": district}).status_code == 403
    assert auditor.delete(f"/schemes/{made['id']}").status_code == 403


def test_list_is_paged_and_filtered(service: Service, admin: Caller, district: str) -> None:
    made = [
        admin.post("/schemes", {"organization_id": district}).json["id"] for _ in range(3)
    ]  # fmt: skip
    first = admin.get("/schemes", status="draft", limit=2).json
    rest = admin.get("/schemes", status="draft", limit=2, cursor=first["next_cursor"]).json
    cadres = admin.get("/schemes", subject="cadres").json

    assert [row["id"] for row in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert cadres["items"] == []


def test_member_reads_the_rules_that_score_him_in_sentences(service: Service) -> None:
    rules = service.caller("党员乙").get("/schemes/in-force").json
    of_cadres = service.caller("党员乙").get("/schemes/in-force", subject="cadres")

    assert rules["name"] == "党员积分起步方案"
    assert "加分·志愿服务：每 1 小时 1 分；上限每日 8 分、年 10 分。" in rules["sentences"]
    assert (of_cadres.status_code, of_cadres.json["code"]) == (422, "cadre.not_appointed")


def test_export_can_be_imported_again(service: Service, admin: Caller, district: str) -> None:
    version_id = service.world.scheme_version_id
    text = admin.get(f"/schemes/{version_id}/yaml").json["yaml"]
    again = admin.post("/schemes", {"organization_id": district, "yaml": text}).json["id"]
    told = admin.get(f"/schemes/{version_id}/diff", to=again).json

    assert digest(scheme_texts.from_yaml(text).data) == digest(SCHEME)
    assert told == {"sentences": []}


@pytest.mark.parametrize("body", [{}, {"yaml": "- 列表"}, {"yaml": "a: 1", "definition": {}}])
def test_content_is_given_in_one_readable_way(admin: Caller, body: dict[str, Any]) -> None:
    assert admin.post("/schemes/validate", body).status_code == 422


def test_simulation_runs_in_the_background_and_is_read_in_pages(
    service: Service, admin: Caller, district: str
) -> None:
    data: dict[str, Any] = copy.deepcopy(SCHEME)
    data["components"][0] |= {"start": "50", "cap": "50"}
    made = admin.post("/schemes", {"organization_id": district, "definition": data}).json["id"]
    job = admin.post(f"/schemes/{made}/simulate", {"year": 2026})
    service.world.session.flush()
    path = f"/scheme-simulations/{job.json['subject_id']}"
    before = admin.get(path).json
    run_next(_sessions(service), REQUESTED, lambda: NOW)

    after = admin.get(path).json
    page = admin.get(f"{path}/changes", limit=5).json
    rest = admin.get(f"{path}/changes", limit=200, cursor=page["next_cursor"]).json

    assert job.status_code == 202
    assert (before["examined"], before["finished_at"]) == (0, None)
    assert (after["changed"], after["mean_delta"]) == (after["examined"], "-10")
    assert after["moves"] == [
        {"band_before": "合格", "band_after": "不合格", "members": after["examined"]}
    ]
    assert len(page["items"] + rest["items"]) == after["examined"]
    assert page["items"][0]["total_before"] == "60"
    assert service.caller("街道干事").get(path).status_code == 404


def _sessions(service: Service) -> Any:
    connection = service.connection

    def make() -> Session:
        return Session(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={"vault": vault_of(service.world.session)} | SYSTEM,
        )

    return make


def test_cadre_is_appointed_and_reads_his_own_points(service: Service, admin: Caller) -> None:
    world = service.world
    place = world.organizations["一支部"]
    body = {
        "member_id": str(world.members["党员乙"]),
        "post": "社区主任",
        "basis": BASIS,
        "valid_from": "2026-03-01",
    }
    appointed = service.caller("街道干事").post(f"/orgs/{place}/cadres", body)
    data = copy.deepcopy(SCHEME) | {"code": "cadre-points", "subject": "cadres", "name": "干部方案"}
    made = admin.post("/schemes", {"organization_id": str(world.organizations["区委"]),
                                   "definition": data}).json["id"]  # fmt: skip
    publication = {"revision": 1, "effective_from": "2026-01-01", "basis": BASIS}
    assert admin.post(f"/schemes/{made}/publish", publication).status_code == 200
    me = service.caller("党员乙")

    assert appointed.status_code == 201
    assert me.get("/me/cadre-points").json["total"] == "60"
    assert me.get("/me/cadre-points/entries").json["items"] == []
    assert me.get("/schemes/in-force", subject="cadres").json["name"] == "干部方案"
    listed = admin.get(f"/orgs/{place}/cadres").json["items"]
    assert [row["member_name"] for row in listed] == ["党员乙"]
    assert admin.get(f"/orgs/{place}/cadres/ledger").json["items"] == []
    assert service.caller("书记一").get(f"/orgs/{place}/cadres").status_code == 403
    end = f"/cadre-appointments/{appointed.json['id']}/end"
    assert admin.post(end, {"on": "2026-12-01"}).json["valid_to"] == "2026-12-01"


def test_commands_check_import_and_export(service: Service, tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return service.app.test_cli_runner().invoke(args=["scheme", *arguments])

    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(yaml.safe_dump(SCHEME, allow_unicode=True), encoding="utf-8")
    bad.write_text("code: 错\nname: 方案\n", encoding="utf-8")
    checked, faulty = run("check", str(good)), run("check", str(good), str(bad))
    draft = run("import", str(good), "--organization", "街道")
    put = run(
        "import", str(good), "--organization", "区委", "--publish", "--from", NEXT_YEAR
    )  # fmt: skip
    old_way = service.app.test_cli_runner().invoke(
        args=["points", "publish", str(good), "--from", "2028-01-01"]
    )
    exported = run("export", "member-points", "--version", "2")

    assert checked.exit_code == 0, checked.output
    assert faulty.exit_code == 1
    assert f"{bad}:1：错误：/code" in faulty.output
    assert "草稿" in draft.output
    assert "第 2 版自 2027-01-01 起施行" in put.output
    assert "第 3 版自 2028-01-01 起施行" in old_way.output
    assert digest(scheme_texts.from_yaml(exported.output).data) == digest(SCHEME)
    assert run("export", "unknown").exit_code == 1
    assert run("import", str(good), "--organization", "没有").exit_code == 1
    assert run("import", str(good), "--organization", "区委", "--publish").exit_code == 2
    found = service.world.session.query(SchemeVersion).filter_by(version=2).one()
    assert (found.effective_from, found.published_by) == (date(2027, 1, 1), None)
