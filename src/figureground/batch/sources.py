"""Which photos a command line means: files, folders, globs, lists, addresses; one after the other."""

from __future__ import annotations

import codecs
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from figureground.batch import stores
from figureground.errors import ImageError
from figureground.imaging.read import SUFFIXES
from figureground.imaging.write import PREFIX, same

BLOCK = 1 << 16
MAGIC = re.compile(r"[*?\[]")
COLUMNS = ("path", "image", "url")  # of a Parquet list, the first that is there


@dataclass(frozen=True)
class Found:
    """source: a path, an address, or - for standard input. name: its path in the output, with /.

    left: why it is left alone, though it is there. error: why it cannot be.
    """

    source: str
    name: str = ""
    left: str = ""
    error: str = ""


class Sources:
    """Can be gone through again and again, and never is in memory as a whole; sorted in each folder.

    inputs: files, folders, globs (** for any folders), https:// addresses where urls is true, buckets
    (s3://, gs:// and what fsspec knows). listed: files of such names but for folders and globs, one a
    line or between null bytes, or a Parquet column; - for standard input. leave: a folder, the output,
    that is not looked into. Links to folders are not followed.
    """

    def __init__(
        self, inputs: Sequence[str], listed: str = "", *, leave: str = "", urls: bool = False
    ) -> None:
        if not inputs and not listed:
            raise ImageError("no photo is given; expected files, folders or --from-list FILE")
        if listed == "-" and "-" in inputs:
            raise ImageError(
                "standard input cannot be a photo and a list; give one of them as a file"
            )
        self.inputs = list(inputs)
        self.leave = leave
        self.urls = urls
        self.listed = listed
        self._spool: BinaryIO | None = None
        if listed and not listed.lower().endswith(".parquet"):
            self._spool = _spooled(listed)
        self.many = bool(listed) or any(
            os.path.isdir(one) or is_glob(one) or (stores.is_remote(one) and not is_photo(one))
            for one in self.inputs
        )

    def __iter__(self) -> Iterator[Found]:
        for source in self.inputs:
            yield from self._of(source)
        if self._spool is not None:
            self._spool.seek(0)
            yield from map(self._entry, _entries(self._spool, self.listed))
        elif self.listed:
            yield from map(self._entry, _column(self.listed))

    def _of(self, source: str) -> Iterator[Found]:
        if source == "-":
            yield Found("-", "stdin.png")
        elif stores.is_web(source):
            yield self._web(source)
        elif stores.is_remote(source):
            yield from _or_none(source, _bucket(source))
        elif os.path.isdir(source):
            yield from _or_none(source, _walk(source, self.leave))
        elif is_glob(source):
            yield from _or_none(source, _glob(source, self.leave))
        else:
            yield _named(source, Path(source.replace("\\", "/")).name)

    def _entry(self, source: str) -> Found:
        """Of a list: its whole path is kept, so that photos of one name do not meet."""
        source = "./-" if source == "-" else source  # names are taken as they are
        if stores.is_web(source):
            return self._web(source)
        if stores.is_remote(source):
            return Found(source, source.split("://", 1)[1].strip("/"))
        path = os.path.normpath(source)
        if path.split(os.sep)[0] == os.pardir:
            path = os.path.abspath(path)
        return _named(source, Path(os.path.splitdrive(path)[1]).as_posix().lstrip("/"))

    def _web(self, url: str) -> Found:
        if not self.urls:
            return Found(
                url, error=f"{url} is an address; download the photo, or allow it by --allow-urls"
            )
        name = Path(unquote(urlsplit(url).path)).name
        return Found(url, re.sub(r"[\x00-\x1f\\:*?\"<>|]", "_", name) or "photo")


def _named(source: str, name: str) -> Found:
    """A file by the name that its result is to have."""
    if name in ("", "."):
        return Found(source, error=f"{source!r} names no file; expected a photo")
    return Found(source, name)


def _spooled(listed: str) -> BinaryIO:
    """A list as a file that can be read again: standard input and pipes are copied to one."""
    import shutil
    import sys

    try:
        if listed != "-" and os.path.isfile(listed):
            return open(listed, "rb")
        if listed == "-" and sys.stdin is None:
            raise ImageError("standard input is closed; give the list as a file")
        copy = tempfile.TemporaryFile()  # noqa: SIM115
        with open(
            sys.stdin.fileno() if listed == "-" else listed, "rb", closefd=listed != "-"
        ) as pipe:
            shutil.copyfileobj(pipe, copy)
        return copy
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot read the list {listed!r} ({reason})") from None


