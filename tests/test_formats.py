"""What files keep of a photo: frames, 16 bits, profile, EXIF, resolution; and HEIC."""

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from figureground.cli import main
from figureground.errors import ImageError
from figureground.imaging import png
from figureground.imaging.read import read, read_frames
from figureground.imaging.write import encode, encode_frames

# a ramp of 64×48, written with pillow-heif from what ramp() draws
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAA"
    "AAAAADRpbG9jAAAAAERAAAIAAQAAAAAB4gABAAAAAAAAAGoAAgAAAAACTAABAAAAAAAAADYAAAA4aWluZgAAAAAAAgAAABVp"
    "bmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZo"
    "dmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAA"
    "AwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAA"
    "AAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1h"
    "AAAAAAAAAAEAAQWBAgMFhAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAqG1kYXQAAABmKAGvE4D1RT4UnZuOyfY3NFaE"
    "7FKukBrkO1GqHZt78vzw6hBlGqK/yTrsfWvI35Lalx7EqZyivccfK3vT2gQ58GdhF0JFoYrKpY1xpdhgIf+nVbIRsnq+Qu91"
    "n/Bvx5RWOEzK187uAAAABkV4aWYAAE1NACoAAAAIAAIBDwACAAAABgAAACYBEgADAAAAAQABAAAAAAAATWFrZXIA"
)


def ramp() -> np.ndarray:
    y, x = np.mgrid[:48, :64]
    return np.dstack([x * 4, y * 5, (x + y) * 2]).astype(np.uint8)


def stored(pixels: np.ndarray, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a JPEG of the astronaut that has all a JPEG may have."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Software] = "an editor"
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.ExposureTime] = 0.01
    camera[ExifTags.Base.MakerNote] = b"the photo, small" * 99
    camera[ExifTags.Base.ExifImageWidth] = 512
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = np.ascontiguousarray(np.rot90(photo))  # 6: to be turned a quarter to the right
    Image.fromarray(turned).save(
        tmp_path / "photo.jpg", exif=exif, dpi=(300, 300), icc_profile=profile, comment="mine"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "avif", "jpg"])
def test_metadata_is_kept_or_stripped(folder: Path, suffix: str) -> None:
    more = ["--background", "blur"] if suffix == "jpg" else []
    out = f"out.{suffix}"
    assert main(["cutout", "photo.jpg", "-o", out, "--size", "200", *more]) == 0
    image = Image.open(out)
    assert image.size == (200, 200)
    assert read(out).pixels[20:55, 80:100].mean() > 60  # the face is up
    exif = image.getexif()
    assert exif[ExifTags.Base.Make] == "Maker"
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert ExifTags.Base.Software not in exif
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    assert ExifTags.Base.MakerNote not in camera
    assert ExifTags.Base.ExifImageWidth not in camera
    if suffix != "tif":  # has the main part alone
        assert camera[ExifTags.Base.ExposureTime] == 0.01
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    assert read(out).dpi == pytest.approx((300, 300), abs=0.01)
    assert ("icc_profile" in image.info) == (suffix != "jpg")  # blurred in sRGB
    assert b"the photo, small" not in Path(out).read_bytes()
    assert main(["cutout", "photo.jpg", "-o", out, "--metadata", "strip", *more]) == 0
    image = Image.open(out)
    assert "icc_profile" not in image.info
    assert not dict(image.getexif()).keys() & {ExifTags.Base.Make, ExifTags.IFD.Exif}
    assert read(out).dpi is None
    assert main(["cutout", "photo.jpg", "-o", out, "--mask"]) == 0
    assert b"Maker" not in Path(out).read_bytes()


def test_metadata_of_every_format_is_read() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "me"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "S"
    exif[ExifTags.IFD.GPSInfo] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        kept = read(stored(ramp(), format, exif=exif.tobytes())).exif
        assert kept is not None, format
        found = Image.Exif()
        found.load(b"Exif\0\0" + kept)
        assert found[ExifTags.Base.Artist] == "me"
        assert found.get_ifd(ExifTags.IFD.GPSInfo)[1] == "S", format


def test_damaged_metadata_does_not_stop_a_photo() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    whole = exif.tobytes()
    for cut in range(6, len(whole)):
        photo = read(stored(ramp(), "JPEG", exif=whole[:cut]))
        assert photo.pixels.shape == (48, 64, 3)
        encode(photo.pixels, "JPEG", exif=photo.exif)
    for dpi in ((0, 0), (1e7, 72)):
        assert read(stored(ramp(), "PNG", dpi=dpi)).dpi is None


