"""`python -m bench.sign_in_timing`: does the time of an answer tell who has an account? (T18)

Known and unknown phones ask in turn; the area under the curve is 0.5 where nobody can tell, and
the bar is 0.55. A measurement, not a test: a busy machine moves it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from flask.testing import FlaskClient

from api.app import create_app
from bench.__main__ import database
from core.channel_settings import ChannelSettings
from core.config import Settings
from members.session_models import AttemptLimit
from tests.engines import ENGINE_KINDS, environment
from tests.world import build_world

PAIRS = 500
_BAR = 0.55
_PAID = ChannelSettings(
    providers=("sms_aliyun",), values={"SMS_ALIYUN_CODE_TEMPLATE_CODE": "SMS_1"}
)
Ask = Callable[[FlaskClient, str], int]


def main() -> None:
    """Print the area for each engine and each way to ask."""
    for kind in ENGINE_KINDS:
        with database(kind) as (sessions, url), TemporaryDirectory() as directory:
            with sessions() as session:
                phone = build_world(session).phones["党员甲"]
                session.commit()
            settings = Settings.from_env(environment(url, Path(directory)))
            app = create_app(replace(settings, channels=_PAID))

            def forget() -> None:
                with sessions.begin() as session:
                    session.execute(sa.delete(AttemptLimit))

            for title, ask in (("密码登录", _by_password), ("短信验证码", _for_code)):
                area = _area(app.test_client(), ask, phone, forget)
                print(f"T18 {title}（{kind}）: AUC {area:.3f}，标准 <= {_BAR}")


def _area(client: FlaskClient, ask: Ask, known: str, forget: Callable[[], None]) -> float:
    """The chance that an answer about a known phone takes longer than one about an unknown."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * PAIRS + 20):
        is_unknown = number % 2
        forget()
        started = time.perf_counter()
        status = ask(client, f"1391111{number:04d}" if is_unknown else known)
        elapsed = time.perf_counter() - started
        if status not in (202, 401):
            raise RuntimeError(f"answered {status}")
        # The first ones warm up.
        if number >= 20:
            times[is_unknown].append(elapsed)
    wins = sum((one > other) + (one == other) / 2 for one in times[0] for other in times[1])
    area = wins / PAIRS**2
    return max(area, 1 - area)


def _by_password(client: FlaskClient, phone: str) -> int:
    body = {"grant": "password", "phone": phone, "password": "Wrong-Horse-2026"}
    return client.post("/api/v1/auth/sessions", json=body).status_code


def _for_code(client: FlaskClient, phone: str) -> int:
    body = {"phone": phone, "purpose": "sign_in"}
    return client.post("/api/v1/auth/sms-codes", json=body).status_code


if __name__ == "__main__":
    main()
