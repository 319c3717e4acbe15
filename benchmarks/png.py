"""PNG writing beside Pillow's, on one 12-megapixel cut-out: CPU time and size.

python benchmarks/png.py
"""

import io
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

import figureground as fg
from figureground.cli.demo import astronaut
from figureground.imaging import png


def cpu_ms(call: Callable[[], bytes]) -> tuple[float, bytes]:
    times = []
    for _ in range(3):
        started = time.process_time()
        content = call()
        times.append(time.process_time() - started)
    return min(times) * 1000, content


def with_pillow(image: Image.Image, level: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def main() -> None:
    photo = Image.open(astronaut()).convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).normal(0, 3, (3000, 4000, 1))  # as a sensor's
    rgba = fg.cutout((np.asarray(photo) + grain).clip(0, 255).astype(np.uint8))
    image = Image.fromarray(rgba)
    base, content = cpu_ms(lambda: png.encode(rgba))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), rgba)
    print(f"{'writer':16} {'CPU ms':>8} {'ratio':>6} {'MB':>6}")
    print(f"{'figureground':16} {base:8.0f} {1:6.1f} {len(content) / 1e6:6.1f}")
    for level in (1, 6):
        spent, content = cpu_ms(lambda level=level: with_pillow(image, level))
        name = f"Pillow level {level}"
        print(f"{name:16} {spent:8.0f} {spent / base:6.1f} {len(content) / 1e6:6.1f}")


if __name__ == "__main__":
    main()
