"""The points engine and organisation life use the same words for kinds and statuses."""

from activities.attendance_rates import ATTENDED as RATED
from activities.life_models import ATTENDED, AttendanceStatus
from activities.models import ActivityKind
from points.definitions import ACTIVITY_KINDS, ATTENDANCE_STATUSES


def test_kinds_are_the_same_words() -> None:
    assert frozenset(ActivityKind) == ACTIVITY_KINDS


def test_statuses_are_the_same_words() -> None:
    """Exempt is no attendance: it gives and takes nothing, so no scheme may name it."""
    assert frozenset(AttendanceStatus) - {AttendanceStatus.EXEMPT} == ATTENDANCE_STATUSES


def test_attended_means_one_thing() -> None:
    assert frozenset(RATED) == ATTENDED
