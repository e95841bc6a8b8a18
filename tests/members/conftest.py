"""Fixtures of tests of the members package: the small district and who acts in it."""

import pytest
from sqlalchemy.orm import Session

from members.access import Actor
from members.access_models import Role
from tests.district import District


@pytest.fixture
def district(session: Session) -> District:
    return District.build(session)


@pytest.fixture
def admin(district: District) -> Actor:
    return district.officer("管理员", Role.DISTRICT_ADMIN, district.department)


@pytest.fixture
def secretary(district: District) -> Actor:
    return district.officer("书记", Role.BRANCH_SECRETARY, district.branch)
