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


@pytest.fixture(scope="session")
def persons_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen drawn persons, told apart by shirt and trousers, in the layout of Market-1501: ten to
    learn, six to find (four crops each, two cameras of different brightness), junk and a distractor."""
    root = tmp_path_factory.mktemp("persons")
    rng = np.random.default_rng(0)
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        (root / folder).mkdir()
    hues = [(r, g, b) for r in (50, 200) for g in (50, 200) for b in (50, 200)]
    for person in range(1, 17):
        shirt, trousers = hues[person % 8], hues[(person * 3 + person // 8) % 8]
        for camera in (1, 2):
            for shot in (0, 1):
                noise = rng.normal(0, 12, (40, 20, 3)) + 30 * camera
                noise[4:20, 4:16] += shirt
                noise[20:36, 4:16] += trousers
                crop = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
                test = "query" if camera == 1 else "bounding_box_test"
                folder = "bounding_box_train" if person <= 10 else test
                crop.save(root / folder / f"{person:04}_c{camera}s1_{shot:06}_00.jpg", quality=95)
    for name in ("-1_c1s1_000000_00.jpg", "0000_c1s1_000000_00.jpg"):
        crop.save(root / "bounding_box_test" / name)
    (root / "bounding_box_test" / "Thumbs.db").write_bytes(b"")
    return root
