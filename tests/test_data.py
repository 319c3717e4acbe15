"""Readers find what is there and say what is not; pictures are functions of their number."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground import data
from figureground.data import transforms
from figureground.data.composition import Compositions
from figureground.data.human_parts import GROUPS, grouped
from figureground.data.outlines import filled, run_lengths, unrolled
from figureground.data.pictures import Pipeline, pp_humanseg, refinenet, shm, u2net, varied
from figureground.data.samples import Onward, Photos, Samples, with_mask
from figureground.data.trimap import trimap
from figureground.errors import DataError
from figureground.runtime.prepare import Input
from figureground.training.epochs import compositions


def test_people(people_folder: Path) -> None:
    train = data.read("people", people_folder, "train")
    assert [e.name for e in train] == [f"{i:04}" for i in range(6)]
    assert train[0].alpha is not None
    mask = data.read_mask(train[0].mask)
    assert mask.shape == transforms.read_photo(train[0].image).shape[:2]
    assert set(np.unique(mask)) == {0, 1}


def test_pp_humanseg14k(tmp_path: Path) -> None:
    for folder in ("images/train", "annotations/train"):
        (tmp_path / folder).mkdir(parents=True)
    Image.new("RGB", (6, 4)).save(tmp_path / "images/train/1.jpg")
    label = Image.fromarray(np.array([[0, 1, 255]], np.uint8))
    label.save(tmp_path / "annotations/train/1.png")
    (tmp_path / "train.txt").write_text("images/train/1.jpg annotations/train/1.png\n\n")
    (example,) = data.read("pp_humanseg14k", tmp_path, "train")
    assert example.mask is not None
    assert data.read_mask(example.mask).tolist() == [[0, 1, 255]]
    (tmp_path / "val.txt").write_text("images/train/1.jpg\n")
    with pytest.raises(DataError, match=r"val.txt, line 1 is 'images/train/1.jpg'; expected"):
        data.read("pp_humanseg14k", tmp_path, "val")


def test_photos_of_nobody_are_held_out(people_folder: Path) -> None:
    collection = people_folder.parent
    assert [e.name for e in data.read("nobody", collection, "train")] == ["empty/images/a.jpg"]
    assert [e.name for e in data.read("nobody", collection, "test")] == ["empty/images/b.jpg"]


def save(path: Path, *values: int, mode: str | None = None) -> None:
    """One row of grey pixels, or of another mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array([values], np.uint8)).convert(mode or "L").save(path)


def make_duts(root: Path) -> None:
    for part, names in (("TR", "ab"), ("TE", "c")):
        for name in names:
            save(root / f"DUTS-{part}/DUTS-{part}-Image/{name}.jpg", 1, 2)
            save(root / f"DUTS-{part}/DUTS-{part}-Mask/{name}.png", 0, 255)


