"""What became of some pledges in the demo's home branch: returned, amended, extended, suspended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from activities import pledge_reviews, pledges
from activities.pledge_meetings import Meeting
from activities.pledge_models import Pledge, PledgeBody, PledgeKind
from activities.pledge_reviews import Ruling
from activities.pledge_rules import Amendment, NewPledge, PledgeWords
from activities.pledge_states import PledgeStatus, PledgeStep
from api.demo import cast
from api.demo.district import Branch, District
from api.demo.promises import author_of, find
from api.demo.timeline import Event
from core.clock import at_local, business_day

# Days behind the founding, between the first season's promises and its grades.
RETURNED, REWRITTEN, SUPERVISED, AMENDED, APPROVED_AGAIN = 23, 25, 50, 64, 68
EXTENDED, SUSPENDED, RESUMED = 72, 76, 90
EXTENDED_DAYS = 20
# Behind the grades: what was excused rests.
SETTLED = 130
# Just before today: what the named member has begun to write, and what he took back.
DRAFTED = 425


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """One of each, in this order."""
    home = district.branches[cast.HOME_BRANCH]
    for days, act in (
        (RETURNED, _return),
        (REWRITTEN, _rewrite),
        (SUPERVISED, _supervise),
        (AMENDED, _amend),
        (APPROVED_AGAIN, _approve_again),
        (EXTENDED, _extend),
        (SUSPENDED, partial(_decide, step=PledgeStep.SUSPEND, reason="本人住院，暂缓践诺。")),
        (RESUMED, partial(_decide, step=PledgeStep.RESUME, reason="本人已出院，恢复践诺。")),
        (SETTLED, partial(_decide, step=PledgeStep.CLOSE, reason="客观原因已核实，予以办结。")),
    ):
        at = at_local(founded_on + timedelta(days=days), 20)
        yield Event(at, partial(act, session, home))
    drafting = at_local(founded_on + timedelta(days=DRAFTED), 20)
    yield Event(drafting, partial(_begin, session, district))


def _return(session: Session, home: Branch, now: datetime) -> None:
    pledge = find(session, home, PledgeStatus.SUBMITTED)[0]
    ruling = Ruling(pledge.version, "请写明服务次数，便于群众监督。")
    pledge_reviews.return_for_rewriting(
        session, home.head.actor(business_day(now)), pledge.id, ruling=ruling, now=now
    )


def _rewrite(session: Session, home: Branch, now: datetime) -> None:
    pledge = find(session, home, PledgeStatus.RETURNED)[0]
    actor = author_of(home, pledge.member_id).actor(business_day(now))
    words = replace(_words(pledge), content=f"{pledge.title}，每月两次，每次不少于一小时。")
    pledges.edit(session, actor, pledge.id, words=words, version=pledge.version, now=now)
    pledges.submit(session, actor, pledge.id, now=now)


def _supervise(session: Session, home: Branch, now: datetime) -> None:
    actor = home.head.actor(business_day(now))
    note = "走访群众，反映按时上门。"
    pledge_reviews.supervise(session, actor, _running(session, home)[0].id, note=note, now=now)


def _amend(session: Session, home: Branch, now: datetime) -> None:
    """Two of the families have moved away; until it is approved the old text stays in force."""
    pledge = _running(session, home)[0]
    actor = author_of(home, pledge.member_id).actor(business_day(now))
    amendment = Amendment(
        pledge.category,
        pledge.title,
        f"{pledge.title}，每月一次。",
        "不少于六次",
        pledge.beneficiary,
        pledge.post,
        "部分服务对象搬离本社区，相应调整次数。",
    )
    pledges.amend(session, actor, pledge.id, amendment=amendment, version=pledge.version, now=now)


def _approve_again(session: Session, home: Branch, now: datetime) -> None:
    pledge, day = find(session, home, PledgeStatus.AMENDED)[0], business_day(now)
    meeting = Meeting(PledgeBody.BRANCH_COMMITTEE, day, "支委会记录第 8 号")
    pledge_reviews.approve(
        session,
        home.head.actor(day),
        pledge.id,
        meeting=meeting,
        version=pledge.version,
        now=now,
    )


def _extend(session: Session, home: Branch, now: datetime) -> None:
    pledge = _running(session, home)[1]
    pledge_reviews.extend(
        session,
        home.head.actor(business_day(now)),
        pledge.id,
        due_on=pledge.due_on + timedelta(days=EXTENDED_DAYS),
        ruling=Ruling(pledge.version, "连续阴雨，活动顺延。"),
        now=now,
    )


def _decide(
    session: Session, home: Branch, now: datetime, *, step: PledgeStep, reason: str
) -> None:
    aside = find(session, home, PledgeStatus.SUSPENDED, PledgeStatus.UNFULFILLED_EXCUSED)
    pledge = (aside or _running(session, home)[2:])[0]
    actor = home.head.actor(business_day(now))
    ruling = Ruling(pledge.version, reason)
    pledge_reviews.decide(session, actor, pledge.id, step=step, ruling=ruling, now=now)


def _begin(session: Session, district: District, now: datetime) -> None:
    member, day = district.person(cast.MEMBER), business_day(now)
    actor, due_on = member.actor(day), date(day.year, 12, 31)
    ids = []
    for title, target in (("每周为孤寡老人读报", "不少于十次"), ("帮邻居代买药品", "随叫随到")):
        words = PledgeWords("service", title, f"{title}。", target, "本社区老年人", "", due_on)
        new = NewPledge(day.year, PledgeKind.ANNUAL, words)
        ids.append(pledges.create(session, actor, member.id, new=new, now=now))
    pledges.withdraw(session, actor, ids[-1], now=now)


def _running(session: Session, home: Branch) -> list[Pledge]:
    return find(session, home, PledgeStatus.PUBLISHED, PledgeStatus.IN_PROGRESS)


def _words(pledge: Pledge) -> PledgeWords:
    return PledgeWords(**{name: getattr(pledge, name) for name in PledgeWords.__slots__})
