"""Where no ID numbers are kept, a roster's column of them is dropped; where they are, sealed."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import Vault
from members import number_disclosures
from members.access import Actor
from members.models import Member
from members.privacy_models import NumberKind
from tests.district import NOW, District
from tests.roster_files import HEADER, id_number, person, write_csv
from tests.roster_imports import import_file


@pytest.mark.parametrize("is_on", [False, True])
def test_id_number_is_kept_only_where_wanted(
    session: Session, district: District, admin: Actor, vault: Vault, tmp_path: Path, is_on: bool
) -> None:
    session.info["vault"] = replace(vault, keeps_id_numbers=is_on)
    path = write_csv(tmp_path / "a.csv", [HEADER, person(7)])

    made = import_file(session, admin, district.department, path)

    member = session.scalars(sa.select(Member).where(Member.name == "王建国")).one()
    kept = (member.id_number_sealed, member.id_number_index, member.id_number_masked)
    imported = {c["field"]: c["is_imported"] for c in made.mapping["columns"]}
    assert imported["id_number"] == is_on
    assert [value is not None for value in kept] == [is_on] * 3
    assert member.birth_year == 1985
    if is_on:
        shown = number_disclosures.disclose(
            session, admin, member.id, NumberKind.ID_NUMBER, purpose="核对档案", now=NOW
        )
        assert shown == id_number(sequence=7)
