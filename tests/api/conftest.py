"""Fixtures of tests that speak HTTP."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from api.app import create_app
from api.extensions import db
from core.config import Settings
from members.access_models import Role
from members.models import Member
from tests.api_client import SignedIn, client_of
from tests.district import District
from tests.engines import Databases
from tests.served import Service, served


@pytest.fixture
def service(databases: Databases, engine_kind: str) -> Iterator[Service]:
    """The standard world behind the API, at the world's own time."""
    with served(databases, engine_kind) as service:
        yield service


@pytest.fixture
def app_with() -> Iterator[Callable[[Settings], Flask]]:
    """Makes apps with settings of a test's own; their connections end with the test."""
    made: list[Flask] = []

    def make(settings: Settings) -> Flask:
        made.append(create_app(settings))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def district(session: Session) -> District:
    return District.build(session)


@pytest.fixture
def secretary(app: Flask, district: District) -> SignedIn:
    return client_of(app, district, Role.BRANCH_SECRETARY, district.branch)


@pytest.fixture
def officer(app: Flask, district: District) -> SignedIn:
    return client_of(app, district, Role.COMMITTEE_OFFICER, district.street)


@pytest.fixture
def admin(app: Flask, district: District) -> SignedIn:
    return client_of(app, district, Role.DISTRICT_ADMIN, district.department)


@pytest.fixture
def member(district: District) -> Member:
    member = district.enrol("王志", phone="13800008000")
    district.session.commit()
    return member
