"""What a row changes about a member whom the roster knows."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from members.id_numbers import mask_id_number
from members.models import MemberKind
from members.phones import mask_phone
from members.roster.candidates import KnownMember, Person
from members.roster.matching import RowRefused

# The membership status is not among them: only a recorded decision changes it.
PLAIN_COLUMNS = (
    "sex",
    "birth_year",
    "education",
    "post",
    "kind",
    "joined_on",
    "converted_on",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Plain columns that get another value, what else changes, and how the diff shows it all."""

    values: dict[str, Any]
    has_new_phone: bool
    has_new_id_number: bool
    is_moving: bool
    shown: dict[str, list[Any]]


def plain_values(person: Person) -> dict[str, Any]:
    """What the row says, by column; None where it says nothing. Of the birth only the year."""
    values = person.row.values
    return {
        "sex": values.sex,
        "birth_year": values.birth_on.year if values.birth_on else None,
        "education": values.education,
        "post": values.post,
        "kind": values.kind,
        "joined_on": values.joined_on,
        "converted_on": values.converted_on,
    }


def find_difference(person: Person, known: KnownMember) -> Difference:
    """What the row changes; an empty cell changes nothing.

    Raises:
        RowRefused: the member's kind and dates would contradict each other.
    """
    values = {
        name: value
        for name, value in plain_values(person).items()
        if value is not None and value != getattr(known, name)
    }
    _require_consistent(
        *(values.get(name, getattr(known, name)) for name in ("kind", "joined_on", "converted_on"))
    )
    row = person.row.values
    shown = {name: [_shown(getattr(known, name)), _shown(value)] for name, value in values.items()}
    has_new_phone = person.phone_index not in (None, known.phone_index)
    if row.phone and has_new_phone:
        shown["phone"] = [known.phone_masked, mask_phone(row.phone)]
    # A member whose number is another one never comes this far.
    has_new_id_number = person.id_number_index is not None and known.id_number_index is None
    if row.id_number and has_new_id_number:
        shown["id_number"] = [None, mask_id_number(row.id_number)]
    is_moving = row.organization_id != known.organization_id
    if is_moving:
        shown["branch_name"] = [known.organization_name, row.branch_name]
    return Difference(values, has_new_phone, has_new_id_number, is_moving, shown)


def require_complete(person: Person) -> None:
    """Raise RowRefused unless the row says enough to put a new person on the roster."""
    if person.row.values.kind is None:
        message = "名册里还没有此人，人员类别必须填“正式党员”或“预备党员”。"
        raise RowRefused("kind", "import.kind_required", message)


def _require_consistent(kind: str, joined_on: date | None, converted_on: date | None) -> None:
    if kind == MemberKind.PROBATIONARY_MEMBER and converted_on:
        message = "名册里此人已有转正日期，不能改为预备党员，请核对。"
        raise RowRefused("kind", "import.contradicts_roster", message)
    if joined_on and converted_on and converted_on < joined_on:
        message = "与名册里的日期合在一起，转正日期早于入党日期，请核对。"
        raise RowRefused("converted_on", "import.contradicts_roster", message)


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
