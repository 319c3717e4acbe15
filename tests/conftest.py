"""What several tests use: small data sets made on the spot, and the shared folder where there is one."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from figureground.cli.demo import astronaut

SHARED = Path(os.environ.get("FIGUREGROUND_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture
def goldens() -> Path:
    """Outputs of the original implementations, which do not come with the project."""
    folder = SHARED / "goldens"
    if not folder.is_dir():
        pytest.skip(f"no goldens at {folder}")
    return folder


@pytest.fixture
def shared_data() -> Path:
    """Real data sets, which do not come with the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}")
    return folder


@pytest.fixture(scope="session")
def photo_path() -> Path:
    return astronaut()


@pytest.fixture(scope="session")
def photo(photo_path: Path) -> np.ndarray:
    return np.asarray(Image.open(photo_path).convert("RGB"))


def draw_person(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """A striped ellipse with a head on noise, and its mask: enough to learn from in seconds."""
    width, height = size
    noise = rng.integers(0, 120, (height, width, 3), np.uint8)
    picture, mask = Image.fromarray(noise), Image.new("1", size)
    x, y = rng.uniform(0.35, 0.65) * width, rng.uniform(0.5, 0.6) * height
    for shape in (
        (x - width / 6, y - height / 6, x + width / 6, y + height / 3),
        (x - width / 12, y - height / 3, x + width / 12, y - height / 7),
    ):
        ImageDraw.Draw(picture).ellipse(shape, fill=(230, 180, 90))
        ImageDraw.Draw(mask).ellipse(shape, fill=1)
    return picture, mask


@pytest.fixture(scope="session")
def people_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn people in the layout of the reader `people`, and two photos of nobody beside."""
    collection = tmp_path_factory.mktemp("collection")
    root = collection / "people"
    rng = np.random.default_rng(0)
    names = [f"{i:04}" for i in range(12)]
    for folder in ("images", "masks", "alpha"):
        (root / folder).mkdir(parents=True)
    for name in names:
        picture, mask = draw_person(rng, (96, 128))
        picture.save(root / "images" / f"{name}.jpg", quality=95)
        mask.save(root / "masks" / f"{name}.png")
        mask.convert("L").save(root / "alpha" / f"{name}.png")
    for split, part in (("train", names[:6]), ("val", names[6:9]), ("test", names[9:])):
        (root / f"{split}.txt").write_text("\n".join(part))
    (collection / "empty" / "images").mkdir(parents=True)
    for name in "ab":
        noise = Image.fromarray(rng.integers(0, 120, (80, 100, 3), np.uint8))
        noise.save(collection / "empty" / "images" / f"{name}.jpg")
    (collection / "empty" / "train.txt").write_text("a\n")
    (collection / "no_people.txt").write_text("empty/images/a.jpg\nempty/images/b.jpg\n")
    return root
