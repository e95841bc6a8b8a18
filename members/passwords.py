"""Passwords: hashing with Argon2id, temporary ones, and which are too weak."""

import functools
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy.orm import Session

from core.errors import FieldProblem, RuleViolation, TooManyRequests

LENGTH_MIN, LENGTH_MAX = 10, 128
TEMPORARY_LENGTH = 12
# The least of what OWASP recommends for Argon2id: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Nobody confuses these when a note is copied to a phone: no 0 and o, no 1, i and l.
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"
# A password of ten random digits takes a hundred times as many tries; of a common one with a year
# behind it, or a row of keys, this is more than it takes. ASVS 6.2.4 asks for no less.
GUESSES_MIN = 10**8
# More letters only add guesses, and judging takes the square of their number and more.
JUDGED_MAX = 40
# What everybody here would try first, beside the words that everybody knows (docs/security.md).
LOCAL_WORDS = (
    "zhihuidangjian", "dangjian", "dangyuan", "dangzhibu", "zhibu", "shuji", "gongchandang",
    "zhonggong", "zhongguo", "jifen", "party", "points", "woaini", "woaidang", "1921", "0701",
)  # fmt: skip
# A hash takes a core and 19 MiB. One at a time in a process, and one that waits: a flood of
# sign-ins gets a refusal, and the other threads go on reading.
_PLACES = threading.BoundedSemaphore(2)
_HASHING = threading.Lock()
_BUSY_SECONDS = 2


class PasswordsBusy(TooManyRequests):
    """This process is checking as many passwords as it may."""

    code = "auth.busy"
    title = "登录的人太多，请稍等再试"


class PasswordWeak(RuleViolation):
    """The new password is too short, too long, or easy to guess."""

    code = "auth.password_weak"
    title = "密码太容易猜到"


def hash_password(session: Session, password: str) -> str:
    """The Argon2id hash of a password."""
    with _HASHING:
        return _hasher_of(session).hash(_to_bytes(password))


def is_password(session: Session, password: str, password_hash: str | None) -> bool:
    """Whether the password has this hash.

    Without a hash it does the same work and says no: the time that an answer takes must not
    tell who has an account.
    """
    hasher = _hasher_of(session)
    with _HASHING:
        try:
            hasher.verify(password_hash or _decoy_hash(hasher), _to_bytes(password))
        except VerifyMismatchError:
            return False
    return password_hash is not None


@contextmanager
def place() -> Iterator[None]:
    """A place among those whose passwords this process checks; to be taken before anything else.

    Raises:
        PasswordsBusy: there is none.
    """
    if not _PLACES.acquire(blocking=False):
        raise PasswordsBusy(_BUSY_SECONDS)
    try:
        yield
    finally:
        _PLACES.release()


def generate_temporary() -> str:
    """A random password of about 59 bits without look-alike characters."""
    return "".join(secrets.choice(_READABLE) for _ in range(TEMPORARY_LENGTH))


def require_strong(password: str) -> None:
    """Raise PasswordWeak for a password outside 10 to 128 characters, or soon guessed."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    # Folding may make eighteen letters of one.
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX or len(folded) > LENGTH_MAX:
        raise weak(f"密码长度应为 {LENGTH_MIN} 至 {LENGTH_MAX} 个字符。")
    # Its thirty thousand words are loaded by who first changes a password, and by nobody else.
    from zxcvbn import zxcvbn

    found = zxcvbn(folded[:JUDGED_MAX], user_inputs=LOCAL_WORDS)
    if found["guesses"] < GUESSES_MIN:
        raise weak("这个密码太容易猜到，请换一个：几个不相干的词连在一起，又好记又难猜。")


def weak(message: str) -> PasswordWeak:
    """The refusal of a new password, pointing at the field."""
    return PasswordWeak(message, problems=(FieldProblem("/new", PasswordWeak.code, message),))


def _hasher_of(session: Session) -> PasswordHasher:
    # Tests put a cheap hasher on their session, as the edge puts the vault there.
    hasher: PasswordHasher = session.info.get("password_hasher", HASHER)
    return hasher


@functools.cache
def _decoy_hash(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_bytes(16))


def _to_bytes(password: str) -> bytes:
    # Keyboards differ in full-width digits and composed letters; the person typed the same.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
