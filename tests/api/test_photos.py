"""Photos over HTTP: kept clean, behind authorisation, shown by links that soon end."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from PIL import Image
from werkzeug.test import TestResponse

from api.extensions import db
from core.files import FolderFiles, StoreUnavailable
from core.s3_files import S3Files
from tests.api.test_organization_life import plan
from tests.object_store import client_of, object_store
from tests.served import Service
from tests.world import NOW


class OutsideTransactions(FolderFiles):
    """A folder that may be far away: nobody may hold a transaction while it works."""

    def put(self, name: str, data: bytes) -> None:
        assert not db.session().in_transaction()
        super().put(name, data)

    def get(self, name: str) -> bytes:
        assert not db.session().in_transaction()
        return super().get(name)


class Away(FolderFiles):
    def put(self, name: str, data: bytes) -> None:
        raise StoreUnavailable("EndpointConnectionError")


@pytest.fixture(autouse=True)
def _store_is_put_back(service: Service) -> Iterator[None]:
    """The application outlives a test; the next one's files must not go where this one's did."""
    kept = service.app.extensions["files"]
    yield
    service.app.extensions["files"] = kept


@pytest.fixture
def folder(service: Service, tmp_path: Path) -> FolderFiles:
    store = service.app.extensions["files"] = OutsideTransactions(tmp_path)
    return store


def picture(colour: str = "red", size: tuple[int, int] = (900, 600)) -> bytes:
    content, exif = io.BytesIO(), Image.Exif()
    exif[0x010F] = "Camera"
    Image.new("RGB", size, colour).save(content, "JPEG", exif=exif)
    return content.getvalue()


def upload(service: Service, activity_id: str, content: bytes) -> TestResponse:
    return service.caller("书记一").send(
        "POST", f"/activities/{activity_id}/photos", data={"file": (io.BytesIO(content), "p.gif")}
    )


def linked(service: Service, activity_id: str, name: str = "党员乙") -> str:
    items = service.caller(name).get(f"/activities/{activity_id}/photos").json["items"]
    url: str = items[0]["url"]
    return url.removeprefix("/api/v1")


def test_photo_is_kept_clean_behind_authorisation_and_never_needed(
    service: Service, folder: FolderFiles
) -> None:
    activity_id, secretary = plan(service), service.caller("书记一")
    path = f"/activities/{activity_id}/photos"

    kept = upload(service, activity_id, picture())
    assert kept.status_code == 201
    again = upload(service, activity_id, picture())
    assert (again.json["id"], len(list(folder.names("photos")))) == (kept.json["id"], 1)
    shown = service.caller("党员乙").get(f"{path}/{kept.json['id']}")
    assert not Image.open(io.BytesIO(shown.data)).getexif()
    assert shown.headers["Content-Disposition"].startswith("attachment")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert service.caller("党员丁").get(f"{path}/{kept.json['id']}").status_code == 404
    assert upload(service, activity_id, b"no picture").json["code"] == "photo.format"

    assert secretary.delete(f"{path}/{kept.json['id']}").status_code == 204
    assert secretary.get(path).json["items"] == []
    assert list(folder.names("photos")) == []


@pytest.mark.usefixtures("folder")
def test_link_shows_the_photo_without_a_token_for_five_minutes(service: Service) -> None:
    activity_id = plan(service)
    upload(service, activity_id, picture())
    link = linked(service, activity_id)

    shown = service.nobody.get(link)
    small = service.nobody.get(link, size=240)

    assert shown.mimetype == small.mimetype == "image/jpeg"
    assert Image.open(io.BytesIO(shown.data)).size == (900, 600)
    assert Image.open(io.BytesIO(small.data)).size == (240, 160)
    assert shown.headers["ETag"] != small.headers["ETag"]
    unchanged = service.nobody.send("GET", link, headers={"If-None-Match": shown.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert service.nobody.get(link, size=241).status_code == 422
    assert service.nobody.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 404
    with time_machine.travel(NOW + timedelta(minutes=6)):
        assert service.nobody.get(link).json["code"] == "file.link"


@pytest.mark.usefixtures("folder")
def test_link_is_handed_out_in_scope_only_and_ends_with_its_photo(service: Service) -> None:
    activity_id = plan(service)
    kept = upload(service, activity_id, picture()).json
    link = linked(service, activity_id)

    path = f"/activities/{activity_id}/photos"
    assert service.caller("党员丁").get(path).status_code == 404
    assert service.caller("书记一").delete(f"{path}/{kept['id']}").status_code == 204
    assert service.nobody.get(link).json["code"] == "photo.not_found"


def test_photo_goes_to_a_store_that_speaks_s3(service: Service) -> None:
    with object_store() as settings:
        service.app.extensions["files"] = S3Files(settings)
        activity_id = plan(service)
        kept = upload(service, activity_id, picture("blue")).json

        shown = service.nobody.get(linked(service, activity_id))

        outside = client_of(settings)
        (item,) = outside.list_objects_v2(Bucket=settings.bucket)["Contents"]
        assert item["Key"] == f"pilot/photos/{kept['id'][-2:]}/{kept['id'].replace('-', '')}.jpg"
        stored = outside.get_object(Bucket=settings.bucket, Key=item["Key"])["Body"].read()
        assert stored == shown.data
        assert len(stored) == kept["byte_count"]


def test_store_that_is_away_refuses_the_photo_and_leaves_no_row(
    service: Service, tmp_path: Path
) -> None:
    service.app.extensions["files"] = Away(tmp_path)
    activity_id = plan(service)

    refused = upload(service, activity_id, picture())

    assert (refused.status_code, refused.json["code"]) == (503, "server.busy")
    assert int(refused.headers["Retry-After"]) > 0
    items: list[Any] = (
        service.caller("书记一").get(f"/activities/{activity_id}/photos").json["items"]
    )
    assert items == []


def test_fourth_photo_is_refused_before_it_is_stored(service: Service, folder: FolderFiles) -> None:
    activity_id = plan(service)
    for colour in ("red", "green", "blue"):
        assert upload(service, activity_id, picture(colour)).status_code == 201

    assert upload(service, activity_id, picture("white")).json["code"] == "photo.count"
    assert len(list(folder.names("photos"))) == 3
