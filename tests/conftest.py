"""What several tests use: small data sets made on the spot, and the shared folder where there is one."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground.cli.demo import astronaut
from figureground.data.drawn import draw_nobody, draw_person, draw_sightings

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
    draw_nobody(collection)
    return root


@pytest.fixture(scope="session")
def persons_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen drawn persons in the layout of Market-1501, see draw_sightings."""
    root = tmp_path_factory.mktemp("persons")
    draw_sightings(root)
    (root / "bounding_box_test" / "Thumbs.db").write_bytes(b"")
    return root
