"""Walk docs/tour.sh, then the sample client's day, against a real, seeded server on each engine.

`python -m tests.tour`, after `make client`.
"""

import subprocess

import click

from tests.engines import ENGINE_KINDS, ROOT, Databases, create_run_directory, remove_run_directory
from tests.live import run_flask, serve, work


def main() -> None:
    """Stop at the first engine on which either does not end as it says."""
    directory = create_run_directory()
    try:
        databases = Databases(directory, "tour")
        for kind in ENGINE_KINDS:
            click.echo(f"docs/tour.sh and docs/client on {kind}")
            with databases.fresh_url(kind) as url:
                run_flask("seed", database_url=url, directory=directory)
                with serve(url, directory) as base_url, work(url, directory):
                    subprocess.run(["bash", "docs/tour.sh", base_url], cwd=ROOT, check=True)
                    subprocess.run(
                        ["node", "docs/client/built/day.js", base_url], cwd=ROOT, check=True
                    )
    finally:
        remove_run_directory(directory)


if __name__ == "__main__":
    main()
