"""What hangs together in a mask, which of it is people, and keeping some of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import ImageError
from figureground.imaging.size import within

SIZE = 256  # regions are told apart in a picture with no longer side
LEVEL = 0.2  # of alpha: where a region ends
PERSON = 0.5  # of alpha: from which on somebody is said to be there
SMALLEST = 0.001  # of the photo: a smaller region is nobody
BESIDE = 0.05  # of the largest region: a smaller one is nobody beside it

Box = tuple[int, int, int, int]
Keep = str  # see places()


@dataclass(frozen=True)
class Person:
    """box: left, top, right, bottom in pixels of the photo, as keep="box=…" takes it, to about 1/256 of
    the photo's longer side. confidence: mean alpha where it is above one half, 0.5 … 1. share: of the
    photo."""

    box: Box
    confidence: float
    share: float


def people(alpha: NDArray[np.float32]) -> list[Person]:
    """Whom an H×W alpha in [0, 1] shows, the largest first. Who touch are one.

    A region above one half counts from a thousandth of the photo, and a twentieth of the largest, on.
    """
    height, width = alpha.shape
    small = shrunk(alpha)
    labels, count = regions(small > PERSON)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    sums = np.bincount(labels.ravel(), small.ravel(), count + 1)[1:]
    down, across = height / small.shape[0], width / small.shape[1]
    found = []
    for label in np.argsort(-areas, kind="stable"):
        area = int(areas[label])
        if area < SMALLEST * small.size or area < BESIDE * areas.max():
            break
        y, x = np.nonzero(labels == label + 1)
        sides = x.min() * across, y.min() * down, (x.max() + 1) * across, (y.max() + 1) * down
        box = (round(sides[0]), round(sides[1]), round(sides[2]), round(sides[3]))
        found.append(Person(box, round(float(sums[label]) / area, 3), round(area / small.size, 5)))
    return found


def confidence(alpha: NDArray[np.float32], found: list[Person]) -> float:
    """How sure it is that somebody is there, in [0, 1]: of the surest person, or, if nobody was found, the
    highest alpha, but at most one half."""
    if found:
        return max(person.confidence for person in found)
    return round(min(float(shrunk(alpha).max(initial=0)), PERSON), 3)


def places(keep: str) -> tuple[str, tuple[float, ...]]:
    """("all" | "largest" | "centre", ()), ("box", (x0, y0, x1, y1)) or ("point", (x, y)), in pixels of the
    upright photo from its upper left corner. ImageError for anything else."""
    if keep in ("all", "largest", "centre"):
        return keep, ()
    number = r"([0-9]+(?:\.[0-9]+)?)"
    if match := re.fullmatch(rf"point={number},{number}", keep):
        return "point", tuple(map(float, match.groups()))
    if match := re.fullmatch(rf"box={number},{number},{number},{number}", keep):
        x0, y0, x1, y1 = map(float, match.groups())
        if x0 < x1 and y0 < y1:
            return "box", (x0, y0, x1, y1)
    raise ImageError(
        f"keep is {keep[:80]!r}; expected all, largest, centre, box=x0,y0,x1,y1 (x0 < x1, y0 < y1) or "
        "point=x,y, in pixels"
    )


def kept(
    alpha: NDArray[np.float32], keep: Keep = "all", drop_specks: float = 0.0
) -> NDArray[np.float32]:
    """H×W alpha with some of its regions.

    keep: "all"; the "largest"; the one at or nearest to the "centre" or to "point=x,y"; those that lie
    mostly in "box=x0,y0,x1,y1", or, where none does, what is in the box of those that reach into it.
    drop_specks: regions below that share of the photo are left out before, in [0, 1].

    A region is what hangs together above 0.2 in a picture of at most 256 pixels; a rim of two of its
    pixels stays, for soft edges. Raises ImageError for a point or box that is not in the photo.
    """
    way, numbers = places(keep)
    height, width = alpha.shape
    if numbers and not (numbers[0] < width and numbers[1] < height):
        raise ImageError(f"keep is {keep!r}, which lies outside the photo of {width}x{height}")
    if way == "all" and not drop_specks:
        return alpha
    small = shrunk(alpha)
    labels, count = regions(small > LEVEL)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    chosen = areas >= drop_specks * labels.size
    chosen[0] = False
    if way == "box":
        weights = np.bincount(labels.ravel(), small.ravel(), count + 1)
        covered = (small * _coverage(numbers, alpha.shape, small.shape)).ravel()
        inside = np.bincount(labels.ravel(), covered, count + 1) * chosen
        if not (2 * inside > weights).any():
            x0, y0, x1, y1 = (round(min(number, max(alpha.shape))) for number in numbers)
            chosen = inside > 0
            whole = _only(alpha, labels, chosen)
            result = np.zeros_like(alpha)
            result[y0:y1, x0:x1] = whole[y0:y1, x0:x1]
            return result
        chosen = 2 * inside > weights
    elif way == "largest":
        weights = np.bincount(labels.ravel(), small.ravel(), count + 1) * chosen
        chosen &= np.arange(count + 1) == weights.argmax()
    elif way in ("centre", "point"):
        x, y = numbers or (width / 2, height / 2)
        rows, columns = np.mgrid[: small.shape[0], : small.shape[1]] + 0.5
        far = np.hypot(rows - y * small.shape[0] / height, columns - x * small.shape[1] / width)
        nearest = np.where(chosen[labels], far, np.inf).argmin()
        chosen &= np.arange(count + 1) == labels.flat[nearest]
    return _only(alpha, labels, chosen)


def _coverage(
    box: tuple[float, ...], shape: tuple[int, ...], small: tuple[int, ...]
) -> NDArray[np.float64]:
    """h×w: which share of each cell of the small picture lies in the box."""
    sides = []
    for first, last, length, cells in zip(box[:2], box[2:], shape[::-1], small[::-1]):
        edges = np.arange(cells + 1) * (length / cells)
        overlap = np.minimum(last, edges[1:]) - np.maximum(first, edges[:-1])
        sides.append(overlap.clip(0) * (cells / length))
    return sides[1][:, None] * sides[0]


def _only(
    alpha: NDArray[np.float32], labels: NDArray[np.int32], chosen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The alpha where the chosen labels are, and a rim about them."""
    if chosen[1:].all():
        return alpha
    ours = chosen[labels]
    mask = ours
    for _ in range(2):
        mask = widened(mask)
    return alpha * enlarged(mask & (ours | (labels == 0)), alpha.shape)


