"""The gallery's files: nothing that was committed is lost, nothing that was forgotten is left."""

import os
import random
import select
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from figureground.errors import GalleryError
from figureground.gallery.create import create
from figureground.gallery.exact import nearest
from figureground.gallery.filter import Filter, ago, moment, shown
from figureground.gallery.merge import merge
from figureground.gallery.records import Image, Settings
from figureground.gallery.store import Store
from figureground.gallery.verify import damage
from gallery_model import unit_vectors

D = 8
SETTINGS = Settings("m", "0" * 64, "{}", D)


def made(path: Path) -> Store:
    create(path, SETTINGS)
    return Store(path)


def image(name: str, vectors: np.ndarray, **about: object) -> Image:
    people = len(vectors)
    return Image(
        name,
        f"{name} was",
        vectors,
        [(n, 0, 9, 9) for n in range(people)],
        [b"jpeg"] * people,
        **about,  # type: ignore[arg-type]
    )


def filled(path: Path, count: int = 20) -> tuple[Store, np.ndarray]:
    """Person n of 20 in image n, camera n % 2, at n seconds, tag in the second half."""
    store, vectors = made(path), unit_vectors(np.random.default_rng(0), count, D)
    for n in range(count):
        tag = "late" if n >= count // 2 else None
        about = {"camera": str(n % 2), "person": str(n), "time": float(n), "tag": tag}
        store.put([image(f"{n}.jpg", vectors[n : n + 1], **about)])
    return store, vectors


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.int8, st.tuples(st.integers(0, 40), st.just(4)), elements=st.integers(-2, 2)),
    arrays(np.int8, st.tuples(st.integers(1, 3), st.just(4)), elements=st.integers(-2, 2)),
    st.integers(1, 12),
    st.integers(1, 7),
    st.none() | st.sets(st.integers(0, 39)),
)
def test_search_is_brute_force(
    vectors: np.ndarray, queries: np.ndarray, top: int, block: int, chosen: set[int] | None
) -> None:
    """Whole numbers: dot products are exact, and many are equal."""
    vectors, queries = vectors.astype(np.float32), queries.astype(np.float32)
    searched = [n for n in range(len(vectors)) if chosen is None or n in chosen]
    rows = None if chosen is None else np.array(searched, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("figureground.gallery.exact.BLOCK", block)
        scores, found = nearest(queries, vectors, rows, top)
    for query, line, places in zip(queries, scores, found, strict=True):
        truth = sorted(searched, key=lambda row: (-(vectors[row] @ query), row))[:top]
        assert places.tolist() == truth
        assert line.tolist() == [vectors[row] @ query for row in truth]


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs from 40 people on, in blocks of 16, and searched however few are meant."""
    monkeypatch.setattr("figureground.gallery.store.SIGNED_FROM", 40)
    monkeypatch.setattr("figureground.gallery.store.FEW", 0)
    monkeypatch.setattr("figureground.gallery.store.CANDIDATES", 1)
    monkeypatch.setattr("figureground.gallery.signs.BLOCK", 16)


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("filter", [Filter(), Filter(camera=["1"]), Filter(camera=["nope"])])
def test_candidates_are_those_whose_signs_differ_least(tmp_path: Path, filter: Filter) -> None:
    """Against the definition, bit by bit, and those in no whole block."""
    store, vectors = filled(tmp_path / "g", 70)
    (query,) = unit_vectors(np.random.default_rng(1), 1, D)
    entries, scores, found = store.nearest(query, 70, filter)
    with store.reading():
        mean, *planes = store._open[2].sides  # type: ignore[index]
    assert np.allclose(np.array(planes) @ np.array(planes).T, np.eye(D), atol=1e-5)
    sides = [(v - mean) @ np.array(planes) > 0 for v in (*vectors, query)]
    differ = (np.array(sides[:-1]) != sides[-1]).sum(axis=1)
    meant = [n for n in range(70) if not filter.camera or str(n % 2) in filter.camera]
    least = sorted(differ[n] for n in meant if n < 64)[:70]
    limit = least[min(70, len(least)) - 1] if least else 0
    expected = {n for n in meant if n >= 64 or differ[n] <= limit}
    assert {entry.row for entry in entries} == expected
    assert np.allclose(found @ query, scores, atol=1e-6)
    few, _, _ = store.nearest(query, 3, filter)
    sure, _, _ = store.nearest(query, 3, filter, exact=True)
    assert [entry.row for entry in sure] == sorted(meant, key=lambda n: -vectors[n] @ query)[:3]
    ten = sorted(differ[n] for n in meant if n < 64)[:10]
    near = [n for n in meant if n >= 64 or differ[n] <= (ten[-1] if ten else 0)]
    assert [entry.row for entry in few] == sorted(near, key=lambda n: -vectors[n] @ query)[:3]


@pytest.mark.usefixtures("signed")
def test_signs_follow_the_vectors(tmp_path: Path) -> None:
    """Through adding, replacing and forgetting, for a reader of the old ones too; nothing is left over."""
    store, vectors = filled(tmp_path / "g", 39)
    reader = Store(tmp_path / "g")

    def blocks(of: Store) -> int:
        with of.reading():
            marks = of._open[2]  # type: ignore[index]
            return 0 if marks is None else len(marks.blocks)

    assert blocks(store) == 0
    store.put([image("more.jpg", unit_vectors(np.random.default_rng(2), 30, D))])
    assert blocks(store) == blocks(reader) == 4
    with reader.reading():
        store.put([image("0.jpg", vectors[:1])])
        store.forget(Filter(person=["3"]))
        assert len(reader._open[2].blocks) == 4  # type: ignore[index]
    assert sorted(file.name for file in (tmp_path / "g").glob("*-*.*"))[-2:] == [
        *("signs-1.bits", "vectors-1.f32")
    ]
    assert damage(store) == []
    assert blocks(reader) == 4
    entries, _, _ = reader.nearest(vectors[7], 1)
    assert entries[0].person == "7"
    file = tmp_path / "g" / "signs-1.bits"
    content = bytearray(file.read_bytes())
    content[-1] ^= 255
    file.write_bytes(content)
    assert damage(Store(tmp_path / "g")) == ["the signs of 16 people are not of their vectors"]
    file.write_bytes(content[:-1])
    with pytest.raises(GalleryError, match=r"signs-1.bits is cut short"):
        Store(tmp_path / "g").nearest(vectors[7], 1)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (Filter(), range(20)),
        (Filter(camera=["1"]), range(1, 20, 2)),
        (Filter(not_camera=["1"]), range(0, 20, 2)),
        (Filter(camera=["0", "1"], tag=["late"]), range(10, 20)),
        (Filter(since=5, until=7), (5, 6, 7)),
        (Filter(person=["3", "99"]), (3,)),
        (Filter(before=2), (0, 1)),
        (Filter(camera=["nope"]), ()),
    ],
)
def test_filters(tmp_path: Path, filter: Filter, expected: range) -> None:
    store, _ = filled(tmp_path / "g")
    with store.reading() as vectors:
        rows = store.rows(filter)
        assert (np.arange(len(vectors)) if rows is None else rows).tolist() == list(expected)
        assert [entry.person for entry in store.select(filter)] == [str(n) for n in expected]


def test_forgetting_leaves_nothing_in_the_files(tmp_path: Path) -> None:
    store, vectors = filled(tmp_path / "g")
    secret = image("secret-name.jpg", vectors[:2])
    store.put([secret])
    assert store.forget_images(["secret-name.jpg"]) == 2
    assert store.forget(Filter(person=["4"])) == 1
    assert store.forget(Filter(camera=["nope"])) == 0
    assert store.forget_images([]) == 0
    files = {file.name: file.read_bytes() for file in (tmp_path / "g").iterdir()}
    assert not any(b"secret-name" in content for content in files.values())
    assert not any(vectors[4].tobytes() in content for content in files.values())
    assert "4.jpg" not in store.known()
    with store.reading() as left:
        assert np.array_equal(left, np.delete(vectors, 4, axis=0))
        assert [entry.row for entry in store.select()] == list(range(19))
    assert damage(store) == []


def test_an_image_put_again_replaces_itself(tmp_path: Path) -> None:
    store, vectors = filled(tmp_path / "g", 3)
    store.put([image("1.jpg", vectors[[2, 0]])])
    with store.reading() as before:
        assert store.rows().tolist() == [0, 2, 3, 4]  # type: ignore[union-attr]
        old = before.copy()
    store.compact()
    with store.reading() as after:
        assert store.rows() is None
        assert np.array_equal(after, old[[0, 2, 3, 4]])
        assert [entry.image for entry in store.select()] == ["0.jpg", "2.jpg", "1.jpg", "1.jpg"]


def test_a_reader_keeps_its_state_while_another_writes(tmp_path: Path) -> None:
    writer, vectors = filled(tmp_path / "g")
    reader = Store(tmp_path / "g")
    with reader.reading() as seen:
        writer.put([image("new.jpg", vectors[:1])])
        writer.forget(Filter(camera=["0"]))
        assert np.array_equal(seen, vectors)
        assert reader.rows() is None
        assert [entry.person for entry in reader.entries([0, 19])] == ["0", "19"]
    with reader.reading() as seen:
        assert len(seen) == 11


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    first, vectors = filled(tmp_path / "g", 2)
    second = Store(tmp_path / "g")
    with first.writing(), pytest.raises(GalleryError, match="another process is writing"):
        second.put([image("a.jpg", vectors)])
    second.put([image("a.jpg", vectors)])


def test_merging(tmp_path: Path) -> None:
    (one, vectors), (two, _) = filled(tmp_path / "1", 3), filled(tmp_path / "2", 5)
    two.put([image("nobody.jpg", vectors[:0])])
    assert merge(one, two) == 6
    with one.reading() as joined:
        assert sorted(entry.image for entry in one.select()) == [f"{n}.jpg" for n in range(5)]
        assert [entry.time for entry in one.select(Filter(person=["4"]))] == [4.0]
        assert joined.shape == (5, D)
    assert one.known() == two.known()
    create(tmp_path / "3", Settings("other", "1" * 64, "{}", D))
    with pytest.raises(GalleryError, match=r"the model now is another: 1111.* of other|0000"):
        merge(Store(tmp_path / "3"), two)


def test_what_is_no_gallery_is_said(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="there is no gallery at"):
        Store(tmp_path / "nothing")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(GalleryError, match="no gallery, but a folder with a"):
        create(tmp_path / "photos", SETTINGS)
    with pytest.raises(GalleryError, match="cannot make a gallery"):
        create(tmp_path / "photos" / "a.jpg", SETTINGS)


def test_another_format_is_refused(tmp_path: Path) -> None:
    made(tmp_path / "g").close()
    with sqlite3.connect(tmp_path / "g" / "manifest.sqlite") as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(GalleryError, match="format 2, and this figureground knows 1"):
        Store(tmp_path / "g")


def whole(path: Path) -> None:
    if wrong := damage(Store(path)):  # half a manifest may open
        raise GalleryError(f"is damaged: {wrong}")


@pytest.mark.parametrize("damaged", ["manifest", "half", "vectors", "values"])
def test_damage_is_said(tmp_path: Path, damaged: str) -> None:
    store, _ = filled(tmp_path / "g")
    store.compact()
    store.close()
    manifest, vectors = tmp_path / "g" / "manifest.sqlite", tmp_path / "g" / "vectors-0.f32"
    if damaged == "manifest":
        manifest.write_bytes(b"no database " * 500)
    elif damaged == "half":
        manifest.write_bytes(manifest.read_bytes()[: manifest.stat().st_size // 2])
    elif damaged == "vectors":
        vectors.write_bytes(vectors.read_bytes()[:-4])
    else:
        vectors.write_bytes(bytes(vectors.stat().st_size))
        assert damage(Store(tmp_path / "g")) == ["20 of 20 vectors are not of length 1"]
        return
    with pytest.raises(GalleryError, match=r"cannot be used|cut short|is damaged"):
        whole(tmp_path / "g")


def test_leftovers_of_a_crash_while_making_one(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "new-manifest.sqlite").write_bytes(b"half")
    (tmp_path / "g" / "vectors-0.f32").write_bytes(b"half")
    store = made(tmp_path / "g")
    with store.reading() as vectors:
        assert vectors.shape == (0, D)


def write_for_ever(path: Path, acknowledge: int, seed: int) -> None:
    """Adds, replaces and forgets at random, and says so after each: image number, or −1 − number."""
    rng, store = random.Random(seed), Store(path)
    while True:
        number = rng.randrange(40)
        if rng.random() < 0.2:
            store.forget_images([str(number)])
            os.write(acknowledge, f"{-1 - number}\n".encode())
        else:
            store.put([image(str(number), unit_vectors(np.random.default_rng(number), 50, D))])
            os.write(acknowledge, f"{number}\n".encode())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """kill −9 at twenty random moments: all that was acknowledged is there, whole, and writing goes on."""
    path, rng, present = tmp_path / "g", random.Random(0), set[int]()
    made(path).close()
    for attempt in range(20):
        answers, acknowledge = os.pipe()
        child = os.fork()
        if not child:
            try:
                write_for_ever(path, acknowledge, attempt)
            finally:
                os._exit(1)
        os.close(acknowledge)
        if attempt == 0:  # however slow the machine is, something is there
            select.select([answers], [], [], 60)
        time.sleep(0.03 + rng.random() * 0.1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(answers) as lines:
            done = [int(line) for line in lines.read().split()]
        for number in done:
            (present.add(number) if number >= 0 else present.discard(-1 - number))
        store = Store(path)
        known = {int(name) for name in store.known()}
        assert len(known ^ present) <= 1, "at most the one that was under way"
        assert damage(store) == []
        with store.reading() as vectors:
            for entry in store.select():
                expected = unit_vectors(np.random.default_rng(int(entry.image)), 50, D)
                assert np.array_equal(vectors[entry.row], expected[entry.box[0]])
        present = known
        store.close()
    assert present


def test_disk_full_leaves_the_gallery_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, vectors = filled(tmp_path / "g", 3)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(GalleryError, match="No space left"):
            store.put([image("a.jpg", vectors)])
        with pytest.raises(GalleryError, match="No space left"):
            store.put([image("0.jpg", vectors)])
    with store.reading() as left:
        assert np.array_equal(left, vectors)
    assert damage(store) == []


def test_times() -> None:
    assert moment("1970-01-02") == 86400
    assert moment("1970-01-01T01:00+01:00") == 0
    assert moment("12.5") == 12.5
    assert shown(0) == "1970-01-01T00:00:00+00:00"
    assert abs(ago("2d") - (time.time() - 172800)) < 5
    for wrong in ("soon", "1x", ""):
        with pytest.raises(GalleryError, match="expected one such as"):
            ago(wrong)
    with pytest.raises(GalleryError, match="is no time"):
        moment("yesterday")
