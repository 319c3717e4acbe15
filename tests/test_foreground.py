"""The foreground's colours in soft edges: what is known comes back, what is sure stays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import figureground as fg
from figureground.imaging.compose import cutout
from figureground.imaging.foreground import estimate


def disc(width: int, height: int, softness: float) -> np.ndarray:
    mask = Image.new("L", (width, height))
    box = (width // 4, height // 4, 3 * width // 4, 3 * height // 4)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(softness)))


def mix(front: np.ndarray, behind: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[:, :, None] / 255
    return np.round(share * front + (1 - share) * behind).astype(np.uint8)


def test_flat_colours_come_back() -> None:
    alpha = disc(161, 120, 5)
    front, behind = np.full((120, 161, 3), (200, 40, 90)), np.full((120, 161, 3), (0, 255, 0))
    found = estimate(mix(front, behind, alpha), alpha).astype(int)
    assert np.abs(front - mix(front, behind, alpha))[alpha > 20].max() > 190
    assert np.abs(found - front)[alpha > 20].max() <= 12


def test_a_new_background_shows_less_of_the_old(photo: np.ndarray) -> None:
    soft = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(6)))
    alpha = disc(512, 512, 4)
    image = mix(soft, 255 - soft, alpha)
    found = estimate(image, alpha)
    share = alpha[:, :, None] / 255
    errors = [np.square(share * (x.astype(float) - soft)).mean() for x in (image, found)]
    assert errors[1] < errors[0] / 6
    sure = alpha == 255
    assert np.array_equal(found[sure], image[sure])


def test_colours_are_put_where_they_are_wanted(photo: np.ndarray) -> None:
    alpha = disc(512, 512, 4)
    cut = cutout(photo, alpha)
    found = estimate(photo, alpha, out=cut[:, :, :3])
    assert np.shares_memory(found, cut)
    assert np.array_equal(cut[:, :, 3], alpha)
    assert np.array_equal(found[alpha > 0], estimate(photo, alpha)[alpha > 0])
    assert not found[alpha == 0].any()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 300), (700, 5), (33, 31)])
def test_any_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*size, 3), np.uint8)
    for alpha in (np.full(size, 128, np.uint8), rng.integers(0, 256, size, np.uint8)):
        assert estimate(pixels, alpha).shape == pixels.shape
    for value in (0, 255):
        assert estimate(pixels, np.full(size, value, np.uint8)) is pixels


def test_no_foreground_keeps_the_photos_colours(photo_path: Path, photo: np.ndarray) -> None:
    kept = fg.cutout(photo_path, foreground=False)
    seen = kept[:, :, 3] > 0
    assert np.array_equal(kept[seen][:, :3], photo[seen])
    changed = fg.cutout(photo_path)
    assert np.array_equal(changed[:, :, 3], kept[:, :, 3])
    assert not np.array_equal(changed, kept)
