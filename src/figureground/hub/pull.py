"""Files that did not come with the package: from the first source that gives the right one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from figureground.errors import PullError
from figureground.hub import digest, store
from figureground.hub.download import Progress, download
from figureground.hub.request import Failed


def pull(
    sources: Sequence[str],
    target: Path,
    *,
    sha256: str = "",
    md5: str = "",
    size: int | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """Makes `target` the file with the expected hash, or leaves it as it was.

    sources: tried in order; https:// addresses (http:// with a sha256, or on this machine), files (or
    file://), or folders that hold a file of the target's name. sha256, md5: hexadecimal; if both, both
    must match. size: of the file in bytes, if known. offline: addresses are not asked, as with
    FIGUREGROUND_OFFLINE. progress: called with (bytes so far, bytes in all or None) as they come.
    timeout: seconds of silence after which a server is given up.

    NAME.part beside the target keeps what has come of an interrupted download, for the next call;
    NAME.lock lets a second process wait for the first. Raises CardError without a hash, PullError when
    no source gives the file or it cannot be written.
    """
    from filelock import FileLock

    expected = digest.expect(sha256, md5)
    offline = offline or store.offline()
    part, lock = (target.with_name(target.name + suffix) for suffix in store.LEFTOVERS)
    reasons = []
    try:
        if _is(target, expected):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if _is(target, expected):  # another process had the lock, and was pulling it
                return target
            for source in sources:
                try:
                    if not source.lower().startswith(("https://", "http://")):
                        _copy(source, target.name, part, expected)
                    elif offline:
                        raise Failed("not asked, because figureground is offline")
                    else:
                        download(
                            source, part, expected, size=size, progress=progress, timeout=timeout
                        )
                    _promote(part, target)
                    return target
                except Failed as failure:
                    reasons.append(f"  {source}: {failure}")
    except OSError as error:
        raise PullError(
            f"cannot write {error.filename or target} ({error.strerror or error}); make room there, or "
            "set FIGUREGROUND_HOME to another folder"
        ) from None
    hashes = ", ".join(f"{kind} {value}" for kind, value in expected.items())
    raise PullError(
        f"no source gave {target.name}:\n"
        + "\n".join(reasons or ["  (no sources were given)"])
        + f"\nExpected: {target.absolute()} with {hashes}. To do it by hand, download one of the "
        "addresses with a browser, put the file at that path, and run again"
        + ("; or go online: unset FIGUREGROUND_OFFLINE, offline=False" if offline else "")
    )


def _is(path: Path, expected: Mapping[str, str]) -> bool:
    return path.exists() and not digest.mismatch(digest.read(path, expected), expected)


def _copy(source: str, name: str, part: Path, expected: Mapping[str, str]) -> None:
    """From a file, a folder or a file:// address. Raises Failed, OSError when it cannot be written."""
    from urllib.request import url2pathname

    if "://" in source:
        scheme, rest = source.split("://", 1)
        if scheme.lower() != "file":
            raise Failed(f"{scheme}:// is not known; expected https://, file:// or a path")
        source = url2pathname("/" + rest.partition("/")[2])  # without the host
    path = Path(os.path.expanduser(source))
    if path.is_dir():
        path /= name
    if not path.is_file():  # not exists: reading a pipe would wait for ever
        raise Failed(f"there is no file {path}")
    try:
        found = digest.read(path, expected)
    except OSError as error:
        raise Failed(f"cannot be read ({error.strerror})") from None
    # before it takes the place of a part worth keeping
    if wrong := digest.mismatch(found, expected):
        raise Failed(f"has {wrong}")
    shutil.copyfile(path, part)
    if not _is(part, expected):
        raise Failed("changed while it was copied")


def _promote(part: Path, target: Path) -> None:
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
