"""PNG as fast as it can be written: 'up' row filter in NumPy, ISA-L deflate in strips.

Several times faster than Pillow's fastest level at about the same size (benchmarks/png.py). The
strips are independent deflate blocks of one zlib stream, so two threads share the work.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from figureground.imaging.compose import cutout

try:
    from isal import isal_zlib
except ImportError:  # no wheel for this platform: slower, same file
    isal_zlib = None  # type: ignore[assignment]

Rows = Callable[[int, int], NDArray[np.uint8]]  # from start to end, as bytes

COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels -> PNG colour type
STRIP_BYTES = 1 << 22


def encode(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    icc: bytes | None = None,
    *,
    alpha: NDArray[np.uint8] | None = None,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """H×W, H×W×3 or H×W×4 uint8 or uint16 to the bytes of a PNG file, with the colour profile, EXIF (a TIFF
    header and what follows) and dots per inch if given.

    alpha: H×W, of which and H×W×3 uint8 the file is the cut-out (compose.cutout); never in memory as such.
    """
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    height, width, channels = pixels.shape
    if alpha is not None:
        channels = 4
    bits = 8 * pixels.dtype.itemsize

    def rows(start: int, end: int) -> NDArray[np.uint8]:
        part: NDArray[Any] = pixels[start:end]
        if alpha is not None:
            part = cutout(part, alpha[start:end])
        values = np.ascontiguousarray(part, ">u2" if bits == 16 else np.uint8)
        return values.view(np.uint8).reshape(end - start, -1)

    header = struct.pack(">IIBBBBB", width, height, bits, COLOUR_TYPES[channels], 0, 0, 0)
    notes = [_chunk(b"iCCP", b"icc\0\0" + zlib.compress(icc))] if icc else []
    if dpi:
        across, down = (min(round(dots / 0.0254), 2**31 - 1) for dots in dpi)  # per metre
        notes.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if exif:
        notes.append(_chunk(b"eXIf", exif))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            *notes,
            *(
                _chunk(b"IDAT", part)
                for part in _deflate(rows, height, width * channels * bits // 8)
            ),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def _deflate(rows: Rows, height: int, length: int) -> Iterator[bytes]:
    """One zlib stream of the filtered rows, each of so many bytes, strip by strip."""
    step = max(1, STRIP_BYTES // (length + 1))
    starts = range(0, height, step)

    def strip(start: int) -> tuple[bytes, int, int]:
        end = min(start + step, height)
        filtered = np.empty((end - start, length + 1), np.uint8)
        filtered[:, 0] = 2  # filter type 'up': the difference to the row above
        near = rows(max(start - 1, 0), end)
        if not start:
            filtered[0, 1:] = near[0]
        np.subtract(near[1:], near[:-1], out=filtered[0 if start else 1 :, 1:])
        return (
            _raw_deflate(filtered.data, end == height),
            zlib.adler32(filtered.data),
            filtered.size,
        )

    yield b"\x78\x01"
    checksum = 1
    with ThreadPoolExecutor(2) as pool:
        for block, adler, size in pool.map(strip, starts):
            yield block
            checksum = _join_adler(checksum, adler, size)
    yield struct.pack(">I", checksum)


def _raw_deflate(content: memoryview, last: bool) -> bytes:
    engine = isal_zlib or zlib
    packer = engine.compressobj(1, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


def _join_adler(first: int, second: int, length: int) -> int:
    """Adler-32 of two parts from theirs (RFC 1950): sums a = 1 + Σ d, b = Σ a, modulo 65521."""
    base = 65521
    a1, b1 = first & 0xFFFF, first >> 16
    a2, b2 = second & 0xFFFF, second >> 16
    a = (a1 + a2 - 1) % base
    b = (b1 + b2 + length * (a1 - 1)) % base
    return b << 16 | a
