"""One HTTP call to a provider, and what is known after it."""

import json
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import requests
import urllib3
from requests.exceptions import ConnectionError as LostConnection
from requests.exceptions import ConnectTimeout, RequestException

from notifications.channels.sender import Answer, Result

# Seconds to connect, and to wait for each part of the answer.
TIMEOUT = (3, 10)
_ANSWER_BYTES_MAX = 64 * 1024
# When debugging is on, urllib3 writes down whole addresses, and these hold tokens.
logging.getLogger("urllib3").setLevel(logging.WARNING)

# Reads the provider's own answer; None when it holds none.
Reader = Callable[[dict[str, Any]], Answer | None]


class HttpCaller:
    """A session that neither follows redirects nor repeats: a repetition is our decision."""

    def __init__(self, *, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._session = requests.Session()
        # Neither credentials from a .netrc nor a proxy that the environment happens to name.
        self._session.trust_env = False
        self._timeout = timeout

    def post(self, url: str, body: bytes, headers: Mapping[str, str], read: Reader) -> Answer:
        """POST once; the provider's own code counts before the status, 200 included."""
        return self._call("POST", url, body, headers, read)

    def get_json(self, url: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
        """GET a JSON object; None for whatever else comes."""
        found: dict[str, Any] = {}

        def keep(answer: dict[str, Any]) -> Answer:
            found.update(answer)
            return Answer(Result.ACCEPTED)

        answer = self._call("GET", url, b"", headers, keep)
        return found if answer.result is Result.ACCEPTED else None

    def _call(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], read: Reader
    ) -> Answer:
        request = requests.Request(method, url, headers=dict(headers), data=body)
        try:
            with self._session.send(
                request.prepare(), timeout=self._timeout, allow_redirects=False, stream=True
            ) as response:
                content = response.raw.read(_ANSWER_BYTES_MAX, decode_content=True)
                return _classify(response.status_code, content, read)
        except ConnectTimeout:
            return Answer(Result.TRY_AGAIN, "connect")
        except LostConnection as error:
            return _lost(error)
        # What fails below requests while the answer is being read comes out as it is.
        except (RequestException, urllib3.exceptions.HTTPError, OSError):
            return Answer(Result.UNKNOWN, "no_answer")


def json_body(value: Any) -> bytes:
    """JSON as the providers' limits count it: UTF-8, nothing escaped, no blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _lost(error: LostConnection) -> Answer:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    # Without a connection nothing was sent; with one, everything may have been.
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return Answer(Result.TRY_AGAIN, "connect")
    # A certificate is looked at before anything is said; TLS may also break off later.
    cause = reason.args[0] if isinstance(reason, urllib3.exceptions.SSLError) else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Answer(Result.TRY_AGAIN, "certificate")
    return Answer(Result.UNKNOWN, "connection_lost")


def _classify(status: int, content: bytes, read: Reader) -> Answer:
    try:
        parsed = json.loads(content)
    except ValueError:
        parsed = None
    answer = read(parsed) if isinstance(parsed, dict) else None
    if answer is not None and (answer.result is not Result.ACCEPTED or status < 300):
        return answer
    if status in (429, 503):
        return Answer(Result.TRY_AGAIN, f"http_{status}")
    # A success without the provider's own word, and a failure on its side, say nothing for sure.
    if status < 300 or status >= 500:
        return Answer(Result.UNKNOWN, f"http_{status}")
    return Answer(Result.REFUSED, f"http_{status}")
