"""What gunicorn and the flask command load: here, and only here, the two edges meet."""

from api.app import create_app
from jobs.commands import jobs

app = create_app()
app.cli.add_command(jobs)
