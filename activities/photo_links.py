"""Links to photos that work for five minutes without a token, as an <img> needs them."""

from datetime import timedelta

from core.signed_links import Links

PHOTO_LINKS = Links("photo-link", timedelta(minutes=5))
