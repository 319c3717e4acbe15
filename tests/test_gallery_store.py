"""The gallery's files: nothing that was committed is lost, nothing that was forgotten is left."""

import os
import random
import select
import signal
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

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
from figureground.gallery.signs import PLANES
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
    monkeypatch.setattr("figureground.gallery.rows.SIGNED_FROM", 40)
    monkeypatch.setattr("figureground.gallery.store.CANDIDATES", (10, 1))
    monkeypatch.setattr("figureground.gallery.words.BLOCK", 16)


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("filter", [Filter(), Filter(camera=["1"]), Filter(camera=["nope"])])
def test_candidates_are_those_whose_signs_differ_least(tmp_path: Path, filter: Filter) -> None:
    """Against the definition, bit by bit."""
    store, vectors = filled(tmp_path / "g", 70)
    (query,) = unit_vectors(np.random.default_rng(1), 1, D)
    with store.reading():
        mean, *planes = store._open[1].signs.sides  # type: ignore[index,union-attr]
    assert np.array(planes).shape == (PLANES, D)
    assert np.allclose(np.linalg.norm(planes, axis=1), 1, atol=1e-5)
    sides = [(v - mean) @ np.array(planes).T > 0 for v in (*vectors, query)]
    differ = (np.array(sides[:-1]) != sides[-1]).sum(axis=1)
    meant = [n for n in range(70) if not filter.camera or str(n % 2) in filter.camera]
    for top in (70, 10, 3):
        count = max(10, top)
        limit = sorted(differ[n] for n in meant)[: min(count, len(meant))][-1] if meant else 0
        near = [n for n in meant if differ[n] <= limit]
        expected = sorted(near, key=lambda n: -vectors[n] @ query)[:top]
        entries, scores, found = store.nearest(query, top, filter)
        assert [entry.row for entry in entries] == expected
        assert np.allclose(found @ query, scores, atol=1e-6)
        sure, _, _ = store.nearest(query, top, filter, exact=True)
        assert [e.row for e in sure] == sorted(meant, key=lambda n: -vectors[n] @ query)[:top]