def make_saliency(root: Path) -> None:
    for split, names in (("train", "ab"), ("test", "c")):
        (root / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            save(root / f"images/{name}.jpg", 1, 2)
            save(root / f"masks/{name}.png", 0, 102)


def make_voc2012(root: Path) -> None:
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for split, names in (("train", "ab"), ("test", "c")):
        (lists / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            save(root / f"JPEGImages/{name}.jpg", 1, 2, 3)
            labels = Image.fromarray(np.array([[0, 20, 255]], np.uint8), "P")
            labels.putpalette([0, 0, 0] * 20 + [0, 64, 128] + [224, 224, 192] * 235)
            (root / "SegmentationClass").mkdir(exist_ok=True)
            labels.save(root / f"SegmentationClass/{name}.png")


def make_human_parts(root: Path) -> None:
    (root / "part_names.json").parent.mkdir(exist_ok=True)
    (root / "part_names.json").write_text('["null", "hair", "skin"]')
    for split, names in (("train", "ab"), ("test", "c")):
        (root / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            save(root / f"images/{name}.jpg", 1, 2, 3)
            save(root / f"parts/{name}.png", 0, 1, 2)


def make_pairs(root: Path) -> None:
    for split, names in (("train", "ab"), ("test", "c")):
        for name in names:
            save(root / split / f"images/{name}.jpg", 1, 2)
            save(root / split / f"alpha/{name}.png", 0, 51)
            save(root / split / f"trimaps/{name}.tif", 0, 128)


def make_aisegment(root: Path) -> None:
    """Ten portraits in groups of three, three, two and two."""
    for group, count in (("1803", 3), ("1804", 3), ("1805", 2), ("1806", 2)):
        for n in range(count):
            save(root / f"clip_img/{group}/clip_0/{group}-{n}.jpg", 9, 9)
            cutout = Image.fromarray(np.array([[[9, 9, 9, 0], [9, 9, 9, 102]]], np.uint8))
            path = root / f"matting/{group}/matting_0/{group}-{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cutout.save(path)
    save(root / "clip_img/1805/clip_0/._1805-0.jpg", 9)


def instances(
    root: Path, split: str, photos: dict[str, list[dict]], width: int, height: int
) -> Path:
    """COCO annotations of photos by file name; an annotation without a category is of a person."""
    images = [
        {"id": 7 + n, "file_name": name, "width": width, "height": height}
        for n, name in enumerate(photos)
    ]
    annotations = [
        {
            "id": n,
            "image_id": image["id"],
            "category_id": 4,
            "iscrowd": 0,
            "bbox": [0, 0, 1, 1],
            **one,
        }
        for image in images
        for n, one in enumerate(photos[image["file_name"]])
    ]
    categories = [{"id": 4, "name": "person"}, {"id": 9, "name": "horse"}]
    file = root / "annotations" / f"instances_{split}.json"
    file.parent.mkdir(exist_ok=True)
    content = {"images": images, "annotations": annotations, "categories": categories}
    file.write_text(json.dumps(content))
    return file


def make_coco(root: Path) -> None:
    """The right one of two pixels is a person, outlined in each of the three ways."""
    ways = {
        "a": {"segmentation": [[1, 0, 2, 0, 2, 1, 1, 1]]},
        "b": {"segmentation": {"size": [1, 2], "counts": [1, 1]}},
        "c": {"segmentation": {"size": [1, 2], "counts": "11"}},
    }
    for split, names in (("train2017", "ab"), ("test", "c")):
        photos = {f"{name}.jpg": [ways[name]] for name in names}
        instances(root, split, photos | {"nobody.jpg": []}, 2, 1)
        for name in names:
            save(root / f"{split}/{name}.jpg", 1, 2)


LAYOUTS = {
    "aisegment": make_aisegment,
    "aisegment_published": make_aisegment,
    "coco": make_coco,
    "duts": make_duts,
    "human_parts": make_human_parts,
    "human_parts_grouped": make_human_parts,
    "pairs": make_pairs,
    "saliency": make_saliency,
    "voc2012": make_voc2012,
}


def test_every_reader_is_tested() -> None:
    assert set(data.readers()) == {*LAYOUTS, "people", "pp_humanseg14k", "nobody", "sbd"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_readers_of_published_layouts(name: str, tmp_path: Path) -> None:
    """Each finds the examples of its splits, apart, and can read every file of theirs."""
    LAYOUTS[name](tmp_path)
    names = {
        split: {e.name for e in data.read(name, tmp_path, split)} for split in ("train", "test")
    }
    assert names["train"]
    assert names["test"]
    assert not names["train"] & names["test"]
    with pytest.raises(DataError, match=r"nope|no-such"):
        data.read(name, tmp_path, "nope")
    with pytest.raises(DataError):
        data.read(name, tmp_path / "train.txt" / "none", "train")
    for example in data.read(name, tmp_path, "test"):
        assert len(example.files()) >= 2
        size = transforms.read_photo(example.image).shape[:2]
        if example.mask:
            assert data.read_mask(example.mask).tolist() == [[0, 1]]
        if example.alpha:
            alpha = data.read_alpha(example.alpha)
            assert alpha.shape == size
            assert alpha.dtype == np.float32
            assert 0 < alpha.max() <= 0.4
        if example.labels:
            labels = data.read_class_labels(example)
            assert labels.shape == size
            assert set(np.unique(labels)) - {255} <= set(
                range(len(data.class_names(name, tmp_path)))
            )


def test_aisegment_is_cut_by_photo_as_published_or_by_group(tmp_path: Path) -> None:
    make_aisegment(tmp_path)
    sizes = {
        name: [len(data.read(name, tmp_path, split)) for split in ("train", "val", "test")]
        for name in ("aisegment", "aisegment_published")
    }
    assert sizes == {"aisegment": [6, 2, 2], "aisegment_published": [6, 2, 2]}
    (tmp_path / "clip_img/1803/clip_0/1803-2.jpg").unlink()  # nine: the cuts fall at 5.4 and 7.2
    published = data.read("aisegment_published", tmp_path, "val")
    assert [e.name for e in published] == ["1805/clip_0/1805-1", "1806/clip_0/1806-0"]
    for split, groups in (("train", {"1803", "1804", "1805"}), ("val", {"1806"})):
        found = {e.name.split("/")[0] for e in data.read("aisegment", tmp_path, split)}
        assert found == groups


def test_pairs_without_partners_are_named(tmp_path: Path) -> None:
    make_pairs(tmp_path)
    (example,) = data.read("pairs", tmp_path, "test")
    assert example.trimap == tmp_path / "test" / "trimaps" / "c.tif"
    for name in "defg":
        save(tmp_path / f"train/images/{name}.jpg", 1, 2)
    with pytest.raises(
        DataError, match=r"4 of 6 files have no partner .*alpha: d.jpg, e.jpg, f.jpg …"
    ):
        data.read("pairs", tmp_path, "train")
    save(tmp_path / "test/alpha/c.webp", 1, 2)
    with pytest.raises(DataError, match=r"holds both c.png and c.webp"):
        data.read("pairs", tmp_path, "test")
    with pytest.raises(DataError, match="does not hold the folder images and one of masks"):
        data.read("pairs", tmp_path, "all")
    (tmp_path / "train").rename(tmp_path / "photos")
    with pytest.raises(DataError, match="with the split 'all'"):
        data.read("pairs", tmp_path, "train")


def test_sbd_without_the_photos_of_voc(tmp_path: Path) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    root, lists = tmp_path / "dataset", tmp_path / "VOC2012" / "ImageSets" / "Segmentation"
    for name in "abcd":
        save(root / f"img/{name}.jpg", 1, 2, 3)
        (root / "cls").mkdir(exist_ok=True)
        labels = np.array([[0, 15, 20]], np.uint8)
        savemat(root / f"cls/{name}.mat", {"GTcls": {"Segmentation": labels, "Boundaries": []}})
    for part, names in (("train", "a\nb"), ("val", "c\nd")):
        (root / f"{part}.txt").write_text(names)
    with pytest.raises(DataError, match="put VOC2012 there"):
        data.read("sbd", root, "train")
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("b\nx")
    (lists / "val.txt").write_text("c")
    examples = data.read("sbd", root, "train")
    assert [e.name for e in examples] == ["a", "d"]
    assert data.read_class_labels(examples[0]).tolist() == [[0, 15, 20]]
    assert len(data.class_names("sbd", root)) == 21
    with pytest.raises(DataError, match="no split 'val'"):
        data.read("sbd", root, "val")
    examples[0].labels.write_bytes(b"MATLAB")
    with pytest.raises(DataError, match="cannot read the labels"):
        data.read_class_labels(examples[0])


def test_persons_of_coco(tmp_path: Path) -> None:
    """All persons together; crowds and persons without outline are ignored, horses background."""
    photo = [
        {"segmentation": [[0, 0, 3, 0, 3, 2, 0, 2], [4, 0, 5, 0, 5, 1, 4, 1]]},
        {"segmentation": {"size": [4, 6], "counts": [8, 8, 8]}, "iscrowd": 1},
        {"segmentation": [], "bbox": [0, 3, 2, 1]},
        {"segmentation": [[0, 0, 6, 0, 6, 4, 0, 4]], "category_id": 9},
    ]
    others = {"crowd.jpg": [photo[1]], "horse.jpg": [photo[3]]}
    file = instances(tmp_path, "val2017", {"sub/a.jpg": photo, **others}, 6, 4)
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=r"1 of the 2 files .* is .*val2017/sub/a.jpg"):
        data.read("coco", tmp_path, "val")
    (tmp_path / "images" / "val2017" / "sub").mkdir(parents=True)
    (tmp_path / "a.jpg").rename(tmp_path / "images/val2017/sub/a.jpg")
    (example,) = data.read("coco", tmp_path, "val")
    assert example.name == "sub/a"
    assert str(example.mask) == f"{file} (sub/a.jpg)"
    assert data.read_mask(example.mask).tolist() == [
        [1, 1, 1, 255, 1, 0],
        [1, 1, 1, 255, 0, 0],
        [0, 0, 255, 255, 0, 0],
        [255, 255, 255, 255, 0, 0],
    ]
    assert with_mask(example)[1].shape == (4, 6)
    instances(tmp_path, "val", {}, 6, 4)
    with pytest.raises(DataError, match="is empty"):
        data.read("coco", tmp_path, "val")
    (tmp_path / "annotations" / "instances_val.json").rename(
        tmp_path / "annotations" / "instances_val2014.json"
    )
    with pytest.raises(DataError, match=r"has instances_val2014.json, instances_val2017.json"):
        data.read("coco", tmp_path, "val")


@pytest.mark.parametrize(
    ("one", "message"),
    [
        ({"segmentation": {"size": [4, 6], "counts": [8, 8]}}, "annotation 0 fill 16 pixels"),
        ({"segmentation": {"size": [6, 4], "counts": [24]}}, r"expected \[4, 6\]"),
        ({"segmentation": [[1, 2, 3]]}, "not a list x, y"),
        ({"segmentation": [["a", 2]]}, "could not convert"),
        ({"image_id": 99}, "KeyError: 99"),
        ({"category_id": None}, "is empty"),
    ],
)
def test_wrong_annotations_are_named(tmp_path: Path, one: dict, message: str) -> None:
    instances(tmp_path, "train", {"a.jpg": [one]}, 6, 4)
    with pytest.raises(DataError, match=message):
        data.read("coco", tmp_path, "train")


def test_what_is_no_coco_json(tmp_path: Path) -> None:
    file = instances(tmp_path, "train", {}, 6, 4)
    file.write_text(file.read_text().replace("person", "dog"))
    with pytest.raises(DataError, match="no category person; it has dog, horse"):
        data.read("coco", tmp_path, "train")
    for content in ("{", "[]", '{"categories": []}'):
        file.write_text(content)
        with pytest.raises(DataError, match=r"is not COCO JSON|no category person"):
            data.read("coco", tmp_path, "train")


def test_pixels_are_in_a_polygon_by_their_centres() -> None:
    below = np.tri(4, dtype=bool)  # the triangle under y = x, which passes through centres
    for shift, expected in ((-0.2, below), (0.2, below & ~np.eye(4, dtype=bool))):
        triangle = np.array([(0, shift), (4, 4 + shift), (0, 4 + shift)])
        np.testing.assert_array_equal(filled(triangle, 4, 4), expected)
    beyond = np.array([(-5.0, -5.0), (9, -5), (9, 9), (-5, 9)])
    assert filled(beyond, 3, 2).all()
    twice = np.concatenate([beyond, beyond])
    assert not filled(twice, 3, 2).any()  # even-odd
    assert not filled(np.array([(1.0, 1.0)]), 3, 2).any()


def test_compressed_run_lengths() -> None:
    """Digits by hand: 24 = 0b11000 has the bit that would be the sign, so it takes two digits; the fourth
    number is less the second."""
    assert run_lengths("o0") == [31]
    assert run_lengths("h0") == [24]
    assert run_lengths("35N") == [3, 5, -2]
    assert run_lengths("3521") == [3, 5, 2, 6]
    runs = np.array(run_lengths("1212"))
    assert unrolled(runs, 4, 2).astype(int).tolist() == [[0, 1, 1, 1], [1, 0, 1, 1]]


def test_listing_readers_is_cheap() -> None:
    """Those that take no part in it import torch and OpenCV."""
    check = "import sys; from figureground import data; data.readers(); data.sighting_readers();"
    check += "sys.exit(' '.join(m for m in ('torch', 'cv2', 'scipy') if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    for name in data.NO_SETS:
        source = (Path(data.__file__).parent / f"{name}.py").read_text()
        assert "\nREADERS = " not in source
        assert "\nSIGHTINGS = " not in source


def test_class_names(tmp_path: Path) -> None:
    assert data.class_names("voc2012", tmp_path)[15] == "person"
    assert len(data.class_names("voc2012", tmp_path)) == 21
    (tmp_path / "class_names.json").write_text('{"sky": 0}')
    with pytest.raises(DataError, match="holds no list of names"):
        data.class_names("voc2012", tmp_path)
    with pytest.raises(DataError, match=r"cannot read the class names .*part_names.json"):
        data.class_names("human_parts", tmp_path)
    with pytest.raises(
        DataError, match="'people' has no class labels; expected one of human_parts, "
    ):
        data.class_names("people", tmp_path)


def test_labels_are_class_numbers(tmp_path: Path) -> None:
    save(tmp_path / "l.png", 0, 58, 255)
    assert data.read_labels(tmp_path / "l.png").tolist() == [[0, 58, 255]]
    save(tmp_path / "l.png", 0, 58, 255, mode="RGB")
    with pytest.raises(DataError, match="are RGB; expected class numbers"):
        data.read_labels(tmp_path / "l.png")
    (tmp_path / "l.png").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot decode the labels"):
        data.read_labels(tmp_path / "l.png")


@pytest.mark.parametrize(
    ("name", "folder", "split", "count", "classes"),
    [
        ("people", "people", "test", 100, 0),
        ("human_parts", "people", "train", 803, 59),
        ("human_parts_grouped", "people", "val", 100, 11),
        ("saliency", "saliency", "train", 650, 0),
        ("saliency", "saliency", "test", 200, 0),
        ("voc2012", "streets", "train", 184, 11),
        ("voc2012", "streets", "val", 51, 11),
        ("voc2012", "streets", "test", 117, 11),
        ("pairs", "matting", "all", 27, 0),
    ],
)
def test_real_data(
    shared_data: Path, name: str, folder: str, split: str, count: int, classes: int
) -> None:
    examples = data.read(name, shared_data / folder, split)
    assert len(examples) == count
    for example in examples[:: max(1, count // 5)]:
        size = transforms.read_photo(example.image).shape[:2]
        if example.mask:
            assert data.read_mask(example.mask).shape == size
        if example.alpha:
            assert data.read_alpha(example.alpha).shape == size
        if example.labels:
            labels = data.read_class_labels(example)
            assert labels.shape == size
            assert labels[labels != 255].max() < classes
    if classes:
        assert len(data.class_names(name, shared_data / folder)) == classes


def test_masks_in_every_coding(tmp_path: Path) -> None:
    truth = np.array([[0, 1], [1, 0]], np.uint8)
    grey = Image.fromarray(truth * 255)
    palette = Image.fromarray(truth).convert("P")
    palette.putpalette([0, 0, 0, 128, 0, 0])
    for name, image in {
        "one bit": Image.fromarray(truth.astype(bool)),
        "0 and 1": Image.fromarray(truth),
        "0 and 255": grey,
        "colours": grey.convert("RGB"),
        "palette": palette,
    }.items():
        image.save(tmp_path / "m.png")
        np.testing.assert_array_equal(data.read_mask(tmp_path / "m.png"), truth, name)
    Image.fromarray(truth * 100).save(tmp_path / "m.png")
    with pytest.raises(DataError, match="values up to 100; expected 0 and 1"):
        data.read_mask(tmp_path / "m.png")
    (tmp_path / "m.png").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot decode the mask"):
        data.read_mask(tmp_path / "m.png")


def test_what_is_missing_is_named(people_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown data set 'nope'; expected one of aisegment, "):
        data.read("nope", tmp_path, "train")
    with pytest.raises(DataError, match="not a folder"):
        data.read("people", tmp_path / "none", "train")
    with pytest.raises(DataError, match=r"cannot read the list .*train.txt"):
        data.read("people", tmp_path, "train")
    (tmp_path / "train.txt").write_text("x\ny\n")
    with pytest.raises(DataError, match=r"4 of the 4 files .* do not exist, the first is .*x.jpg"):
        data.read("people", tmp_path, "train")
    (tmp_path / "val.txt").write_text("# nothing\n")
    with pytest.raises(DataError, match="is empty"):
        data.read("people", tmp_path, "val")


def test_published_pictures_have_their_size_and_labels(people_folder: Path) -> None:
    source = Photos(data.read("people", people_folder, "train"), with_mask, pp_humanseg)
    for seed in range(20):
        pixels, labels = source(np.random.default_rng(seed), 64, 48)
        assert pixels.shape == (48, 64, 3)
        assert labels.shape == (48, 64)
        assert pixels.dtype == labels.dtype == np.uint8
        assert set(np.unique(labels)) <= {0, 1, 255}


def test_photo_and_labels_move_together() -> None:
    """A white square on black stays under its own label through every geometric transform."""
    pixels, labels = np.zeros((80, 100, 3), np.uint8), np.zeros((80, 100), np.uint8)
    pixels[20:60, 30:80], labels[20:60, 30:80] = 255, 1
    for seed in range(30):
        rng = np.random.default_rng(seed)
        layers = transforms.scale(rng, (pixels, labels, labels.astype(np.float32)))
        layers = transforms.rotate(rng, layers, fill=(0, 0, 0))
        layers = transforms.crop(rng, layers, 90, 90, fill=(0, 0, 0))
        layers = transforms.flip(rng, transforms.flip(rng, layers), axis=0)
        p, t, soft = transforms.quarter_turns(rng, layers)
        known = t != 255
        assert ((p[..., 0] > 127) == (t == 1))[known].mean() > 0.96
        assert abs(p[..., 0] / 255 - soft).max() < 0.02


@pytest.mark.parametrize(
    "pipeline",
    [u2net, partial(u2net, turns=True), shm, refinenet, varied, partial(varied, least=0.1)],
)
def test_pictures_are_functions_of_the_seed_and_of_their_size(pipeline: Pipeline) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (70, 90, 3), np.uint8)
    layers = photo, rng.integers(0, 3, (70, 90), np.uint8), rng.random((70, 90), np.float32)
    for seed in range(10):
        made = pipeline(np.random.default_rng(seed), layers, 64, 48)
        assert [layer.shape[:2] for layer in made] == [(48, 64)] * 3
        assert [layer.dtype for layer in made] == [layer.dtype for layer in layers]
        assert set(np.unique(made[1])) <= {0, 1, 2, 255}
        assert 0 <= made[2].min() <= made[2].max() <= 1
        again = pipeline(np.random.default_rng(seed), layers, 64, 48)
        for one, other in zip(made, again):
            np.testing.assert_array_equal(one, other)


def test_trimaps_by_hand() -> None:
    """A step, and a ramp of hair: OpenCV's ellipse of 3 is a cross that reaches one pixel."""
    alpha = np.zeros((9, 12), np.float32)
    alpha[:, 6:] = 1
    step = [0, 0, 0, 0, 0, 2, 2, 1, 1, 1, 1, 1]
    for protocol in ("standard", "published"):
        assert trimap(alpha, 3, protocol)[4].tolist() == step
    alpha[:, 3:6] = 0.2, 0.5, 0.8
    assert trimap(alpha, 3)[4].tolist() == [0, 0, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1]
    # the dilated alpha: .2 .5 .8 1 1 …; that hair next to 1 is nowhere near 0 makes it foreground
    assert trimap(alpha, 3, "published")[4].tolist() == [0, 0, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]


def test_parts_of_people_are_in_one_group_each(shared_data: Path) -> None:
    names = data.class_names("human_parts", shared_data / "people")
    assert sorted(names) == sorted(name for group in GROUPS.values() for name in group)
    assert grouped(["null", "t-shirt", "hat"]) == (0, 3, 9)
    with pytest.raises(DataError, match="no group for helmet; choose the data set human_parts"):
        grouped(["null", "helmet"])


def test_compositions_are_functions_of_the_seed(people_folder: Path) -> None:
    people = data.read("people", people_folder, "train")
    nobody = data.read("nobody", people_folder.parent, "train")
    draw = Compositions(people, nobody, people[:1])
    seen = set()
    for seed in range(40):
        pixels, labels = draw(np.random.default_rng(seed), 64, 80)
        again, same = draw(np.random.default_rng(seed), 64, 80)
        np.testing.assert_array_equal(pixels, again)
        np.testing.assert_array_equal(labels, same)
        assert pixels.shape == (80, 64, 3)
        assert set(np.unique(labels)) <= {0, 1}
        seen.add(bool(labels.any()))
    assert seen == {True, False}  # people, and now and then nobody
    pixels, alpha = Compositions(people, nobody, [], soft=True)(np.random.default_rng(0), 64, 80)
    assert alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_things_with_alphas_are_pasted_by_them(people_folder: Path, tmp_path: Path) -> None:
    """A red thing of half an alpha before a person leaves half of her; its set is in no split."""
    for folder in ("images", "alpha"):
        (tmp_path / "things" / folder).mkdir(parents=True)
    Image.new("RGB", (40, 40), "red").save(tmp_path / "things/images/1.png")
    Image.new("L", (40, 40), 128).save(tmp_path / "things/alpha/1.png")
    (tmp_path / "list.txt").write_text("things/images/1.png\n")
    with pytest.raises(DataError, match=r"list\.txt"):
        compositions(data.read("people", people_folder, "train"), tmp_path, ["list.txt"])
    draw = compositions(
        data.read("people", people_folder, "train"), tmp_path, [], soft=True, things=["list.txt"]
    )
    assert [thing.alpha for thing in draw.things] == [tmp_path / "things/alpha/1.png"]
    rng = np.random.default_rng(0)
    pixels, truth = np.zeros((60, 60, 3), np.uint8), np.full((60, 60), 255, np.uint8)
    for _ in range(5):
        draw._paste_thing(rng, pixels, truth, 0.9)
    assert pixels[..., 0].max() > 60
    assert pixels[..., 1:].max() == 0
    assert truth.min() < 130
    assert ((truth > 120) & (truth < 135)).any()


def test_a_batch_has_one_size_and_an_epoch_its_own_numbers(people_folder: Path) -> None:
    source = Photos(data.read("people", people_folder, "train"), with_mask, pp_humanseg)
    sizes = [(32, 32), (64, 32), (32, 96)]
    samples = Samples(source, sizes, 4, 0, Input(32, 32))
    shapes = [tuple(samples[k][0].shape) for k in range(40)]
    assert all(len(set(shapes[k : k + 4])) == 1 for k in range(0, 40, 4))
    assert len(set(shapes)) == 3
    image, labels = samples[0]
    assert image.min() >= -1
    assert image.max() <= 1
    assert labels.shape == image.shape[1:]
    sampler = Onward(3, iter([0, 6]).__next__, batch_size=1)
    assert list(sampler) == [0, 1, 2]
    assert list(sampler) == [6, 7, 8]


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("parts", [1, 2])
def test_however_a_step_is_divided_it_learns_from_the_same_samples(
    processes: int, parts: int
) -> None:
    division = [Onward(2, lambda: 5, 12, parts, processes, rank) for rank in range(processes)]
    shares = [list(sampler) for sampler in division]
    assert [len(sampler) for sampler in division] == [len(numbers) for numbers in shares]
    for step in range(2):
        own = 12 // processes
        seen = [k for numbers in shares for k in numbers[step * own : (step + 1) * own]]
        assert sorted(seen) == list(range(60 + 12 * step, 72 + 12 * step))
