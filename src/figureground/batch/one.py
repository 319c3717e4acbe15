"""One photo of many: brought here, left out if it is done, made, taken away; what came of it as a line."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from figureground.batch import stores
from figureground.batch.journal import state
from figureground.errors import FiguregroundError, ImageError
from figureground.imaging.write import same

Line = dict[str, Any]  # input, and output or error or left or skipped; seconds; what `do` gives
Do = Callable[[str, str], Line]  # from the paths of a photo and its result, on this machine


@dataclass(frozen=True)
class Job:
    """recorded: of the result, see Journal. tracked: the line is to have what Journal.add wants."""

    source: str
    target: str
    recorded: int = 0
    tracked: bool = False


@dataclass(frozen=True)
class Failure:
    """Stands in the place of a job for what cannot be one."""

    line: Line


def attempt(job: Job | Failure, do: Do, settings: str, urls: bool = False) -> Line:
    """settings: all that results depend on but the photo, in words. urls: web addresses are allowed.

    Never raises for one photo, so that the others are done; but for standard output, which is not there
    for them either.
    """
    if isinstance(job, Failure):
        return job.line
    begun = time.perf_counter()
    try:
        line = _attempt(job, do, settings, urls)
    except (FiguregroundError, MemoryError) as error:
        line = {
            "input": job.source,
            "error": str(error) or f"{job.source} does not fit into memory",
        }
    except Exception as error:
        if job.target == "-":
            raise
        reason = f"{type(error).__name__}: {error}"
        line = {
            "input": job.source,
            "error": f"{job.source} met a fault of figureground ({reason})",
        }
    return {**line, "seconds": round(time.perf_counter() - begun, 3)}


def _attempt(job: Job, do: Do, settings: str, urls: bool) -> Line:
    if same(job.source, job.target):
        raise ImageError(f"the output {job.target} is the input; choose another name or folder")
    names: Line = {"input": job.source, "output": job.target}
    with stores.local(job.source, _fetch if urls else None) as here:
        # before it is read as a photo: what changes in between will be done again
        fingerprint = _fingerprint(here, settings) if job.tracked else ""
        if fingerprint and job.recorded:
            size = stores.size(job.target)
            if size is not None and state(fingerprint, size) == job.recorded:
                return {**names, "skipped": "done before"}
        try:
            with stores.kept(job.target) as there:
                line = names | do(here, there)
        except ImageError as error:
            message = str(error)
            for name, real in ((here, job.source), (there, job.target)):
                message = message.replace(name, real) if name != real else message
            raise ImageError(message) from None
        if fingerprint:
            line |= {"bytes": stores.size(job.target) or 0, "fingerprint": fingerprint}
        return line


def _fetch(url: str) -> bytes:
    from figureground.imaging.url import fetch

    return fetch(url)


def _fingerprint(path: str, settings: str) -> str:
    """Hexadecimal; empty where there is no file, which is for its reader to say."""
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError:
        return ""
    digest.update(settings.encode())
    return digest.hexdigest()[:32]
