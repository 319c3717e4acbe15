"""figureground calibrate"""

from __future__ import annotations

from json import dumps
from typing import Annotated, Literal

SAY = {
    "search": ("searches for people who are there", "for people who are not"),
    "pair": ("pairs of one person", "of two"),
}


def calibrate(
    *,
    gallery: Annotated[str, "folder, or http://HOST:6333/NAME", "-g"],
    far: Annotated[
        float, "false accept rate wanted: share of wrong matches of people not there"
    ] = 0.01,
    pairs: Annotated[
        str, "CSV with image, other, same (1 or 0) instead of the gallery's persons"
    ] = "",
    people: Annotated[
        Literal["crop", "photo"],
        "a picture of --pairs is of one person, or the largest in it is meant",
    ] = "crop",
    model: Annotated[str, "where the gallery's model is now, if it was moved"] = "",
    json: Annotated[bool, "print JSON"] = False,
) -> None:
    """Find the score from which a search says who it is, and below which nobody.

    Uses the persons named in the gallery (Market-1501's file names, folders, CSV): each of their
    pictures is searched for among those of other cameras. With --pairs, pictures of your own; the rate
    is then that of a single comparison. Kept with the gallery; do it again when it has grown much.
    """
    from figureground.gallery import Gallery
    from figureground.gallery.sources import pairs_of

    with Gallery(gallery, model=model) as opened:
        found = opened.calibrate(far, pairs_of(pairs) if pairs else None, people)
    if json:
        print(dumps({"gallery": gallery, **vars(found)}))
        return
    print(
        f"{gallery}: a match scores {found.threshold:.4f} or more; {found.found:.1%} of {found.same} "
        f"{SAY[found.per][0]} do, and at most {found.far:.2%} of {found.different} {SAY[found.per][1]}"
    )
    if found.different * found.far < 1:
        print(f"  {found.different} are too few to show so low a rate: none of them may")
