"""Photos that are damaged, odd, or made to do harm: each is done or named, none is half done."""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground.cli import main

# whether a file must be done; None: either will do
Case = tuple[str, bytes, bool | None]


def stored(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def drawn(rng: np.random.Generator) -> Image.Image:
    height, width = rng.integers(2, 90, 2)
    y, x = np.mgrid[:height, :width]
    noise = rng.integers(0, 40, (height, width, 3))
    return Image.fromarray((np.dstack([x * 2, y * 2, x + y]) + noise).astype(np.uint8))


def sound(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Files that are as they should be, though some are rare."""
    image = drawn(rng)
    grey = np.asarray(image.convert("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(grey))
    more = [image.rotate(90 * n) for n in (1, 2)]
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield "jpg", stored(image, "JPEG", exif=exif)
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        yield "jpg", stored(image.convert(mode), "JPEG", progressive=bool(rng.integers(2)))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield "png", stored(clear.convert(mode), "PNG")
    yield "png", stored(image.convert("P"), "PNG", transparency=3)
    yield "png", stored(image.convert("P"), "PNG", transparency=bytes(range(256)))
    yield "png", stored(image.convert("L"), "PNG", transparency=7)
    yield "png", stored(deep, "PNG")
    yield "png", stored(image, "PNG", save_all=True, append_images=more, duration=50)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr"):
        yield "tif", stored(clear.convert("RGB").convert(mode), "TIFF")
    yield "tif", stored(deep, "TIFF", compression="tiff_lzw")
    yield "tif", stored(Image.fromarray(grey.astype(np.float32) / 200), "TIFF")
    yield "tif", stored(Image.fromarray(grey.astype(np.int32) * 999), "TIFF")
    yield "tif", stored(Image.fromarray(np.full(grey.shape, np.nan, np.float32)), "TIFF")
    yield "tif", stored(image, "TIFF", save_all=True, append_images=more)
    yield "webp", stored(clear, "WEBP")
    yield "webp", stored(clear, "WEBP", save_all=True, append_images=more, duration=[9, 0, 70])
    yield "gif", stored(image, "GIF")
    yield "gif", stored(clear, "GIF", save_all=True, append_images=more, disposal=2)
    yield "avif", stored(clear, "AVIF", speed=10)
    yield "bmp", stored(image, "BMP")
    yield "ppm", stored(image, "PPM")
    yield "jp2", stored(image, "JPEG2000")
    yield "png", stored(Image.new("RGB", (1, 1)), "PNG")
    yield "png", stored(Image.new("L", (1, 20_000), 77), "PNG")
    yield "jpg", stored(Image.new("RGB", (20_000, 1), "red"), "JPEG")


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it has that many pixels, and hardly has any."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100_000))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def harmful(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Files that cannot be done."""
    image = drawn(rng)
    yield "jpg", b""
    yield "png", b"\0" * 3000
    yield "jpg", b"I am text, whatever my name says\n" * 9
    yield "webp", rng.bytes(500)
    yield "png", png_of(60_000, 60_000)
    yield "png", png_of(2**31 - 1, 2**31 - 1)
    yield "png", png_of(0, 10)
    yield "png", png_of(500, 500)
    yield "png", b"\x89PNG\r\n\x1a\n"
    yield "png", stored(Image.new("1", (20_000, 20_000)), "PNG")
    whole = bytearray(stored(image, "GIF"))
    whole[6:10] = b"\xff\xff\xff\xff"
    yield "gif", bytes(whole)
    whole = bytearray(stored(image, "BMP"))
    whole[18:26] = struct.pack("<ii", 2**30, -(2**30))
    yield "bmp", bytes(whole)
    whole = bytearray(stored(image, "JPEG"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = b"\xff\xff\xff\xff"
    yield "jpg", bytes(whole)
    yield "svg.png", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
    yield "eps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"


def damaged(rng: np.random.Generator, content: bytes) -> bytes:
    """Cut, flipped in places, or both, or a piece of it twice."""
    broken = bytearray(content)
    way = rng.integers(4)
    if way in (0, 2):
        for place in rng.integers(0, len(broken), rng.integers(1, 12)):
            broken[place] ^= 1 << rng.integers(8)
    if way in (1, 2):
        broken = broken[: rng.integers(1, len(broken) + 1)]
    if way == 3:
        first, last = sorted(rng.integers(0, len(broken), 2))
        broken[last:last] = broken[first:last]
    return bytes(broken)


def cases(number: int, seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made: list[Case] = [(suffix, content, True) for suffix, content in sound(rng)]
    made += [(suffix, content, False) for suffix, content in harmful(rng)]
    suffix, content, _ = made[int(rng.integers(9))]
    made.append(("tif", content, True))  # a wrong suffix
    while len(made) < number:
        suffix, content = list(sound(rng))[int(rng.integers(40))]
        made.append((suffix, damaged(rng, content), None))
    return made[:number]


def check(folder: Path, made: list[Case], capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Runs the command line over them; gives how many were done and how many named as bad."""
    photos, out = folder / "photos", folder / "out"
    photos.mkdir()
    must = {}
    for number, (suffix, content, good) in enumerate(made):
        path = photos / f"{number:04}.{suffix}"
        path.write_bytes(content)
        must[str(path)] = good
    command = ["cutout", str(photos), "-o", str(out), "--json", "--max-pixels", "1000000"]
    assert main([*command, "--edges", "fast", "--no-foreground"]) == 1
    said = capsys.readouterr()
    lines = {line["input"]: line for line in map(json.loads, said.out.splitlines())}
    assert sorted(lines) == sorted(must)
    assert "Traceback" not in said.err
    results = []
    for source, line in lines.items():
        if "error" in line:
            assert must[source] is not True, line
            assert "\n" not in line["error"]
            assert 10 < len(line["error"]) < 700
            assert Path(source).name in line["error"]
            continue
        assert must[source] is not False, line
        results.append(line["output"])
        with Image.open(line["output"]) as image:
            assert image.size == (line["width"], line["height"])
            image.load()
    there = {str(path) for path in out.rglob("*") if path.is_file()}
    assert there - {str(out / ".figureground-done")} == set(results)  # nothing half done
    return {"done": len(results), "bad": len(lines) - len(results)}


def test_damaged_and_hostile_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = check(tmp_path, cases(110, 0), capsys)
    assert counts["bad"] >= 15
    assert counts["done"] >= 45


@pytest.mark.long
def test_a_thousand_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = check(tmp_path, cases(1000, 1), capsys)
    assert sum(counts.values()) == 1000
