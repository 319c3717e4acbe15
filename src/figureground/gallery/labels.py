"""Who is meant by a filter, of a million as well: the labels of everybody as numbers, in a file of words.

A name is 64 bits of its BLAKE2b, 0 where there is none: among ten thousand cameras two are alike in one of
10¹¹ galleries. Nobody's name can be read from the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from figureground.gallery.filter import Filter
from figureground.gallery.records import Entry, Image
from figureground.gallery.words import Words

WIDTH = 5
CAMERA, PERSON, TAG, TIME, SEEN = range(WIDTH)

Mask = NDArray[np.bool_]


def of(those: Iterable[Entry | Image]) -> Words:
    """5×N: camera, person, tag; when they were seen, as float64, NaN where unknown; the same, or when they
    were added."""
    rows = [
        (*map(number, (one.camera, one.person, one.tag)), *map(_bits, (one.time, _seen(one))))
        for one in those
    ]
    return np.array(rows, np.uint64).reshape(-1, WIDTH).T


def meant(filter: Filter, blocks: Words, rows: int) -> Mask:
    """Who of the first rows is, as Filter.sql has it."""
    found = np.ones((len(blocks), blocks.shape[-1]), np.bool_)
    for column, names in ((CAMERA, filter.camera), (PERSON, filter.person), (TAG, filter.tag)):
        if names:
            found &= _any(blocks[:, column], names)
    if filter.not_camera:
        found &= ~_any(blocks[:, CAMERA], filter.not_camera)
    time, seen = (blocks[:, column].view(np.float64) for column in (TIME, SEEN))
    if filter.since is not None:
        found &= time >= filter.since
    if filter.until is not None:
        found &= time <= filter.until
    if filter.before is not None:
        found &= seen < filter.before
    return found.reshape(-1)[:rows]


def _any(column: Words, names: Sequence[str]) -> Mask:
    found = np.zeros(column.shape, np.bool_)
    for name in names:
        found |= column == number(name)
    return found


@lru_cache
def number(name: str | None) -> int:
    """Of a camera, person or tag."""
    digest = blake2b((name or "").encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") if name else 0


def _seen(one: Entry | Image) -> float | None:
    return one.added if one.time is None else one.time


def _bits(seconds: float | None) -> int:
    return int(np.float64(np.nan if seconds is None else seconds).view(np.uint64))
