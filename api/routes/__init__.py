"""One module per resource: schemas on top, views below."""

from api.blueprints import Blueprint
from api.routes import (
    accounts,
    activities,
    affiliations,
    auth,
    claims,
    import_workbooks,
    imports,
    jobs,
    me,
    members,
    organizations,
    periods,
    points,
    proofs,
    role_grants,
    services,
    system,
    work_calendar,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    system.blp,
    auth.blp,
    me.blp,
    services.blp,
    claims.blp,
    points.blp,
    periods.blp,
    proofs.blp,
    activities.blp,
    jobs.blp,
    organizations.blp,
    members.blp,
    affiliations.blp,
    accounts.blp,
    role_grants.blp,
    imports.blp,
    import_workbooks.blp,
    work_calendar.blp,
)
