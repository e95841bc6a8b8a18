"""What is contact, and that nothing that happens inside the app is: by source and by trying."""

import re
from pathlib import Path

import sqlalchemy as sa

from members.contact.models import ContactKind, RecordedFact, Standing
from notifications import inbox, outbox
from notifications.outbox import Message
from tests.served import Service
from tests.world import NOW, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "members", "notifications", "points", "activities", "jobs", "api")
# Who may record a contact: meetings, dues, talks, searches, the member's own word, transfers.
RECORDERS = {
    "activities/attendance_contacts.py",
    "members/contact/attempts.py",
    "members/contact/contests.py",
    "members/contact/dues.py",
    "members/contact/own_report_links.py",
    "members/contact/reports.py",
    "members/migrant_touches.py",
    "members/transfer_answers.py",
    # It plays the parts of all of them.
    "api/demo/keeping_in_touch.py",
}
# Who may write the tables of facts and standings.
WRITERS = {"members/contact/facts.py", "members/contact/standing.py"}
WRITERS |= {"members/contact/verification.py"}
RECORDING = re.compile(r"\bfacts\.(record|retract)\(")
WRITING = re.compile(
    r"(?<!for_)(?:insert|update|delete|_insert|ordered_insert|insert_rows)\([^)]*"
    r"\b(?:RecordedFact|FactRetraction|Standing)\b"
    r"|(?:INTO|UPDATE|FROM)\s+contact_(?:fact|standing)\b"
)


def sources() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }


def test_only_what_people_say_of_meetings_dues_and_talks_is_contact() -> None:
    recorders = {name for name, text in sources().items() if RECORDING.search(text)}

    assert recorders == RECORDERS


def test_only_the_contact_package_writes_facts_and_standings() -> None:
    writers = {name for name, text in sources().items() if WRITING.search(text)}

    assert writers <= WRITERS
    for name, text in sources().items():
        if name.startswith(("notifications/", "points/", "jobs/")):
            assert "contact.facts" not in text, name


def test_no_kind_of_contact_is_use_of_the_app() -> None:
    told = {kind.value for kind in ContactKind}

    assert told == {
        "attendance",
        "dues_paid",
        "transfer_accepted",
        "own_report",
        "answered_call",
        "reply",
        "visit",
        "host_confirmed",
    }


def test_using_the_app_and_what_others_do_move_no_standing(service: Service) -> None:
    world = service.world
    member_id = world.members["党员甲"]
    before = standings(service)

    told = {"grant": "password", "phone": world.phones["党员甲"], "password": PASSWORD}
    assert service.nobody.post("/auth/sessions", told).status_code == 201
    message = Message(member_id, "contact_care", "2026-09-01:1", {"since": "2026-09-01"})
    outbox.enqueue(world.session, [message], now=NOW)
    assert inbox.deliver(world.session, now=NOW) >= 1
    world.session.commit()
    member = service.caller("党员甲")
    shown = member.get("/me/messages").json["items"]
    assert member.post("/me/messages/read", {"up_to": shown[0]["id"]}).status_code == 204
    assert member.get("/me/points").status_code == 200
    claim_id = world.add_claim("党员甲", "一支部")
    world.session.commit()
    decided = service.caller("书记一").post(
        "/claims/review", {"decisions": [{"id": str(claim_id), "version": 1, "action": "approve"}]}
    )
    assert decided.status_code == 200, decided.json

    assert standings(service) == before
    assert service.world.session.scalars(sa.select(RecordedFact)).all() == []
    # The one thing that a member himself can press for it.
    assert member.post("/me/contact-confirmation").status_code == 200
    assert standings(service) != before


def standings(service: Service) -> list[tuple[object, ...]]:
    session = service.world.session
    session.expire_all()
    table = Standing.__table__
    return [tuple(row) for row in session.execute(sa.select(table).order_by(table.c.member_id))]
