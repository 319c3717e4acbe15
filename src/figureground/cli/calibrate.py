"""figureground calibrate"""

from __future__ import annotations

from json import dumps
from typing import Annotated


def calibrate(
    *,
    gallery: Annotated[str, "its folder", "-g"],
    far: Annotated[float, "false accept rate wanted: share of wrong matches of people not there"] = 0.01,
    pairs: Annotated[str, "CSV with image, other, same (1 or 0) instead of the gallery's persons"] = "",
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
        opened.store  # noqa: B018
        found = opened.calibrate(far, pairs_of(pairs) if pairs else None)
    if json:
        print(dumps({"gallery": gallery, **vars(found)}))
        return
    print(
        f"{gallery}: a match scores {found.threshold:.4f} or more\n"
        f"  {found.far:.2%} of {found.different} {found.per} scores of different persons reach that, "
        f"and {found.found:.1%} of {found.same} of the same"
    )
    if found.different * found.far < 1:
        print(f"  {found.different} cannot show so low a rate: no one of them reaches it")