def shrunk(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The alpha in the picture in which regions are told apart: means of some 16 pixels each, or all."""
    size = within(alpha.shape[1], alpha.shape[0], SIZE)
    step = max(1, max(alpha.shape) // (4 * SIZE))
    some = np.ascontiguousarray(alpha[::step, ::step])
    return np.asarray(Image.fromarray(some).resize(size, Image.Resampling.BOX))


def enlarged(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """h×w mask as H×W float32 in [0, 1], bilinear."""
    image = Image.fromarray(mask.astype(np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """By one pixel to each side."""
    wide = np.pad(mask, 1)
    across = wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]
    return across[:-2] | across[1:-1] | across[2:]


def regions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """H×W labels 1 … n of what hangs together by sides or corners, 0 elsewhere; and n.

    Runs of each line are joined with those they touch in the line above, all at once: every group goes to
    the lowest-numbered one it touches, until none does (Shiloach and Vishkin 1982, simplified).
    """
    height, width = mask.shape
    stride = width + 1  # an empty column ends every run
    flat = np.pad(mask, ((0, 0), (0, 1))).ravel()
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    starts, ends = changes[::2], changes[1::2]
    first = np.searchsorted(ends + stride, starts)
    touched = np.maximum(np.searchsorted(starts + stride, ends, "right") - first, 0)
    lower = np.repeat(np.arange(len(starts)), touched)
    upper = np.arange(len(lower)) + np.repeat(first - np.cumsum(touched) + touched, touched)
    group = np.arange(len(starts))
    while (apart := group[lower] != group[upper]).any():
        lower, upper = lower[apart], upper[apart]
        one, other = group[lower], group[upper]
        np.minimum.at(group, np.maximum(one, other), np.minimum(one, other))
        while ((further := group[group]) != group).any():
            group = further
    heads = group == np.arange(len(group))
    number = np.cumsum(heads)[group]
    values, lengths = np.zeros(len(changes) + 1, np.int32), np.diff(changes, prepend=0)
    values[1::2] = number
    labels = np.repeat(values, np.append(lengths, flat.size - (changes[-1] if len(changes) else 0)))
    return np.ascontiguousarray(labels.reshape(height, stride)[:, :width]), int(heads.sum())
