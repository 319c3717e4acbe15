"""figureground index"""

from __future__ import annotations

import sys
from json import dumps
from time import monotonic
from typing import Annotated, Literal


def index(
    sources: Annotated[
        list[str], "photos, videos, folders of them, .csv, or boxes as .json or .txt"
    ],
    *,
    gallery: Annotated[str, "a folder, or http://HOST:6333/NAME; made where there is none", "-g"],
    people: Annotated[
        Literal["crop", "photo"], "a photo is of one person, or people are looked for in it"
    ] = "crop",
    labels: Annotated[
        Literal["names", "camera", "person", "none"],
        "what a folder tells: Market-1501's file names, or what the folders in it are called after",
    ] = "names",
    frames: Annotated[str, "folder of the photos that a .json or .txt of boxes names"] = "",
    camera: Annotated[str, "of all photos that have no other"] = "",
    tag: Annotated[str, "of all photos that have no other"] = "",
    time: Annotated[str, "when photos were taken and videos began, where a .csv does not say"] = "",
    every: Annotated[float, "seconds from one frame of a video to the next"] = 1.0,
    model: Annotated[str, "of a new gallery (default: osnet-x0.25)"] = "",
    background: Annotated[
        Literal["", "keep", "mask"],
        "of a new gallery: embed people with or without (default: keep)",
    ] = "",
    flip: Annotated[
        bool,
        "of a new gallery: embed the mirror image too; finds a little more, in half as long again",
    ] = False,
    no_thumbnails: Annotated[bool, "keep no pictures, only vectors and paths"] = False,
    device: Annotated[str, "auto, cpu or cuda"] = "auto",
    json: Annotated[bool, "print JSON"] = False,
) -> int:
    """Put the people of photos and videos into a gallery, to find them again.

    A .csv has the column image, and any of camera, person, time, tag; paths are from its own folder.
    Boxes of people are COCO JSON, or MOTChallenge's frame,id,left,top,width,height. Files that did not
    change are left alone, so that the same command goes on where it was stopped; changed ones are
    replaced. Exit status 0 if every photo was read, 1 if not.
    """
    from figureground.gallery import Gallery
    from figureground.gallery.sources import pictures
    from figureground.progress import Progress

    found = pictures(sources, labels=labels, frames=frames, camera=camera, tag=tag, time=time)
    started, progress = monotonic(), Progress()
    with Gallery(
        gallery, model=model, background=background, flip=flip or None, device=device
    ) as opened:
        added = opened.add(
            found,
            people=people,
            thumbnails=not no_thumbnails,
            every=every,
            progress=lambda done, total, seen: progress(done, total, f"{seen:,} people"),
        )
    progress.clear()
    for _, reason in added.failed:
        print(f"figureground: {reason}", file=sys.stderr)
    if added.wide:
        print(
            f"figureground: {added.wide} of the photos are wider than high, and were taken for one person "
            "from side to side; if they are not, the same with --people photo looks for people in them",
            file=sys.stderr,
        )
    seconds = round(monotonic() - started, 2)
    if json:
        print(dumps({"gallery": gallery, **vars(added), "seconds": seconds}))
    else:
        print(
            f"{gallery}: {added.people} people in {added.images} new or changed photos and frames, "
            f"{added.unchanged} unchanged, {added.empty} of nobody, {len(added.failed)} not read "
            f"({seconds:.1f} s)"
        )
    return 1 if added.failed else 0
