"""Readers find what is there and say what is not; pictures are functions of their number."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground import data
from figureground.data import transforms
from figureground.data.composition import Compositions
from figureground.data.samples import Onward, Photos, Samples
from figureground.errors import DataError


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
    with pytest.raises(DataError, match="unknown data set 'nope'; expected one of nobody, people"):
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
    source = Photos(data.read("people", people_folder, "train"), transforms.published)
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
        p, t = transforms.scale(rng, pixels, labels)
        p, t = transforms.rotate(rng, p, t, fill=0)
        p, t = transforms.crop(rng, p, t, 90, 90, fill=0)
        p, t = transforms.flip(rng, p, t)
        known = t != 255
        assert ((p[..., 0] > 127) == (t == 1))[known].mean() > 0.96


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


def test_a_batch_has_one_size_and_an_epoch_its_own_numbers(people_folder: Path) -> None:
    source = Photos(data.read("people", people_folder, "train"), transforms.published)
    sizes = [(32, 32), (64, 32), (32, 96)]
    samples = Samples(source, sizes, 4, 0, [0.5] * 3, [0.5] * 3)
    shapes = [tuple(samples[k][0].shape) for k in range(40)]
    assert all(len(set(shapes[k : k + 4])) == 1 for k in range(0, 40, 4))
    assert len(set(shapes)) == 3
    image, labels = samples[0]
    assert image.min() >= -1
    assert image.max() <= 1
    assert labels.shape == image.shape[1:]
    sampler = Onward(3, start=iter([0, 6]).__next__)
    assert list(sampler) == [0, 1, 2]
    assert list(sampler) == [6, 7, 8]
