"""ETags of the data, 304, gzip, and the current object where a version has moved on."""

import gzip
from uuid import uuid4

from tests.api.main_job_steps import facts, record
from tests.api.test_pledges import NEW
from tests.served import Service


def test_unchanged_answer_is_not_sent_again(service: Service) -> None:
    member = service.caller("党员甲")
    record(member)
    first = member.get("/service-records")
    tag = first.headers["ETag"]

    # Another token of the same member: the tag is of what is said, not of who asks.
    again = service.caller("党员甲").send("GET", "/service-records", headers={"If-None-Match": tag})
    record(member, day="2026-11-06")
    changed = member.send("GET", "/service-records", headers={"If-None-Match": tag})

    assert not tag.startswith("W/")
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_tag_of_one_person_opens_nothing_to_another(service: Service) -> None:
    kept = record(service.caller("党员甲"))
    path = f"/service-records/{kept['id']}"
    tag = service.caller("党员甲").get(path).headers["ETag"]

    answer = service.caller("党员乙").send("GET", path, headers={"If-None-Match": tag})

    assert (answer.status_code, "ETag" in answer.headers) == (404, False)


def test_long_answer_is_compressed_for_who_can_read_it(service: Service) -> None:
    plain = service.nobody.send("GET", "/meta/errors")
    client = service.app.test_client()

    packed = client.get("/api/v1/meta/errors", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    refused = client.get("/api/v1/meta/errors", headers={"Accept-Encoding": "gzip;q=0"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == refused.data
    assert len(packed.data) * 3 < len(plain.data)
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    # RFC 9110 section 8.8.3.3: each encoding has a strong tag of its own.
    assert packed.headers["ETag"] != plain.headers["ETag"]
    same = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    other = {"Accept-Encoding": "gzip", "If-None-Match": plain.headers["ETag"]}
    assert client.get("/api/v1/meta/errors", headers=same).status_code == 304
    assert client.get("/api/v1/meta/errors", headers=other).status_code == 200


def test_secrets_short_answers_and_answers_to_writes_are_not_compressed(service: Service) -> None:
    secretary, branch = service.caller("书记一"), service.world.organizations["一支部"]
    accept = {"Accept-Encoding": "gzip"}
    activity = secretary.post(
        f"/orgs/{branch}/activities",
        {
            "kind": "theme_day",
            "title": "主题党日",
            "starts_at": "2026-11-10T09:30:00+08:00",
            "ends_at": "2026-11-10T11:00:00+08:00",
        },
    ).json
    code = secretary.send("GET", f"/activities/{activity['id']}/code", headers=accept)
    short = secretary.send("GET", "/meta", headers=accept)
    written = secretary.send("POST", "/service-records", json=facts(), headers=accept)

    assert code.status_code == 200, code.text
    assert len(code.data) > 1024
    assert code.headers["Cache-Control"] == "no-store"
    for answer in (code, short, written):
        assert "Content-Encoding" not in answer.headers
    assert "ETag" not in code.headers


def test_version_conflict_shows_the_object_as_it_is_now(service: Service) -> None:
    secretary, branch = service.caller("书记一"), service.world.organizations["一支部"]
    body = {"kind": "theme_day", "title": "主题党日", "planned_minutes": 90, "tags": []}
    template = secretary.post(f"/orgs/{branch}/activity-templates", body).json
    path = f"/activity-templates/{template['id']}"
    changed = secretary.put(path, body | {"title": "十一月主题党日", "version": 1})

    refused = secretary.put(path, body | {"title": "另一个名字", "version": 1})

    assert changed.status_code == 200, changed.text
    assert (refused.status_code, refused.json["code"]) == (409, "conflict.version")
    assert refused.json["current"] == changed.json == secretary.get(path).json


def test_repeated_version_conflict_shows_what_has_changed_since(service: Service) -> None:
    member, reviewer = service.caller("党员甲"), service.caller("书记一")
    pledge = member.post("/pledges", NEW)
    assert pledge.status_code == 201, pledge.text
    path, key = f"/pledges/{pledge.json['id']}", {"Idempotency-Key": str(uuid4())}
    member.post(f"{path}/submit")
    stale = {"json": {"version": 1, "reason": "请写明次数"}, "headers": key}
    refused = reviewer.send("POST", f"{path}/return", **stale)
    now = reviewer.get(path).json
    reviewer.post(f"{path}/return", {"version": now["version"], "reason": "请写明次数"})

    again = reviewer.send("POST", f"{path}/return", **stale)

    assert (refused.json["code"], refused.json["current"]) == ("conflict.version", now)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json["current"] == reviewer.get(path).json != now
