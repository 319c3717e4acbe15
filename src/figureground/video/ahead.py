"""Stages of a pipeline, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], depth: int = 4) -> Generator[Item, None, None]:
    """The same items in the same order, made in another thread, at most `depth` of them in advance.

    What the items raise is raised here. When this generator is closed the thread ends, and is waited
    for; it closes `items` itself, so stages can be chained.
    """
    queue: Queue[tuple[Item | None, BaseException | None]] = Queue(depth)
    closed = Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not closed.is_set():
            try:
                return queue.put((item, error), timeout=0.1)
            except Full:
                pass

    def work() -> None:
        iterator = iter(items)
        failure: BaseException = StopIteration()
        try:
            for item in iterator:
                put(item, None)
                if closed.is_set():
                    break
        except BaseException as error:
            failure = error
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            put(None, failure)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, error = queue.get(timeout=0.5)  # wakes now and then, so that Ctrl-C is heard
            except Empty:
                continue
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        _wait(thread)


def _wait(thread: Thread) -> None:
    """To its end, whatever Ctrl-C says: a thread in foreign code that outlives the program aborts it."""
    interrupted = None
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt as error:
            interrupted = error
    if interrupted is not None:
        raise interrupted
