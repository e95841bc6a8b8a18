"""Bringing the database of a deployment to the newest revision."""

from pathlib import Path

from core.config import Settings

ROOT = Path(__file__).resolve().parents[2]


def migrate(settings: Settings) -> None:
    """Run the migrations that are missing, as the owner of the tables."""
    upgrade(settings.migration_database_url)


def upgrade(url: str) -> None:
    """Bring the database of this address to the newest revision."""
    # No server needs Alembic, and it is slow to import.
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = url
    command.upgrade(config, "head")
