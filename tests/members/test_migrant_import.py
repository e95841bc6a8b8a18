"""The register of migrants: rows become proposals, once, and what is wrong is said by row."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members import migrant_import, migrants
from members.migrant_import import COLUMNS, RegisterColumns, RegisterImport
from members.migrant_models import MigrantRegistration
from tests.members.moving import Moving
from tests.roster_files import write_csv
from tests.statements import counted_statements
from tests.world import NOW, build_world


@pytest.fixture
def moving(session: Session) -> Moving:
    return Moving(build_world(session))


def row(moving: Moving, name: str, **changes: str) -> list[str]:
    told = {
        "姓名": name,
        "手机号": moving.world.phones[name],
        "是否流动": "是",
        "外出流向": "陕西省西安市",
        "外出日期": "2026.10.08",
        "原因": "外出务工经商",
        "持活动证": "是",
        "结束日期": "",
    }
    return [(told | changes)[column] for column in COLUMNS]


def read(
    moving: Moving, path: Path, *rows: list[str], by: str = "书记一", at: str = "一支部"
) -> RegisterImport:
    file = write_csv(path / "流动.csv", [["流动党员台账"], list(COLUMNS), *rows])
    return migrant_import.import_file(
        moving.session, moving.world.actor(by), moving.world.organizations[at], path=file, now=NOW
    )


def test_row_is_proposed_once_and_accepted_with_a_contact(moving: Moving, tmp_path: Path) -> None:
    rows = (row(moving, "党员甲"), row(moving, "党员乙", 是否流动="否"))

    assert read(moving, tmp_path, *rows) == RegisterImport(1, 0, [])
    assert read(moving, tmp_path, *rows) == RegisterImport(0, 1, [])

    made = moving.session.scalars(sa.select(MigrantRegistration)).one()
    assert (made.status, made.city, made.reason_code) == (
        "proposed",
        "陕西省西安市",
        "work_elsewhere",
    )
    # What a register says of him is no contact with him.
    assert moving.facts() == []
    opened = migrants.accept_proposal(
        moving.session,
        moving.world.actor("书记一"),
        made.id,
        arrangement=moving.arrangement(),
        now=NOW,
    )
    assert opened.status == "open"


def test_characters_that_nobody_sees_cost_their_row_and_no_other(
    moving: Moving, tmp_path: Path
) -> None:
    hidden = [
        {name: told + "\x0e"} for name, told in zip(COLUMNS, row(moving, "党员乙"), strict=True)
    ]
    rows = [row(moving, "党员乙", **one) for one in hidden]

    done = read(moving, tmp_path, ["\x0e"], row(moving, "党员甲"), *rows)

    assert done.proposed == 1
    assert {one.code for one in done.refusals} == {"import.bad_character"}
    assert [one.row_number for one in done.refusals] == list(range(5, 5 + len(COLUMNS)))


def test_wrong_rows_are_said_and_the_others_taken(moving: Moving, tmp_path: Path) -> None:
    found = read(
        moving,
        tmp_path,
        row(moving, "党员甲"),
        row(moving, "党员乙", 外出流向="西安市雁塔区高新路1号"),
        row(moving, "党员乙", 外出日期=""),
        row(moving, "党员乙", 原因="想出去"),
        row(moving, "党员乙", 手机号="12"),
        row(moving, "党员乙", 结束日期="2026.10.20"),
        row(moving, "党员甲"),
        # He belongs to another branch.
        row(moving, "党员丙"),
    )

    assert found.proposed == 1
    assert [(one.row_number, one.code) for one in found.refusals] == [
        (4, "migrant.not_a_city"),
        (5, "migrant.date_missing"),
        (6, "migrant.reason"),
        (7, "migrant.phone"),
        (8, "migrant.ended"),
        (9, "migrant.unknown"),
        (10, "migrant.unknown"),
    ]


def test_other_tables_and_other_places_are_refused(moving: Moving, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(moving, tmp_path, by="书记二")
    other = write_csv(tmp_path / "其他.csv", [["姓名", "手机号"], ["党员甲", "1"]])
    with pytest.raises(RegisterColumns):
        migrant_import.import_file(
            moving.session,
            moving.world.actor("书记一"),
            moving.world.organizations["一支部"],
            path=other,
            now=NOW,
        )


def test_any_number_of_rows_takes_as_many_statements(moving: Moving, tmp_path: Path) -> None:
    counts = []
    for names in (("党员甲",), ("党员乙", "组长", "副书记一")):
        rows = [row(moving, name) for name in names]
        with counted_statements(moving.session) as seen:
            assert read(moving, tmp_path, *rows).proposed == len(names)
        # Reading who acts is a statement of its own.
        counts.append(len([sql for sql in seen if "account" not in sql]))

    assert len(set(counts)) == 1
    assert counts[0] <= 4
