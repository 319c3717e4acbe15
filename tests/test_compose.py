"""Cut-outs and composites, checked in pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground.errors import ImageError
from figureground.imaging import compose

PIXELS = np.full((20, 30, 3), (200, 100, 50), np.uint8)


def test_cutout_has_straight_colour() -> None:
    """The colour of a soft edge is the photo's, not multiplied by alpha: no dark halo."""
    alpha = np.zeros((20, 30), np.float32)
    alpha[:, 10:] = 0.5
    alpha[:, 20:] = 1
    rgba = compose.cutout(PIXELS, alpha)
    assert tuple(rgba[0, 15]) == (200, 100, 50, 128)
    assert tuple(rgba[0, 25]) == (200, 100, 50, 255)
    assert tuple(rgba[0, 0]) == (0, 0, 0, 0)


def test_replace_is_the_compositing_equation() -> None:
    alpha = np.linspace(0, 1, 600).reshape(20, 30).astype(np.float32)
    green = compose.background("#00ff00")(PIXELS, compose.to_uint8(alpha))
    assert green is not None
    found = compose.replace(PIXELS, alpha, green)
    expected = alpha[..., None] * PIXELS + (1 - alpha[..., None]) * np.array([0, 255, 0])
    assert np.abs(found - expected).max() <= 1.5


def test_backgrounds(tmp_path: Path) -> None:
    alpha = np.zeros((20, 30), np.uint8)
    assert compose.background("transparent")(PIXELS, alpha) is None
    for spec, colour in (("white", 255), ("rgb(7, 7, 7)", 7), ("#070707", 7)):
        made = compose.background(spec)(PIXELS, alpha)
        assert made is not None
        assert made.shape == PIXELS.shape
        assert (made == colour).all()
    Image.new("RGB", (300, 50), (1, 2, 3)).save(tmp_path / "wall.png")
    wall = compose.background(str(tmp_path / "wall.png"))(PIXELS, alpha)
    assert wall is not None
    assert wall.shape == PIXELS.shape
    assert (wall == (1, 2, 3)).all()
    drawn = compose.background(np.full((5, 7, 3), 9, np.uint8))(PIXELS, alpha)
    assert drawn is not None
    assert (drawn == 9).all()
    for bad in ("nosuchcolour", str(tmp_path), "#12"):
        with pytest.raises(ImageError, match="none of: transparent, blur, a colour"):
            compose.background(bad)
    with pytest.raises(ImageError, match="of type tuple; expected a path"):
        compose.background((255, 0, 0))  # type: ignore[arg-type]


def test_blur_does_not_bleed_the_person_into_the_background() -> None:
    pixels = np.full((120, 160, 3), 20, np.uint8)
    alpha = np.zeros((120, 160), np.uint8)
    alpha[40:100, 60:100] = 255
    pixels[alpha > 0] = 255
    behind = compose.blurred(pixels, alpha)
    assert behind.shape == pixels.shape
    assert behind[alpha == 0].max() <= 24
    everywhere = compose.blurred(pixels, np.full_like(alpha, 255))
    assert everywhere.shape == pixels.shape


def test_checkerboard() -> None:
    board = compose.checkerboard(40, 33, 8)
    assert board.shape == (40, 33, 3)
    assert set(np.unique(board)) == {204, 255}
