"""Does one thing to many photos: the loop of `figureground cutout` and `parse`."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import blake2b, sha256
from json import dumps
from typing import Any, Literal

from figureground.batch import stores
from figureground.batch.journal import Journal
from figureground.batch.one import Do, Failure, Job, Line, attempt
from figureground.batch.report import Report
from figureground.batch.sources import Found, Sources
from figureground.batch.targets import Targets, root
from figureground.errors import ImageError

Engine = Literal["local", "ray"]
PAUSE = 1.0  # seconds between two looks at a folder that is watched
AHEAD = 4  # photos per worker that wait for it, or whose lines wait for that of a slower one before


def run(
    make: Callable[[int], Do],
    inputs: list[str],
    output: str,
    *,
    settings: dict[str, Any],
    describe: Callable[[Line], str],
    opaque: bool = False,
    from_list: str = "",
    allow_urls: bool = False,
    workers: int = 1,
    resume: bool = False,
    watch: bool = False,
    fail_fast: bool = False,
    report: str = "",
    json: bool = False,
    engine: Engine = "local",
) -> int:
    """The exit status: 0 if all was done, 1 if not.

    inputs, from_list, output, opaque: see Sources and Targets.
    make: from a number of threads (0: one per core) to what does one photo; for another engine it must
    be picklable. settings: all that results depend on but the photos. describe: a line in words.
    Raises ImageError for what cannot be meant, before anything is written.
    """
    if workers < 0:
        raise ImageError(f"--workers is {workers}; expected 0 (one per core) or more")
    sources = Sources(inputs, from_list, urls=allow_urls, leave=root(output))
    targets = Targets(sources, output, opaque, empty=watch)
    if watch and (not sources.many or from_list or output == "-" or engine != "local"):
        raise ImageError(
            "--watch looks at folders on this machine; expected a folder, and one as -o"
        )
    if resume and targets.single:
        raise ImageError(f"--resume is for many photos; {output!r} is one file")
    alone = targets.single or (targets.total == 1 and not sources.many and not resume)
    journal = None if alone else Journal(_journal_folder(targets.folder))
    if journal and resume:
        journal.load()
    words = _fingerprint(settings)
    workers = workers or (os.cpu_count() or 1 if engine == "local" else 0)
    if not watch and engine == "local":
        workers = min(workers, max(targets.total, 1))
    stop = threading.Event()
    lines: Callable[[Iterator[Job | Failure]], Iterator[Line]]
    if engine == "ray":
        from figureground.batch.ray import spread

        lines = partial(
            spread, make=make, settings=words, urls=allow_urls, workers=workers, stop=stop
        )
    else:
        do = make(0 if workers == 1 else 1)  # several of one thread do more than one of several
        one = partial(attempt, do=do, settings=words, urls=allow_urls)
        lines = partial(local, one=one, workers=workers, stop=stop)
    say = Report(
        describe,
        total=0 if watch else targets.total,
        out=sys.stderr if output == "-" else sys.stdout,
        json=json,
        path=report,
        more=resume,
        words=output != "-",
    )
    stopped = ""
    try:
        for found in watched(sources, targets) if watch else [iter(sources)]:
            for line in lines(_jobs(found, targets, journal)):
                if journal and "fingerprint" in line:
                    journal.add(line["output"], line["fingerprint"], line["bytes"])
                say(line)
                if fail_fast and "error" in line and not stop.is_set():
                    stop.set()
                    stopped = "stopped at the first that failed (--fail-fast)"
            if stop.is_set():
                break
    except KeyboardInterrupt:
        if not watch:
            raise
    finally:
        if journal:
            journal.close()
    many = sources.many or watch or stopped != ""
    return say.end(stopped=stopped, summary=many or (say.counts["error"] > 0 and targets.total > 1))


def local(
    jobs: Iterator[Job | Failure],
    one: Callable[[Job | Failure], Line],
    workers: int,
    stop: threading.Event,
) -> Generator[Line, None, None]:
    """Lines in the order of the jobs, which are taken as they are needed; no more once stop is set."""
    if workers == 1:
        for job in jobs:
            yield one(job)
            if stop.is_set():
                return
        return
    _one_heap()
    with ThreadPoolExecutor(workers) as pool:
        begun: deque[Future[Line]] = deque()
        try:
            for job in jobs:
                begun.append(pool.submit(one, job))
                if len(begun) >= AHEAD * workers:
                    yield begun[0].result()
                    begun.popleft()
                if stop.is_set():
                    break
            while begun:
                if not (stop.is_set() and begun[0].cancel()):
                    yield begun[0].result()
                begun.popleft()
        except KeyboardInterrupt:  # those begun are finished, and have their lines; no others
            pool.shutdown(cancel_futures=True)
            yield from (future.result() for future in begun if not future.cancelled())
            raise
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _one_heap() -> None:
    """Threads share one heap; with one each, each keeps what its photos once needed: a fifth more."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt and "MALLOC_ARENA_MAX" not in os.environ:  # glibc's, and not chosen already
        mallopt(-8, 1)  # M_ARENA_MAX


def watched(sources: Sources, targets: Targets) -> Iterator[Iterator[Found]]:
    """For each look at the folders the photos that are new or changed, once their size stays as it is."""
    done: dict[int, int] = {}
    waiting: dict[int, int] = {}

    def fresh() -> Iterator[Found]:
        before = dict(waiting)
        waiting.clear()
        for found in sources:
            try:
                target = targets.of(found) if found.name else ""
            except ImageError as error:
                found, target = replace(found, name="", error=str(error)), ""
            key, now = _number(found.source, target), _number(*_stat(found.source))
            if done.get(key) == now:
                continue
            if before.get(key) == now or not found.name:
                done[key] = now
                if not found.error.startswith("there are no images"):
                    yield found
            else:
                waiting[key] = now

    while True:
        begun = time.monotonic()
        targets.look(sources, empty=True, again=True)
        yield fresh()
        time.sleep(max(PAUSE, time.monotonic() - begun))


def _jobs(
    found: Iterator[Found], targets: Targets, journal: Journal | None
) -> Iterator[Job | Failure]:
    for one in found:
        if one.error or one.left:
            yield Failure(
                {"input": one.source, **({"error": one.error} if one.error else {"left": one.left})}
            )
            continue
        target = targets.of(one)
        recorded = journal.recorded(target) if journal else 0
        yield Job(one.source, target, recorded, tracked=journal is not None)


def _journal_folder(folder: str) -> str:
    """The results' own; for a bucket, which takes no lines at the end of a file, one of ours."""
    if not stores.is_remote(folder):
        return folder
    from figureground.hub import store

    return str(store.home() / "jobs" / sha256(folder.encode()).hexdigest()[:16])


def _fingerprint(settings: dict[str, Any]) -> str:
    """Settings in words: a model and a picture by their content, whatever they are called."""
    from figureground import hub

    plain = dict(settings)
    for name, value in settings.items():
        if name == "model":
            plain[name] = sorted(file.sha256 or file.md5 for file in hub.card(value).files)
        elif isinstance(value, str) and value and os.path.isfile(value):
            with open(value, "rb") as file:
                plain[name] = sha256(file.read()).hexdigest()
    return dumps(plain, sort_keys=True)


def _stat(path: str) -> tuple[str, ...]:
    try:
        found = os.stat(path)
        return str(found.st_size), str(found.st_mtime_ns)
    except OSError:
        return ("none",)


def _number(*parts: str) -> int:
    return int.from_bytes(blake2b(os.fsencode("\0".join(parts)), digest_size=8).digest(), "little")
