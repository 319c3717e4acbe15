"""Find a person again: from photos to matches, and to the answer that nobody is there."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import figureground as fg
from figureground.cli import main
from figureground.cli.search import _hint
from figureground.errors import FiguregroundError, GalleryError
from figureground.gallery.calibrate import best_scores, by_pairs, by_searches
from figureground.gallery.filter import Filter
from figureground.gallery.people import people
from figureground.gallery.rerank import reranked
from figureground.gallery.sheet import sheet as html
from figureground.gallery.sources import pictures
from figureground.imaging.read import read
from figureground.imaging.regions import regions
from figureground.metrics.open_set import OpenSet, threshold_at
from figureground.metrics.reid import Retrieval
from gallery_model import draw_crops, unit_vectors, write_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve persons by three cameras."""
    folder = tmp_path_factory.mktemp("crops")
    draw_crops(folder, persons=12, cameras=3)
    return folder


@pytest.fixture
def gallery(tmp_path: Path, crops: Path, model: str) -> fg.Gallery:
    """All but person 12, whom nobody saw."""
    found = fg.Gallery(tmp_path / "g", model=model)
    found.add([p for p in pictures([str(crops)]) if p.person != "0012"])
    return found


def test_finds_the_same_person_by_other_cameras(gallery: fg.Gallery, crops: Path) -> None:
    found = gallery.search(crops / "0003_c1s1_000001_00.png", top=3, not_camera=["1"])
    assert [(m.entry.person, m.entry.camera) for m in found.matches[:2]] in (
        [("0003", "2"), ("0003", "3")],
        [("0003", "3"), ("0003", "2")],
    )
    assert found.matches[1].score > found.matches[2].score
    assert found.threshold is None
    both = gallery.search(
        [crops / "0003_c1s1_000001_00.png", crops / "0003_c2s1_000001_00.png"], top=1, camera=["3"]
    )
    assert both.matches[0].entry.person == "0003"
    again = gallery.search(crops / "0003_c1s1_000001_00.png", top=5, rerank=20)
    assert [m.entry.person for m in again.matches[:3]] == ["0003"] * 3


def test_nobody_matches(gallery: fg.Gallery, crops: Path) -> None:
    calibration = gallery.calibrate(far=0.1)
    assert calibration.per == "search"
    assert calibration.found == 1
    absent = gallery.search(crops / "0012_c1s1_000001_00.png")
    assert absent.nobody
    assert absent.matches[0].probability < 0.5
    present = gallery.search(crops / "0001_c1s1_000001_00.png", not_camera=["1"])
    assert not present.nobody
    assert [m.same for m in present.matches] == [True] * 2 + [False] * 8
    assert present.matches[0].probability > 0.5
    strict = gallery.search(crops / "0001_c1s1_000001_00.png", not_camera=["1"], threshold=1)
    assert strict.nobody
    assert fg.Gallery(gallery.path).calibration == calibration


def test_the_gallery_ranks_as_the_metric(tmp_path: Path, model: str) -> None:
    """mAP and rank-1 of searches in the gallery are those of metrics.reid, on crops hard to tell apart."""
    draw_crops(tmp_path / "crops", persons=12, cameras=3, noise=900)
    gallery = fg.Gallery(tmp_path / "g", model=model)
    gallery.add(pictures([str(tmp_path / "crops")]))
    entries = list(gallery.store.select())
    metric, precisions, firsts = Retrieval(), [], []
    for entry in entries:
        matches = gallery.search(entry.image, top=len(entries)).matches
        left = [
            m.entry.person == entry.person
            for m in matches
            if (m.entry.person, m.entry.camera) != (entry.person, entry.camera)
        ]
        places = np.flatnonzero(left) + 1
        precisions.append((np.arange(1, len(places) + 1) / places).mean())
        firsts.append(left[0])
    metric.update(
        gallery.embed([entry.image for entry in entries]),
        np.array([entry.person for entry in entries]),
        np.array([entry.camera for entry in entries]),
    )
    figures = metric.compute()
    assert 0.2 < figures["map"] < 0.9
    assert (np.mean(precisions), np.mean(firsts)) == pytest.approx(
        (figures["map"], figures["rank1"])
    )


