"""The folder for files that did not come with the package: pulled weights, converted ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

LEFTOVERS = (".part", ".lock")
FOLDERS = ("files", "converted")  # beside them lie the journals of buckets, see batch.run


def home() -> Path:
    """$FIGUREGROUND_HOME, else `figureground` in the platform's folder for caches."""
    if given := os.environ.get("FIGUREGROUND_HOME"):
        return Path(given).expanduser()
    if sys.platform == "darwin":
        caches = "~/Library/Caches"
    elif sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "figureground"


def offline() -> bool:
    """Whether $FIGUREGROUND_OFFLINE forbids connections; empty, 0, false and no do not."""
    return os.environ.get("FIGUREGROUND_OFFLINE", "").lower() not in ("", "0", "false", "no")


def stored() -> list[tuple[Path, int]]:
    """(file, bytes) of what was pulled or converted, leftovers of interrupted downloads too; by path."""
    inside = (path for folder in FOLDERS for path in (home() / folder).rglob("*"))
    return sorted((path, path.stat().st_size) for path in inside if path.is_file())


def prune(keep: Collection[Path] = ()) -> list[tuple[Path, int]]:
    """Removes all of stored() but the files to keep; (file, bytes) of what was removed.

    Leftovers of those to keep go too; a file that another process is pulling stays. Locks, which are
    empty, are removed and not listed.
    Raises OSError for a file that cannot be removed.
    """
    from filelock import FileLock, Timeout

    removed = []
    kept = {path.resolve() for path in keep}
    sizes = dict(stored())
    for target in sorted({_target(path) for path in sizes}):
        part, lock = (Path(f"{target}{suffix}") for suffix in LEFTOVERS)
        with suppress(Timeout), FileLock(lock, timeout=0):
            for path in (target, part):
                if path in sizes and path.resolve() not in kept:
                    path.unlink(missing_ok=True)
                    removed.append((path, sizes[path]))
            with suppress(OSError):  # Windows removes it when it is let go
                lock.unlink()
    return removed


def _target(path: Path) -> Path:
    return path.with_suffix("") if path.suffix in LEFTOVERS else path
