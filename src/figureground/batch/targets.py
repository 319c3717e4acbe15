"""Where the result of each photo goes: the tree kept, or a template; two never meet."""

from __future__ import annotations

import os
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from string import Formatter

import numpy as np
from numpy.typing import NDArray

from figureground.batch.sources import Found, Sources, is_glob
from figureground.batch.stores import is_remote, is_web
from figureground.errors import ImageError
from figureground.imaging.write import FORMATS, format_of, same

FIELDS = ("parent", "stem", "suffix", "name")


class Targets:
    """output: a file, a folder, a bucket, a template such as "out/{parent}/{stem}.png", or - for standard
    output. opaque: results need no transparency, so that a photo's own format will do.

    In a folder the tree is kept and the suffix becomes .png where transparency is needed; photos that
    differ only by their suffix keep it (a.jpg.png). In a template {parent} is the folder of a photo in
    that tree, {stem} its name without, {suffix} from, and {name} with the suffix.

    Goes through the sources before anything is written, with 16 bytes of memory a photo. Raises ImageError
    when two results would meet, a format cannot hold them, or there is no photo at all.
    """

    def __init__(self, sources: Sources, output: str, opaque: bool, *, empty: bool = False) -> None:
        if not output:
            raise ImageError("the output is empty; expected a file name, a folder or -")
        self.output, self.opaque = output, opaque
        self.template = "{" in output
        if self.template:
            _check(output)
        self.folder = root(output)
        self._twice: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._meet = self._twice
        self.look(sources, empty=empty)

    def look(self, sources: Sources, *, empty: bool = False, again: bool = False) -> None:
        """Counts the photos into `total`, and finds which names meet. empty: there may be none (yet).
        again: this is begun already, so it is `of` that refuses those that meet, and no others."""
        self._twice = self._meet = np.empty(0, np.uint64)
        self.total, error = 0, ""
        for found in sources:
            self.total += bool(found.name)
            error = error or found.error
        if not self.total and not empty:
            where = [*sources.inputs, *([f"the list {sources.listed}"] if sources.listed else [])]
            raise ImageError(error or f"there are no images in {', '.join(where)}")
        self.single = not self._many(sources)
        for source in sources.inputs:
            if not self.single and os.path.isdir(source) and same(source, self.folder or "."):
                raise ImageError(
                    f"the output folder {self.folder or '.'} is that of the photos, where results would be "
                    "taken for photos the next time; choose another"
                )
        if self.output == "-" or self.single:
            return
        self._twice = _repeated(self._all(sources))
        if len(self._twice):  # those that differ by their suffix keep it; are there others?
            meet = _repeated(self._all(sources))
            if again:
                self._meet = meet
            elif len(meet):
                _refuse(self, sources, meet)

    def _all(self, sources: Sources) -> Iterator[str]:
        """The target of each photo; ImageError for one that a pattern among the inputs would take."""
        patterns = [one for one in sources.inputs if is_glob(one)]
        for target in (self.of(found) for found in sources if found.name):
            if taken := next((one for one in patterns if _takes(one, target)), ""):
                raise ImageError(
                    f"the result {target} would be one of {taken} the next time; choose another folder"
                )
            yield target

    def of(self, found: Found) -> str:
        """Raises ImageError when the format cannot hold the result."""
        if self.output == "-":
            return "-"
        target = self.output if self.single else self._named(PurePosixPath(found.name))
        if self.single and not Path(target).suffix:
            _wants_suffix(found.source, target)
        if not format_of(target)[1] and not self.opaque:
            raise ImageError(
                f"{Path(target).suffix} cannot be transparent; name the output .png or .webp, or give "
                "--background COLOUR"
            )
        if len(self._meet) and _key(target) in self._meet:
            raise ImageError(f"{found.source} and another photo would both be written to {target}")
        return target

    def _many(self, sources: Sources) -> bool:
        if self.output == "-":
            if self.total > 1 or sources.many:
                raise ImageError(f"{self.total} inputs do not fit standard output; give -o FOLDER")
            return False
        many = self.total > 1 or sources.many
        if self.template or self.output.endswith(("/", os.sep)) or os.path.isdir(self.output):
            many = True
        elif many and Path(self.output).suffix.lower() in FORMATS:
            raise ImageError(
                f"{self.total} inputs need a folder as output; {self.output!r} names a file"
            )
        if many and os.path.isfile(self.folder):
            raise ImageError(f"the output {self.output!r} needs a folder; {self.folder} is a file")
        return many

    def _named(self, name: PurePosixPath) -> str:
        if self.template:
            fields = (str(name.parent), name.stem, name.suffix, name.name)
            target = self.output.format(**dict(zip(FIELDS, fields, strict=True)))
            return target.replace("/./", "/") if is_remote(target) else os.path.normpath(target)
        kept = self.opaque and name.suffix.lower() in FORMATS
        target = _join(self.output, name if kept else name.with_suffix(".png"))
        if len(self._twice) and not kept and name.suffix != ".png":
            key = np.uint64(_key(target))
            place = np.searchsorted(self._twice, key)
            if place < len(self._twice) and self._twice[place] == key:
                return _join(self.output, name.with_name(f"{name.name}.png"))
        return target


