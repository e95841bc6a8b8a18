"""A member's phone as it is stored: sealed, searchable by a keyed digest, shown masked."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from core.crypto import SealingKey, Vault
from core.db import vault_of
from core.errors import FieldProblem, RuleViolation
from members import member_keys
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


def seal_phone(vault: Vault, key: SealingKey, member_id: UUID, phone: str) -> SealedPhone:
    """The stored forms of a normalised phone; the sealed one opens with his key, in his row."""
    sealed = key.seal(phone.encode(), context=phone_context(member_id))
    return SealedPhone(sealed, index_phone(vault, phone), mask_phone(phone))


def open_phone(session: Session, member_id: UUID, sealed: bytes) -> str:
    """A member's phone in clear, for who sends to it or was allowed to see it."""
    return member_keys.open_value(session, member_id, sealed, context=phone_context(member_id))


def mask_phone(phone: str) -> str:
    """What lists show of a normalised phone."""
    return f"{phone[:3]}****{phone[-4:]}"


def set_phone(session: Session, member: Member, phone: str | None) -> None:
    """Store a normalised phone on a member who is in the database, or remove the present one."""
    sealed: SealedPhone | tuple[None, None, None] = (None, None, None)
    if phone:
        key = member_keys.ensure(session, [member.id])[member.id]
        sealed = seal_phone(vault_of(session), key, member.id, phone)
    member.phone_sealed, member.phone_index, member.phone_masked = sealed
    session.flush()


def phone_context(member_id: UUID) -> str:
    """The place that a sealed phone is bound to."""
    return f"member.phone:{member_id}"
