"""What random histories of the ledger are made of, and how many of them there are.

`HYPOTHESIS_PROFILE=model` runs 2,000 random histories of 60 steps on each engine.
"""

import os
from datetime import date

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from points.models import Period
from points.review import Action

_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}
PROFILES = {
    # The same histories on every run, so that a change passes or fails by what it changed.
    "default": settings(
        max_examples=30,
        stateful_step_count=25,
        derandomize=True,
        **_COMMON,  # type: ignore[arg-type]
    ),
    "model": settings(max_examples=2000, stateful_step_count=60, **_COMMON),  # type: ignore[arg-type]
}
PROFILE = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]

# 书记一 is among them, so that people meet their own claims.
MEMBERS = ("党员甲", "党员乙", "书记一")
REVIEWERS = ("书记一", "副书记一")
DAYS = tuple(date(2026, 11, day) for day in (2, 3, 4))
# What fills each bucket.
BUCKETS = {
    "item:volunteer_service:day": ("service",),
    "item:volunteer_service:year": ("service",),
    "item:theme_day_present:year": ("present",),
    "component:bonus": ("service", "present"),
    "total": ("service", "present"),
    "deduct:component:base": ("absent_unexcused",),
}
OLD_YEAR = Period.code == "2026"
ACTIONS = st.sampled_from(
    (
        (Action.APPROVE, ""),
        (Action.APPROVE, ""),
        (Action.RETURN, "请补充"),
        (Action.RETURN, ""),
    )
)
SUBMISSIONS = st.tuples(
    st.sampled_from(MEMBERS),
    st.sampled_from(DAYS),
    st.sampled_from((1, 29, 59, 150, 300, 480, 1440)),
)
