"""Semantic Boundaries Dataset (Hariharan et al. 2011): 11,355 photos of VOC with its 21 classes.

Its own layout: benchmark_RELEASE/dataset, the root, with img/ID.jpg, cls/ID.mat (GTcls.Segmentation),
train.txt, val.txt. Many photos are VOC 2012's too: the one split, `train`, is SBD's train and val without
the photos that VOC's train and val have, 9,118. VOC's lists are looked for in the folder VOC2012, in the
root or in one of the two folders around it. Reading .mat needs SciPy (the extra [sbd]).
"""

from pathlib import Path

import numpy as np

from figureground.data import Example, Labels, lines
from figureground.data.voc2012 import CLASS_NAMES
from figureground.errors import DataError, SplitError


def sbd(root: Path, split: str) -> list[Example]:
    if split != "train":
        raise SplitError(
            f"SBD has no split {split!r} here; expected train, and VOC 2012 for others"
        )
    root = root.resolve()
    around = [
        folder / "VOC2012" / "ImageSets" / "Segmentation" for folder in (root, *root.parents[:2])
    ]
    voc = next((folder for folder in around if folder.is_dir()), None)
    if voc is None:
        raise DataError(
            f"there is no VOC2012/ImageSets/Segmentation in or around {root}, whose photos SBD must not "
            "show; put VOC2012 there"
        )
    theirs = {*lines(voc / "train.txt"), *lines(voc / "val.txt")}
    return [
        Example(name, root / "img" / f"{name}.jpg", labels=root / "cls" / f"{name}.mat")
        for part in ("train", "val")
        for name in lines(root / f"{part}.txt")
        if name not in theirs
    ]


def read_mat(path: Path) -> Labels:
    """GTcls.Segmentation of a .mat file: H×W class numbers; DataError when it holds no such thing."""
    from scipy.io import loadmat

    try:
        return np.asarray(loadmat(path)["GTcls"]["Segmentation"][0, 0], np.uint8)
    except Exception as error:  # the decoder has many
        raise DataError(
            f"cannot read the labels {path} ({type(error).__name__}: {error})"
        ) from None


def class_names(root: Path) -> list[str]:
    return CLASS_NAMES


READERS = {"sbd": sbd}
CLASSES = {"sbd": class_names}