@pytest.mark.usefixtures("signed")
def test_signs_find_the_nearest(tmp_path: Path) -> None:
    """Of vectors in few directions, as a network's are."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((2000, 4)) @ rng.standard_normal((4, D))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    store = made(tmp_path / "g")
    store.put([image(f"{n}.jpg", vector[None]) for n, vector in enumerate(vectors)])
    queries = vectors[::100]
    found = [store.nearest(query, 10)[0] for query in queries]
    truth = [store.nearest(query, 10, exact=True)[0] for query in queries]
    assert [some[0].row for some in found] == list(range(0, 2000, 100))
    shared = [len({*some} & {*sure}) / 10 for some, sure in zip(found, truth, strict=True)]
    assert np.mean(shared) > 0.7  # 10 candidates each; by chance 0.1


@pytest.mark.usefixtures("signed")
def test_signs_follow_the_vectors(tmp_path: Path) -> None:
    """Through adding, replacing and forgetting, for a reader of the old ones too; nothing is left over."""
    store, vectors = filled(tmp_path / "g", 39)
    reader = Store(tmp_path / "g")

    def signed(of: Store) -> int:
        with of.reading():
            marks = of._open[1].signs  # type: ignore[index]
            return 0 if marks is None else marks.rows

    assert signed(store) == 0
    store.put([image("more.jpg", unit_vectors(np.random.default_rng(2), 30, D))])
    assert signed(store) == signed(reader) == 69
    with reader.reading():
        store.put([image("0.jpg", vectors[:1])])
        store.forget(Filter(person=["3"]))
        assert signed(store) == 68
        assert reader._open[1].signs.rows == 69  # type: ignore[index,union-attr]
    assert sorted(file.name for file in (tmp_path / "g").glob("*-*.*"))[:1] == ["labels-1.words"]
    assert sorted(file.name for file in (tmp_path / "g").glob("*-*.*"))[-2:] == [
        *("signs-1.words", "vectors-1.f32")
    ]
    assert damage(store) == []
    assert signed(reader) == 68
    entries, _, _ = reader.nearest(vectors[7], 1)
    assert entries[0].person == "7"
    file = tmp_path / "g" / "signs-1.words"
    content = bytearray(file.read_bytes())
    content[-8 * 16 : -8 * 16 + 8 * 4] = bytes(32)  # a word of each of the last four people
    file.write_bytes(content)
    assert damage(Store(tmp_path / "g")) == ["the signs of 4 people are not of their vectors"]
    file.write_bytes(content[:-1])
    with pytest.raises(GalleryError, match=r"signs-1.words is cut short"):
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
        meant = store.meant(filter)
        rows = range(len(vectors)) if meant is None else np.flatnonzero(meant)
        assert list(rows) == list(expected)
        assert [entry.person for entry in store.select(filter)] == [str(n) for n in expected]


NAMES = st.sampled_from([None, "a", "b", "ä"])
LISTS = st.lists(st.sampled_from(["a", "b", "ä", "other"]), max_size=2)
TIMES = st.none() | st.integers(-2, 6).map(float)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(NAMES, NAMES, NAMES, TIMES, st.integers(0, 6)), max_size=8),
    st.builds(Filter, LISTS, LISTS, LISTS, LISTS, TIMES, TIMES, TIMES),
    st.sets(st.integers(0, 7)),
)
def test_labels_mean_whom_the_manifest_means(
    tmp_path_factory: pytest.TempPathFactory, people: list, filter: Filter, again: set[int]
) -> None:
    """Search goes by the labels' file, the rest by SQL."""
    store, vector = made(tmp_path_factory.mktemp("g") / "g"), np.eye(1, D, dtype=np.float32)
    for n in (*range(len(people)), *(n for n in again if n < len(people))):
        camera, person, tag, seen, added = people[n]
        about = {"camera": camera, "person": person, "tag": tag, "time": seen}
        store.put([image(f"{n}.jpg", vector, added=float(added), **about)])
    with store.reading() as vectors:
        meant = store.meant(filter)
        rows = range(len(vectors)) if meant is None else np.flatnonzero(meant)
        assert list(rows) == [entry.row for entry in store.select(filter)]
    assert damage(store) == []


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


def test_who_is_left_is_walked_over_once_until_someone_writes(tmp_path: Path) -> None:
    store, vectors = filled(tmp_path / "g")
    other = Store(tmp_path / "g")
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)

    def walks() -> int:
        return sum("FROM people" in query and "WHERE" not in query for query in asked)

    def nearest_to(n: int) -> str:
        return store.nearest(vectors[n], 1)[0][0].image

    store.put([image("3.jpg", -vectors[3:4])])  # its old row is a gap now
    assert nearest_to(3) != "3.jpg"
    assert [nearest_to(n) for n in (4, 5)] == ["4.jpg", "5.jpg"]
    assert walks() == 1
    other.put([image("4.jpg", -vectors[4:5])])
    assert nearest_to(4) != "4.jpg"
    assert store.nearest(-vectors[4], 1)[0][0].image == "4.jpg"
    assert walks() == 2
    store.put([image("5.jpg", -vectors[5:6])])
    assert nearest_to(5) != "5.jpg"
    assert walks() == 3
    other.forget_images(["6.jpg"])
    assert nearest_to(6) != "6.jpg"
    assert nearest_to(7) == "7.jpg"
    assert walks() == 3  # forgetting closes all gaps
    store.forget(Filter(person=["8"]))
    other.put([image("9.jpg", -vectors[9:10])])
    assert nearest_to(8) != "8.jpg"
    assert nearest_to(9) != "9.jpg"
    assert nearest_to(10) == "10.jpg"


def test_a_reader_of_gaps_keeps_its_state_while_another_writes(tmp_path: Path) -> None:
    reader, vectors = filled(tmp_path / "g", 4)
    writer = Store(tmp_path / "g")
    writer.put([image("0.jpg", vectors[:1])])
    with reader.reading():
        writer.put([image("1.jpg", vectors[1:2])])
        assert reader.meant().tolist() == [False, *[True] * 4]  # type: ignore[union-attr]
    with reader.reading():
        assert reader.meant().tolist() == [False, False, *[True] * 4]  # type: ignore[union-attr]
        writer.forget(Filter(person=["2"]))
        assert reader.meant().tolist() == [False, False, *[True] * 4]  # type: ignore[union-attr]
    with reader.reading():
        assert reader.meant() is None
    for name in ("0.jpg", "1.jpg", "3.jpg"):  # gaps only
        writer.put([image(name, vectors[:0])])
    assert reader.nearest(vectors[0], 1)[0] == []


