"""A gallery on a Qdrant server answers as a folder does. The server here is the client's in-memory mode."""

import json
from pathlib import Path

import numpy as np
import pytest

import figureground as fg
from figureground.cli import main
from figureground.errors import GalleryError
from figureground.gallery.filter import Filter
from figureground.gallery.merge import merge
from figureground.gallery.records import Image, Settings
from figureground.gallery.sources import pictures
from figureground.gallery.storage import made, opened, there
from figureground.gallery.verify import damage
from gallery_model import draw_crops, unit_vectors, write_model

qdrant_client = pytest.importorskip("qdrant_client")
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

URL = "http://localhost:6333/people"
SETTINGS = Settings("m", "0" * 64, "{}", 8)
FILTERS = [
    Filter(),
    Filter(camera=["1"]),
    Filter(not_camera=["1"]),
    Filter(camera=["0", "1"], tag=["late"]),
    Filter(since=5, until=7),
    Filter(person=["3", "99"]),
    Filter(before=2),
    Filter(camera=["nope"]),
]


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = qdrant_client.QdrantClient(":memory:")
    monkeypatch.setattr(memory, "close", lambda: None)
    monkeypatch.setattr("qdrant_client.QdrantClient", lambda **_: memory)


def images(count: int = 20) -> list[Image]:
    """Two people in each; image 4 has an unknown camera and time, image 5 shows nobody."""
    vectors = unit_vectors(np.random.default_rng(0), 2 * count, 8)
    return [
        Image(
            f"/photos/{n}.jpg",
            f"{n} was",
            vectors[2 * n : 2 * n + 2][: 0 if n == 5 else 2],
            [(0, 0, 9, 9), (9, 0, 9, 9)][: 0 if n == 5 else 2],
            [b"jpeg", None][: 0 if n == 5 else 2],
            camera=None if n == 4 else str(n % 2),
            person=str(n),
            time=None if n == 4 else float(n),
            tag="late" if n >= count // 2 else None,
            added=1000.0 + n,
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("filter", FILTERS, ids=str)
def test_answers_as_a_folder_does(tmp_path: Path, filter: Filter) -> None:
    folder, server = made(tmp_path / "g", SETTINGS), made(URL, SETTINGS)
    for storage in (folder, server):
        storage.put(images()[:7])
        storage.put(images()[7:])

    def people(found: object) -> list[tuple]:
        return [
            (e.image, e.box, e.camera, e.person, e.time, e.tag, e.added)
            for e in found  # type: ignore[attr-defined]
        ]

    assert sorted(people(server.select(filter)), key=str) == sorted(
        people(folder.select(filter)), key=str
    )
    query = unit_vectors(np.random.default_rng(1), 1, 8)[0]
    ours, theirs = (storage.nearest(query, 6, filter) for storage in (folder, server))
    assert people(ours[0]) == people(theirs[0])
    assert np.allclose(ours[1], theirs[1], atol=1e-6)
    assert np.allclose(ours[2], theirs[2], atol=1e-6)
    assert folder.forget(filter) == server.forget(filter)
    assert folder.known() == server.known()
    assert folder.count() == server.count()
    assert people(server.select()) == [] or damage(server) == []


def test_images_are_replaced_and_forgotten_and_moved(tmp_path: Path) -> None:
    server = made(URL, SETTINGS)
    assert made(URL, SETTINGS).settings == SETTINGS
    all_of_them = images()
    server.put(all_of_them)
    fewer = all_of_them[3]
    server.put(
        [Image(fewer.path, "changed", fewer.vectors[1:], fewer.boxes[1:], fewer.thumbnails[:1])]
    )
    (left,) = server.people_of(fewer.path)
    assert left.box == (9, 0, 9, 9)
    assert np.allclose(server.vectors([left]), fewer.vectors[1:])
    assert server.known()[fewer.path] == "changed"
    first, second = server.people_of(all_of_them[7].path)
    assert (server.thumbnail(first.id), server.thumbnail(second.id)) == (b"jpeg", None)
    assert server.forget_images(["/photos/7.jpg", "/photos/8.jpg", "/photos/none.jpg"]) == 4
    assert len(server.known()) == 18
    with pytest.raises(GalleryError, match="1 people were forgotten meanwhile"):
        server.vectors([first])
    folder = made(tmp_path / "g", SETTINGS)
    assert merge(folder, server) == 18
    assert folder.known() == server.known()
    assert folder.count() == server.count() == 33


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(write_model(tmp_path))
    draw_crops(tmp_path / "crops", persons=6, cameras=3)
    crops, folder = str(tmp_path / "crops"), str(tmp_path / "g")
    assert main(["index", crops, "-g", URL, "--model", model]) == 0
    assert main(["index", crops, "-g", URL, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["unchanged"] == 18
    assert main(["calibrate", "-g", URL, "--far", "0.2"]) == 0
    query = f"{crops}/0002_c1s1_000001_00.png"
    sheet = tmp_path / "sheet.html"
    words = ["search", query, "-g", URL, "--not-camera", "1", "--rerank", "9", "--html", str(sheet)]
    assert main(words) == 0
    assert capsys.readouterr().out.count("person 0002") == 2
    assert sheet.read_text().count("<img") > 2
    for action in ("stats", "list", "verify"):
        assert main(["gallery", action, URL]) == 0
    assert "18 people" not in capsys.readouterr().err
    assert main(["gallery", "merge", folder, URL]) == 0
    moved = "http://localhost:6333/moved"
    assert main(["gallery", "merge", moved, folder]) == 0
    with fg.Gallery(folder) as one, fg.Gallery(moved) as other:
        ours, theirs = one.search(query), other.search(query)
    assert [m.entry.image for m in ours.matches] == [m.entry.image for m in theirs.matches]
    assert main(["gallery", "forget", moved, "--person", "0002"]) == 0
    assert main(["gallery", "export", moved, "-o", str(tmp_path / "all.npz")]) == 0
    with np.load(tmp_path / "all.npz") as content:
        assert content["vectors"].shape == (15, 36)


def test_what_goes_wrong_is_said(tmp_path: Path) -> None:
    assert not there(URL)
    with pytest.raises(GalleryError, match="there is no gallery at http"):
        opened(URL)
    for nameless in ("http://localhost:6333", "http://localhost:6333/a/b", "http:///people"):
        with pytest.raises(GalleryError, match="names no gallery"):
            there(nameless)
    server = made(URL, SETTINGS)
    server.put(images()[:1])
    server.remember("settings", None)
    with pytest.raises(GalleryError, match="collection people that is no gallery"):
        made(URL, SETTINGS)
    made(URL.replace("people", "other"), SETTINGS).remember("format", 9)
    with pytest.raises(GalleryError, match="format 9, and this figureground knows 1"):
        opened(URL.replace("people", "other"))
    made(URL.replace("people", "third"), SETTINGS)
    draw_crops(tmp_path, persons=1, cameras=1)
    gallery = fg.Gallery(URL.replace("people", "third"), model=str(write_model(tmp_path)))
    with pytest.raises(GalleryError, match="the model now is another"):
        gallery.add(pictures([str(tmp_path)]))


def test_no_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.undo()
    assert main(["gallery", "stats", "http://127.0.0.1:9/people"]) == 1
    said = capsys.readouterr().err
    assert "the server of http://127.0.0.1:9/people cannot be used" in said
    assert said.count("\n") == 1