def _entries(file: BinaryIO, listed: str) -> Iterator[str]:
    """Lines, or what stands between null bytes where there are any (find -print0)."""
    first = file.read(BLOCK)
    file.seek(0)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ImageError(f"the list {listed} is UTF-16 text; save it as UTF-8")
    between = b"\0" if b"\0" in first else b"\n"
    rest = b""
    while block := file.read(BLOCK):
        *whole, rest = (rest + block).split(between)
        yield from filter(None, map(_name, whole))
    if name := _name(rest):
        yield name


def _name(entry: bytes) -> str:
    return os.fsdecode(entry.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"))


def _column(listed: str) -> Iterator[str]:
    """The names in a Parquet file, some thousands at a time."""
    pyarrow = stores.imported("pyarrow.parquet", "a list in Parquet")
    try:
        with stores.opened(listed) as file:
            table = pyarrow.ParquetFile(file)
            columns = [name for name in COLUMNS if name in table.schema_arrow.names]
            if not columns:
                raise ImageError(
                    f"{listed} has the columns {', '.join(table.schema_arrow.names)}; expected one of "
                    f"{', '.join(COLUMNS)}"
                )
            for batch in table.iter_batches(4096, columns=columns[:1]):
                for value in batch.column(0).to_pylist():
                    if value:
                        yield str(value)
    except (OSError, ValueError) as error:  # pyarrow's are among them
        raise ImageError(f"cannot read the list {listed} ({error})") from None


def _or_none(source: str, found: Iterable[Found]) -> Iterator[Found]:
    """The same, and an error if there is no photo among them."""
    some = False
    for one in found:
        some = some or bool(one.name or one.error)
        yield one
    if not some:
        where = "that match" if is_glob(source) else "in the folder"
        yield Found(source, error=f"there are no images {where} {source}")


def _walk(root: str, leave: str = "", depth: int | None = None) -> Iterator[Found]:
    """The files of a folder, those of its subfolders after them; no deeper than depth folders."""
    stack = [(root, 0)]
    while stack:
        folder, level = stack.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            yield Found(folder, error=f"cannot open the folder {folder} ({error.strerror})")
            continue
        below = []
        for entry in entries:
            if entry.name.startswith(PREFIX):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not (leave and same(entry.path, leave)) and level != depth:
                    below.append((entry.path, level + 1))
            else:
                yield _file(entry, os.path.relpath(entry.path, root).replace(os.sep, "/"))
        stack += reversed(below)


def _file(entry: os.DirEntry[str], name: str) -> Found:
    try:
        if entry.is_dir():
            return Found(entry.path, left="a link to a folder")
        regular = entry.is_file() or entry.is_symlink()  # a broken link is one that cannot be read
    except OSError:  # links in a circle
        regular = True
    if not is_photo(name):
        return Found(entry.path, left="no image by its suffix")
    if not regular:
        return Found(entry.path, left="no file, but a pipe or a device")
    return Found(entry.path, name)


def is_photo(name: str) -> bool:
    """By the suffix; ._a.jpg is what macOS leaves beside a.jpg on foreign disks."""
    path = Path(name)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith("._")


def is_glob(source: str) -> bool:
    """Never an address or what is in a bucket: there `?` and `*` are themselves."""
    elsewhere = stores.is_web(source) or stores.is_remote(source)
    return bool(MAGIC.search(source)) and not elsewhere and not os.path.lexists(source)


def _glob(pattern: str, leave: str) -> Iterator[Found]:
    parts = pattern.replace(os.sep, "/").split("/")
    fixed = next(i for i, part in enumerate(parts) if MAGIC.search(part))
    root, wanted = "/".join(parts[:fixed]), parts[fixed:]
    root = root or ("/" if fixed else ".")
    depth = None if "**" in wanted else len(wanted) - 1
    for found in _walk(root, leave, depth):
        relative = os.path.relpath(found.source, root).replace(os.sep, "/").split("/")
        if found.error or _matches(relative, wanted):
            yield found


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """As in a shell: * stays in a folder, ** is any folders, neither is for hidden ones."""
    if not pattern or not parts:
        return not parts and all(one == "**" for one in pattern)
    first, rest = pattern[0], pattern[1:]
    if parts[0].startswith(".") and not first.startswith("."):
        return first == "**" and _matches(parts, rest)
    if first == "**" and rest:
        return _matches(parts, rest) or _matches(parts[1:], pattern)
    if first == "**":
        return not any(part.startswith(".") for part in parts)
    return fnmatch(parts[0], first) and _matches(parts[1:], rest)


def _bucket(url: str) -> Iterator[Found]:
    for path, name in stores.listing(url):
        left = "" if is_photo(name) else "no image by its suffix"
        yield Found(path, "" if left else name, left)
