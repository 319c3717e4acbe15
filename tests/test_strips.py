"""Pictures are shrunk and enlarged strip by strip: the result is that of the whole."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from figureground.imaging import png
from figureground.imaging.compose import cutout
from figureground.imaging.size import reduced
from figureground.imaging.write import encode
from figureground.runtime.prepare import Input, enlarge


@pytest.mark.parametrize(
    "shape", [(2000, 1500, 3), (2000, 1500), (37, 3000, 3), (40, 30, 3), (1201, 7)]
)
@pytest.mark.parametrize("size", [(320, 240), (20, 7), (400, 1)])
def test_smaller_copies_are_pillows(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image = Image.fromarray(pixels)
    for way in (Image.Resampling.BOX, Image.Resampling.BILINEAR):
        expected = np.asarray(image.resize(size, way, reducing_gap=2.0))
        assert np.array_equal(np.asarray(reduced(pixels, size, way)), expected)


def test_strips_make_the_same_whole() -> None:
    answer = np.random.default_rng(0).random((64, 48), np.float32)
    found = enlarge(answer, Input(48, 64), 301, 403, then=lambda strip: np.add(strip, 1, out=strip))
    whole = Image.fromarray(answer).resize((301, 403), Image.Resampling.BILINEAR)
    assert np.allclose(found, np.asarray(whole) + 1, atol=1e-5)


@pytest.mark.parametrize("height", [1, 9, 40])
def test_a_cutout_is_put_together_as_it_is_written(
    height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png, "STRIP_BYTES", 1000)  # 8 rows
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (height, 30, 3), np.uint8)
    alpha = rng.choice(np.array([0, 7, 255], np.uint8), (height, 30))
    rgba = cutout(pixels, alpha)
    assert encode(pixels, alpha=alpha) == encode(rgba)
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(encode(pixels, alpha=alpha)))), rgba
    )
    assert encode(pixels, "WEBP", alpha=alpha) == encode(rgba, "WEBP")
