"""Requests in a bounded line, done by a few threads: what does not fit is refused, not kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")
Check = Callable[[], None]


class Full(Exception):
    """The line is full. retry_after: seconds until a place is likely free."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Stopped(Exception):
    """Nobody waits for the result any more."""


class Work:
    """workers: requests done at a time; queue: those that may wait beside them, as large as they are.

    A request has its place from before its body is read until its thread is done with it, so memory is
    bounded by places, and a thread that outlives its request still counts.
    """

    def __init__(self, workers: int, queue: int) -> None:
        self.workers = workers
        self.places = workers + queue
        self.taken = 0
        self.running = 0
        self.seconds = 1.0  # that a request took, lately
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, "figureground")

    async def do(
        self,
        read: Callable[[], Awaitable[Given]],
        job: Callable[[Given, Check], Result],
        gone: Callable[[], Awaitable[Any]],
        timeout: float,
    ) -> Result:
        """Reads, and does the job in a thread. The job calls its second argument between its steps, which
        raises Stopped once nobody waits.

        Raises Full, TimeoutError, and Stopped when `gone` returned before the result was there.
        """
        with self._lock:
            if self.taken >= self.places:
                raise Full(max(1, round(self.seconds * self.taken / self.workers)))
            self.taken += 1
        stop = threading.Event()
        future: Future[Result] | None = None
        leaving: asyncio.Future[Any] | None = None
        try:
            async with asyncio.timeout(timeout):
                given = await read()
                future = self._pool.submit(self._run, job, given, stop)
                del given
                result = asyncio.wrap_future(future)
                result.add_done_callback(lambda done: done.cancelled() or done.exception())
                leaving = asyncio.ensure_future(gone())
                await asyncio.wait({result, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not result.done():
                    raise Stopped
                return result.result()
        finally:
            stop.set()
            if leaving is not None:
                leaving.cancel()
            if future is None:
                self._leave()
            else:
                future.cancel()  # where it has not begun
                future.add_done_callback(self._leave)

    def close(self) -> None:
        """Ends the threads once they are done with what they do."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(
        self, job: Callable[[Given, Check], Result], given: Given, stop: threading.Event
    ) -> Result:
        def check() -> None:
            if stop.is_set():
                raise Stopped

        started = time.perf_counter()
        with self._lock:
            self.running += 1
        try:
            check()
            return job(given, check)
        finally:
            with self._lock:
                self.running -= 1
                self.seconds += 0.1 * (time.perf_counter() - started - self.seconds)

    def _leave(self, _: object = None) -> None:
        with self._lock:
            self.taken -= 1
