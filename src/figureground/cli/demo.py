"""figureground demo"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from figureground.errors import ImageError


def demo(
    photo: Annotated[str, "a photo (default: scikit-image's astronaut, NASA, public domain)"] = "",
    *,
    output: Annotated[str, "the picture to write", "-o"] = "demo.png",
    model: Annotated[str, "name or path of a card"] = "refinenet-people",
) -> None:
    """Cut the person out of a photo and show it.

    Writes one picture: the photo, its alpha, the cut-out on a checkerboard. Needs no network.
    """
    import numpy as np

    from figureground.imaging import compose
    from figureground.imaging.read import read
    from figureground.imaging.write import encode, format_of, write
    from figureground.runtime.cutout import find
    from figureground.runtime.predictor import load_alpha

    format, _ = format_of(output)
    source = read(photo or astronaut())
    started = time.perf_counter()
    predictor = load_alpha(model)
    loaded = time.perf_counter()
    alpha = find(source, predictor).alpha
    done = time.perf_counter()
    grey = np.repeat(alpha[:, :, None], 3, axis=2)
    board = compose.checkerboard(*alpha.shape)
    panels = [source.pixels, grey, compose.replace(source.pixels, alpha, board)]
    write(output, encode(np.hstack(panels), format))
    height, width = alpha.shape
    print(
        f"{output}: photo | alpha | cut-out, {width}x{height}, {alpha.mean() / 255:.0%} people; "
        f"model loaded in {loaded - started:.2f} s, cut out in {done - loaded:.3f} s"
    )


def astronaut() -> Path:
    """The photo of Eileen Collins (NASA, public domain) that scikit-image carries."""
    from importlib.util import find_spec

    spec = find_spec("skimage")
    if spec is not None and spec.origin:
        path = Path(spec.origin).parent / "data" / "astronaut.png"
        if path.is_file():
            return path
    raise ImageError(
        "the demo photo comes with scikit-image, which is not installed; "
        "give a photo of your own, or pip install 'figureground[demo]'"
    )
