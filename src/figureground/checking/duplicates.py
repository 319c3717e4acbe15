"""One photo in two splits: what is measured then was learnt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from figureground.checking.finding import Finding, warning
from figureground.checking.measure import Photo
from figureground.checking.survey import Survey

# Bits of 256. PDQ recommends 31. Among 16 million pairs of street photos, salient objects and crops of
# persons (../shared/data) one photo that is cut otherwise differs in 18, another in 42, and no two others
# in fewer than 70.
NEAR = 48
BLOCK = 4096


def duplicates(survey: Survey) -> Iterator[Finding]:
    """By the SHA-256 of the decoded pixels."""
    first: dict[bytes, Photo] = {}
    pairs = []
    for photo in survey.photos:
        if photo.error:
            continue
        earlier = first.setdefault(photo.digest, photo)
        if earlier.split != photo.split and earlier.path != photo.path:
            pairs.append(_pair(survey, earlier, photo))
    yield warning("the same pixels in two splits: leave one of each pair", pairs)


def near_duplicates(survey: Survey) -> Iterator[Finding]:
    """By fingerprints (see measure) that differ in at most NEAR of 256 bits."""
    splits: dict[str, list[Photo]] = {}
    for photo in survey.photos:
        if photo.fingerprint:
            splits.setdefault(photo.split, []).append(photo)
    names = list(splits)
    pairs = [
        f"{_pair(survey, one, other)} ({bits} bits)"
        for i, split in enumerate(names)
        for later in names[i + 1 :]
        for one, other, bits in _near(splits[split], splits[later])
    ]
    yield warning(
        f"look the same in two splits ({NEAR} of 256 bits differ, or fewer): leave one", pairs
    )


def _near(some: list[Photo], others: list[Photo]) -> Iterator[tuple[Photo, Photo, int]]:
    right = _signs(others)
    for start in range(0, len(some), BLOCK):
        for block in range(0, len(others), BLOCK):
            alike = _signs(some[start : start + BLOCK]) @ right[block : block + BLOCK].T
            distances = (256 - alike) / 2
            for i, j in np.argwhere(distances <= NEAR).tolist():
                one, other = some[start + i], others[block + j]
                if one.digest != other.digest and one.path != other.path:
                    yield one, other, int(distances[i, j])


def _signs(photos: list[Photo]) -> NDArray[np.float32]:
    """N×256 of −1 and 1: half of what their product falls short of 256 is the number of other bits."""
    packed = np.frombuffer(b"".join(p.fingerprint for p in photos), np.uint8)
    bits = np.unpackbits(packed).reshape(len(photos), 256)
    return bits.astype(np.float32) * 2 - 1


def _pair(survey: Survey, one: Photo, other: Photo) -> str:
    return f"{one.split} {survey.name(one.path)} = {other.split} {survey.name(other.path)}"


CHECKS = [duplicates, near_duplicates]
