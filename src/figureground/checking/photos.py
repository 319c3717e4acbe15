"""Photos by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from figureground.checking.finding import Finding, error, warning
from figureground.checking.survey import Survey

LARGEST = 50_000_000  # pixels
# of a photo, and of the crop of a person:
SHORTEST = 32, 16  # pixels of the shorter side
LONGEST = 4, 6  # times as long as wide


def unreadable_photos(survey: Survey) -> Iterator[Finding]:
    bad = [p for p in survey.photos if p.error]
    reason = f" (the first: {bad[0].error})" if bad else ""
    yield error(f"cannot be decoded: save them anew, or take them out{reason}", survey.names(bad))


def odd_sizes(survey: Survey) -> Iterator[Finding]:
    crops = bool(survey.sightings)
    shortest, longest = SHORTEST[crops], LONGEST[crops]
    tiny, huge, long, lying = [], [], [], []
    for photo in survey.photos:
        if photo.error:
            continue
        width, height = photo.size
        name = f"{survey.name(photo.path)} ({width}x{height})"
        if min(width, height) < shortest:
            tiny.append(name)
        if width * height > LARGEST:
            huge.append(name)
        if max(width, height) > longest * min(width, height):
            long.append(name)
        if crops and width > height:
            lying.append(name)
    yield warning(f"narrower than {shortest} pixels: take them out, they teach little", tiny)
    yield warning("over 50 megapixels: make them smaller, each epoch decodes them anew", huge)
    yield warning(f"over {longest} times as long as wide, squeezed in training: cut them", long)
    yield warning("crops wider than high: is this a whole person, and upright?", lying)


def transparent_photos(survey: Survey) -> Iterator[Finding]:
    names = survey.names(p for p in survey.photos if p.transparent)
    yield warning(
        "photos with transparency, which is not read: are they cut-outs by mistake?", names
    )


CHECKS = [unreadable_photos, odd_sizes, transparent_photos]
