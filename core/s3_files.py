"""Keeping files in a store that speaks S3; needs the extra `s3`."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from core.file_settings import S3Settings
from core.files import FileMissing, StoreUnavailable

_CONNECT_SECONDS, _READ_SECONDS = 3, 10
_ABSENT = ("NoSuchKey", "404")


class S3Files:
    """Files in one private bucket, below one prefix."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def put(self, name: str, data: bytes) -> None:
        """Keep a file. No ACL is sent: the bucket is private, and some stores refuse one."""
        with _refusals(name):
            self._client.put_object(
                Bucket=self._settings.bucket,
                Key=self._key(name),
                Body=data,
                ContentType="application/octet-stream",
                # Should the bucket ever be opened by mistake, no browser shows what it holds.
                ContentDisposition="attachment",
            )

    def get(self, name: str) -> bytes:
        """The file of this name."""
        with _refusals(name):
            answer = self._client.get_object(Bucket=self._settings.bucket, Key=self._key(name))
            content: bytes = answer["Body"].read()
        return content

    def delete(self, name: str) -> None:
        """Remove a file; S3 answers alike whether it was there."""
        with _refusals(name):
            self._client.delete_object(Bucket=self._settings.bucket, Key=self._key(name))

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all files that begin so, sorted, page by page."""
        with _refusals(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._settings.bucket, Prefix=self._key(prefix)
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield item["Key"].removeprefix(self._settings.prefix)

    def _key(self, name: str) -> str:
        return self._settings.prefix + name

    @cached_property
    def _client(self) -> Any:
        # Half a second that a process without a file to keep never spends.
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region,
            aws_access_key_id=self._settings.key_id,
            aws_secret_access_key=self._settings.secret,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": 2, "mode": "standard"},
                # A bucket as a host name needs a DNS that stores on one's own machines lack.
                s3={"addressing_style": "path"},
                # Newer checksums are more than many of these stores understand.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                # Addresses come from the settings, never from a proxy of the environment.
                proxies={},
            ),
        )


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """What the store answers, as what it means here."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise (FileMissing(name) if code in _ABSENT else StoreUnavailable(code)) from error
    except BotoCoreError as error:
        raise StoreUnavailable(type(error).__name__) from error
