"""A gallery over HTTP: searched, filled and emptied; its folder and its paths stay the server's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import figureground as fg
from gallery_model import draw_crops, write_model

httpx = pytest.importorskip("httpx")
for module in ("uvicorn", "fastapi", "python_multipart"):
    pytest.importorskip(module)

from figureground.errors import GalleryError  # noqa: E402
from figureground.serve.models import Models  # noqa: E402
from figureground.serve.people import People  # noqa: E402
from serving import serving  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With crops of four persons by two cameras, and a gallery of the first one's."""
    card = write_model(tmp_path)
    crops = draw_crops(tmp_path / "crops", persons=4, cameras=2)
    with fg.Gallery(tmp_path / "people.gallery", model=str(card)) as gallery:
        gallery.add(crops[:2], camera="door")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[Any]:
    models = Models(["pp-humanseg-lite"])
    with serving(models, gallery=str(folder / "people.gallery"), gallery_write=True) as opened:
        opened.crops = sorted((folder / "crops").iterdir())
        yield opened


def test_add_search_forget(client: Any, folder: Path) -> None:
    crop, other = client.crops[2].read_bytes(), client.crops[3].read_bytes()
    data = {"camera": "yard", "person": "Ada", "time": "2026-11-21T08:30", "tag": "red"}
    files = {"file": ("../../etc/passwd", crop)}
    added = client.post("/v1/gallery", files=files, data=data).json()
    assert len(added["people"]) == 1
    assert client.get("/v1/gallery").json() == {"people": 3, "threshold": None}
    best = client.post("/v1/search?top=1", content=other).json()["matches"][0]
    assert best["image"] == added["image"]
    assert best["id"] == added["people"][0]["id"]
    assert (best["person"], best["camera"], best["tag"]) == ("Ada", "yard", "red")
    assert best["time"].startswith("2026-11-21T08:30")
    picture = client.get(f"/v1/gallery/{best['id']}/thumbnail")
    assert picture.headers["content-type"] == "image/jpeg"
    again = client.post("/v1/gallery", files=files, data={"no_thumbnails": "1"}).json()
    assert client.get("/v1/gallery").json()["people"] == 3
    assert client.get(f"/v1/gallery/{again['people'][0]['id']}/thumbnail").status_code == 404
    assert client.delete(f"/v1/gallery?image={again['image']}").json() == {"forgotten": 1}
    assert client.delete("/v1/gallery?camera=yard").json() == {"forgotten": 0}
    assert client.delete("/v1/gallery?camera=door,none").json() == {"forgotten": 2}
    assert client.get("/v1/gallery").json()["people"] == 0
    client.post("/v1/gallery", content=crop)
    assert client.delete("/v1/gallery?everybody=true").json() == {"forgotten": 1}
    assert crop not in (folder / "people.gallery" / "manifest.sqlite").read_bytes()


def test_what_is_wrong_is_said(client: Any, folder: Path) -> None:
    crop = client.crops[2].read_bytes()
    for query, word in (
        ("", "whom to forget"),
        ("?everybody=1&camera=door", "whom to forget"),
        ("?since=yesterday", "no time"),
        ("?older_than=long", "no age"),
        ("?name=Ada", "no option 'name'"),
    ):
        answer = client.delete(f"/v1/gallery{query}")
        assert answer.status_code == 422
        assert word in answer.json()["error"]
    assert client.delete(f"/v1/gallery?image={client.crops[0]}x").json() == {"forgotten": 0}
    for query, body in (
        ("?time=soon", crop),
        ("?people=all", crop),
        ("", b"text"),
        ("?camera=" + "x" * 300, crop),
    ):
        assert client.post(f"/v1/gallery{query}", content=body).status_code == 422
    assert client.get("/v1/gallery/one/thumbnail").status_code == 422
    for id in (999, -1, 2**70):
        assert client.get(f"/v1/gallery/{id}/thumbnail").status_code == 404
    assert client.get("/v1/gallery").json()["people"] == 2


def test_a_broken_gallery_does_not_say_where_it_is(client: Any, folder: Path) -> None:
    crop = client.crops[0].read_bytes()
    for file in (folder / "people.gallery").iterdir():
        file.write_bytes(b"broken")
    for answer in (
        client.get("/v1/gallery"),
        client.get("/v1/gallery/1/thumbnail"),
        client.post("/v1/search", content=crop),
        client.delete("/v1/gallery?everybody=1"),
    ):
        assert answer.status_code == 422, answer.text
        assert "the gallery" in answer.json()["error"]
        assert str(folder) not in answer.text


def test_a_gallery_to_be_searched_is_not_changed(folder: Path) -> None:
    with serving(Models(["pp-humanseg-lite"]), gallery=str(folder / "people.gallery")) as client:
        crop = (folder / "crops").iterdir().__next__().read_bytes()
        assert client.post("/v1/gallery", content=crop).status_code == 405
        assert client.delete("/v1/gallery?everybody=1").status_code == 405
        assert client.get("/v1/gallery").json()["people"] == 2


def test_one_is_made_where_it_may_be_written(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no gallery"):
        People(str(tmp_path / "new.gallery"), 1000)
    assert People(str(tmp_path / "new.gallery"), 1000, writable=True).stats()["people"] == 0
