"""Writes docs/models.jpg, what each mask model makes of scikit-image's photos: python docs/sheet.py"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

from figureground.runtime.predictor import load_alpha

MODELS = (
    "refinenet-people",
    "pp-humanseg-lite",
    "u2netp-people",
    "shm",
    "refinenet-saliency",
    "u2netp",
)
PHOTOS = ("astronaut", "camera", "chelsea", "coffee", "rocket")
SIDE = 200
GREEN = np.array([60, 180, 90], np.float32)


def main() -> None:
    models = [load_alpha(name) for name in MODELS]
    sheet = Image.new("RGB", ((len(models) + 1) * SIDE, len(PHOTOS) * SIDE + 16), "white")
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(("photo", *MODELS)):
        draw.text((column * SIDE + 4, 2), name, fill="black")
    for row, name in enumerate(PHOTOS):
        photo = getattr(skimage.data, name)()
        pixels = np.repeat(photo[..., None], 3, 2) if photo.ndim == 2 else photo
        pictures = [pixels]
        for model in models:
            alpha = model(pixels)[..., None]
            pictures.append((pixels * alpha + GREEN * (1 - alpha)).astype(np.uint8))
        for column, picture in enumerate(pictures):
            small = Image.fromarray(picture)
            small.thumbnail((SIDE - 4, SIDE - 4))
            sheet.paste(small, (column * SIDE, row * SIDE + 16))
    sheet.save(Path(__file__).parent / "models.jpg", quality=80)


if __name__ == "__main__":
    main()
