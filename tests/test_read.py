"""Images as people have them."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from figureground.errors import ImageError
from figureground.imaging.read import read


def stored(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def ramp(width: int = 40, height: int = 30) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.dstack([x * 6, y * 8, (x + y) * 3]).astype(np.uint8))


def test_every_way_to_give_a_photo_gives_the_same(tmp_path: Path) -> None:
    image = ramp()
    path = tmp_path / "a.png"
    image.save(path)
    ways = [path, str(path), path.read_bytes(), path.open("rb"), image, np.asarray(image)]
    for way in ways:
        np.testing.assert_array_equal(read(way).pixels, np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_tags_are_applied_once(orientation: int) -> None:
    upright = ramp()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turned = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read(stored(turned, "PNG", exif=exif))
    np.testing.assert_array_equal(photo.pixels, np.asarray(upright))


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "HSV"]
)
def test_modes(mode: str) -> None:
    photo = read(ramp().convert("RGB" if mode in ("LAB", "RGBA") else mode))
    assert photo.pixels.shape == (30, 40, 3)
    assert photo.pixels.dtype == np.uint8


def test_premultiplied_grey() -> None:
    grey = Image.merge("LA", [Image.new("L", (2, 1), 80), Image.new("L", (2, 1), 128)])
    photo = read(grey.convert("La"))
    assert abs(int(photo.pixels[0, 0, 0]) - 80) <= 1
    assert photo.opacity is not None
    assert photo.opacity[0, 0] == 128


def test_16_bit_is_scaled_not_cut() -> None:
    grey = np.linspace(0, 65535, 1200).reshape(30, 40).astype(np.uint16)
    expected = np.round(grey / 257).astype(int)
    for photo in (read(stored(Image.fromarray(grey))), read(grey)):
        assert np.abs(photo.pixels[:, :, 0].astype(int) - expected).max() <= 1
    dark = (grey // 300).astype(np.uint16)
    assert read(stored(Image.fromarray(dark))).pixels.max() <= 1  # a dark 16-bit scan stays dark


def test_float_tiff_with_a_highlight_is_not_black() -> None:
    values = np.full((20, 20), 0.5, np.float32)
    values[0, 0] = 1.05
    pixels = read(stored(Image.fromarray(values), "TIFF")).pixels
    assert pixels[10, 10, 0] == 128
    assert pixels[0, 0, 0] == 255


def test_cmyk_jpeg_is_what_it_looks_like() -> None:
    red = Image.new("RGB", (16, 16), (200, 30, 30))
    pixel = read(stored(red.convert("CMYK"), "JPEG", quality=95)).pixels[8, 8].astype(int)
    assert np.abs(pixel - (200, 30, 30)).max() < 12


def test_transparency_is_kept_apart() -> None:
    rgba = ramp().convert("RGBA")
    rgba.putpixel((3, 2), (10, 20, 30, 0))
    photo = read(stored(rgba))
    assert photo.opacity is not None
    assert photo.opacity[2, 3] == 0
    assert photo.opacity[0, 0] == 255
    palette = ramp().convert("P")
    assert read(stored(palette, transparency=palette.getpixel((0, 0)))).opacity is not None
    assert read(stored(ramp().convert("RGBA"))).opacity is None


def test_arrays() -> None:
    grey = np.linspace(0, 1, 12).reshape(3, 4)
    assert read(grey).pixels.shape == (3, 4, 3)
    assert read(grey[:, :, None]).pixels[0, 0, 0] == 0
    assert read(grey > 0.5).pixels.max() == 255
    assert read(np.zeros((2, 2, 4), np.uint8)).opacity is not None
    for bad in (np.zeros((2, 2, 2)), np.zeros(3), np.zeros((0, 5, 3), np.uint8)):
        with pytest.raises(ImageError, match="expected HxW"):
            read(bad)
    with pytest.raises(ImageError, match="outside 0 … 1"):
        read(grey * 255)
    with pytest.raises(ImageError, match="int64"):
        read(np.zeros((2, 2), np.int64))
    with pytest.raises(ImageError, match="of type list"):
        read([1, 2])  # type: ignore[arg-type]


def test_bad_files_say_what_they_are(tmp_path: Path) -> None:
    whole = stored(ramp(200, 200), "JPEG")
    cases = {
        "there is no file": tmp_path / "none.jpg",
        "is a folder": tmp_path,
        "is empty": b"",
        "not an image": b"hello, I am text" * 50,
        "cut short": whole[: len(whole) // 2],
    }
    for message, source in cases.items():
        with pytest.raises(ImageError, match=message):
            read(source)
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match=r"empty.png is empty \(0 bytes\)"):
        read(tmp_path / "empty.png")
    with pytest.raises(ImageError, match="cannot open"):
        read("a\0b.png")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = stored(Image.new("1", (30_000, 30_000)))
    assert len(bomb) < 200_000
    with pytest.raises(ImageError, match=r"limit of 200,000,000.*--max-pixels"):
        read(bomb)
    wide = stored(Image.new("1", (14_000, 14_000)))
    assert read(wide).pixels.shape == (14_000, 14_000, 3)  # above Pillow's own limit, below ours
    with pytest.raises(ImageError, match="40x30 pixels, more than the limit of 1,000"):
        read(ramp(), max_pixels=1000)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_raise_nothing_but_image_error(data: st.DataObject) -> None:
    format = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"]))
    content = bytearray(stored(ramp(), format))
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        photo = read(bytes(content), max_pixels=10**6)
    except ImageError:
        return
    assert photo.pixels.ndim == 3
