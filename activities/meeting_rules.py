"""Quorum and votes of branch meetings: pure arithmetic on heads, with the article that says so.

Counts are of people with the right in question; probationary members attend and do not vote, so
they are in none of them. "半数以上" and "五分之四" include the exact share; "超过半数" does not.
"""

from dataclasses import dataclass

from core.errors import FieldProblem, RuleViolation

GENERAL_MEETING_BASIS = "《中国共产党支部工作条例（试行）》第十一条"
COMMITTEE_MEETING_BASIS = "《中国共产党支部工作条例（试行）》第十二条"
ELECTION_BASIS = "《中国共产党基层组织选举工作条例》"
EXCELLENT_BASIS = "民主评议党员的通常做法：优秀一般不超过三分之一"


class ImpossibleCounts(RuleViolation):
    """More people were present, or voted, than there are."""

    code = "meeting.counts"
    title = "到会或表决人数对不上"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a condition is met, what it takes, and both in one sentence with its basis."""

    holds: bool
    needed: int
    sentence: str
    basis: str


def can_vote(voters_due: int, voters_present: int) -> Finding:
    """Whether a general meeting may vote: at least half of those with a vote are present.

    Raises:
        ImpossibleCounts: a count is negative, or more are present than due.
    """
    _require_within("voters_present", voters_present, voters_due)
    needed = _share_of(voters_due, 1, 2)
    facts = f"应到有表决权的党员 {voters_due} 人，实到 {voters_present} 人，至少须到 {needed} 人"
    return _quorum(voters_present, needed, facts, "表决", GENERAL_MEETING_BASIS)


def yes_votes_needed(voters_due: int) -> int:
    """The least number of votes that is more than half of those due, present or not."""
    return voters_due // 2 + 1


def what_can_pass(voters_due: int, voters_present: int) -> Finding:
    """Whether those present can pass anything at all, and how many of them must agree.

    Raises:
        ImpossibleCounts: a count is negative, or more are present than due.
    """
    quorum = can_vote(voters_due, voters_present)
    if not quorum.holds:
        return quorum
    needed = yes_votes_needed(voters_due)
    facts = f"应到有表决权的党员 {voters_due} 人，实到 {voters_present} 人，可以表决；"
    rule = f"通过须超过应到人数的半数，即 {needed} 票赞成"
    if voters_present < needed:
        rule += "，实到人数不足，任何议题都不能通过。"
    elif voters_present == needed:
        rule += "，实到的人须全部赞成。"
    else:
        rule += "。"
    return Finding(voters_present >= needed, needed, facts + rule, GENERAL_MEETING_BASIS)


def judge_vote(voters_due: int, voters_present: int, yes_votes: int) -> Finding:
    """Whether a motion passes: a quorum, and yes from more than half of those due to attend.

    Raises:
        ImpossibleCounts: a count is negative, more are present than due, or more agree than came.
    """
    quorum = can_vote(voters_due, voters_present)
    _require_within("yes_votes", yes_votes, voters_present)
    if not quorum.holds:
        return quorum
    needed = yes_votes_needed(voters_due)
    passes = yes_votes >= needed
    sentence = (
        f"应到有表决权的党员 {voters_due} 人，实到 {voters_present} 人，赞成 {yes_votes} 票，"
        f"须超过应到人数的半数，即 {needed} 票，{'通过' if passes else '没有通过'}。"
    )
    return Finding(passes, needed, sentence, GENERAL_MEETING_BASIS)


def can_elect(electors_due: int, electors_present: int) -> Finding:
    """Whether an election is valid: at least four fifths of those with the right are present.

    Raises:
        ImpossibleCounts: a count is negative, or more are present than due.
    """
    _require_within("electors_present", electors_present, electors_due)
    needed = _share_of(electors_due, 4, 5)
    facts = (
        f"应到有选举权的党员 {electors_due} 人，实到 {electors_present} 人，至少须到 {needed} 人"
    )
    return _quorum(electors_present, needed, facts, "选举", ELECTION_BASIS)


def can_hold_committee_meeting(committee_size: int, committee_present: int) -> Finding:
    """Whether the branch committee may meet: at least half of it is present.

    Raises:
        ImpossibleCounts: a count is negative, or more are present than the committee has.
    """
    _require_within("committee_present", committee_present, committee_size)
    needed = _share_of(committee_size, 1, 2)
    facts = f"支部委员 {committee_size} 人，到会 {committee_present} 人，至少须到 {needed} 人"
    return _quorum(committee_present, needed, facts, "开会", COMMITTEE_MEETING_BASIS)


def check_excellent(members_appraised: int, excellent: int) -> Finding:
    """Whether the grades "优秀" stay within a third; a warning for people, never a refusal.

    Raises:
        ImpossibleCounts: a count is negative, or more are excellent than were appraised.
    """
    _require_within("excellent", excellent, members_appraised)
    excellent_max = members_appraised // 3
    within = excellent <= excellent_max
    sentence = (
        f"参加评议并定等次的党员 {members_appraised} 人，优秀 {excellent} 人，"
        f"一般不超过三分之一，即 {excellent_max} 人"
        + ("。" if within else "；超出的请支部再议，系统只提醒，不阻止。")
    )
    return Finding(within, excellent_max, sentence, EXCELLENT_BASIS)


def _quorum(present: int, needed: int, facts: str, verb: str, basis: str) -> Finding:
    holds = present >= needed
    return Finding(
        holds, needed, f"{facts}，{'可以' if holds else '人数不足，不能'}{verb}。", basis
    )


def _share_of(people: int, numerator: int, denominator: int) -> int:
    # A meeting of nobody is none, so at least one person is needed whatever the share.
    return max(1, -(-people * numerator // denominator))


def _require_within(name: str, count: int, limit: int) -> None:
    if not 0 <= count <= limit:
        message = f"人数应在 0 到 {max(limit, 0)} 之间。"
        raise ImpossibleCounts(message, problems=(FieldProblem(f"/{name}", "range", message),))
