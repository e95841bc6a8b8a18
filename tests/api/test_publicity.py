"""From provisional to final through HTTP: adjustments, bulletins, objections, undo, recusals."""

import copy
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from points import adjustment_posting, bulletins, schemes
from tests.points.publicity.scene import publish_richer
from tests.points.schemes.drafting import item_of
from tests.served import Service
from tests.world import NOW, SCHEME

LATER = NOW + timedelta(days=8)


@pytest.fixture
def branch(service: Service) -> str:
    publish_richer(service.world)
    service.world.session.commit()
    return str(service.world.organizations["一支部"])


def approve(service: Service, who: str, *claims: Any) -> Any:
    decisions = [{"id": str(one), "version": 1, "action": "approve"} for one in claims]
    return service.caller(who).post("/claims/review", {"decisions": decisions}).json


def entered(service: Service, item_code: str, member: str, **more: Any) -> dict[str, Any]:
    one = {"member_id": str(service.world.members[member])} | more.pop("one", {})
    facts = {"happened_on": "2026-11-05", "title": "说明", "basis": "方案第三条"}
    return {"item_code": item_code, "entries": [one]} | facts | more


def test_month_is_published_contested_and_confirmed(service: Service, branch: str) -> None:
    made = approve(
        service,
        "书记一",
        service.world.add_claim("党员甲", "一支部"),
        service.world.add_claim("党员乙", "一支部", minutes=120),
    )
    secretary, member = service.caller("书记一"), service.caller("党员乙")
    preview = secretary.get(f"/orgs/{branch}/bulletins/preview", month="2026-11").json
    published = secretary.post(f"/orgs/{branch}/bulletins", {"month": "2026-11"})
    assert published.status_code == 201
    assert [row["entry_id"] for row in published.json["rows"]] == [
        row["entry_id"] for row in preview["rows"]
    ]
    again = secretary.post(f"/orgs/{branch}/bulletins", {"month": "2026-11"})
    assert (again.status_code, again.json["code"]) == (409, "bulletin.already_published")

    bulletin_id = published.json["id"]
    shown = member.get(f"/bulletins/{bulletin_id}").json
    assert set(shown["rows"][0]) == {
        "entry_id", "group_name", "member_name", "item_name", "title", "happened_on", "points",
        "is_withdrawn", "is_confirmed",
    }  # fmt: skip
    assert service.caller("党员丙").get(f"/bulletins/{bulletin_id}").status_code == 404
    assert member.get(f"/orgs/{branch}/bulletins").json["items"][0]["id"] == bulletin_id

    contested = made["results"][0]["entry_id"]
    filed = member.post(f"/points/entries/{contested}/objections", {"reason": "时长不实"})
    assert filed.status_code == 201
    duplicate = member.post(f"/points/entries/{contested}/objections", {"reason": "再说一次"})
    assert (duplicate.status_code, duplicate.json["code"]) == (409, "objection.duplicate")
    with time_machine.travel(LATER):
        refused = service.caller("书记一").post(f"/bulletins/{bulletin_id}/close")
        assert (refused.status_code, refused.json["code"]) == (409, "bulletin.open_objections")

    deputy, body = service.caller("副书记一"), {"verdict": "upheld", "reply": "核实为半小时"}
    waiting = deputy.get(f"/orgs/{branch}/objections").json["items"]
    assert [one["id"] for one in waiting] == [filed.json["id"]]
    decision = f"/objections/{filed.json['id']}/decision"
    assert secretary.post(decision, body).json["code"] == "objection.decider_concerned"
    assert deputy.post(decision, body).json["status"] == "upheld"
    timeline = member.get(f"/objections/{filed.json['id']}").json["timeline"]
    assert [step["kind"] for step in timeline] == ["filed", "upheld"]
    assert member.get("/me/objections").json["items"][0]["reply"] == "核实为半小时"

    with time_machine.travel(LATER):
        closed = service.caller("书记一").post(f"/bulletins/{bulletin_id}/close")
        assert closed.json["status"] == "closed"
    balance = service.caller("党员乙").get("/me/points").json
    assert (balance["provisional"], balance["confirmed"]) == ("0", "2")


def test_deduction_waits_for_its_window(service: Service, branch: str) -> None:
    secretary, path = service.caller("书记一"), f"/orgs/{branch}/points/adjustments"
    made = secretary.post(path, entered(service, "dues_late", "党员甲"))
    assert made.status_code == 201
    (waiting,) = made.json["items"]
    assert (waiting["status"], waiting["objection_until"]) == ("pending", "2026-11-17")
    early = secretary.post(f"/points/adjustments/{waiting['id']}/confirm")
    assert (early.status_code, early.json["code"]) == (422, "adjustment.window_open")

    mine = service.caller("党员甲").get("/me/adjustments").json["items"]
    assert [one["id"] for one in mine] == [waiting["id"]]
    assert secretary.get(path).json["items"][0]["member_name"] == "党员甲"
    assert service.caller("党员乙").get(f"/points/adjustments/{waiting['id']}").status_code == 404
    assert adjustment_posting.post_ripe(service.world.session, now=NOW) == 0

    filed = service.caller("党员甲").post(
        f"/points/adjustments/{waiting['id']}/objections", {"reason": "已补交"}
    )
    rejected = {"verdict": "rejected", "reply": "超期三个月零两天"}
    deputy = service.caller("副书记一")
    assert deputy.post(f"/objections/{filed.json['id']}/decision", rejected).status_code == 200
    appeal = service.caller("党员甲").post(
        f"/objections/{filed.json['id']}/appeal", {"reason": "请街道再核"}
    )
    assert appeal.json["deciding_organization_id"] == str(service.world.organizations["街道"])
    withdrawn = service.caller("党员甲").post(f"/objections/{appeal.json['id']}/withdraw")
    assert withdrawn.json["status"] == "withdrawn"
    with time_machine.travel(LATER):
        confirm = f"/points/adjustments/{waiting['id']}/confirm"
        done = service.caller("书记一").post(confirm)
    assert done.json["status"] == "posted"