def test_unchanged_changed_and_removed_files(tmp_path: Path, crops: Path, model: str) -> None:
    folder = tmp_path / "photos"
    paths = draw_crops(folder, persons=2, cameras=2)
    gallery = fg.Gallery(tmp_path / "g", model=model)
    assert gallery.add(pictures([str(folder)])).images == 4
    again = gallery.add(pictures([str(folder)]))
    assert (again.images, again.unchanged) == (0, 4)
    paths[0].write_bytes((crops / "0005_c1s1_000001_00.png").read_bytes())
    paths[1].unlink()
    changed = gallery.add(pictures([str(folder)]))
    assert (changed.images, changed.unchanged) == (1, 2)
    assert gallery.search(crops / "0005_c1s1_000001_00.png").matches[0].score > 0.9999
    assert gallery.forget_missing() == 1
    assert gallery.forget_missing() == 0
    assert len(list(gallery.store.select())) == 3
    tagged = gallery.add(pictures([str(folder)], tag="new"))
    assert tagged.images == 3, "another label is a change"
    assert len(list(gallery.store.select(Filter(tag=["new"])))) == 3


def test_what_python_gets_wrong(gallery: fg.Gallery, crops: Path) -> None:
    query = crops / "0001_c1s1_000001_00.png"
    with pytest.raises(
        GalleryError, match=r"camera is 'door'; expected a list, such as \['door'\]"
    ):
        gallery.search(query, camera="door")
    with pytest.raises(GalleryError, match="no query picture"):
        gallery.search([])
    for wrong in (2, float("nan")):
        with pytest.raises(GalleryError, match="expected a score, from -1 to 1"):
            gallery.search(query, threshold=wrong)
    with pytest.raises(GalleryError, match="people is 'crops'; expected one of crop, photo"):
        gallery.embedder.look(read(query), "crops")  # type: ignore[arg-type]
    for wrong, words in (
        ({"time": float("nan")}, "time is nan"),
        ({"camera": 3}, "camera is 3; expected text"),
    ):
        with pytest.raises(GalleryError, match=words):
            gallery.add([query], **wrong)  # type: ignore[arg-type]
    with pytest.raises(GalleryError, match="expected a list"):
        gallery.add(str(query))
    with pytest.raises(GalleryError, match="has no name"):
        fg.Gallery("")
    with pytest.raises(GalleryError, match="every is nan seconds"):
        gallery.add([query], every=float("nan"))
    assert gallery.search(query, camera=["nowhere"]).nobody
    assert gallery.forget(Filter(camera=["1", "2", "3"])) == 33
    assert gallery.search(query).matches == []
    with pytest.raises(GalleryError, match="0 scores of the same person and 0 of different ones"):
        gallery.calibrate()


