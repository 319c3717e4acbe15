"""How well the confidence that `figureground cutout --json` reports tells photos of people from others.

    python benchmarks/confidence.py DATA    # folder with people/ and no_people.txt, see docs/learn.md

Of the photos that nothing was trained on: how many with people, and how many of nobody, have a confidence
above each level; and the probability that one with people has a higher one than one without.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from figureground.data import read as examples
from figureground.imaging.read import read
from figureground.runtime.cutout import find
from figureground.runtime.predictor import load_alpha


def main(root: str, model: str = "refinenet-people") -> None:
    predictor = load_alpha(model, threads=1)
    sure = {}
    for name, folder in (("people", Path(root) / "people"), ("nobody", Path(root))):
        found = [find(read(e.image), predictor) for e in examples(name, folder, "test")]
        sure[name] = np.array([one.confidence for one in found])
        said = sum(bool(one.people) for one in found)
        print(f"{name}: somebody found in {said} of {len(found)} photos")
    print("| confidence above | photos with people | photos of nobody |\n|---|---|---|")
    for level in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        shares = [f"{(values > level).mean():.1%}" for values in sure.values()]
        print(f"| {level} | {' | '.join(shares)} |")
    people, nobody = sure["people"][:, None], sure["nobody"]
    area = (people > nobody).mean() + (people == nobody).mean() / 2
    print(f"area under the curve: {area:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
