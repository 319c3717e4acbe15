"""Alphas solved for in the photo: finer than the small one, and bounded in what they take."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import figureground as fg
from figureground.imaging import matting
from figureground.imaging.edges import guided
from figureground.imaging.matting import matted, solved


def hairy(width: int = 320, height: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """A photo of a head with hairs before a smooth background, H×W×3, and its alpha."""
    mask = Image.new("L", (4 * width, 4 * height))
    draw = ImageDraw.Draw(mask)
    middle = np.array((2 * width, 2 * height))
    draw.ellipse((*(middle - height), *(middle + height)), fill=255)
    for angle in np.linspace(0, 2 * np.pi, 60):
        end = middle + height * 1.25 * np.array((np.cos(angle), np.sin(angle)))
        draw.line((*middle, *end), fill=255, width=6)
    alpha = np.asarray(mask.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    y, x = (plane[:, :, None] / height for plane in np.mgrid[:height, :width])
    behind = np.concatenate([200 + 40 * x, 180 + 30 * y, 230 - 60 * x], 2)
    front = np.concatenate([70 + 20 * y, 40 + 10 * x, 30 + 10 * y], 2)
    share = alpha[:, :, None]
    return np.round(share * front + (1 - share) * behind).astype(np.uint8), alpha


def shrunk(alpha: np.ndarray, by: int) -> np.ndarray:
    size = alpha.shape[1] // by, alpha.shape[0] // by
    return np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BOX))


def test_hairs_come_back() -> None:
    pixels, alpha = hairy()
    small = shrunk(alpha, 8)
    errors = [np.abs(f(pixels, small) - alpha).mean() for f in (guided, matted)]
    assert errors[1] < 0.7 * errors[0]
    found = matted(pixels, small)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1


def test_what_is_known_stays_and_what_is_not_is_solved() -> None:
    pixels, alpha = hairy()
    unknown = (alpha > 0) & (alpha < 1)
    start = np.where(unknown, 0.5, alpha).astype(np.float32)
    found = solved(pixels, start, unknown, 60)
    assert np.array_equal(found[~unknown], alpha[~unknown])
    assert np.abs(found - alpha)[unknown].mean() < 0.02
    assert np.array_equal(solved(pixels, alpha, np.zeros_like(unknown), 9), alpha > 0.5)


def test_a_wide_band_or_a_large_photo_is_drawn_from_a_smaller_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels, alpha = hairy()
    small = shrunk(alpha, 8)
    whole = np.abs(matted(pixels, small) - alpha).mean()
    solves: list[tuple[int, ...]] = []

    def watched(pixels: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        solves.append(pixels.shape[:2])
        return solved(pixels, *rest)

    monkeypatch.setattr(matting, "solved", watched)
    for limit, value in (("PIXELS", 160 * 120), ("BAND", 2000)):
        with monkeypatch.context() as patch:
            patch.setattr(matting, limit, value)
            solves.clear()
            found = matted(pixels, small)
            assert max(solves) < pixels.shape[:2]
            assert found.shape == alpha.shape
            assert np.abs(found - alpha).mean() < 2 * whole


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 300), (200, 5), (33, 31)])
def test_any_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*size, 3), np.uint8)
    small = rng.random((min(size[0], 24), min(size[1], 32)), np.float32)
    for photo in (pixels, np.zeros_like(pixels)):
        found = matted(photo, small)
        assert found.shape == size
        assert np.isfinite(found).all()
    for value in (0, 1):
        assert (matted(pixels, np.full((8, 8), value, np.float32)) == value).all()


def test_edges_hair(photo_path: Path) -> None:
    alphas = {edges: fg.load(edges=edges)(photo_path) for edges in ("fine", "hair")}
    soft = [((a > 0.05) & (a < 0.95)).mean() for a in alphas.values()]
    assert soft[1] < soft[0]
    assert np.abs(alphas["hair"] - alphas["fine"]).mean() < 0.03
