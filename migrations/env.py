"""Alembic environment: needs a database URL and the tables' metadata, no application."""

from pathlib import Path

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection

import activities.life_models
import activities.models
import activities.pledge_models
import activities.record_models
import activities.service_models
import core.alerts
import core.audit_models
import core.background
import core.changes
import core.idempotency
import core.job_records
import core.working_days
import members.access_models
import members.cadre_models
import members.consent_models
import members.contact.assigned_work_models
import members.contact.case_models
import members.contact.case_review_models
import members.contact.models
import members.contact.policy_models
import members.data_copy_models
import members.feedback.models
import members.migrant_models
import members.models
import members.privacy_models
import members.roster.models
import members.session_models
import members.transfer_models
import notifications.delivery_models
import notifications.models
import points.audit_samples
import points.models
import points.proof_models
import points.publicity_models
import points.review_models
import points.scheme_models
import points.statement_models
from core.config import database_urls, normalize_url
from core.db import Base


def database_url() -> str:
    """The owner's URL: given by the caller, else from the environment."""
    given = context.config.attributes.get("database_url")
    return normalize_url(given) if given else database_urls()[1]


def run(connection: Connection) -> None:
    """Run the migrations on one connection, all or nothing."""
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        # A batch migration drops and renames tables; with foreign keys on, that would fire
        # ON DELETE actions and silently empty children. The pragma works only outside a
        # transaction, hence on the raw connection, before any statement.
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=on_sqlite,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if not on_sqlite:
            connection.execute(sa.text("SET LOCAL lock_timeout = '4s'"))
        context.run_migrations()
        if on_sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"migration would break foreign keys: {broken[:5]}")
    if on_sqlite:
        raw.execute("PRAGMA foreign_keys=ON")


given_connection = context.config.attributes.get("connection")
if given_connection is not None:
    run(given_connection)
else:
    url = sa.make_url(database_url())
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as own_connection:
        run(own_connection)
    engine.dispose()
