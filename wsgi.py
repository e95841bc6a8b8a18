"""What gunicorn and the flask command load."""

from api.app import create_app

app = create_app()
