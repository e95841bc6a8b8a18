"""A server that speaks S3, in a process of its own, with one private bucket."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from core.file_settings import S3Settings

START_SECONDS_MAX = 60
_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test-only"}


@contextmanager
def object_store() -> Iterator[S3Settings]:
    """Serve an empty bucket on a free loopback port until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_listens(port, process)
        endpoint = f"http://127.0.0.1:{port}"
        settings = S3Settings(endpoint, "party-points", "test", "test-only", prefix="pilot/")
        client_of(settings).create_bucket(Bucket=settings.bucket)
        yield settings
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS_MAX)


def client_of(settings: S3Settings) -> "boto3.client":
    """A client of the store that is not the product's, to look at the bytes from outside."""
    return boto3.client("s3", endpoint_url=settings.endpoint, region_name="us-east-1", **_KEYS)


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the S3 server does not answer")
