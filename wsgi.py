"""What gunicorn and the flask command load."""

import gc

# Nothing that a start makes is garbage: looking for some takes a quarter of its time.
gc.disable()

from api.app import create_app  # noqa: E402

app = create_app()
gc.enable()
# From here on the collector passes over what lives as long as the process.
gc.freeze()
