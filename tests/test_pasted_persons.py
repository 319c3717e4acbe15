"""Cut-out people as persons of a re-identification set."""

from pathlib import Path

import cv2
import numpy as np

from figureground import data
from figureground.data import pasted_persons


def test_people_become_persons_of_two_cameras(tmp_path: Path) -> None:
    for folder in (
        "people/images",
        "people/masks",
        "people/alpha",
        "saliency/images",
        "saliency/masks",
    ):
        (tmp_path / folder).mkdir(parents=True)
    alpha = np.zeros((120, 80), np.uint8)
    alpha[20:110, 32:48] = 255
    photo = np.full((120, 80, 3), 40, np.uint8)
    photo[alpha > 0] = 20, 30, 220  # BGR: a red person before grey
    cv2.imwrite(str(tmp_path / "people/images/a.jpg"), photo)
    for folder in ("people/masks", "people/alpha"):
        cv2.imwrite(str(tmp_path / folder / "a.png"), alpha)
    cv2.imwrite(str(tmp_path / "saliency/masks/b.png"), np.zeros((90, 70), np.uint8))
    cv2.imwrite(
        str(tmp_path / "saliency/images/b.jpg"), np.full((90, 70, 3), (200, 30, 20), np.uint8)
    )
    (tmp_path / "people/train.txt").write_text("a\n")
    (tmp_path / "saliency/train.txt").write_text("b\n")
    before = tmp_path / "reid/ccp/bounding_box_train/0401_c1s1_000000_00.jpg"  # of a larger set
    before.parent.mkdir(parents=True)
    before.touch()
    assert pasted_persons.write_set(tmp_path, 400) == 6
    sightings = data.read_sightings("market1501", tmp_path / "reid/ccp", "train")
    assert {s.person for s in sightings} == {"0001"}
    assert len({s.view for s in sightings}) == 2
    for s in sightings:
        crop = cv2.imread(str(s.image)).astype(int)
        assert crop.shape == (160, 64, 3)
        blue, green, red = crop[70:90, 30:34].reshape(-1, 3).mean(0)
        assert red > 100 > max(blue, green)
        blue, _, red = crop[70:90, :4].reshape(-1, 3).mean(0)
        pasted_before_blue = int(s.image.name.split("_")[2]) >= 2
        assert (blue > 1.5 * red) == pasted_before_blue
