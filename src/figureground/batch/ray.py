"""The same on all machines of a Ray cluster, through Ray Data; wants the extra [ray]."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import astuple
from itertools import islice
from typing import Any

from figureground.batch import stores
from figureground.batch.one import Do, Failure, Job, Line, attempt
from figureground.errors import FiguregroundError

BLOCK = 8  # photos in one piece of work; when its worker is lost, they are done again, elsewhere
ROUND = 100_000  # photos whose names are in the cluster's memory at a time


def spread(
    jobs: Iterator[Job | Failure],
    *,
    make: Callable[[int], Do],
    settings: str,
    stop: threading.Event,
    urls: bool = False,
    workers: int = 0,
) -> Iterator[Line]:
    """A line for each job, as they come; exactly one, whatever workers are lost; none once stop is set.

    Joins the cluster at $RAY_ADDRESS or on this machine, or starts one here. workers: processes of one
    thread, as many as the cluster has cores for 0. Paths must mean the same on all machines, the
    working folder too. Raises FiguregroundError when Ray gives up.
    """
    ray, data = stores.imported("ray", "--engine ray"), stores.imported("ray.data", "--engine ray")
    make(1)  # what is wrong with a model or a background is said here, not by a worker
    ours = not ray.is_initialized()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ours:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        ray.init(logging_level="error", log_to_driver=False)
    data.DataContext.get_current().enable_progress_bars = False
    settled = {"make": make, "settings": settings, "urls": urls, "folder": os.getcwd()}
    try:
        while block := list(islice(jobs, ROUND)):
            yield from (one.line for one in block if isinstance(one, Failure))
            rows = [astuple(one) for one in block if isinstance(one, Job)]
            for line in _round(ray, data, rows, settled, workers) if rows else []:
                yield line
                if stop.is_set():
                    return
    finally:
        if ours:
            ray.shutdown()


def _round(
    ray: Any, data: Any, rows: list[tuple[Any, ...]], settled: dict[str, Any], workers: int
) -> Iterator[Line]:
    pyarrow = stores.imported("pyarrow", "--engine ray")
    texts = [json.dumps(row) for row in rows]
    tables = [
        pyarrow.table({"job": texts[start : start + BLOCK]})
        for start in range(0, len(texts), BLOCK)
    ]
    most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    most = min(most, len(tables))
    try:
        lines = data.from_arrow(tables).map_batches(
            Worker,
            fn_constructor_kwargs=settled,
            batch_size=None,
            batch_format="pyarrow",
            compute=data.ActorPoolStrategy(size=most),
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=-1,
        )
        for row in lines.iter_rows():
            yield json.loads(row["line"])
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise FiguregroundError(
            f"Ray gave up ({reason}); the same command with --resume does the rest"
        ) from None


class Worker:
    """One process of one thread, somewhere; its model is loaded once."""

    def __init__(self, make: Callable[[int], Do], settings: str, urls: bool, folder: str) -> None:
        if not os.path.isdir(folder):
            raise FiguregroundError(
                f"there is no folder {folder} on {os.uname().nodename}; expected the same folders on all "
                "machines of the cluster"
            )
        os.chdir(folder)
        self.do, self.settings, self.urls = make(1), settings, urls
        self.name = f"{os.uname().nodename}:{os.getpid()}"

    def __call__(self, table: Any) -> dict[str, list[str]]:
        jobs = (Job(*json.loads(text)) for text in table.column("job").to_pylist())
        lines = (attempt(job, self.do, self.settings, self.urls) for job in jobs)
        return {"line": [json.dumps({**line, "worker": self.name}) for line in lines]}
