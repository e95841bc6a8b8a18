"""A member's phone as it is stored: sealed, searchable by a keyed digest, shown masked."""

from typing import NamedTuple
from uuid import UUID

from core.crypto import Vault
from core.errors import FieldProblem, RuleViolation
from members.models import Member
from members.roster.phones import parse_phone
from members.roster.values import CellError

INDEX_PURPOSE = "phone"


class PhoneInvalid(RuleViolation):
    """The text is not one mainland mobile number."""

    code = "member.phone_invalid"
    title = "手机号应为 1 开头的 11 位数字"


class SealedPhone(NamedTuple):
    """The three stored forms of a phone."""

    phone_sealed: bytes
    phone_index: str
    phone_masked: str


def normalise_phone(text: str) -> str:
    """The eleven digits of a mobile number, however it was typed.

    Raises:
        PhoneInvalid: it is no mobile number, or more than one.
    """
    phone = find_phone(text)
    if phone is None:
        problem = FieldProblem("/phone", PhoneInvalid.code, PhoneInvalid.title)
        raise PhoneInvalid(problems=(problem,))
    return phone


def find_phone(text: str) -> str | None:
    """The eleven digits of a mobile number, or None."""
    try:
        parsed = parse_phone(text)
    except CellError:
        return None
    # In a file, the first of several numbers is a fair guess; a person is asked for one.
    is_several = any(note.code == "import.phone_several" for note in parsed.notes)
    return None if is_several else parsed.value


def index_phone(vault: Vault, phone: str) -> str:
    """The keyed digest by which a normalised phone is found."""
    return vault.blind_index(phone, purpose=INDEX_PURPOSE)


def seal_phone(vault: Vault, member_id: UUID, phone: str) -> SealedPhone:
    """The stored forms of a normalised phone; the sealed one opens for this member only."""
    sealed = vault.encrypt(phone.encode(), context=f"member.phone:{member_id}")
    return SealedPhone(sealed, index_phone(vault, phone), mask_phone(phone))


def mask_phone(phone: str) -> str:
    """What lists show of a normalised phone."""
    return f"{phone[:3]}****{phone[-4:]}"


def set_phone(vault: Vault, member: Member, phone: str | None) -> None:
    """Store a normalised phone on the member, or remove the present one."""
    sealed = seal_phone(vault, member.id, phone) if phone else (None, None, None)
    member.phone_sealed, member.phone_index, member.phone_masked = sealed
