"""The Flask extensions, created once and bound to each app by `create_app`."""

from flask_jwt_extended import JWTManager
from flask_sqlalchemy import SQLAlchemy

from core.db import Base

# Domain modules map plain `core.db.Base`; Flask-SQLAlchemy lends only its engine and session.
db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    # Responses are serialised after the commit; expiring would reload each object once more.
    session_options={"expire_on_commit": False},
)
jwt = JWTManager()
