"""A web server on this machine whose paths behave and misbehave as the test says."""

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Request(BaseHTTPRequestHandler):
    server: "Mirror"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        behaviour = self.server.paths.get(self.path, status(404))
        with suppress(ConnectionError):
            behaviour(self)
        self.close_connection = True

    def head(self, code: int, **headers: Any) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, content: bytes) -> None:
        self.server.sent += len(content)
        self.wfile.write(content)

    def first(self) -> int:
        """The byte that the Range asks from."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
        assert asked
        return int(asked[1])

    def reset(self) -> None:
        """Ends the connection as a crash does, not as a close does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass


Behaviour = Callable[[Request], None]


class Mirror(ThreadingHTTPServer):
    """paths: what each does. asked: (path, headers) of each request. sent: bytes of bodies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.scheme = "http"
        self.paths: dict[str, Behaviour] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        self.gate = threading.Event()

    def __call__(self, path: str, behaviour: Behaviour | None = None) -> str:
        """The address of a path, from now on with that behaviour."""
        if behaviour:
            self.paths[path] = behaviour
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.asked]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # connections are broken on purpose


@contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    thread = threading.Thread(target=mirror.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield mirror
    finally:
        mirror.gate.set()
        mirror.shutdown()
        mirror.server_close()
        thread.join()


def good(content: bytes) -> Behaviour:
    """The content, or the range of it that is asked for."""

    def behave(request: Request) -> None:
        first = request.first()
        rest = content[first:]
        if first >= len(content):
            request.head(416, Content_Range=f"bytes */{len(content)}")
        elif first:
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"
            request.head(206, Content_Range=span, Content_Length=len(rest))
            request.body(rest)
        else:
            request.head(200, Content_Length=len(rest))
            request.body(rest)

    return behave


def cut(content: bytes, at: int, then: Behaviour, *, reset: bool = False) -> Behaviour:
    """Promises the content, ends after `at` bytes; from the second request on, another behaviour."""
    before: list[Request] = []

    def behave(request: Request) -> None:
        before.append(request)
        if len(before) > 1:
            return then(request)
        request.head(200, Content_Length=len(content))
        request.body(content[:at])
        if reset:
            request.reset()

    return behave


def plain(content: bytes, *, code: int = 200, **headers: Any) -> Behaviour:
    """These bytes and headers whatever is asked for, then the end."""

    def behave(request: Request) -> None:
        request.head(code, **headers)
        request.body(content)

    return behave


def status(code: int, **headers: Any) -> Behaviour:
    return plain(b"no", code=code, Content_Length=2, **headers)


def redirect(location: str) -> Behaviour:
    return status(302, Location=location)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One for each request; the last for all further ones."""
    left = list(behaviours)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def silent(request: Request) -> None:
    """Takes the request and never answers."""
    request.server.gate.wait()


def endless(request: Request) -> None:
    request.head(200)
    while True:
        request.body(bytes(1 << 16))
