"""`figureground check` names what is wrong with a folder, that and nothing else."""

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from figureground import checking
from figureground.checking import CHECKS, duplicates, measure, persons, photos, sheet
from figureground.checking.measure import Photo, fingerprint
from figureground.checking.survey import Survey
from figureground.cli import main
from figureground.data import Sighting


def scene(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Clouds of colour, others for each seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def disc(size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """1 in the middle, 0 around."""
    y, x = np.ogrid[: size[1], : size[0]]
    return (((x - size[0] / 2) ** 2 + (y - size[1] / 2) ** 2) < 200).astype(np.uint8)


def soft_disc() -> Image.Image:
    small = Image.fromarray(disc() * 255).resize((16, 12), Image.Resampling.BOX)
    return small.resize((64, 48), Image.Resampling.BILINEAR)


def save(image: Image.Image | np.ndarray, path: Path, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)


def make_pairs(root: Path, truth: str) -> None:
    """train: a, b, c; val: d, e."""
    image = {
        "masks": disc() * 255,
        "alpha": soft_disc(),
        "labels": np.kron([[0, 1], [2, 3]], np.ones((24, 32))).astype(np.uint8),
    }
    for number, name in enumerate("abcde"):
        split = root / ("train" if number < 3 else "val")
        save(scene(number), split / f"images/{name}.png")
        save(image[truth], split / f"{truth}/{name}.png")


def make_voc2012(root: Path) -> None:
    make_pairs(root, "labels")
    (root / "class_names.json").write_text('["sky", "road", "car", "person"]')
    (root / "JPEGImages").mkdir()
    (root / "SegmentationClass").mkdir()
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    for split in ("train", "val"):
        names = []
        for image in sorted((root / split / "images").iterdir()):
            names.append(image.stem)
            Image.open(image).save(root / f"JPEGImages/{image.stem}.jpg", quality=95)
            (root / split / f"labels/{image.name}").rename(root / f"SegmentationClass/{image.name}")
        (root / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(names))
        shutil.rmtree(root / split)


def make_market1501(root: Path) -> None:
    """Persons 1 and 2 to learn, 3 to find; each seen by two cameras."""
    for number, name in enumerate(
        (
            *(f"bounding_box_train/000{p}_c{c}s1_00.jpg" for p in (1, 2) for c in (1, 2)),
            "query/0003_c1s1_00.jpg",
            "bounding_box_test/0003_c2s1_00.jpg",
        )
    ):
        save(scene(number, (32, 64)), root / name, quality=95)


def make_person_folders(root: Path) -> None:
    for number, name in enumerate(("train/p/1", "train/p/2", "train/q/1", "train/q/2")):
        save(scene(number, (32, 64)), root / f"{name}.png")


LAYOUTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "masks": ("pairs", lambda root: make_pairs(root, "masks")),
    "alpha": ("pairs", lambda root: make_pairs(root, "alpha")),
    "labels": ("voc2012", make_voc2012),
    "crops": ("market1501", make_market1501),
    "folders": ("person_folders", make_person_folders),
}

Capture = pytest.CaptureFixture[str]


def check(capsys: Capture, *arguments: object) -> tuple[int, dict[str, list[str]], set[str]]:
    """Exit status, what was found with names, and which of it are errors."""
    capsys.readouterr()
    status = main(["check", *map(str, arguments), "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    found: dict[str, list[str]] = {}
    for finding in findings:
        found.setdefault(finding["check"], []).extend(finding["names"])
    return status, found, {f["check"] for f in findings if f["severity"] == "error"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_found_where_nothing_is_wrong(
    layout: str, tmp_path: Path, capsys: Capture
) -> None:
    name, make = LAYOUTS[layout]
    make(tmp_path)
    assert check(capsys, "--data", name, "--root", tmp_path) == (0, {}, set())


CASES = []


def breaks(layout: str, severity: str, check: str, *names: str) -> Callable[..., object]:
    """Registers a function that breaks a clean folder of the layout, and all that is to be found then."""

    def register(function: Callable[[Path], object]) -> None:
        CASES.append(pytest.param(layout, severity, check, names, function, id=function.__name__))

    return register


def tag(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def append(listing: Path, line: str) -> None:
    listing.write_text(f"{listing.read_text()}\n{line}\n")


PHOTO, A, B, C = "train/images/a.png", *(f"train/masks/{name}.png" for name in "abc")
ALL = (A, B, C, "val/masks/d.png", "val/masks/e.png")
ALPHA = A.replace("masks", "alpha")
ALPHAS = [name.replace("masks", "alpha") for name in ALL]
LABELS = "SegmentationClass/a.png"
TRAIN, QUERY, GALLERY = "bounding_box_train", "query", "bounding_box_test"


# names and lists


@breaks("masks", "error", "layout", "train/images/b.png", "train/masks/x.png")
def unpaired(root: Path) -> None:
    (root / B).rename(root / "train/masks/x.png")


@breaks("masks", "error", "layout", A, "train/masks/a.bmp")
def two_of_one_name(root: Path) -> None:
    save(disc(), root / "train/masks/a.bmp")


@breaks("crops", "error", "layout", f"{TRAIN}/me.jpg")
def misnamed(root: Path) -> None:
    save(scene(50, (32, 64)), root / TRAIN / "me.jpg")


@breaks("labels", "error", "missing-files", "JPEGImages/x.jpg", "SegmentationClass/x.png")
def unknown_entry(root: Path) -> None:
    append(root / "ImageSets/Segmentation/train.txt", "x")


@breaks("labels", "warning", "listed-twice", "JPEGImages/a.jpg")
def twice_in_a_list(root: Path) -> None:
    append(root / "ImageSets/Segmentation/train.txt", "a")


@breaks("labels", "error", "listed-twice", "JPEGImages/a.jpg (train and val)")
def in_two_lists(root: Path) -> None:
    append(root / "ImageSets/Segmentation/val.txt", "a")


@breaks("labels", "warning", "left-over", "SegmentationClass/x.png")
def mask_without_photo(root: Path) -> None:
    shutil.copy(root / LABELS, root / "SegmentationClass/x.png")


# photos


@breaks("masks", "error", "unreadable-photos", PHOTO)
def truncated_photo(root: Path) -> None:
    (root / PHOTO).write_bytes((root / PHOTO).read_bytes()[:-400])


@breaks("masks", "warning", "odd-sizes", f"{PHOTO} (40x20)")
def tiny(root: Path) -> None:
    save(scene(0, (40, 20)), root / PHOTO)
    save(disc((40, 20)) * 255, root / A)


@breaks("masks", "warning", "odd-sizes", f"{PHOTO} (300x64)")
def long(root: Path) -> None:
    save(scene(0, (300, 64)), root / PHOTO)
    save(disc((300, 64)) * 255, root / A)


@breaks("crops", "warning", "odd-sizes", f"{QUERY}/0003_c1s1_00.jpg (64x32)")
def lying(root: Path) -> None:
    save(scene(40, (64, 32)), root / QUERY / "0003_c1s1_00.jpg")


@breaks("masks", "warning", "transparent-photos", PHOTO)
def cut_out_photo(root: Path) -> None:
    cutout = scene(0)
    cutout.putalpha(Image.fromarray(disc() * 255))
    save(cutout, root / PHOTO)


# truths on their photos


@breaks("masks", "error", "unreadable-truths", A)
def damaged_mask(root: Path) -> None:
    (root / A).write_bytes(b"no")


@breaks("masks", "error", "refused", A)
def mask_of_0_and_100(root: Path) -> None:
    save(disc() * 100, root / A)


@breaks("masks", "error", "coloured", A)
def red_mask(root: Path) -> None:
    save(np.stack([disc() * 255, disc() * 0, disc() * 0], axis=2), root / A)


@breaks("alpha", "error", "coloured", ALPHA)
def photo_as_alpha(root: Path) -> None:
    save(scene(0), root / ALPHA)


@breaks("masks", "error", "sizes", f"{A} (32x24, its photo 64x48)")
def smaller_mask(root: Path) -> None:
    save(disc((32, 24)) * 255, root / A)


@breaks("masks", "error", "sizes", f"{A} (64x48, its photo 48x64)")
def photo_on_its_side(root: Path) -> None:
    save(scene(0), root / PHOTO, exif=tag(6))


@breaks("masks", "warning", "turned-unseen", PHOTO)
def photo_upside_down(root: Path) -> None:
    save(scene(0), root / PHOTO, exif=tag(3))


@breaks("masks", "warning", "sixteen-bit", A)
def mask_of_16_bits(root: Path) -> None:
    save(disc().astype(np.uint16) * 65535, root / A)


# masks and alphas


@breaks("masks", "warning", "empty", A)
def empty_mask(root: Path) -> None:
    save(disc() * 0, root / A)


@breaks("masks", "error", "empty", *ALL)
def empty_masks(root: Path) -> None:
    for name in ALL:
        save(disc() * 0, root / name)


@breaks("masks", "warning", "full", A)
def full_mask(root: Path) -> None:
    save(disc() * 0 + 255, root / A)


@breaks("masks", "warning", "inverted", *ALL)
def inverted_masks(root: Path) -> None:
    for name in ALL:
        save(255 - disc() * 255, root / name)


@breaks("masks", "warning", "inverted", B)
def one_inverted_mask(root: Path) -> None:
    save(255 - disc() * 255, root / B)


@breaks("masks", "warning", "covering", *ALL)
def covering_masks(root: Path) -> None:
    for name in ALL:
        mask = disc() * 0 + 255
        mask[:, :4] = 0
        save(mask, root / name)


@breaks("masks", "warning", "grey-masks", A)
def soft_mask(root: Path) -> None:
    save(soft_disc(), root / A)


@breaks("masks", "warning", "mixed-codings", *ALL[1:])
def one_mask_with_void(root: Path) -> None:
    mask = disc()
    mask[0] = 255
    save(mask, root / A)


@breaks("masks", "warning", "negative-palettes", A)
def dark_palette(root: Path) -> None:
    mask = Image.fromarray(disc(), "P")
    mask.putpalette([255, 255, 255, 0, 0, 0])
    save(mask, root / A)


@breaks("masks", "error", "unread-transparency", A)
def mask_in_the_fourth_channel(root: Path) -> None:
    save(Image.merge("LA", [Image.fromarray(a) for a in (disc() * 255, disc() * 255)]), root / A)


@breaks("alpha", "error", "alphas-of-0-and-1", ALPHA)
def alpha_of_0_and_1(root: Path) -> None:
    save(disc(), root / ALPHA)


@breaks("alpha", "error", "alphas-of-0-and-1", ALPHA)
def alpha_of_16_bits_that_ends_at_255(root: Path) -> None:
    save(disc().astype(np.uint16) * 255, root / ALPHA)


@breaks("alpha", "warning", "faint-alphas", ALPHA)
def faint_alpha(root: Path) -> None:
    save(disc() * 100, root / ALPHA)


@breaks("alpha", "warning", "hard-alphas", *ALPHAS)
def hard_alphas(root: Path) -> None:
    for name in ALPHAS:
        save(disc() * 255, root / name)


@breaks("alpha", "warning", "trimaps-without-band", "train/trimaps/a.png")
def trimap_of_0_and_255(root: Path) -> None:
    for name in "abc":
        save(disc() * (255 if name == "a" else 128), root / f"train/trimaps/{name}.png")


# labels


@breaks("labels", "error", "unknown-classes", f"{LABELS} (4, 58)")
def numbers_above_the_list(root: Path) -> None:
    labels = np.array(Image.open(root / LABELS))
    labels[0, :3] = 4, 58, 255
    save(labels, root / LABELS)


@breaks("labels", "error", "coloured", LABELS)
def labels_in_colour(root: Path) -> None:
    save(scene(0), root / LABELS)


@breaks("labels", "warning", "nothing-labelled", LABELS)
def all_void(root: Path) -> None:
    save(disc() * 0 + 255, root / LABELS)


@breaks("labels", "warning", "unseen-classes", "bird")
def class_never_seen(root: Path) -> None:
    (root / "class_names.json").write_text('["sky", "road", "car", "person", "bird"]')


@breaks("labels", "warning", "rare-classes", "person (0.087%)")
def class_seldom_seen(root: Path) -> None:
    for name in "abc":
        labels = np.array(Image.open(root / f"SegmentationClass/{name}.png"))
        labels[labels == 3] = 2
        labels[:2, :4] = 3 if name == "a" else 0
        save(labels, root / f"SegmentationClass/{name}.png")


@breaks("labels", "error", "layout", ".")
def class_names_that_are_none(root: Path) -> None:
    (root / "class_names.json").write_text("{}")


# persons


@breaks("crops", "error", "persons-in-two-splits", "0001")
def person_in_two_splits(root: Path) -> None:
    for folder, camera, seed in ((QUERY, 1, 50), (GALLERY, 2, 51)):
        save(scene(seed, (32, 64)), root / folder / f"0001_c{camera}s9_00.jpg")


@breaks("folders", "warning", "single-pictures", "train/r/1.png")
def single_picture(root: Path) -> None:
    save(scene(50, (32, 64)), root / "train/r/1.png")


@breaks("folders", "error", "single-pictures", "p")
def one_person(root: Path) -> None:
    shutil.rmtree(root / "train/q")


@breaks("crops", "warning", "single-cameras", "0002")
def person_of_one_camera(root: Path) -> None:
    (root / TRAIN / "0002_c2s1_00.jpg").rename(root / TRAIN / "0002_c1s2_00.jpg")


@breaks("crops", "warning", "queries-without-match", f"{QUERY}/0003_c1s1_00.jpg")
def match_of_the_same_camera(root: Path) -> None:
    (root / GALLERY / "0003_c2s1_00.jpg").rename(root / GALLERY / "0003_c1s2_00.jpg")


# two splits


@breaks("masks", "warning", "duplicates", f"train {PHOTO} = val val/images/d.png")
def the_same_photo(root: Path) -> None:
    shutil.copy(root / PHOTO, root / "val/images/d.png")


@breaks("masks", "warning", "near-duplicates", f"train {PHOTO} = val val/images/d.jpg")
def nearly_the_same_photo(root: Path) -> None:
    smaller = Image.open(root / PHOTO).resize((60, 45))
    (root / "val/images/d.png").unlink()
    save(smaller, root / "val/images/d.jpg", quality=80)
    save(disc((60, 45)) * 255, root / "val/masks/d.png")


@pytest.mark.parametrize(("layout", "severity", "finding", "names", "function"), CASES)
def test_what_is_wrong_is_found_and_nothing_else(
    layout: str,
    severity: str,
    finding: str,
    names: tuple[str, ...],
    function: Callable[[Path], object],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    name, make = LAYOUTS[layout]
    make(tmp_path)
    function(tmp_path)
    status, found, errors = check(capsys, "--data", name, "--root", tmp_path)
    assert list(found) == [finding]
    assert len(found[finding]) == len(names)
    assert all(f.startswith(n) for f, n in zip(sorted(found[finding]), sorted(names)))
    assert status == bool(errors) == (severity == "error")


def test_every_check_is_tested() -> None:
    tested = {case.values[2] for case in CASES}
    named = {check.__name__.replace("_", "-") for check in CHECKS}
    assert named - tested == {"lossy", "unknown-cameras"}  # have tests of their own


def test_masks_as_jpeg_are_lossy_and_grey(tmp_path: Path, capsys: Capture) -> None:
    make_pairs(tmp_path, "masks")
    (tmp_path / A).unlink()
    save(disc() * 255, tmp_path / "train/masks/a.jpg")
    status, found, _ = check(capsys, "--data", "pairs", "--root", tmp_path)
    assert status == 0
    assert found == {"lossy": ["train/masks/a.jpg"], "grey-masks": ["train/masks/a.jpg"]}
    assert check(capsys, "--data", "pairs", "--root", tmp_path, "--strict")[0] == 1


def test_cameras() -> None:
    """A reader that knows some cameras only; a set of one camera."""

    def found(*cameras: str | None) -> list[list[str]]:
        seen = [Sighting(Path(f"{i}.jpg"), "p", camera) for i, camera in enumerate(cameras)]
        return [f.names for f in persons.unknown_cameras(Survey(Path(), sightings={"train": seen}))]

    assert found(None, None) == []
    assert found("1", "2", "1") == [[]]
    assert found("1", "2", None) == [["2.jpg"]]
    assert found("1", "1") == [[], ["1"]]


def test_huge_photos() -> None:
    seen = Survey(Path(), photos=[Photo(Path("a.jpg"), "train", size=(9000, 6000))])
    assert [f.names for f in photos.odd_sizes(seen) if f.names] == [["a.jpg (9000x6000)"]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(40, 300), st.integers(40, 300), st.integers(60, 95))
def test_fingerprints_tell_photos_apart(seed: int, width: int, height: int, quality: int) -> None:
    """The same photo at another size and quality is within the bound, another photo is not."""
    file = io.BytesIO()
    scene(seed).resize((width, height)).save(file, "JPEG", quality=quality)
    same, other = Image.open(file), scene(seed + 1)
    seen = [
        Photo(Path(), "train", fingerprint=fingerprint(np.asarray(picture)))
        for picture in (scene(seed), same, other)
    ]
    bits = [np.unpackbits(np.frombuffer(photo.fingerprint, np.uint8)) for photo in seen]
    distances = [int((bits[0] != some).sum()) for some in bits]
    assert distances[1] <= duplicates.NEAR < distances[2]
    signs = duplicates._signs(seen)
    np.testing.assert_array_equal((256 - signs @ signs[0]) / 2, distances)
    assert fingerprint(np.full((50, 40, 3), 9, np.uint8)) == b""


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_file_is_too_broken(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any bytes, and images with any byte changed, are measured or said to be unreadable."""
    file = io.BytesIO()
    disc_or_photo = data.draw(
        st.sampled_from([soft_disc(), scene(0), Image.fromarray(disc(), "P")])
    )
    disc_or_photo.save(file, data.draw(st.sampled_from(["PNG", "TIFF", "GIF"])))
    content = bytearray(file.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "broken.png"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    seen = Survey(path.parent, photos=[measure.photo(path, "train")])
    seen.truths = [measure.truth(path, kind, seen.photos[0]) for kind in measure.READ]
    for finding in checking.check(seen):
        assert finding.message


def test_recipes_say_what_is_looked_at(
    people_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    recipe = "pp-humanseg-lite/people"
    status, found, errors = check(capsys, recipe, f"data.root={people_folder}")
    assert (status, errors) == (1, {"data.nobody", "data.scenes"})  # conftest draws no PASCAL-S
    alone = "data.nobody=[no_people.txt]", "data.scenes=[]"
    status, found, _ = check(capsys, recipe, f"data.root={people_folder}", *alone)
    assert (status, list(found)) == (0, ["hard-alphas"])  # true of what conftest draws
    assert main(["check", recipe, f"data.root={people_folder}", "data.nobdy=[]"]) == 1
    assert "nobdy" in capsys.readouterr().err
    root = shutil.copytree(people_folder, tmp_path / "people")
    (root / "val.txt").unlink()
    nobody = "data.nobody=[]", "data.scenes=[]"
    status, found, errors = check(capsys, recipe, f"data.root={root}", *nobody)
    assert (status, found["layout"], errors) == (1, ["."], {"layout"})
    assert check(capsys, "--data", "people", "--root", root)[0] == 0
    assert check(capsys, "--data", "people", "--root", root, "--splits", "val")[0] == 1
    for name in ("one", "two"):  # sets learnt together; persons of the same number are others
        make_market1501(tmp_path / "sets" / name)
    status, found, _ = check(
        capsys, "osnet-x0.25/cuhk", f"data.root={tmp_path / 'sets'}", "data.sets=[one, two]"
    )
    assert (status, found) == (0, {})


def test_what_is_printed(tmp_path: Path, capsys: Capture) -> None:
    make_pairs(tmp_path, "masks")
    for name in ALL:
        save(disc((32, 24)) * 255, tmp_path / name)
    save(scene(9), tmp_path / "train/images/z.png")
    assert main(["check", "--data", "pairs", "--root", str(tmp_path), "--limit", "2"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"pairs in {tmp_path}: train 3, val 2"
    assert printed[1].startswith("error: layout (1): 1 of 4 files have no partner of their name in")
    assert printed[2:] == [
        "    train/images/z.png",
        "error: sizes (4): of another size than their photos: make them anew at the photo's size",
        *(f"    {ALL[i]} (32x24, its photo 64x48)" for i in (0, 2, 3, 4)),
        "errors: 2, warnings: 0; looked into 4 photos",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected a recipe"),
        (["pp-humanseg-lite/people"], "data.root=FOLDER"),
        (["pp-humanseg-lite/people", "data.root=/", "--root", "/"], "expected a recipe"),
        (["--data", "pairs"], "--root"),
        (
            ["--data", "nope", "--root", "."],
            "unknown data set 'nope'; expected one of .*market1501",
        ),
        (["--data", "pairs", "--root", "none"], "'none', which is not a folder"),
        (["--data", "people", "--root", "."], "cannot read the list train.txt"),
        (["--data", "people", "--root", ".", "--limit", "-1"], "--limit is -1"),
        (["--data", "people", "--root", ".", "--sheet", "a.doc"], "'.doc'"),
        (["osnet-x0.25/cuhk", "data.root=.", "data.sets=3"], "data.sets is 3"),
    ],
)
def test_bad_arguments_are_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", *arguments]) == 1
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_sheet_shows_truths_over_photos(layout: str, tmp_path: Path, capsys: Capture) -> None:
    name, make = LAYOUTS[layout]
    make(tmp_path / "set")
    arguments = ["--data", name, "--root", tmp_path / "set", "--samples", 3, "--sheet"]
    for file in "ab":
        check(capsys, *arguments, tmp_path / f"{file}.png")
    check(capsys, *arguments, tmp_path / "c.png", "--seed", 1)
    a, b, c = (np.asarray(Image.open(tmp_path / f"{file}.png")) for file in "abc")
    assert a.shape == (2 * (sheet.CELL + sheet.CAPTION), 2 * sheet.CELL, 3)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_the_mask_is_red_on_the_sheet(tmp_path: Path, capsys: Capture) -> None:
    make_pairs(tmp_path, "masks")
    check(capsys, "--data", "pairs", "--root", tmp_path, "--sheet", tmp_path / "s.png")
    drawn = np.asarray(Image.open(tmp_path / "s.png"))[:48, :64].astype(float)
    photo = np.asarray(Image.open(tmp_path / PHOTO)).astype(float)
    shown = disc() == 1
    np.testing.assert_array_equal(drawn[~shown], photo[~shown])
    mixed = 0.4 * photo[shown] + 0.6 * np.array(sheet.RED)
    np.testing.assert_allclose(drawn[shown], mixed, atol=1.5)


def test_a_sheet_of_nothing(tmp_path: Path, capsys: Capture) -> None:
    make_pairs(tmp_path, "masks")
    for image in tmp_path.glob("*/images/*"):
        image.write_bytes(b"no")
    arguments = ["--data", "pairs", "--root", str(tmp_path), "--sheet", str(tmp_path / "s.png")]
    assert main(["check", *arguments]) == 1
    assert "no photo to draw" in capsys.readouterr().err


def test_needs_no_torch(people_folder: Path) -> None:
    absent = ("torch", "cv2", "pytorch_lightning", "jsonargparse", "safetensors", "onnx")
    code = f"import sys\nfor name in {absent}: sys.modules[name] = None\n"
    code += "from figureground.cli import main\nsys.exit(main(sys.argv[1:]))"
    arguments = ["check", "pp-humanseg-lite/people", f"data.root={people_folder}"]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "folder", "limit", "expected"),
    [
        ("people", "people", 12, set()),
        ("human_parts", "people", 4, {"rare-classes", "unseen-classes"}),
        ("saliency", "saliency", 12, {"faint-alphas"}),
        ("voc2012", "streets", 12, {"rare-classes", "unseen-classes"}),
        ("market1501", "reid/cuhk01", 12, set()),
        ("market1501", "reid/cuhk03", 12, set()),
        ("pairs", "matting", 3, set()),
    ],
)
def test_real_data(
    shared_data: Path, name: str, folder: str, limit: int, expected: set[str], capsys: Capture
) -> None:
    """Without errors; which warnings they have in full is in the README."""
    status, found, _ = check(
        capsys, "--data", name, "--root", shared_data / folder, "--limit", limit
    )
    assert status == 0
    assert set(found) <= expected
