"""Files come out whole, in the format of their suffix, and hold what was put in."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from figureground.errors import ImageError
from figureground.imaging import png
from figureground.imaging.write import FORMATS, encode, format_of, write


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 3, 4]), st.integers(0, 99))
def test_png_is_read_back_exactly(height: int, width: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    back = np.asarray(Image.open(io.BytesIO(png.encode(pixels)))).reshape(pixels.shape)
    np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("engine", ["isal", "zlib"])
def test_png_of_many_strips(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setattr(png, "STRIP_BYTES", 5000)
    if engine == "zlib":
        monkeypatch.setattr(png, "isal_zlib", None)
    pixels = np.random.default_rng(0).integers(0, 50, (333, 97, 4), np.uint8)
    back = Image.open(io.BytesIO(png.encode(pixels)))
    back.verify()  # checksums
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png.encode(pixels)))), pixels)


@pytest.mark.parametrize("suffix", [suffix for suffix in FORMATS if suffix != ".gif"])
def test_every_suffix(suffix: str) -> None:
    format, transparent = format_of(f"x{suffix}")
    y, x = np.mgrid[:64, :48]
    pixels = np.dstack([x * 5, y * 3, x + y, np.full_like(x, 200)]).astype(np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.open(
        io.BytesIO(encode(pixels if transparent else pixels[:, :, :3], format, profile))
    )
    assert image.format == format
    assert image.size == (48, 64)
    assert (image.mode == "RGBA") == transparent
    colours = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(colours - pixels[:, :, :3]).mean() < 3
    if format != "BMP":
        assert image.info["icc_profile"] == profile


def test_unknown_suffix_and_impossible_size() -> None:
    with pytest.raises(ImageError, match=r"suffix '.xyz'; expected one of .png"):
        format_of("a.xyz")
    with pytest.raises(ImageError, match="cannot store 20000x1 pixels as WEBP"):
        encode(np.zeros((1, 20000, 3), np.uint8), "WEBP")


def test_write_leaves_nothing_half_done(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "a.png"
    write(target, b"one")
    write(target, b"two")
    assert target.read_bytes() == b"two"
    assert [p.name for p in target.parent.iterdir()] == ["a.png"]
    with pytest.raises(ImageError, match="is a folder"):
        write(tmp_path, b"x")
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot write"):
        write(tmp_path / "file" / "a.png", b"x")
    assert (tmp_path / "file").read_bytes() == b""
