"""PASCAL VOC 2012 segmentation (Everingham et al. 2010), and sets laid out like it.

JPEGImages/ID.jpg, SegmentationClass/ID.png (palette images of class numbers, 255 = void), and lists of IDs
in ImageSets/Segmentation: train.txt, val.txt, trainval.txt, or whatever split is asked for. The root is
the folder VOC2012. A set of other classes has their names in class_names.json.
"""

from pathlib import Path

from figureground.data import Example, json_names, lines

CLASS_NAMES = [
    "background",
    *("aeroplane", "bicycle", "bird", "boat", "bottle"),
    *("bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person"),
    *("pottedplant", "sheep", "sofa", "train", "tvmonitor"),
]


def voc2012(root: Path, split: str) -> list[Example]:
    return [
        Example(
            name,
            root / "JPEGImages" / f"{name}.jpg",
            labels=root / "SegmentationClass" / f"{name}.png",
        )
        for name in lines(root / "ImageSets" / "Segmentation" / f"{split}.txt")
    ]


def class_names(root: Path) -> list[str]:
    own = root / "class_names.json"
    return json_names(own) if own.is_file() else CLASS_NAMES


READERS = {"voc2012": voc2012}
CLASSES = {"voc2012": class_names}
