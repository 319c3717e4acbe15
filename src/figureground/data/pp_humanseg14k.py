"""PP-HumanSeg14K (14,117 portraits in video-conference scenes; Chu et al. 2022, arXiv 2112.07146).

Its own layout, which PaddleSeg's configurations read: train.txt, val.txt, test.txt whose lines hold
an image path and a label path below the root, separated by a space:
`images/train/0001.jpg annotations/train/0001.png`. Labels are 0, 1 (person) and 255 (ignored).
"""

from pathlib import Path

from figureground.data import Example, lines
from figureground.errors import DataError


def pp_humanseg14k(root: Path, split: str) -> list[Example]:
    listing = root / f"{split}.txt"
    examples = []
    for number, line in enumerate(lines(listing), 1):
        parts = line.split()
        if len(parts) != 2:
            raise DataError(
                f"{listing}, line {number} is {line!r}; expected an image path and a label path"
            )
        image, label = parts
        examples.append(Example(image, root / image, root / label))
    return examples


READERS = {"pp_humanseg14k": pp_humanseg14k}
