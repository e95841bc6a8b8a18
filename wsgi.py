"""What gunicorn and the flask command load: here, and only here, the two edges meet."""

import gc

# Nothing that a start makes is garbage: looking for some takes a quarter of its time.
gc.disable()

from api.app import create_app  # noqa: E402
from core import logs  # noqa: E402
from jobs.commands import jobs  # noqa: E402

logs.configure()
app = create_app()
app.cli.add_command(jobs)
gc.enable()
# From here on the collector passes over what lives as long as the process.
gc.freeze()
