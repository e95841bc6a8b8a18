"""One module per resource: schemas on top, views below."""

from api.blueprints import Blueprint
from api.routes import activities, auth, claims, jobs, me, points, services, system

BLUEPRINTS: tuple[Blueprint, ...] = (
    system.blp,
    auth.blp,
    me.blp,
    services.blp,
    claims.blp,
    points.blp,
    activities.blp,
    jobs.blp,
)
