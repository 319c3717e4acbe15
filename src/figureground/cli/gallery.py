"""figureground gallery"""

from __future__ import annotations

from collections import Counter
from json import dumps
from typing import TYPE_CHECKING, Annotated, Literal

from figureground.errors import GalleryError

if TYPE_CHECKING:
    from figureground.gallery import Gallery
    from figureground.gallery.filter import Filter


def gallery(
    action: Annotated[
        Literal["stats", "list", "forget", "merge", "export", "verify"], "what to do"
    ],
    folders: Annotated[list[str], "the gallery; merge: then those to add to it"],
    *,
    camera: Annotated[str, "only these, separated by commas; one that has a comma in quotes"] = "",
    person: Annotated[str, "only these, separated by commas; one that has a comma in quotes"] = "",
    tag: Annotated[str, "only these, separated by commas; one that has a comma in quotes"] = "",
    since: Annotated[str, "only who was seen then or later, such as 2026-11-21T08:30 (UTC)"] = "",
    until: Annotated[str, "only who was seen then or before"] = "",
    older_than: Annotated[
        str, "only who was seen (where that is unknown: indexed) so long ago: 12h, 30d, 4w, 1y"
    ] = "",
    missing: Annotated[bool, "forget: those whose photo is no longer there"] = False,
    everybody: Annotated[bool, "forget: all"] = False,
    output: Annotated[str, "export: the .npz to write", "-o"] = "",
    json: Annotated[bool, "stats, list: print JSON, a line per person"] = False,
) -> int:
    """Look into a gallery, take people out of it, join galleries, check one.

    stats: what it holds. list: who is in it, and where. forget: takes out vectors, thumbnails and paths
    of those who are meant; their photos stay where they are, and are found again when they are indexed
    again. merge: adds galleries of the same model to the first, which is made where there is none; so one
    moves to a Qdrant server. export: vectors and labels as NumPy's
    .npz. verify: whether the files are whole, and the model is at hand; exit status 1 if not.
    """
    from figureground.gallery import Gallery
    from figureground.gallery.filter import Filter, ago, moment, names

    given: dict[str, bool | str] = {"--missing": missing, "--everybody": everybody}
    if action in ("stats", "verify", "merge"):
        given |= {"--camera": camera, "--person": person, "--tag": tag, "--since": since}
        given |= {"--until": until, "--older-than": older_than}
    if action != "forget" and (useless := [name for name, value in given.items() if value]):
        raise GalleryError(f"{', '.join(useless)} mean nothing to {action}; leave them out")
    if len(folders) > 1 and action != "merge":
        raise GalleryError(f"{action} takes one gallery; {len(folders)} were given")
    meant = Filter(
        camera=names(camera),
        person=names(person),
        tag=names(tag),
        since=moment(since) if since else None,
        until=moment(until) if until else None,
        before=ago(older_than) if older_than else None,
    )
    if action == "merge":
        return _merge(folders[0], folders[1:])
    with Gallery(folders[0]) as opened:
        opened.store  # noqa: B018
        if action == "stats":
            return _stats(opened, json)
        if action == "list":
            return _list(opened, meant, json)
        if action == "forget":
            return _forget(opened, meant, missing, everybody)
        if action == "export":
            return _export(opened, meant, output)
        return _verify(opened)


def _stats(opened: Gallery, json: bool) -> int:
    from figureground.gallery.filter import shown

    store = opened.store
    with store.reading():
        images = len(store.known())
        cameras, tags, persons = Counter[str](), Counter[str](), Counter[str]()
        times = []
        for entry in store.select():
            cameras[entry.camera or ""] += 1
            tags[entry.tag or ""] += 1
            persons[entry.person or ""] += 1
            times += [] if entry.time is None else [entry.time]
    settings, calibration = store.settings, opened.calibration
    report = {
        "people": cameras.total(),
        "images": images,
        "persons named": len(persons.keys() - {""}),
        "cameras": dict(sorted(cameras.items())),
        "tags": dict(sorted(tags.items())),
        "seen": [shown(min(times)), shown(max(times))] if times else [],
        "model": settings.model,
        "background": settings.background,
        "mirrored too": settings.flip,
        "threshold": calibration.threshold if calibration else None,
        "false accept rate": calibration.far if calibration else None,
        "calibrated among": calibration.people if calibration else None,
        "megabytes": None if (size := store.megabytes()) is None else round(size, 1),
    }
    if json:
        print(dumps(report))
        return 0
    for name, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key or 'unknown'}: {count}" for key, count in value.items())
        elif isinstance(value, list):
            value = " to ".join(value)
        print(f"{name:18}{'-' if value in (None, '') else value}")
    return 0


def _list(opened: Gallery, meant: Filter, json: bool) -> int:
    from figureground.gallery.filter import shown

    with opened.store.reading():
        for entry in opened.store.select(meant):
            values = vars(entry) | {"time": shown(entry.time) or None, "added": shown(entry.added)}
            if json:
                del values["row"]
                print(dumps(values))
                continue
            about = [
                values["time"] or "-",
                entry.camera or "-",
                entry.person or "-",
                entry.tag or "-",
            ]
            box = "{},{},{},{}".format(*entry.box)
            print("\t".join([str(entry.id), *about, box, entry.image]))
    return 0


def _forget(opened: Gallery, meant: Filter, missing: bool, everybody: bool) -> int:
    conditions = bool(meant.sql()[0])
    if conditions + missing + everybody != 1:
        raise GalleryError(
            "forget needs to know whom: by --camera, --person, --tag, --since, --until and --older-than, "
            "or by --missing, or --everybody"
        )
    print(f"{opened.forget_missing() if missing else opened.forget(meant)} people forgotten")
    return 0


def _merge(target: str, others: list[str]) -> int:
    from figureground.gallery.merge import merge
    from figureground.gallery.storage import made, opened, resolved

    if not others:
        raise GalleryError("merge needs galleries to add to the first; only that one was given")
    for other in others:
        if resolved(other) == resolved(target):
            raise GalleryError(f"{other} cannot be added to itself")
        source = opened(other)
        joined = made(target, source.settings)
        print(f"{other}: {merge(joined, source)} photos added to {target}")
        joined.close()
        source.close()
    return 0


def _export(opened: Gallery, meant: Filter, output: str) -> int:
    from figureground.gallery.export import npz
    from figureground.imaging.write import write

    if not output.endswith(".npz"):
        raise GalleryError(f"the output is {output!r}; expected -o FILE.npz")
    write(output, npz(opened.store, meant))
    print(output)
    return 0


def _verify(opened: Gallery) -> int:
    from figureground.gallery.verify import damage, stranger

    wrong = damage(opened.store)
    if reason := stranger(opened.store):
        wrong.append(reason)
    for line in wrong:
        print(f"{opened.path}: {line}")
    if not wrong:
        print(f"{opened.path} is whole, and its model is here")
    return 1 if wrong else 0
