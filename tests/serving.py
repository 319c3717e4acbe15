"""A server on loopback, in a thread of the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from figureground.serve.app import create
from figureground.serve.models import Models


@contextmanager
def serving(models: Models | None = None, **options: Any) -> Iterator[Any]:
    """A client of a server; the server is its attribute `server`."""
    config = uvicorn.Config(
        create(models or Models(["pp-humanseg-lite"]), **options),
        port=0,
        http="h11",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
        client.server, client.thread = server, thread
        try:
            yield client
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()
