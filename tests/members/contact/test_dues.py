"""Dues dates from a file: matched by phone and name, refused row by row, never twice."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import NotFound
from members.access import Actor
from members.affiliations import FutureDate
from members.contact import dues
from members.contact.dues import DuesAmounts, DuesColumns, DuesImport
from members.contact.models import RecordedFact, Standing
from tests.members.contact.scene import Scene
from tests.statements import counted_statements
from tests.world import NOW

HEADER = "姓名,手机号,党费缴至"


def load(scene: Scene, tmp_path: Path, *lines: str, header: str = HEADER) -> DuesImport:
    path = tmp_path / "dues.csv"
    path.write_text("\ufeff" + "\n".join([header, *lines]), encoding="utf-8")
    return dues.import_file(
        scene.session,
        scene.world.actor("书记一"),
        scene.world.organizations["一支部"],
        path=path,
        now=NOW,
    )


def line(scene: Scene, name: str, day: str, *, written: str | None = None) -> str:
    return f"{written or name},{scene.world.phones[name]},{day}"


def test_rows_without_a_fault_are_recorded_and_the_others_told_why(
    scene: Scene, tmp_path: Path
) -> None:
    done = load(
        scene,
        tmp_path,
        line(scene, "党员甲", "2026-10-12"),
        line(scene, "党员乙", "2026年10月1日"),
        "无此人,13999999999,2026-10-12",
        line(scene, "组长", "2026-10-12", written="张冠李"),
        line(scene, "书记一", "2026-11-11"),
        line(scene, "副书记一", "2026-02-30"),
        line(scene, "副书记一", ""),
        "副书记一,12345,2026-10-01",
        line(scene, "党员丙", "2026-10-12"),
        line(scene, "党员甲", "2026-09-12"),
    )

    assert (done.recorded, done.unchanged) == (2, 0)
    assert [(one.row_number, one.code) for one in done.refusals] == [
        (4, "dues.unknown_phone"),
        (5, "dues.name_mismatch"),
        (6, "import.date_in_future"),
        (7, "import.bad_date"),
        (8, "dues.date_missing"),
        (9, "dues.phone"),
        (10, "dues.unknown_phone"),
        (11, "dues.repeated"),
    ]
    found = scene.session.get_one(Standing, scene.world.members["党员甲"])
    assert found.last_dues_on == date(2026, 10, 12)


def test_characters_that_nobody_sees_cost_their_row_and_no_other(
    scene: Scene, tmp_path: Path
) -> None:
    title, phone = "党费\x0e台账\n", scene.world.phones["党员乙"]
    done = load(
        scene,
        tmp_path,
        line(scene, "党员甲", "2026-10-12"),
        line(scene, "党员乙", "2026-10-12", written="党员\x0e乙"),
        f"党员乙,{phone}\x0e,2026-10-12",
        f"党员乙,{phone},2026-10-12\x0e",
        header=title + HEADER,
    )

    assert done.recorded == 1
    assert [(one.row_number, one.name, one.code) for one in done.refusals] == [
        (number, "党员乙", "import.bad_character") for number in (4, 5, 6)
    ]


def test_a_file_imported_again_adds_nothing(scene: Scene, tmp_path: Path) -> None:
    lines = [line(scene, name, "2026-10-12") for name in ("党员甲", "党员乙")]
    load(scene, tmp_path, *lines)

    again = load(scene, tmp_path, *lines)

    assert (again.recorded, again.unchanged) == (0, 2)
    assert scene.session.scalar(sa.select(sa.func.count()).select_from(RecordedFact)) == 2


def test_a_file_with_amounts_or_other_columns_is_not_read(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(DuesAmounts):
        load(scene, tmp_path, "甲,13800000000,2026-10-12,20", header=HEADER + ",应缴金额")
    with pytest.raises(DuesColumns):
        load(scene, tmp_path, "甲,2026-10-12", header="姓名,党费缴至")


def test_statements_do_not_grow_with_the_rows(scene: Scene, tmp_path: Path) -> None:
    counts = []
    for names in (["党员甲"], ["党员乙", "组长", "副书记一", "书记一"]):
        with counted_statements(scene.session) as seen:
            load(scene, tmp_path, *(line(scene, name, "2026-10-12") for name in names))
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_a_date_is_entered_by_the_branch_for_its_members(scene: Scene) -> None:
    actor: Actor = scene.world.actor("书记一")
    day = date(2026, 10, 31)
    member_id = scene.world.members["党员甲"]
    for _ in range(2):
        dues.enter(scene.session, actor, member_id, paid_until=day, now=NOW)

    assert scene.session.scalar(sa.select(sa.func.count()).select_from(RecordedFact)) == 1
    with pytest.raises(NotFound):
        dues.enter(scene.session, actor, scene.world.members["党员丙"], paid_until=day, now=NOW)
    with pytest.raises(FutureDate):
        dues.enter(scene.session, actor, member_id, paid_until=date(2026, 11, 11), now=NOW)
