"""`figureground evaluate` says what it was not asked rightly, and which file is at fault."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground.cli import main


@pytest.fixture
def pairs(people_folder: Path, tmp_path: Path) -> Path:
    """The people of the split test as photos, alphas and trimaps."""
    root = tmp_path / "pairs"
    for folder in ("images", "alpha", "trimaps"):
        (root / folder).mkdir(parents=True)
    for name in (people_folder / "test.txt").read_text().split():
        shutil.copy(people_folder / "images" / f"{name}.jpg", root / "images")
        shutil.copy(people_folder / "alpha" / f"{name}.png", root / "alpha")
        alpha = np.asarray(Image.open(people_folder / "alpha" / f"{name}.png"))
        trimap = np.where(np.arange(alpha.shape[1]) % 8 == 0, np.uint8(128), alpha)
        Image.fromarray(trimap).save(root / "trimaps" / f"{name}.png")
    return root


def measured(root: Path, *options: str) -> int:
    return main(
        [
            "evaluate",
            "pp-humanseg-lite",
            "--root",
            str(root),
            "--data",
            "pairs",
            "--split",
            "all",
            *options,
        ]
    )


def test_unsure_pixels_of_trimaps(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(pairs, "--measure", "matting") == 0
    assert "unsure_sad" in capsys.readouterr().out
    first = sorted((pairs / "trimaps").iterdir())[0]
    trimap = Image.open(first)
    for wrong, message in (
        (trimap.point(lambda grey: 255 * (grey > 200)), f"{first} leaves nothing unsure"),
        (trimap.resize((40, 30)), f"its truth {first} 40x30"),
    ):
        wrong.save(first)
        assert measured(pairs, "--measure", "matting") == 1
        assert message in capsys.readouterr().err


def test_an_alpha_of_another_size(
    people_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "people"
    shutil.copytree(people_folder, root)
    alpha = root / "alpha" / f"{(root / 'test.txt').read_text().split()[0]}.png"
    Image.open(alpha).resize((40, 30)).save(alpha)
    assert main(["evaluate", "pp-humanseg-lite", "--root", str(root)]) == 1
    assert f"its truth {alpha} 40x30" in capsys.readouterr().err


def test_the_mirror_image_counts_when_asked(
    people_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = ["evaluate", "pp-humanseg-lite", "--root", str(people_folder)]
    assert main(measure) == 0
    plain = capsys.readouterr().out
    assert main([*measure, "--flip"]) == 0
    flipped = capsys.readouterr().out
    assert "people/test, mirrored too" in flipped
    assert flipped.splitlines()[1:] != plain.splitlines()[1:]


def test_hard_masks_are_measured_when_asked(
    people_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = ["evaluate", "pp-humanseg-lite", "--root", str(people_folder), "--measure", "matting"]
    assert main([*measure, "--threshold", "0.5", "--json"]) == 0
    hard = json.loads(capsys.readouterr().out)
    predictor, truths = fg.load("pp-humanseg-lite"), []
    for name in (people_folder / "test.txt").read_text().split():
        alpha = np.asarray(Image.open(people_folder / "alpha" / f"{name}.png")) / 255
        found = predictor(people_folder / "images" / f"{name}.jpg") >= 0.5
        truths.append(np.abs(found - alpha).sum() / 1000)
    assert hard["sad"] == pytest.approx(np.mean(truths), rel=1e-4)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("pp-humanseg-lite", ["--threshold", "0.5"], "--threshold is for matting"),
        ("refinenet-parts", ["--measure", "people"], "refinenet-parts, which gives none"),
        ("pp-humanseg-lite", ["--data", "nobody", "--measure", "people"], "for photos of nobody"),
    ],
)
def test_what_does_not_apply_is_said(
    people_folder: Path,
    model: str,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = people_folder.parent if "nobody" in options else people_folder
    assert main(["evaluate", model, "--root", str(root), *options]) == 1
    assert message in capsys.readouterr().err


def test_edges_that_there_are_not(photo: np.ndarray) -> None:
    with pytest.raises(fg.errors.ImageError, match="edges is 'hard'; expected one of fine, fast"):
        fg.cutout(photo, edges="hard")  # type: ignore[arg-type]