def test_labels_with_commas_and_blanks(
    tmp_path: Path, crops: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(crops.iterdir())[:3]
    names = ["Doe, John", " John ", "Doe"]
    with fg.Gallery(tmp_path / "g", model=model) as gallery:
        for file, name in zip(files, names):
            gallery.add([file], person=name)
    where = ["gallery", "forget", str(tmp_path / "g"), "--person"]
    assert main([*where, '"Doe, John"']) == 0
    with fg.Gallery(tmp_path / "g") as gallery:
        assert sorted(str(entry.person) for entry in gallery.store.select()) == ["Doe", "John"]
    assert main([*where, "John, Doe"]) == 0
    with fg.Gallery(tmp_path / "g") as gallery:
        assert not list(gallery.store.select())
    assert main(["gallery", "list", str(tmp_path / "g"), "--missing"]) == 1
    assert "--missing mean nothing to list" in capsys.readouterr().err


def test_a_closed_gallery_is_opened_again(gallery: fg.Gallery, crops: Path) -> None:
    for _ in range(2):
        with gallery:
            assert gallery.search(crops / "0001_c1s1_000001_00.png").matches
    assert len(list(gallery.store.select())) == 33


def test_one_image_and_its_double(tmp_path: Path, crops: Path, model: str) -> None:
    image = crops / "0001_c1s1_000001_00.png"
    copy = tmp_path / "copy.png"
    copy.write_bytes(image.read_bytes())
    with fg.Gallery(tmp_path / "g", model=model) as gallery:
        gallery.add([image, image, copy])
        found = gallery.search(image)
    assert [m.entry.image for m in found.matches] == [str(image), str(copy)]
    assert found.matches[1].score == pytest.approx(1)


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are text")
def test_a_picture_without_an_answer_and_a_name_that_is_no_text(
    tmp_path: Path, crops: Path
) -> None:
    """Both are said, and the rest is indexed. The model answers 0 to black."""
    Image.new("RGB", (20, 40)).save(tmp_path / "black.png")
    content = (crops / "0001_c1s1_000001_00.png").read_bytes()
    (tmp_path / "good.png").write_bytes(content)
    odd = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    with open(odd, "wb") as file:
        file.write(content)
    gallery = fg.Gallery(tmp_path / "g", model=str(write_model(tmp_path, "flat", centre=0)))
    added = gallery.add(pictures([str(tmp_path)]))
    assert (added.images, len(added.failed)) == (1, 2)
    assert ["not UTF-8" in reason or "other than 0" in reason for _, reason in added.failed] == [
        *(True, True)
    ]


def test_another_model_is_an_error(gallery: fg.Gallery, crops: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path, "other", cell=16)
    with pytest.raises(GalleryError, match="the model now is another"):
        fg.Gallery(gallery.path, model=str(other)).search(crops / "0001_c1s1_000001_00.png")
    with pytest.raises(GalleryError, match="the background now is another: keep there, mask"):
        fg.Gallery(gallery.path, background="mask").add([crops / "0001_c1s1_000001_00.png"])
    with pytest.raises(FiguregroundError, match="tells no persons apart"):
        fg.Gallery(tmp_path / "new", model="pp-humanseg-lite").add([])
    assert not (tmp_path / "new").exists()


def test_mirror_images_count_when_the_gallery_says_so(
    gallery: fg.Gallery, crops: Path, tmp_path: Path, model: str
) -> None:
    crop = crops / "0001_c1s1_000001_00.png"
    mirrored = tmp_path / "mirrored.png"
    ImageOps.mirror(Image.open(crop)).save(mirrored)
    flipped = fg.Gallery(tmp_path / "f", model=model, flip=True)
    flipped.add([crop])
    assert flipped.search(mirrored).matches[0].score == pytest.approx(1, abs=1e-5)
    assert fg.Gallery(tmp_path / "f").embedder.settings.flip  # it need not be said again
    assert gallery.search(mirrored).matches[0].score < 0.999
    assert not gallery.embedder.settings.flip
    with pytest.raises(GalleryError, match="whether it sees mirror images now is another: False"):
        fg.Gallery(gallery.path, flip=True).add([crop])
    assert main(["index", str(crop), "-g", str(gallery.path), "--flip"]) == 1


def test_people_of_a_photo(tmp_path: Path, photo_path: Path, model: str) -> None:
    """The astronaut, looked for and masked; nobody in a grey picture."""
    grey = tmp_path / "grey.png"
    Image.new("RGB", (200, 100), "grey").save(grey)
    gallery = fg.Gallery(tmp_path / "g", model=model, background="mask")
    added = gallery.add([photo_path, grey], people="photo")
    assert (added.images, added.empty) == (2, 1)
    assert added.people <= 2, "she, and perhaps her flag"
    entry, *_ = gallery.store.select()
    left, _, width, height = entry.box
    assert left + width > 256 > left
    assert height > 256
    jpeg = gallery.store.thumbnail(entry.id)
    assert Image.open(io.BytesIO(jpeg or b"")).size[1] <= 160
    assert gallery.search(photo_path, people="photo").matches[0].score == pytest.approx(1)
    with pytest.raises(GalleryError, match="no person is found in"):
        gallery.search(grey, people="photo")


@pytest.fixture
def clip(tmp_path: Path, photo: np.ndarray) -> Path:
    """Three seconds: a second of grey, one of the astronaut, one of her beside herself."""
    av = pytest.importorskip("av")
    grey = np.full((192, 384, 3), 128, np.uint8)
    one, two = grey.copy(), grey.copy()
    small = np.asarray(Image.fromarray(photo).resize((192, 192)))
    one[:, 96:288] = small
    two[:, :192], two[:, 192:] = small, small[:, ::-1]
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 384, 192, "yuv444p"
        for n in range(30):
            frame = av.VideoFrame.from_ndarray((grey, one, two)[n // 10], format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_people_of_a_video(
    tmp_path: Path, clip: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    g = str(tmp_path / "g")
    began = "2026-11-21T08:00:00"
    words = ["index", str(clip), "-g", g, "--every", "0.5", "--camera", "door"]
    assert main([*words, "--time", began, "--model", model, "--json"]) == 0
    added = json.loads(capsys.readouterr().out)
    assert (added["images"], added["empty"], added["unchanged"]) == (6, 2, 0)
    assert added["people"] >= 5
    with fg.Gallery(g) as gallery:
        seen = list(gallery.store.select())
        assert {entry.time for entry in seen} == {1795248000 + t for t in (1, 1.5, 2, 2.5)}
        assert seen[0].image == f"{clip}#t=1.000"
        assert {entry.camera for entry in seen} == {"door"}
        again = gallery.add(pictures([str(clip)], camera="door", time=began), every=0.5)
        assert (again.images, again.unchanged) == (0, 1)
        other = gallery.add(pictures([str(clip)]), every=1)
        assert other.images == 3
        assert {e.image.rpartition("#t=")[2] for e in gallery.store.select()} == {"1.000", "2.000"}
        assert {entry.time for entry in gallery.store.select()} == {None}
        assert gallery.forget_missing() == 0
        content = clip.read_bytes()
        clip.write_bytes(content[: len(content) // 2])
        assert gallery.add(pictures([str(clip)])).failed[0][0] == str(clip)
        clip.unlink()
        assert gallery.forget_missing() > 0
        assert gallery.store.known() == {}
        with pytest.raises(GalleryError, match="every is -1 seconds"):
            gallery.add([clip], every=-1)


def fail(*given: object) -> None:
    raise GalleryError("no")


def test_a_video_goes_on_where_it_was_stopped(tmp_path: Path, clip: Path, model: str) -> None:
    """Frames that are known are not looked at again; one that failed is."""
    gallery = fg.Gallery(tmp_path / "g", model=model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery.embedder, "look", fail)
        assert len(gallery.add([clip], every=1).failed) == 3
        assert gallery.store.known() == {}

    def stop(done: int, total: int, people: int) -> None:
        if people:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("figureground.gallery.indexing.KEEP_EVERY", 0)
        with pytest.raises(KeyboardInterrupt):
            gallery.add([clip], every=0.25, progress=stop)
    done = len(gallery.store.known())
    assert 0 < done < 12
    assert gallery.add([clip], every=0.25).images == 12 - done
    assert gallery.add([clip], every=0.25).unchanged == 1


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_who_touch_are_cut_apart_between_their_heads(heads: int) -> None:
    """Figures of a head and a body that is wider, shoulder to shoulder; an arm raised is no head."""
    alpha = np.zeros((240, 400), np.float32)
    for n in range(heads):
        left = 40 + 80 * n
        alpha[40 + 5 * n : 80, left + 25 : left + 55] = 1
        alpha[75:220, left : left + 80] = 1
    alpha[30:100, 40:44] = 1
    boxes = sorted(people(alpha, margin=0))
    assert len(boxes) == heads
    assert [box[0] for box in boxes] == pytest.approx([40 + 80 * n for n in range(heads)], abs=26)


def test_regions() -> None:
    alpha = np.zeros((300, 600), np.float32)
    alpha[50:250, 100:180] = 1
    alpha[60:280, 400:500] = 1
    alpha[10:20, 10:20] = 1
    boxes = people(alpha, margin=0)
    assert len(boxes) == 2
    assert np.allclose(boxes, [(400, 60, 100, 220), (100, 50, 80, 200)], atol=4)
    ring = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [0, 0, 1, 0], [1, 0, 0, 1]], bool)
    labels, count = regions(ring)
    assert count == 2
    assert labels[3, 3] == labels[0, 0] != labels[3, 0]
    assert people(np.zeros((50, 50), np.float32)) == []


def test_what_is_indexed(tmp_path: Path, crops: Path) -> None:
    for name in ("door/a.jpg", "door/in/b.JPG", "yard/c.png", "d.jpg"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).touch()
    tree = pictures([str(tmp_path / "tree")], labels="camera", camera="else", tag="t")
    assert [(p.path.name, p.camera) for p in tree] == [
        *(("d.jpg", "else"), ("a.jpg", "door"), ("b.JPG", "door"), ("c.png", "yard"))
    ]
    (tmp_path / "-1_c1.jpg").touch()
    (tmp_path / "0000_c2.jpg").touch()
    found = {p.path.name: p for p in pictures([str(tmp_path)])}
    assert "-1_c1.jpg" not in found
    assert (found["0000_c2.jpg"].camera, found["0000_c2.jpg"].person) == ("2", None)
    (tmp_path / "list.csv").write_text(
        "image,camera,time,person\ntree/d.jpg,door,2026-11-21T08:00,\ntree/door/a.jpg,,,ann\n"
    )
    first, second = pictures([str(tmp_path / "list.csv")])
    assert (first.camera, first.time, first.person) == ("door", 1795248000.0, None)
    assert (second.camera, second.time, second.person) == (None, None, "ann")
    coco = {
        "images": [{"id": 1, "file_name": "d.jpg"}, {"id": 2, "file_name": "e.jpg"}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]},
            {"image_id": 1, "category_id": 2, "bbox": [0, 0, 5, 5]},
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    boxes = pictures([str(tmp_path / "coco.json")], frames=str(tmp_path / "tree"))
    assert [p.boxes for p in boxes] == [((1, 2, 31, 42),), ()]
    (tmp_path / "seq" / "img1").mkdir(parents=True)
    (tmp_path / "seq" / "img1" / "000002.png").touch()
    (tmp_path / "seq" / "det").mkdir()
    (tmp_path / "seq" / "det" / "det.txt").write_text("2,-1,5,6,10,20,0.9,-1,-1,-1\n")
    (mot,) = pictures([str(tmp_path / "seq" / "det" / "det.txt")])
    assert (mot.path.name, mot.boxes) == ("000002.png", ((5, 6, 15, 26),))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "image,colour\nx,red\n", "the columns image, colour; expected image"),
        ("a.csv", "image,camera\n,1\n", "line 2 of"),
        ("a.csv", "image,camera\nx\n", "line 2 of"),
        ("a.csv", "image,time\nx,soon\n", r"line 2 of .*a\.csv: .*'soon' is no time"),
        ("a.csv", "image,time\nx,2026\n", "is a year, or seconds"),
        (
            "a.json",
            '{"images": [{"id": 1, "file_name": "0.jpg"}], '
            '"annotations": [{"image_id": 1, "bbox": [0, 0, NaN, 10]}]}',
            "expected finite numbers",
        ),
        ("a.json", "[]", "not COCO JSON"),
        ("a.json", "{", "not COCO JSON"),
        ("a.txt", "1,2,3", "expected frame,id,left,top,width,height"),
        ("a.txt", b"\xff\xfe1\0", "store it as UTF-8"),
        ("empty/a.doc", "", "has no photos or videos in it"),
    ],
)
def test_lists_that_cannot_be_read(
    tmp_path: Path, name: str, content: str | bytes, words: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FiguregroundError, match=words):
        pictures([str(path if path.parent == tmp_path else path.parent)])