def test_an_image_put_again_replaces_itself(tmp_path: Path) -> None:
    store, vectors = filled(tmp_path / "g", 3)
    store.put([image("1.jpg", vectors[[2, 0]])])
    with store.reading() as before:
        assert store.meant().tolist() == [True, False, True, True, True]  # type: ignore[union-attr]
        old = before.copy()
    store.compact()
    with store.reading() as after:
        assert store.meant() is None
        assert np.array_equal(after, old[[0, 2, 3, 4]])
        assert [entry.image for entry in store.select()] == ["0.jpg", "2.jpg", "1.jpg", "1.jpg"]


def test_a_reader_keeps_its_state_while_another_writes(tmp_path: Path) -> None:
    writer, vectors = filled(tmp_path / "g")
    reader = Store(tmp_path / "g")
    with reader.reading() as seen:
        writer.put([image("new.jpg", vectors[:1])])
        writer.forget(Filter(camera=["0"]))
        assert np.array_equal(seen, vectors)
        assert reader.meant() is None
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
        database.execute("PRAGMA user_version = 1")
    database.close()
    with pytest.raises(GalleryError, match="format 1, and this figureground knows 2"):
        Store(tmp_path / "g")


def whole(path: Path) -> None:
    if wrong := damage(Store(path)):  # half a manifest may open
        raise GalleryError(f"is damaged: {wrong}")


@pytest.mark.parametrize("damaged", ["manifest", "half", "vectors", "labels", "values", "names"])
def test_damage_is_said(tmp_path: Path, damaged: str) -> None:
    store, _ = filled(tmp_path / "g")
    store.compact()
    store.close()
    manifest, vectors = tmp_path / "g" / "manifest.sqlite", tmp_path / "g" / "vectors-0.f32"
    labels = tmp_path / "g" / "labels-0.words"
    if damaged == "manifest":
        manifest.write_bytes(b"no database " * 500)
    elif damaged == "half":
        manifest.write_bytes(manifest.read_bytes()[: manifest.stat().st_size // 2])
    elif damaged == "vectors":
        vectors.write_bytes(vectors.read_bytes()[:-4])
    elif damaged == "labels":
        labels.write_bytes(labels.read_bytes()[:-1])
    elif damaged == "names":
        labels.write_bytes(bytes(8) + labels.read_bytes()[8:])
        assert damage(Store(tmp_path / "g")) == ["the labels of 1 people are not theirs"]
        return
    else:
        vectors.write_bytes(bytes(vectors.stat().st_size))
        assert damage(Store(tmp_path / "g")) == ["20 of 20 vectors are not of length 1"]
        return
    with pytest.raises(GalleryError, match=r"cannot be used|cut short|is damaged"):
        whole(tmp_path / "g")


@pytest.mark.parametrize("file", ["vectors-0.f32", "labels-0.words"])
def test_nothing_is_added_to_what_is_cut_short(tmp_path: Path, file: str) -> None:
    store, vectors = filled(tmp_path / "g")
    store.close()
    path = tmp_path / "g" / file
    os.truncate(path, path.stat().st_size // 2)
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="cut short"):
        Store(tmp_path / "g").put([image("new.jpg", vectors[:1])])
    assert path.read_bytes() == before


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


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="POSIX")
def test_on_a_disk_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched without a trace; by who may not write to a disk that others can, not at all."""
    store, vectors = filled(tmp_path / "g")
    store.close()
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "g").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("os.statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
        store = Store(tmp_path / "g")
        assert [entry.person for entry in store.nearest(vectors[3], 1)[0]] == ["3"]
        assert damage(store) == []
        after = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "g").iterdir()}
        assert after == before
        store.close()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(GalleryError, match="you may not write to"):
        Store(tmp_path / "g")


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