def test_appraisal_and_bonus_are_posted_and_a_veto_needs_its_paper(
    service: Service, branch: str
) -> None:
    secretary, path = service.caller("书记一"), f"/orgs/{branch}/points/adjustments"
    ratings = [{"rater": rater, "given_points": "9"} for rater in ("自评", "党员互评", "组织评定")]
    appraised = entered(service, "democratic_appraisal", "党员甲", one={"ratings": ratings})
    assert secretary.post(path, appraised).json["items"][0]["asked"] == "9"
    veto = entered(service, "discipline", "党员乙")
    refused = secretary.post(path, veto)
    assert (refused.status_code, refused.json["code"]) == (422, "adjustment.document_required")
    made = secretary.post(path, veto | {"document_number": "街纪〔2026〕1 号"}).json["items"][0]
    confirm = f"/points/adjustments/{made['id']}/confirm"
    assert secretary.post(confirm).json["code"] == "adjustment.second_person"
    confirmed = service.caller("街道干事").post(confirm).json
    assert (confirmed["status"], confirmed["confirmed_by"] is not None) == ("pending", True)
    assert service.caller("组长").get(f"/points/adjustments/{made['id']}").status_code == 404
    gone = secretary.post(f"/points/adjustments/{made['id']}/withdraw", {"reason": "文号有误"})
    assert gone.json["status"] == "withdrawn"


def test_batch_is_undone_and_a_record_follows_its_live_claim(service: Service) -> None:
    member = service.caller("党员甲")
    record = member.post(
        "/service-records",
        {
            "title": "清扫", "planned_minutes": 60, "claimed_minutes": 60,
            "starts_at": "2026-11-07T09:00:00+08:00", "ends_at": "2026-11-07T10:00:00+08:00",
        },
    ).json  # fmt: skip
    made = approve(service, "书记一", record["claim_id"])

    undone = service.caller("书记一").post(f"/reviews/{made['review_id']}/undo")

    assert undone.json == {"reversed": 1, "reopened": 0, "left": 0}
    again = member.get(f"/service-records/{record['id']}").json
    assert again["claim_status"] == "pending"
    assert again["claim_id"] != record["claim_id"]
    assert member.post(f"/service-records/{record['id']}/withdraw").status_code == 204
    assert service.caller("书记一").post(f"/reviews/{made['review_id']}/undo").status_code == 409
    assert bulletins.close_ripe(service.world.session, now=NOW) == 0


def test_recused_reviewer_is_refused(service: Service) -> None:
    claim = service.world.add_claim("党员甲", "一支部")
    secretary = service.caller("书记一")
    declared = secretary.post(f"/claims/{claim}/recusal", {"reason": "亲属"})
    assert declared.status_code == 201
    decision = {"id": str(claim), "version": 2, "action": "approve"}
    answer = secretary.post("/claims/review", {"decisions": [decision]}).json
    assert (answer["review_id"], answer["results"][0]["code"]) == (None, "claim.recused")
    member = service.world.members["党员乙"]
    assert secretary.post(f"/members/{member}/recusal", {"reason": "亲属"}).status_code == 201
    assert len(secretary.get("/recusals").json["items"]) == 2


def test_cadres_are_published_apart_by_the_officer_above(service: Service, branch: str) -> None:
    world = service.world
    data = copy.deepcopy(SCHEME) | {"code": "cadre-points", "subject": "cadres"}
    item_of(data, "commended")["entered_by"] = "committee"
    schemes.publish(
        world.session,
        world.organizations["区委"],
        data,
        effective_from=date(2026, 1, 1),
        published_by=None,
        now=NOW,
    )
    world.session.commit()
    officer, month = service.caller("街道干事"), {"month": "2026-11", "subject": "cadres"}
    given = entered(service, "commended", "党员甲", one={"given_points": "3"}, subject="cadres")
    assert officer.post(f"/orgs/{branch}/points/adjustments", given).status_code == 201

    preview = officer.get(f"/orgs/{branch}/bulletins/preview", **month).json
    made = officer.post(f"/orgs/{branch}/bulletins", month)

    assert [row["points"] for row in preview["rows"]] == ["3"]
    assert (made.status_code, made.json["subject"]) == (201, "cadres")
    path = f"/bulletins/{made.json['id']}"
    assert service.caller("书记一").post(f"/orgs/{branch}/bulletins", month).status_code == 404
    assert service.caller("书记一").get(path).status_code == 404
    assert [row["points"] for row in service.caller("党员甲").get(path).json["rows"]] == ["3"]
    listed = officer.get(f"/orgs/{branch}/bulletins", subject="cadres").json["items"]
    assert [one["id"] for one in listed] == [made.json["id"]]
    assert officer.get(f"/orgs/{branch}/bulletins").json["items"] == []
    refused = officer.post(f"/orgs/{branch}/bulletins", month | {"subject": "everybody"})
    assert refused.status_code == 422
    with time_machine.travel(LATER):
        closed = service.caller("街道干事").post(f"{path}/close")
    assert closed.json["status"] == "closed"