def test_calibration_recovers_a_known_law() -> None:
    """Scores of strangers are uniform, and the odds of "same" are exp(20 · score − 10)."""
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 40_000).astype(np.float32)
    same = rng.uniform(size=40_000) < 1 / (1 + np.exp(10 - 20 * scores))
    found = by_pairs(scores[same], scores[~same], 0.05, 0)
    assert (found.slope, found.offset) == pytest.approx((20, -10), rel=0.05)
    assert found.probability(0.5) == pytest.approx(0.5, abs=0.02)
    strangers = rng.uniform(0, 0.8, 10_000).astype(np.float32)
    found = by_searches(np.full(10_000, 0.9, np.float32), strangers, 0.1, 0)
    assert found.threshold == pytest.approx(0.72, abs=0.01)
    assert (strangers >= found.threshold).mean() == 0.1
    with pytest.raises(GalleryError, match="expected more than 0 and less than 1"):
        by_pairs(scores[same], scores[~same], 1, 0)
    with pytest.raises(GalleryError, match="no score tells them apart"):
        by_pairs(scores[~same], scores[same], 0.1, 0)
    with pytest.raises(GalleryError, match="0 scores of the same person"):
        by_pairs(scores[:0], scores, 0.1, 0)


def test_best_scores_are_between_cameras() -> None:
    vectors = unit_vectors(np.random.default_rng(0), 6, 4)
    scores = vectors @ vectors.T
    persons, cameras = ["a", "a", "b", "b", "c", "a"], ["1", "2", "1", "2", "2", None]
    own, stranger = best_scores(vectors, persons, cameras, list("abcdef"))
    expected = [
        (scores[0, [1, 5]].max(), scores[0, [3, 4]].max()),
        (scores[1, [0, 5]].max(), scores[1, 2]),
        (scores[2, 3], scores[2, [1, 4, 5]].max()),
        (scores[3, 2], scores[3, [0, 5]].max()),
        (scores[5, [0, 1]].max(), scores[5, [2, 3, 4]].max()),
    ]
    assert np.allclose(np.stack([own, stranger], axis=1), expected)


