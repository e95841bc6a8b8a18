"""The tree of errors that domain code may raise.

DomainError
├── Unauthenticated who is asking could not be established
├── NotFound        the thing is absent, or out of the actor's scope (the two answer alike)
├── Forbidden       the actor may see the thing but not do this to it
├── Conflict        the thing changed, or was decided, before this call
├── TooManyRequests it was tried too often; later it is possible again
└── RuleViolation   the input is well formed, but a business rule refuses it

Packages subclass these beside the code that raises them. Each class carries a stable `code`
for machines and a zh-CN `title` for people; `api.problems` maps the six families, and only
them, to HTTP.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of the input; `pointer` is an RFC 6901 JSON pointer."""

    pointer: str
    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict)


class DomainError(Exception):
    """A refusal with a stable code, a zh-CN title and a zh-CN sentence for this occurrence."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "操作没有完成"
    retry: str = "never"

    def __init__(self, detail: str = "", *, problems: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.problems = problems


class Unauthenticated(DomainError):
    """Who is asking could not be established."""

    code = "auth.failed"
    title = "身份没有通过验证"


class NotFound(DomainError):
    """The object does not exist for this actor."""

    code = "not_found"
    title = "没有找到，或不在您的管理范围内"


class Forbidden(DomainError):
    """The actor may not do this."""

    code = "perm.denied"
    title = "您没有这项操作的权限"


class Conflict(DomainError):
    """Somebody else was first, or the object changed meanwhile."""

    code = "conflict"
    title = "内容刚刚发生了变化"
    retry = "refresh"


class VersionConflict(Conflict):
    """The editable object has a newer version than the one that the caller saw."""

    code = "conflict.version"
    title = "别人刚改过，请看最新内容"


class TooManyRequests(DomainError):
    """It was tried too often.

    Args:
        wait_seconds: after how long it is possible again.
    """

    code = "request.too_many"
    title = "操作太频繁，请稍后再试"

    def __init__(self, wait_seconds: int, detail: str = "") -> None:
        super().__init__(detail)
        self.wait_seconds = max(wait_seconds, 1)
        self.retry = f"after:{self.wait_seconds}"


class RuleViolation(DomainError):
    """A business rule refuses well-formed input."""

    code = "rule"
    title = "不符合业务规则"


def all_error_classes() -> list[type[DomainError]]:
    """Every error class now loaded, for the published catalogue, ordered by code."""

    def walk(cls: type[DomainError]) -> Iterator[type[DomainError]]:
        yield cls
        for child in cls.__subclasses__():
            yield from walk(child)

    return sorted(set(walk(DomainError)), key=lambda cls: (cls.code, cls.__name__))
