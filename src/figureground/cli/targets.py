"""Which photos a command line means, and where each result goes. (Not a verb.)"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from figureground.errors import ImageError
from figureground.imaging.write import FORMATS, format_of

READABLE = {*FORMATS, ".heic", ".heif", ".jfif", ".jpe", ".ppm", ".pgm", ".jp2"}


def photos(inputs: list[str], output: str) -> tuple[list[tuple[str, Path]], list[str]]:
    """(file, its name in the output folder) of every input, those in folders among them; and the files of
    folders that are no images by their suffix.

    Links to folders are not followed, and the output folder is not searched.
    """
    found, others = [], []
    for source in inputs:
        if not os.path.isdir(source):
            found.append(
                (source, Path("stdin.png" if source == "-" else source.replace("\\", "/")).name)
            )
            continue
        before = len(found)
        for folder, subfolders, names in os.walk(source):
            subfolders[:] = sorted(
                name for name in subfolders if not _same(os.path.join(folder, name), output)
            )
            for name in sorted(names):
                path = os.path.join(folder, name)
                if Path(name).suffix.lower() in READABLE:
                    found.append((path, os.path.relpath(path, source)))
                else:
                    others.append(path)
        if len(found) == before:
            raise ImageError(f"there are no images in the folder {source}")
    return [(source, Path(name)) for source, name in found], others


def targets(
    named: list[tuple[str, Path]], output: str, opaque: bool, *, folder: bool = False
) -> list[str]:
    """Where the result of each photo goes. opaque: it needs no transparency, so its own format will do.

    In a folder, the tree is kept and the suffix becomes .png where transparency is needed; photos that
    differ only by their suffix keep it (a.jpg.png). Raises ImageError when two would meet, a format cannot
    hold the result, or an output is its own input.
    """
    if output == "-":
        if len(named) > 1:
            raise ImageError(f"{len(named)} inputs do not fit standard output; give -o FOLDER")
        return ["-"]
    if not output:
        raise ImageError("the output is empty; expected a file name, a folder or -")
    many = folder or len(named) > 1
    if many and Path(output).suffix.lower() in FORMATS and not os.path.isdir(output):
        raise ImageError(f"{len(named)} inputs need a folder as output; {output!r} names a file")
    found = []
    if many or output.endswith(("/", os.sep)) or os.path.isdir(output):
        short = [_named(name, opaque) for _, name in named]
        folded = Counter(str(name).casefold() for name in short)  # some disks do not tell A from a
        for (_, name), target in zip(named, short):
            if folded[str(target).casefold()] > 1:
                target = name.with_name(f"{name.name}.png") if target != name else target
            found.append(Path(output) / target)
    else:
        found = [Path(output)]
    for (source, _), target in zip(named, found):
        if not format_of(target)[1] and not opaque:
            raise ImageError(
                f"{target.suffix} cannot be transparent; name the output .png or .webp, or give "
                "--background COLOUR"
            )
        if _same(source, str(target)):
            raise ImageError(f"the output {target} is the input; choose another name or folder")
    twice = [n for n, count in Counter(str(t).casefold() for t in found).items() if count > 1]
    if twice:
        raise ImageError(
            f"several inputs would be written to {twice[0]}; do them in separate calls, or give the "
            "folder that holds them"
        )
    return [str(target) for target in found]


def _named(name: Path, opaque: bool) -> Path:
    return name if opaque and name.suffix.lower() in FORMATS else name.with_suffix(".png")


def _same(source: str, target: str) -> bool:
    both = source != "-" and os.path.exists(target) and os.path.exists(source)
    return both and os.path.samefile(source, target)