def test_open_set_by_hand() -> None:
    metric = OpenSet(far=(0, 0.5, 1))
    scores = np.array([[0.9, 0.2], [0.3, 0.6], [0.5, 0.4], [0.7, 0.1], [0.2, 0.1]], np.float32)
    metric.update(scores, np.array(list("abbxy")), np.array(list("ab")))
    assert metric.compute() == pytest.approx({"dir@0": 1 / 3, "dir@0.5": 2 / 3, "dir@1": 2 / 3})
    assert threshold_at(np.array([0.1, 0.2, 0.2, 0.3]), 0.5) > 0.2
    with pytest.raises(ValueError, match="expected some of each"):
        OpenSet().compute()


def naive_reranked(query: np.ndarray, found: np.ndarray, k1: int, k2: int, weight: float) -> list:
    """Zhong et al.'s definitions word by word, with sets."""
    everyone = [query, *found]
    n = len(everyone)
    d = np.array([[max(2 - 2 * float(a @ b), 0) for b in everyone] for a in everyone])
    np.fill_diagonal(d, 0)
    d = np.array([row / row.max() for row in d])
    near = [sorted(range(n), key=lambda j, i=i: (d[i][j], j)) for i in range(n)]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in near[i][: k + 1] if i in near[j][: k + 1]}

    v = np.zeros((n, n))
    for i in range(n):
        own = reciprocal(i, k1)
        members = set(own)
        for j in own:
            half = reciprocal(j, round(k1 / 2))
            if len(half & own) > 2 / 3 * len(half):
                members |= half
        for j in members:
            v[i, j] = np.exp(-d[i][j])
        v[i] /= v[i].sum()
    v = np.array([np.mean([v[j] for j in near[i][:k2]], axis=0) for i in range(n)])
    jaccard = [1 - np.minimum(v[0], v[g]).sum() / np.maximum(v[0], v[g]).sum() for g in range(n)]
    return [(1 - weight) * jaccard[g] + weight * d[0][g] for g in range(1, n)]


