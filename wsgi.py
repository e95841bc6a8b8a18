"""What gunicorn and the flask command load: here, and only here, the two edges meet."""

import gc
import logging

# Nothing that a start makes is garbage: looking for some takes a quarter of its time.
gc.disable()

from api.app import create_app  # noqa: E402
from core import logs  # noqa: E402
from jobs.commands import jobs  # noqa: E402

app = create_app()
# A demo shows its banner on the terminal, and not a line for each request.
logs.configure(least=logging.WARNING if app.extensions["settings"].demo else logging.INFO)
app.cli.add_command(jobs)
gc.enable()
# From here on the collector passes over what lives as long as the process.
gc.freeze()
