"""figureground search"""

from __future__ import annotations

import sys
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any, Literal

from figureground.errors import FiguregroundError, GalleryError

if TYPE_CHECKING:
    from figureground.gallery.results import Found, Match


def search(
    images: Annotated[list[str], "pictures of whom to find"],
    *,
    gallery: Annotated[str, "folder, or http://HOST:6333/NAME", "-g"],
    top: Annotated[int, "at most so many matches", "-k"] = 10,
    threshold: Annotated[str, "least score of a match (default: the calibrated one)"] = "",
    together: Annotated[bool, "the pictures show one person: search once, for all of them"] = False,
    people: Annotated[
        Literal["crop", "photo"], "a picture is of one person, or the largest in it is meant"
    ] = "crop",
    rerank: Annotated[int, "re-rank so many of the nearest by k-reciprocal neighbours"] = 0,
    camera: Annotated[str, "only these, separated by commas"] = "",
    not_camera: Annotated[str, "all but these, e.g. the one that took the query"] = "",
    tag: Annotated[str, "only these, separated by commas"] = "",
    since: Annotated[str, "only who was seen then or later, such as 2026-11-21T08:30 (UTC)"] = "",
    until: Annotated[str, "only who was seen then or before"] = "",
    exact: Annotated[bool, "miss nobody in a gallery of more than 200,000 people: slower"] = False,
    model: Annotated[str, "where the gallery's model is now, if it was moved"] = "",
    html: Annotated[str, "write a contact sheet"] = "",
    json: Annotated[
        bool, "one line of JSON per search, the pictures below the threshold too"
    ] = False,
) -> int:
    """Find a person in a gallery, or that nobody there is the one.

    Prints score (cosine, at most 1), probability, camera, time, person and photo of each match, best
    first; "no match" when none reaches the threshold, see `figureground calibrate`. Without a threshold
    the nearest are printed, whoever they are. Exit status 0 if every search was done, 1 if not.
    """
    from figureground.gallery import Gallery
    from figureground.gallery.filter import moment, names

    found: list[tuple[list[str], Found]] = []
    failed = 0
    with Gallery(gallery, model=model) as opened:
        for query in [images] if together else [[image] for image in images]:
            try:
                answer = opened.search(
                    query,
                    top=top,
                    people=people,
                    rerank=rerank,
                    threshold=_number(threshold),
                    camera=names(camera),
                    not_camera=names(not_camera),
                    tag=names(tag),
                    since=moment(since) if since else None,
                    until=moment(until) if until else None,
                    exact=exact,
                )
            except FiguregroundError as error:
                if len(images) == 1:
                    raise
                failed += 1
                print(f"figureground: {error}", file=sys.stderr)
                continue
            found.append((query, answer))
            _hint(query, answer, people)
            print(dumps(_report(query, answer)) if json else _text(query, answer), flush=True)
        if html:
            from figureground.gallery.sheet import sheet
            from figureground.imaging.write import write

            write(html, sheet(found, opened.store.thumbnail).encode())
    return 1 if failed else 0


def _hint(query: list[str], found: Found, people: str) -> None:
    for image, boxes in zip(query, found.asked, strict=True):
        width, height = boxes[0][2:]
        if len(boxes) > 1:
            said = f"{image} shows {len(boxes)} people, and the largest is meant; crop it to mean another"
        elif people == "crop" and width > height:
            said = f"{image} is taken for one person; --people photo looks for people in it"
        else:
            continue
        print(f"figureground: {said}", file=sys.stderr)


def _number(threshold: str) -> float | None:
    try:
        return float(threshold) if threshold else None
    except ValueError:
        raise GalleryError(
            f"the threshold is {threshold!r}; expected a score, from -1 to 1"
        ) from None


def _report(query: list[str], found: Found) -> dict[str, Any]:
    from figureground.gallery.filter import shown

    return {
        "query": query,
        "asked": found.asked,
        "threshold": found.threshold,
        "nobody": found.nobody,
        "matches": [
            {
                "score": round(match.score, 6),
                "same": match.same,
                "probability": match.probability,
                **{k: v for k, v in vars(match.entry).items() if k not in ("row", "added")},
                "time": shown(match.entry.time) or None,
            }
            for match in found.matches
        ],
    }


def _text(query: list[str], found: Found) -> str:
    lines = [", ".join(query)]
    if not found.matches:
        lines.append("  no match: the gallery is empty, or has nobody of that camera, tag and time")
    elif found.threshold is None:
        lines[0] += ": the nearest, whoever they are (without a threshold)"
    elif found.nobody:
        near = max(found.matches, key=lambda match: match.score)
        lines.append(f"  no match: the nearest, {_line(near)}, is below {found.threshold:.3f}")
    lines += [f"  {_line(match)}" for match in found.matches if match.same is not False]
    return "\n".join(lines)


def _line(match: Match) -> str:
    from figureground.gallery.filter import shown

    entry = match.entry
    parts = [f"{match.score:.3f}"]
    if match.probability is not None:
        parts.append(f"{match.probability:.0%}")
    parts += [f"camera {entry.camera}"] if entry.camera else []
    parts += [shown(entry.time)] if entry.time is not None else []
    parts += [f"person {entry.person}"] if entry.person else []
    box = "" if entry.box[:2] == (0, 0) else f" at {'{},{},{},{}'.format(*entry.box)}"
    return "  ".join([*parts, entry.image + box])