@pytest.mark.parametrize("seed", range(5))
def test_reranking_equals_the_naive_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres = unit_vectors(rng, 4, 6)[np.arange(25) % 4]
    vectors = centres + 0.5 * unit_vectors(rng, 25, 6)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ours = reranked(vectors[0], vectors[1:], 6, 3, 0.3)
    assert np.allclose(ours, naive_reranked(vectors[0], vectors[1:], 6, 3, 0.3), atol=1e-5)
    assert reranked(vectors[0], vectors[1:2]).shape == (1,)


def test_on_the_command_line(
    tmp_path: Path, crops: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    g, sheet = str(tmp_path / "g"), tmp_path / "sheet.html"
    bad = tmp_path / "bad<b>.jpg"
    bad.write_bytes(b"no picture")
    assert main(["index", str(crops), str(bad), "-g", g, "--model", model]) == 1
    out, err = capsys.readouterr()
    assert (
        "36 people in 36 new or changed photos and frames, 0 unchanged, 0 of nobody, 1 not read"
        in out
    )
    assert "bad<b>.jpg" in err
    assert main(["index", str(crops), "-g", g, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 36
    assert main(["calibrate", "-g", g, "--far", "0.1"]) == 0
    assert "searches for people who are there" in capsys.readouterr().out
    query = str(crops / "0002_c1s1_000001_00.png")
    assert main(["search", query, "-g", g, "--not-camera", "1", "--html", str(sheet)]) == 0
    out = capsys.readouterr().out
    assert out.count("person 0002") == 2
    assert out.count("person") == 2
    html = sheet.read_text()
    embedded = html.split('src="data:image/jpeg;base64,')[1:]
    assert len(embedded) == 11
    for part in embedded:
        Image.open(io.BytesIO(base64.b64decode(part.split('"')[0]))).load()
    assert "http" not in html
    others = ["--not-camera", "1", "--threshold", "1"]
    assert main(["search", query, str(bad), "-g", g, "--json", *others]) == 1
    out, err = capsys.readouterr()
    (line,) = map(json.loads, out.splitlines())
    assert line["nobody"] is True
    assert line["matches"][0]["person"] == "0002"
    assert "bad<b>.jpg" in err
    assert main(["search", query, query, "-g", g, "--together", *others]) == 0
    assert "no match: the nearest, 1.000" in capsys.readouterr().out
    assert main(["gallery", "stats", g, "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert (stats["people"], stats["cameras"]) == (36, {"1": 12, "2": 12, "3": 12})
    assert main(["gallery", "stats", g]) == 0
    assert main(["gallery", "verify", g]) == 0
    npz = str(tmp_path / "all.npz")
    assert main(["gallery", "export", g, "--camera", "2", "-o", npz]) == 0
    with np.load(npz) as content:
        assert content["vectors"].shape == (12, 36)
        assert set(content["camera"]) == {"2"}
    assert main(["gallery", "forget", g, "--older-than", "1d"]) == 0
    assert main(["gallery", "forget", g, "--camera", "1,2"]) == 0
    capsys.readouterr()
    assert main(["gallery", "list", g]) == 0
    assert capsys.readouterr().out.count("\n") == 12
    other = str(tmp_path / "other")
    assert main(["index", query, "-g", other, "--model", model, "--no-thumbnails"]) == 0
    assert main(["gallery", "merge", g, other]) == 0
    assert main(["search", query, "-g", other, "--html", str(sheet)]) == 0
    assert "no picture kept" in sheet.read_text()
    pairs = tmp_path / "pairs.csv"
    rows = [(a, b, int(a == b)) for a in range(1, 7) for b in range(1, 7)]
    names = [
        f"{crops}/{a:04}_c1s1_000001_00.png,{crops}/{b:04}_c2s1_000001_00.png,{s}"
        for a, b, s in rows
    ]
    pairs.write_text("\n".join(["image,other,same", *names]))
    assert main(["calibrate", "-g", g, "--pairs", str(pairs), "--far", "0.2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["per"] == "pair"


def test_who_is_meant_in_a_photo_is_said(
    tmp_path: Path, crops: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole photo taken for one person, and one of several people."""
    g, sheet, wide = str(tmp_path / "g"), tmp_path / "sheet.html", tmp_path / "wide.png"
    crop = Image.open(crops / "0001_c1s1_000001_00.png")
    crop.resize((60, 40)).save(wide)
    assert main(["index", str(wide), str(crops), "-g", g, "--model", model]) == 0
    assert "1 of the photos are wider than high, and were taken for one" in capsys.readouterr().err
    assert main(["search", str(wide), "-g", g]) == 0
    out, err = capsys.readouterr()
    assert "the nearest, whoever they are" in out
    assert "wide.png is taken for one person; --people photo" in err
    with fg.Gallery(g) as gallery:
        found = gallery.search(wide)
    assert found.asked == [[(0, 0, 60, 40)]]
    found.asked[0] = [(0, 0, 10, 40), (30, 0, 10, 40)]
    _hint([str(wide)], found, "photo")
    assert "wide.png shows 2 people, and the largest is meant" in capsys.readouterr().err
    sheet.write_text(html([([str(wide)], found)], lambda _: None))
    (query,) = sheet.read_text().split('src="data:image/jpeg;base64,')[1:]
    assert Image.open(io.BytesIO(base64.b64decode(query.split('"')[0]))).size == (10, 40)
    assert main(["search", str(wide), "-g", g, "--camera", "nope"]) == 0
    assert "has nobody of that camera" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("search x.png -g {no}", "there is no gallery at"),
        ("gallery stats {no}", "there is no gallery at"),
        ("index {empty} -g {no}", "has no photos or videos in it"),
        ("index {no} -g {no}", "there is no file or folder"),
        ("search x.png -g {g}", "there is no file x.png"),
        ("search x.png -g {g} --top 0", "top is 0"),
        ("search x.png -g {g} --rerank -1", "rerank is -1; expected 0"),
        ("search x.png -g {g} --threshold high", "the threshold is 'high'; expected a score"),
        ("gallery forget {g}", "forget needs to know whom"),
        ("gallery merge {g}", "merge needs galleries"),
        ("gallery merge {g} {g}", "cannot be added to itself"),
        ("gallery export {g}", "expected -o FILE.npz"),
        ("gallery list {g} {g}", "list takes one gallery"),
        ("gallery forget {g} --older-than soon", "is no age"),
        ("calibrate -g {g} --pairs {no}", "cannot read the table"),
        ("calibrate -g {g} --far 3", "false accept rate is 3"),
    ],
)
def test_what_goes_wrong_is_said(
    gallery: fg.Gallery,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    words: str,
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"no": tmp_path / "no", "g": gallery.path, "empty": tmp_path / "empty"}
    assert main([word.format(**places) for word in arguments.split()]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_indexing_goes_on_where_it_was_stopped(tmp_path: Path, model: str, how: int) -> None:
    """With every photo kept at once, so that there is something to stop."""
    draw_crops(tmp_path / "crops", persons=100, cameras=4)
    g = tmp_path / "g"
    code = "import figureground.gallery.indexing as i, sys, time; i.KEEP_EVERY = 0\n"
    code += "own = i._Indexing._photo\n"  # slow enough to be stopped
    code += "i._Indexing._photo = lambda *given: (time.sleep(0.01), own(*given))[1]\n"
    code += "from figureground.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "index", str(tmp_path / "crops"), "-g", str(g)]
    running = subprocess.Popen(
        [*command, "--model", model],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & ignores it
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if (g / "vectors-0.f32").exists() and (g / "vectors-0.f32").stat().st_size > 3000:
            break
        time.sleep(0.005)
    running.send_signal(how)
    said = running.communicate()[1]
    if how == signal.SIGINT:
        assert running.returncode == 130
        assert said == "figureground: stopped\n"
    done = len(fg.Gallery(g).store.known())
    assert 0 < done < 400
    with fg.Gallery(g) as gallery:
        added = gallery.add(pictures([str(tmp_path / "crops")]))
    assert (added.images, added.unchanged) == (400 - done, done)


def test_real_people(shared_data: Path, tmp_path: Path) -> None:
    """The shipped model on people of CUHK01: the same person is nearer than by chance."""
    root = shared_data / "reid" / "cuhk01"
    persons = sorted((root / "query").iterdir())[:60:2]
    seen = sorted((root / "bounding_box_test").iterdir())[:60:2]
    gallery = fg.Gallery(tmp_path / "g")
    gallery.add(pictures(map(str, seen)))
    first = [gallery.search(path, top=1).matches[0].entry.person for path in persons]
    assert np.mean([path.name[:4] == person for path, person in zip(persons, first)]) > 0.4
