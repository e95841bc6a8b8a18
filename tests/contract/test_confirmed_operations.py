"""The few operations that ask anew who holds the phone: as people have reviewed them."""

import flask
import sqlalchemy as sa

from api.offline import OFFLINE
from members.session_models import DeviceSession
from tests.served import EVERYTHING, Document, Service

# What cannot be taken back: a number that was seen, a list that was carried off, a person's data
# that is gone, a power or a password that was handed on. A decision can be undone, and is not here.
CONFIRMED = {
    "disclose_member_number",
    "disclose_contact_number",
    "get_import_errors",
    "get_contact_case_form",
    "request_erasure",
    "confirm_erasure",
    "create_role_grant",
    "name_delegate",
    "issue_account",
    "create_sign_in_ticket",
    "request_export",
}


def test_confirmed_operations_are_exactly_those_reviewed(app: flask.Flask) -> None:
    asking = {
        name.rpartition(".")[2]
        for name, view in app.view_functions.items()
        if view.__dict__.get("asks_confirmation")
    }

    assert asking == CONFIRMED
    assert "review_claims" not in asking
    # A write that was made without a signal cannot be asked a question.
    assert asking.isdisjoint(OFFLINE)


def test_document_says_which_they_are(app: flask.Flask) -> None:
    operations = Document(app).operations.values()
    flagged = {one["operationId"] for one in operations if one.get("x-asks-confirmation")}

    assert flagged == CONFIRMED
    said = {
        one["operationId"] for one in operations if "confirmation" in one.get("description", "")
    }
    assert said == CONFIRMED


def test_session_that_nobody_confirmed_gets_none_of_them(service: Service) -> None:
    """Whatever the ids name: it is refused before anything is looked up."""
    session = service.world.session
    session.execute(sa.update(DeviceSession).values(confirmed_at=None))
    session.commit()
    caller = service.caller(EVERYTHING)
    for (method, template), operation in service.document.operations.items():
        if operation["operationId"] in CONFIRMED:
            answer = caller.send(method, service.document.path_of(method, template))
            assert answer.status_code == 403, template
            assert answer.json["code"] == "auth.confirmation_required", template
            assert answer.json["retry"] == "confirm"
    assert caller.get("/me").status_code == 200