def test_png_with_16_bits() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 65536, (37, 51), np.uint16)
    image = Image.open(io.BytesIO(png.encode(grey)))
    np.testing.assert_array_equal(np.asarray(image), grey)
    cv2 = pytest.importorskip("cv2")  # Pillow reads no 16-bit colours
    rgba = rng.integers(0, 65536, (37, 51, 4), np.uint16)
    back = cv2.imdecode(np.frombuffer(png.encode(rgba), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(back[:, :, [2, 1, 0, 3]], rgba)


def test_16_bits_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = ["--depth", "16", "--feather", "3"]
    for out in ("mask.png", "mask.tif"):
        assert main(["cutout", "photo.jpg", "-o", out, "--mask", *deep]) == 0
        assert len(np.unique(np.asarray(Image.open(out)))) > 300
    assert main(["cutout", "photo.jpg", "-o", "a.png", *deep]) == 0
    assert Path("a.png").read_bytes()[24:26] == b"\x10\x06"  # depth, RGBA
    for out in (
        ["b.webp"],
        ["b.tif"],
        ["b.png", "--background", "white"],
        ["b.png", "--trimap", "3"],
    ):
        assert main(["cutout", "photo.jpg", "-o", *out, *deep]) == 1
        assert "a depth of 16 bits is for transparent PNG" in capsys.readouterr().err
        assert not Path(out[0]).exists()


def film(photo: np.ndarray) -> list[np.ndarray]:
    """The astronaut from the left to the right, over a wall."""
    small = np.asarray(Image.fromarray(photo).resize((160, 160)))
    wall = np.full((160, 240, 3), (70, 90, 60), np.uint8)
    frames = []
    for left in (0, 40, 80):
        frame = wall.copy()
        frame[:, left : left + 160] = small
        frames.append(frame)
    return frames


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_are_written_and_read(photo: np.ndarray, format: str) -> None:
    frames = film(photo)
    content = encode_frames(frames, [100, 50, 200], format, quality=95, loop=3)
    found = read_frames(content)
    assert len(found.photos) == 3
    assert found.milliseconds == [100, 50, 200]
    assert found.loop == (3 if format != "AVIF" else None)
    for one, other in zip(found.photos, frames):
        assert np.abs(one.pixels.astype(int) - other).mean() < 6
    assert len(read_frames(content, most=1).photos) == 1
    np.testing.assert_array_equal(read(content).pixels, found.photos[0].pixels)
    with pytest.raises(ImageError, match=r"3 frames of 240x160, more than the limit of 2 frames"):
        read_frames(content, most=2)
    with pytest.raises(ImageError, match=r"and 100,000 pixels in all"):
        read_frames(content, max_pixels=100_000)
    with pytest.raises(ImageError, match=r"damaged|not an image|cannot be read"):
        read_frames(content[: len(content) * 2 // 3])


def test_gif_is_transparent_where_it_should_be() -> None:
    rgba = np.dstack([ramp(), np.full((48, 64), 200, np.uint8)])
    rgba[:, :20, 3] = 100
    back = read(encode(rgba, "GIF"))
    assert back.opacity is not None
    assert back.opacity[:, :20].max() == 0
    assert back.opacity[:, 20:].min() == 255
    assert np.abs(back.pixels[:, 20:].astype(int) - rgba[:, 20:, :3]).mean() < 12
    assert read(encode(ramp(), "GIF")).opacity is None


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif"])
def test_animations_stay_animations(
    folder: Path, photo: np.ndarray, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("film.gif").write_bytes(encode_frames(film(photo), [100, 50, 200], "GIF"))
    out = f"out.{suffix}"
    assert main(["cutout", "film.gif", "-o", out, "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["frames"] == 3
    found = read_frames(out)
    assert found.milliseconds == [100, 50, 200]
    for left, one in zip((0, 40, 80), found.photos):
        assert one.opacity is not None
        assert one.opacity[20:50, left + 60 : left + 82].mean() > 200
        assert one.opacity[:80, : max(left - 10, 0)].sum() == 0
    command = [
        "cutout",
        "film.gif",
        "-o",
        out,
        "--crop",
        "--background",
        "white",
        "--edges",
        "fast",
    ]
    assert main(command) == 0
    shapes = {photo.pixels.shape for photo in read_frames(out).photos}
    assert len(shapes) == 1
    assert shapes.pop()[1] > 160  # holds her everywhere


def test_what_is_left_out_is_said(
    folder: Path, photo: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = film(photo)
    Path("film.gif").write_bytes(encode_frames(frames, [100, 50, 200], "GIF"))
    assert main(["cutout", "film.gif", "-o", "out.jpg", "--background", "white"]) == 0
    assert "film.gif: left out 2 of 3 frames: JPEG holds one" in capsys.readouterr().err
    pages = [Image.fromarray(frame) for frame in frames]
    pages[0].save("scan.tif", save_all=True, append_images=pages[1:])
    assert main(["cutout", "scan.tif", "-o", "out.png", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["left_out"] == "2 of 3 pages: only the first is read"


def test_heic() -> None:
    pytest.importorskip("pi_heif")
    photo = read(HEIC)
    assert np.abs(photo.pixels.astype(int) - ramp()).mean() < 4
    assert photo.exif is not None
    assert b"Maker" in photo.exif
    for end in (20, 100, len(HEIC) // 2, len(HEIC) - 60):
        with pytest.raises(ImageError):
            read(HEIC[:end])


def test_heic_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(
        ImageError, match=r"HEIC photo; to read it, pip install 'figureground\[heic\]'"
    ):
        read(HEIC)
