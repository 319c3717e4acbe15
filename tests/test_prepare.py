"""`figureground prepare matting`: bands of masks, alphas in them, and a folder that can be learnt."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from figureground import data
from figureground.cli import main
from figureground.data.drawn import draw_person
from figureground.data.pseudo_alpha import band, closed_form
from figureground.errors import DataError

pytest.importorskip("scipy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four drawn people in images/ and masks/."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(4):
        picture, mask = draw_person(rng, (120, 160))
        picture.save(tmp_path / "images" / f"{number}.jpg", quality=95)
        mask.save(tmp_path / "masks" / f"{number}.png")
    return tmp_path


@pytest.fixture
def unsolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyMatting, which takes a minute to compile, leaves unsure pixels at one half."""
    solver = SimpleNamespace(estimate_alpha_cf=lambda photo, trimap: trimap)
    monkeypatch.setitem(sys.modules, "pymatting", solver)


def test_the_band_is_about_the_edge() -> None:
    mask = np.zeros((100, 200), np.uint8)
    mask[20:80, 50:150] = 1
    made = band(mask, outside=2, inside=1)  # 4 and 2 pixels
    assert made[50].tolist() == [0] * 46 + [128] * 6 + [255] * 96 + [128] * 6 + [0] * 46
    mask[50, 50:60] = 255
    made = band(mask, outside=0, inside=0)
    assert (made[50, 49:61] == 128).all()
    assert (made[48:53, 54] == [255, 128, 128, 128, 255]).all()


def test_what_is_thin_keeps_its_innermost() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[10:60, 10:60] = 1
    mask[80:83, 80:90] = 1
    mask[95, 5] = 1
    made = band(mask, outside=3, inside=5)
    assert (made[10:60, 10:60] == 255).sum() == 40 * 40
    assert (made[81, 81:89] == 255).all()
    assert made[95, 5] == 255


@pytest.mark.parametrize("value", [0, 1])
def test_of_nobody_and_of_nothing_else(value: int) -> None:
    mask = np.full((30, 40), value, np.uint8)
    assert (band(mask) == value * 255).all()


@pytest.mark.long
def test_hair_is_found_in_the_band() -> None:
    """Lines of half-covered pixels that the mask cuts off come back; what is sure stays."""
    truth = np.zeros((80, 80))
    truth[30:60, 20:60] = 1
    truth[24:30, 25:55:5] = 0.6
    back, front = np.array([20, 40, 160]), np.array([210, 160, 90])
    photo = (truth[..., None] * front + (1 - truth[..., None]) * back).round().astype(np.uint8)
    mask = np.zeros((80, 80), np.uint8)
    mask[30:60, 20:60] = 1
    trimap = band(mask, outside=10, inside=4)
    alpha = closed_form(photo, trimap)
    assert alpha.dtype == np.float32
    assert abs(alpha - truth).mean() < 0.1 * abs(mask - truth).mean()
    assert (alpha[trimap != 128] == trimap[trimap != 128] / 255).all()


@pytest.mark.long
def test_near_the_pseudo_alphas_that_we_were_given(shared_data: Path, tmp_path: Path) -> None:
    people = shared_data / "people"
    assert main(["prepare", "matting", str(people), "-o", str(tmp_path), "--limit", "3"]) == 0
    made = sorted((tmp_path / "alpha").iterdir())
    assert len(made) == 3
    for file in made:
        given = data.read_alpha(people / "alpha" / file.name)
        mask = data.read_mask(people / "masks" / file.name)
        assert abs(data.read_alpha(file) - given).mean() < 0.7 * abs(mask - given).mean()


def test_what_cannot_be_solved_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(photo: object, trimap: object) -> None:
        print("PERFORMANCE WARNING")
        raise ValueError("did not converge")

    photo, trimap = np.zeros((9, 9, 3), np.uint8), np.full((9, 9), 128, np.uint8)
    monkeypatch.setitem(sys.modules, "pymatting", SimpleNamespace(estimate_alpha_cf=fail))
    with pytest.raises(DataError, match="unsure everywhere"):
        closed_form(photo, trimap)
    trimap[0], trimap[-1] = 0, 255
    with pytest.raises(DataError, match=r"closed-form matting failed .did not"):
        closed_form(photo, trimap)
    with pytest.raises(DataError, match="the photo is 9x9 pixels, the trimap 9x8"):
        closed_form(photo, trimap[1:])
    trimap[-1] = 0
    assert not closed_form(photo, trimap).any()  # no person to tell apart


def test_a_folder_becomes_a_data_set(
    folder: Path, unsolved: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare", "matting", str(folder), "-o", str(folder), "--json"]) == 0
    shown = capsys.readouterr()
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [Path(line["outputs"][0]).name for line in lines] == ["0.png", "1.png", "2.png", "3.png"]
    assert all(0 < line["unsure"] < 0.2 for line in lines)
    assert "0 done before, 4 tried, 0 failed" in shown.err
    examples = data.read("pairs", folder, "all")
    assert len(examples) == 4
    for example in examples:
        trimap = np.asarray(Image.open(example.trimap))
        assert set(np.unique(trimap)) == {0, 128, 255}
        alpha = data.read_alpha(example.alpha)
        np.testing.assert_array_equal(alpha[trimap == 255], 1)
        np.testing.assert_array_equal(alpha[trimap == 0], 0)


def test_going_on_and_what_fails(
    folder: Path, unsolved: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "images" / "1.jpg").write_bytes(b"no")
    Image.new("1", (9, 9)).save(folder / "masks" / "2.png")
    (folder / "masks" / "3.png").unlink()
    out = tmp_path / "out"
    run = ["prepare", "matting", str(folder), "-o", str(out)]
    assert main(run) == 1
    said = capsys.readouterr().err
    for part in ("3.jpg", "1.jpg", "its mask", "9x9", "3 tried, 3 failed"):
        assert part in said
    assert [file.name for file in sorted(out.rglob("*.png"))] == ["0.png", "0.png"]
    assert main([*run, "--resume"]) == 1
    assert "1 done before, 2 tried, 3 failed" in capsys.readouterr().err
    (folder / "masks" / "0.png").touch()
    assert main([*run, "--resume"]) == 1
    assert "0 done before, 3 tried" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--inside", "50"], "--inside 50; expected"),
        (["--outside", "nan"], "--outside nan"),
        (["--masks", "mattes"], "there is no folder"),
        (["--limit", "-1"], "--limit is -1"),
    ],
)
def test_bad_arguments(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare", "matting", str(folder), "-o", str(folder / "o"), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_without_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", None)
    assert main(["prepare", "matting", str(folder), "-o", str(folder)]) == 1
    assert "pip install 'figureground[matting]'" in capsys.readouterr().err
