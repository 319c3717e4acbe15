"""Files that are not on this machine: https:// addresses, and buckets through pyarrow or fsspec."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from figureground.errors import ImageError

ARROW = ("s3", "gs", "gcs", "hdfs")  # pyarrow brings these itself; fsspec wants a package for each


def scheme(source: str) -> str:
    before, there, _ = source.partition("://")
    return (
        before.lower() if there and before.isalnum() and len(before) > 1 else ""
    )  # C:// is a disk


def is_web(source: str) -> bool:
    return scheme(source) in ("http", "https")


def is_remote(source: str) -> bool:
    """Whether it is in a bucket, or the like."""
    return scheme(source) not in ("", "http", "https")


def imported(module: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImageError(
            f"{purpose} needs {error.name}, which is not installed; pip install 'figureground[ray]'"
        ) from None


def _at(url: str) -> tuple[Any, str]:
    """(an fsspec file system, the path in it)."""
    if scheme(url) == "file":
        raise ImageError(f"{url} is on this machine; give its path")
    core = imported("fsspec.core", "a bucket")
    try:
        if scheme(url) in ARROW:
            where, slash, name = url.partition("://")[2].partition("/")
            uri = f"{scheme(url)}://{where}{slash}{quote(name)}"  # names may have blanks, %, ?
            system, path = imported("pyarrow.fs", "a bucket").FileSystem.from_uri(uri)
            wrapper = imported("fsspec.implementations.arrow", "a bucket").ArrowFSWrapper
            return wrapper(system), path
        return core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise ImageError(f"cannot open {url} ({error})") from None


def listing(url: str) -> Iterator[tuple[str, str]]:
    """(address, path below the url) of every file below it; of the url itself if it is a file."""
    system, root = _at(url)
    start = url.split("://", 1)[0] + "://"
    try:
        if system.isfile(root):
            yield url, root.rsplit("/", 1)[-1]
            return
        for folder, _, files in system.walk(root, on_error="raise"):
            for name in sorted(files):
                path = f"{folder}/{name}" if folder else name
                yield start + path, os.path.relpath(path, root).replace(os.sep, "/")
    except OSError as error:
        raise ImageError(f"cannot list {url} ({error})") from None


def opened(source: str) -> BinaryIO:
    """To be read, here or there. Raises OSError, ImageError."""
    if not is_remote(source):
        return open(source, "rb")
    system, path = _at(source)
    return system.open(path, "rb")


def size(target: str) -> int | None:
    """Bytes of a file, None if there is none."""
    try:
        if not is_remote(target):
            return os.stat(target).st_size
        system, path = _at(target)
        return system.info(path)["size"]
    except OSError:
        return None


@contextmanager
def local(source: str, fetch: Callable[[str], bytes] | None = None) -> Iterator[str]:
    """A path on this machine with what the source holds; a copy, for as long as this lasts, if it is
    elsewhere. fetch: gets web addresses."""
    if not is_web(source) and not is_remote(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix=".figureground-") as folder:
        path = Path(folder) / "photo"
        if is_web(source):
            if fetch is None:
                raise ImageError(
                    f"{source} is an address; download it, or allow it by --allow-urls"
                )
            path.write_bytes(fetch(source))
        else:
            try:
                system, inside = _at(source)
                system.get_file(inside, str(path))
            except OSError as error:
                raise ImageError(f"cannot read {source} ({error})") from None
        yield str(path)


@contextmanager
def kept(target: str) -> Iterator[str]:
    """A path to write to; what is there at the end goes to the target, whole, if that is elsewhere."""
    if not is_remote(target):
        yield target
        return
    with tempfile.TemporaryDirectory(prefix=".figureground-") as folder:
        path = Path(folder) / target.rsplit("/", 1)[-1]
        yield str(path)
        try:
            system, inside = _at(target)
            system.put_file(str(path), inside)
        except OSError as error:
            raise ImageError(f"cannot write {target} ({error})") from None
