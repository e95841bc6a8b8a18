"""Personal data at the HTTP edge: numbers in full, and erasures by two officers."""

from datetime import timedelta

import sqlalchemy as sa

from members.models import Affiliation
from tests.served import EVERYTHING, Service
from tests.world import TODAY


def test_api_shows_the_number_and_lists_never_do(service: Service) -> None:
    path = f"/members/{service.world.members['党员甲']}"
    phone = service.world.phones["党员甲"]
    secretary = service.caller("书记一")

    answer = secretary.post(f"{path}/number-disclosures", {"purpose": "通知改期"})

    assert (answer.status_code, answer.json) == (201, {"full_number": phone})
    assert phone not in secretary.get(path).text
    branch = service.world.organizations["一支部"]
    assert phone not in secretary.get(f"/orgs/{branch}/members").text
    refused = secretary.post(f"{path}/number-disclosures", {"purpose": ""})
    assert refused.status_code == 422
    (told,) = service.caller("党员甲").get("/me/number-disclosures").json["items"]
    assert (told["actor_name"], told["purpose"]) == ("书记一", "通知改期")
    assert service.caller("党员乙").get("/me/number-disclosures").json["items"] == []


def test_erasure_takes_two_officers_and_leaves_no_name(service: Service) -> None:
    world = service.world
    path = f"/members/{world.members['党员丙']}"
    officer, second = service.caller("区管理员"), service.caller(EVERYTHING)
    grounds = {"reason": "本人书面申请", "basis": "区委组〔2026〕31号"}
    held = officer.post(f"{path}/erasures", grounds)
    assert (held.status_code, held.json["code"]) == (422, "erasure.held")
    world.session.execute(
        sa.update(Affiliation)
        .where(Affiliation.member_id == world.members["党员丙"])
        .values(valid_to=TODAY - timedelta(days=1))
    )
    world.session.commit()

    asked = officer.post(f"{path}/erasures", grounds)
    again = officer.post(f"{path}/erasures", grounds)
    alone = officer.post(f"/erasures/{asked.json['id']}/confirmation")
    waiting = second.get("/erasures").json["items"]
    done = second.post(f"/erasures/{asked.json['id']}/confirmation")
    late = second.post(f"/erasures/{asked.json['id']}/refusal")

    assert asked.status_code == 201
    assert (again.status_code, again.json["code"]) == (409, "erasure.open")
    assert (alone.status_code, alone.json["code"]) == (403, "erasure.two_persons")
    assert [one["id"] for one in waiting] == [asked.json["id"]]
    assert (done.status_code, done.json["is_confirmed"]) == (200, True)
    assert (late.status_code, late.json["code"]) == (409, "erasure.answered")
    assert second.get("/erasures").json["items"] == []
    gone = service.caller("党员丙").get("/me")
    assert gone.status_code == 401


def test_what_is_kept_is_public(service: Service) -> None:
    classes = service.nobody.get("/meta/data-classes").json

    terms = {one["code"]: one["days_max"] for one in classes}
    assert (terms["roster"], terms["import_file"], terms["job_run"]) == (None, 7, 180)
