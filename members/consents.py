"""What members agree to: one text for each purpose, given and withdrawn by themselves alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import RuleViolation
from core.rows import dialect_of, row_source, rows_parameter
from members.access import Actor
from members.consent_models import Consent, ConsentPurpose
from members.privacy_models import ShredLogEntry


class TextOutdated(RuleViolation):
    """A decision about another text than the one in force."""

    code = "consent.text_outdated"
    title = "说明文字已更新，请重新阅读"


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What a member is asked; a new version asks everyone again."""

    version: int
    valid_from: date
    text: str


# Newest last. A text that somebody has agreed to is never edited: add a version instead.
TEXTS: dict[ConsentPurpose, tuple[ConsentText, ...]] = {
    ConsentPurpose.PUBLISH_SERVICE_RECORD: (
        ConsentText(
            1,
            date(2020, 1, 1),
            "同意在本支部公示以外公开本人的姓名、志愿服务项目和时长。不同意不影响参加服务、"
            "记录时长和积分；可以随时撤回，撤回后不再公开。",
        ),
    ),
    ConsentPurpose.VERIFY_SERVICE_SHEET: (
        ConsentText(
            1,
            date(2020, 1, 1),
            "同意持有核验码的人查到本人志愿服务记录单上的单位、隐去名字的姓名、时长合计、"
            "开具日期和是否有效。可以随时撤回，撤回后核验码不再可查。",
        ),
    ),
    ConsentPurpose.HOST_CONTACT: (
        ConsentText(
            1,
            date(2020, 1, 1),
            "同意流入地党支部的书记、副书记为联系参加组织生活查看本人的手机号，每次查看须写明用途"
            "并留下记录。不同意不影响在流入地参加组织生活；可以随时撤回，撤回后立即不能再看。",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class ConsentState:
    """One purpose as it stands for a member: the text in force, and his newest decision."""

    purpose: ConsentPurpose
    text: ConsentText
    is_given: bool
    decided_at: datetime | None


def decide(
    session: Session,
    actor: Actor,
    purpose: ConsentPurpose,
    *,
    text_version: int,
    is_given: bool,
    now: datetime,
) -> ConsentState:
    """Give or withdraw the actor's own consent to the text in force.

    Raises:
        TextOutdated: he was shown another text.
    """
    today = business_day(now)
    text = text_in_force(purpose, today)
    if text.version != text_version:
        raise TextOutdated
    session.add(
        Consent(
            member_id=actor.member_id,
            purpose=purpose,
            text_version=text_version,
            is_given=is_given,
            decided_by=actor.member_id,
            decided_on=today,
            decided_at=now,
        )
    )
    session.flush()
    return ConsentState(purpose, text, is_given, now)


def has_consent(
    session: Session, member_ids: Iterable[UUID], purpose: ConsentPurpose, on: date
) -> frozenset[UUID]:
    """Which of the members agree on a day to the text in force then; one statement.

    Whatever shows a member's service outside his branch's bulletin asks here first
    (志愿服务条例 Art. 20).
    """
    given = row_source(dialect_of(session), {"id": Consent.__table__.c.member_id.type})
    newest = (
        sa.select(
            Consent.member_id,
            Consent.is_given,
            Consent.text_version,
            sa.func.row_number()
            .over(
                partition_by=Consent.member_id,
                order_by=(Consent.decided_at.desc(), Consent.id.desc()),
            )
            .label("age"),
        )
        .join(given, given.c.id == Consent.member_id)
        .where(Consent.purpose == purpose, Consent.decided_on <= on)
        .subquery()
    )
    version = text_in_force(purpose, on).version
    members = sa.select(newest.c.member_id).where(
        newest.c.age == 1,
        newest.c.is_given,
        newest.c.text_version == version,
        # His decisions are kept, but whoever was erased agrees to nothing any more.
        newest.c.member_id.not_in(sa.select(ShredLogEntry.member_id)),
    )
    rows = [{"id": member_id} for member_id in member_ids]
    return frozenset(session.scalars(members, rows_parameter(session, rows)))


def list_own(session: Session, actor: Actor) -> list[ConsentState]:
    """Every purpose with its text and the actor's newest decision about that text."""
    decisions = session.scalars(
        sa.select(Consent)
        .where(Consent.member_id == actor.member_id)
        .order_by(Consent.decided_at, Consent.id)
    )
    newest = {ConsentPurpose(one.purpose): one for one in decisions}
    return [_state(purpose, newest.get(purpose), actor.on) for purpose in ConsentPurpose]


def list_decisions(session: Session, actor: Actor) -> Sequence[Consent]:
    """Every decision that the actor ever made, newest first."""
    return session.scalars(
        sa.select(Consent)
        .where(Consent.member_id == actor.member_id)
        .order_by(Consent.decided_at.desc(), Consent.id.desc())
    ).all()


def text_in_force(purpose: ConsentPurpose, on: date) -> ConsentText:
    """The text that is asked on a day."""
    return [text for text in TEXTS[purpose] if text.valid_from <= on][-1]


def _state(purpose: ConsentPurpose, newest: Consent | None, on: date) -> ConsentState:
    text = text_in_force(purpose, on)
    if newest is None:
        return ConsentState(purpose, text, is_given=False, decided_at=None)
    stands = newest.is_given and newest.text_version == text.version
    return ConsentState(purpose, text, stands, newest.decided_at)
