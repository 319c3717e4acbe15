"""A contact sheet: one HTML file with the pictures in it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape

from figureground.gallery.filter import shown
from figureground.gallery.indexing import thumbnail
from figureground.gallery.results import Found, Match
from figureground.imaging.read import Source, read

STYLE = """
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
body { margin: 1.5rem } h1 { font-size: 1.2rem } h2 { font-size: 1rem; overflow-wrap: anywhere }
section { display: flex; flex-wrap: wrap; gap: .75rem; margin-bottom: 2rem }
figure { margin: 0; width: 112px; padding: 6px; border: 2px solid #8884; border-radius: 6px }
figure.query { border-color: #38f } figure.same { border-color: #2a4 } figure.other { opacity: .55 }
img, .none { display: block; height: 160px; width: 96px; margin: 0 auto; object-fit: contain }
.none { background: #8882; display: grid; place-items: center; text-align: center }
figcaption { margin-top: 4px; font-size: 12px; overflow-wrap: anywhere }
"""


def sheet(
    searches: Iterable[tuple[Sequence[Source], Found]],
    kept: Callable[[int], bytes | None],
) -> str:
    """HTML of searches: each query's pictures, then the matches, green where they reach the threshold and
    pale where they do not. kept: the JPEG of a person by id, None where the gallery has none; it is not
    made from the photo then."""
    parts = []
    for pictures, found in searches:
        names = ", ".join(p if isinstance(p, str) else "query" for p in pictures)
        verdict = " — no match" if found.nobody else ""
        parts.append(f"<h2>{escape(names)}{verdict}</h2>\n<section>")
        for picture, ((x, y, width, height), *_) in zip(pictures, found.asked, strict=True):
            person = read(picture).pixels[y : y + height, x : x + width]
            parts.append(_figure("query", thumbnail(person), ["query"]))
        for match in found.matches:
            kind = {True: "same", False: "other", None: ""}[match.same]
            parts.append(_figure(kind, kept(match.entry.id), _caption(match)))
        parts.append("</section>")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Search</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head><body>\n<h1>People who look alike</h1>\n{body}\n</body></html>\n"
    )


def _caption(match: Match) -> list[str]:
    entry = match.entry
    lines = [f"{match.score:.3f}"]
    if match.probability is not None:
        lines[0] += f" · {match.probability:.0%}"
    lines += [f"camera {entry.camera}"] if entry.camera else []
    lines += [shown(entry.time)] if entry.time is not None else []
    lines += [f"person {entry.person}"] if entry.person else []
    return [*lines, entry.image.replace("\\", "/").rsplit("/", 1)[-1]]


def _figure(kind: str, jpeg: bytes | None, lines: Sequence[str]) -> str:
    if jpeg is None:
        picture = '<div class="none">no picture kept</div>'
    else:
        data = b64encode(jpeg).decode()
        picture = f'<img alt="{escape(lines[0])}" src="data:image/jpeg;base64,{data}">'
    caption = "<br>".join(escape(line) for line in lines)
    return f'<figure class="{kind}">{picture}<figcaption>{caption}</figcaption></figure>'
