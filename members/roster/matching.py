"""Which member a row means: by number, by phone and name, by name and branch, never by a guess."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from members.models import MembershipStatus
from members.roster.candidates import Candidates, KnownMember, Person
from members.roster.values import normalise_name

_LEFT = frozenset({MembershipStatus.REMOVED, MembershipStatus.EXPELLED})


class RowRefused(Exception):
    """A row that the roster contradicts; `field` is the column that the reason stands under."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


class Matcher:
    """Matches the rows of one file from top to bottom; remembers whom the rows above meant."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._row_by_member: dict[UUID, int] = {}
        self._rows_by_place: defaultdict[tuple[UUID, str], list[_Facts]] = defaultdict(list)

    def match(self, person: Person, found: Candidates) -> KnownMember | None:
        """The member whom the row means; None for a person whom the roster does not know.

        Raises:
            RowRefused: it could mean several, or the one whom it means must not be changed by it.
        """
        known = _find_known(person, found)
        facts = _Facts(person)
        if known:
            self._require_changeable(known, person)
            self._row_by_member[known.id] = person.row.row_number
        else:
            self._require_distinct(person, facts)
        self._rows_by_place[person.place].append(facts)
        return known

    def _require_changeable(self, known: KnownMember, person: Person) -> None:
        if known.organization_path and not known.organization_path.startswith(self._path):
            message = "此人的组织关系在别的组织，请先办理组织关系转接。"
            raise RowRefused("branch_name", "import.belongs_elsewhere", message)
        if known.membership_status in _LEFT:
            message = "名册里此人已出党或除名，不能由导入恢复。"
            raise RowRefused("name", "import.no_longer_member", message)
        first = self._row_by_member.get(known.id)
        if first is not None:
            message = f"与第 {first} 行对应到名册里的同一名党员，请核对。"
            raise RowRefused("name", "import.duplicate_member", message)

    def _require_distinct(self, person: Person, facts: "_Facts") -> None:
        for above in self._rows_by_place[person.place]:
            if not facts.contradict(above):
                message = f"与第 {above.row_number} 行同名同支部，分不清是否同一人，请补身份证号。"
                raise RowRefused("name", "import.ambiguous_person", message)


class _Facts:
    """What tells a person of a file from a namesake in the same branch."""

    __slots__ = ("_facts", "row_number")

    def __init__(self, person: Person) -> None:
        values = person.row.values
        self.row_number = person.row.row_number
        self._facts = (person.id_number_index, person.phone_index, values.birth_on, values.sex)

    def contradict(self, other: "_Facts") -> bool:
        return _contradict(self._facts, other._facts)


def _find_known(person: Person, found: Candidates) -> KnownMember | None:
    known = found.by_id_number.get(person.id_number_index or "")
    if known:
        return _require_same_name(known, person)
    name = person.row.values.name
    same_phone = found.by_phone.get((person.phone_index or "", name), [])
    if same_phone:
        return _only_with_phone(person, same_phone)
    # A namesake with another number is another person.
    same_place = [
        other
        for other in found.by_place.get(person.place, [])
        if not _contradict((person.id_number_index,), (other.id_number_index,))
    ]
    if not same_place:
        return None
    return _only_in_place(person, same_place)


def _require_same_name(known: KnownMember, person: Person) -> KnownMember:
    if normalise_name(known.name) != person.row.values.name:
        message = "这个身份证号在名册里是另一个姓名；改名请在党员信息里手工更正。"
        raise RowRefused("name", "import.name_differs", message)
    return known


def _only_with_phone(person: Person, same: Sequence[KnownMember]) -> KnownMember:
    fitting = [known for known in same if _fits(person, known)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise _ambiguous("名册里有几名同姓名、同手机号的党员")
    if len(same) == 1 and _contradict((person.id_number_index,), (same[0].id_number_index,)):
        message = "名册里有同姓名、同手机号的党员，但身份证号不同，请核对。"
        raise RowRefused("id_number", "import.id_differs", message)
    raise _ambiguous("名册里有同姓名、同手机号的党员，但出生年份或性别不同")


def _only_in_place(person: Person, same: Sequence[KnownMember]) -> KnownMember:
    if len(same) > 1:
        raise _ambiguous("这个支部里有几名同名的党员")
    if not _fits(person, same[0]) or _is_phone_doubtful(person, same[0]):
        raise _ambiguous("这个支部里有同名的党员，但其他信息对不上")
    return same[0]


def _ambiguous(reason: str) -> RowRefused:
    return RowRefused(
        "name", "import.ambiguous_person", f"{reason}，分不清是谁，请补身份证号或手工更正。"
    )


def _fits(person: Person, known: KnownMember) -> bool:
    values = person.row.values
    mine = (person.id_number_index, _year(values.birth_on), values.sex)
    return not _contradict(mine, (known.id_number_index, known.birth_year, known.sex))


def _is_phone_doubtful(person: Person, known: KnownMember) -> bool:
    """A new phone is believed of a namesake only if a date says that he is the same person."""
    if not _contradict((person.phone_index,), (known.phone_index,)):
        return False
    values = person.row.values
    pairs = (
        (person.id_number_index, known.id_number_index),
        (_year(values.birth_on), known.birth_year),
        (values.joined_on, known.joined_on),
    )
    return not any(mine is not None and mine == theirs for mine, theirs in pairs)


def _contradict(mine: Iterable[object], theirs: Iterable[object]) -> bool:
    pairs = zip(mine, theirs, strict=True)
    return any(a is not None and b is not None and a != b for a, b in pairs)


def _year(day: date | None) -> int | None:
    return day.year if day else None
