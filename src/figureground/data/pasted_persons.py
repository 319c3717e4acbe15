"""Cut-out people as persons seen by two cameras, for re-identification to tell apart more of them.

python -m figureground.data.pasted_persons DATA COUNT writes DATA/reid/ccp in Market-1501's layout from
the first COUNT training photos of DATA/people, pasted before photos of DATA/saliency/images.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from figureground.data import Pixels, read_alpha
from figureground.data.transforms import read_photo

WIDTH, HEIGHT = 64, 160
PICTURES = 6  # of each person, the first two before what was behind them


def pasted(image: Path, alpha: Path, backgrounds: list[Path], seed: int) -> list[Pixels]:
    """PICTURES crops 160×64×3 RGB of the person, each framed, lit and blurred anew; none of a tiny one."""
    rng = np.random.default_rng(seed)
    photo, mask = read_photo(image), (read_alpha(alpha) * 255).astype(np.uint8)
    x, y, w, h = cv2.boundingRect((mask > 127).astype(np.uint8))
    if h < 60:
        return []
    crops = []
    for k in range(PICTURES):
        over, under = rng.uniform(0, 0.1, 2) * h
        top, tall = y - over, h + over + under
        wide = max(tall * rng.uniform(0.36, 0.44), w * 0.8)
        left = x + w / 2 + rng.normal(0, 0.03) * tall - wide / 2
        scale = np.array([[WIDTH / wide], [HEIGHT / tall]])
        m = np.hstack([np.diag(scale[:, 0]), -scale * [[left], [top]]])
        if rng.random() < 0.5:
            m[0] = [-m[0, 0], 0, WIDTH - m[0, 2]]
        crop = _framed(photo, m, cv2.BORDER_REFLECT_101)
        if k >= 2:
            weight = _framed(mask, m, cv2.BORDER_CONSTANT)[..., None] / 255
            behind = _part(rng, read_photo(backgrounds[rng.integers(len(backgrounds))]))
            crop = crop * weight + behind * (1 - weight)
        crop = crop * np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.06, 3))
        crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.3, 1)) + rng.normal(0, 3, crop.shape)
        crops.append(crop.clip(0, 255).astype(np.uint8))
    return crops


def _framed(pixels: Pixels, m: np.ndarray, border: int) -> np.ndarray:
    """The crop that m maps to 0 … WIDTH, 0 … HEIGHT, by way of four times the size so as not to alias."""
    large = cv2.warpAffine(pixels, 4 * m, (4 * WIDTH, 4 * HEIGHT), borderMode=border)
    return cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)


def _part(rng: np.random.Generator, photo: Pixels) -> np.ndarray:
    height, width = photo.shape[:2]
    tall = int(min(height, width / 0.4) * rng.uniform(0.5, 1))
    wide = max(8, int(tall * 0.4))
    y, x = rng.integers(height - tall + 1), rng.integers(max(width - wide, 0) + 1)
    part = np.ascontiguousarray(photo[y : y + tall, x : x + wide])
    return cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)


def write(root: Path, count: int) -> int:
    """Writes the crops below root/reid/ccp; returns how many."""
    people = (root / "people/train.txt").read_text().split()[:count]
    backgrounds = sorted((root / "saliency/images").iterdir())
    folder = root / "reid/ccp/bounding_box_train"
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for n, name in enumerate(people):
        image, alpha = root / f"people/images/{name}.jpg", root / f"people/alpha/{name}.png"
        for k, crop in enumerate(pasted(image, alpha, backgrounds, n)):
            file = folder / f"{n + 1:04d}_c{1 + k % 2}s1_{k:06d}_00.jpg"
            cv2.imwrite(str(file), crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
            written += 1
    return written


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2])), "crops")