def _wants_suffix(source: str, target: str) -> None:
    """Raises ImageError: for a misspelt folder of photos too, of which an output folder is no mistake."""
    if (
        source != "-"
        and not is_remote(source)
        and not is_web(source)
        and not os.path.exists(source)
    ):
        raise ImageError(f"there is no file or folder {source}")
    raise ImageError(
        f"the output {target!r} has no suffix; expected a photo such as {target}.png, or {target}/"
    )


def _takes(pattern: str, target: str) -> bool:
    """Whether a file of that name would be one of the pattern's."""
    if "**" in pattern:
        return fnmatch(target, pattern)
    parts = Path(pattern).parts, Path(target).parts
    return len(parts[0]) == len(parts[1]) and all(map(fnmatch, parts[1], parts[0]))


def _join(folder: str, name: PurePosixPath) -> str:
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder) / name)


def _check(template: str) -> None:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ImageError(f"the output {template!r} is no template ({error})") from None
    for _, field, form, conversion in parts:
        if field is not None and (field not in FIELDS or form or conversion):
            expected = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise ImageError(f"the output {template!r} has {{{field}}}; expected {expected}")


def root(output: str) -> str:
    """The folder that all results are in."""
    if output == "-":
        return ""
    if "{" in output:
        return output[: output.index("{")].rpartition("/")[0] or ("/" if output[0] == "/" else "")
    return output.rstrip("/") or output


def _key(target: str) -> int:
    """Equal for names that some disk does not tell apart: A from a, é from e with an accent."""
    folded = unicodedata.normalize("NFC", target).casefold()
    digest = blake2b(os.fsencode(folded), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _repeated(targets: Iterable[str]) -> NDArray[np.uint64]:
    """The keys, sorted, of those that come more than once."""
    keys = np.asarray(array("Q", map(_key, targets)), np.uint64)
    keys.sort()
    return np.unique(keys[1:][keys[1:] == keys[:-1]])


def _refuse(targets: Targets, sources: Sources, keys: NDArray[np.uint64]) -> None:
    """Says which photos meet."""
    wanted = set(keys[:1].tolist())
    of = {found.source: targets.of(found) for found in sources if found.name}
    meet = [source for source, target in of.items() if _key(target) in wanted]
    if not meet:  # two of 2^64 numbers were the same, or files have gone
        return
    if len(meet) == 1 or same(*meet[:2]):
        raise ImageError(f"{meet[-1]} is named twice; name it once")
    raise ImageError(
        f"several inputs would be written to {of[meet[0]]}: {', '.join(meet[:3])}; do them in separate "
        "calls, give the folder that holds them, or name the output with {parent} and {name}"
    )
