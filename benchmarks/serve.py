"""What a server does when it is asked for twice what it can: answers, time, memory.

    python benchmarks/serve.py PHOTO [REQUESTS] [WIDTH]

It starts `figureground serve` with 2 workers and a line of 16, finds how many fast cut-outs of the photo
(made WIDTH pixels wide) it gives a second, and then asks twice as often, at even times, whether it answers
or not. Seconds count from when a request was due; memory is that of the process that serves.
"""

from __future__ import annotations

import asyncio
import io
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from PIL import Image

WORKERS, QUEUE = 2, 16
WARM = 300


class Client:
    """HTTP/1.1 as bare as can be, since it has the same two cores as the server."""

    def __init__(self, port: int, path: str, body: bytes, kind: str = "image/*") -> None:
        self.port = port
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        self.request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self) -> int:
        """The status; 0 where the connection broke."""
        while self.idle:
            if status := await self._asked(*self.idle.pop()):  # else it was closed meanwhile
                return status
        return await self._asked(*await asyncio.open_connection("127.0.0.1", self.port))

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        try:
            writer.write(self.request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split()[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            return 0
        if b"connection: close" in head:
            writer.close()
        else:
            self.idle.append((reader, writer))
        return int(head[9:12])


async def capacity(client: Client, requests: int) -> float:
    """Answers a second when as many ask as there are places."""
    left = iter(range(requests))

    async def one() -> None:
        for _ in left:
            assert await client.ask() == 200

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(WORKERS + QUEUE // 2)))
    return requests / (time.perf_counter() - begun)


async def overload(
    client: Client, requests: int, rate: float
) -> tuple[Counter[int], list[float], float]:
    """Statuses, seconds of those with 200, and seconds of all together."""
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    begun = time.perf_counter()

    async def one(due: float) -> None:
        status = await client.ask()
        statuses[status] += 1
        if status == 200:
            seconds.append(time.perf_counter() - due)

    tasks = set()
    for number in range(requests):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return statuses, sorted(seconds), time.perf_counter() - begun


@contextmanager
def serving(*options: str) -> Iterator[tuple[int, int]]:
    """The port of a `figureground serve`, and its process."""
    command = [sys.executable, "-c", "from figureground.cli import script; script()", "serve"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*command, "--port", str(port), *options], stderr=subprocess.DEVNULL
    ) as server:
        try:
            answering(f"http://127.0.0.1:{port}/health")
            yield port, server.pid
        finally:
            server.terminate()


def answering(address: str) -> None:
    """Waits until there is an answer."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        for _ in range(600):
            try:
                client.get(address)
                return
            except httpx.TransportError:
                time.sleep(0.5)
    sys.exit(f"{address} does not answer")


def memory(port: int) -> int:
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text.splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("process_resident")))


def main(photo: str, requests: int = 10_000, width: int = 160) -> None:
    image = Image.open(photo).convert("RGB")
    image.thumbnail((width, 10 * width))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    with serving("--workers", str(WORKERS), "--queue", str(QUEUE)) as (port, _):
        client = Client(port, "/v1/cutout?edges=fast&no_foreground=1", buffer.getvalue())
        asyncio.run(capacity(client, 20))
        client.idle.clear()
        rate = asyncio.run(capacity(client, WARM))
        client.idle.clear()
        warm = memory(port)
        print(
            f"{image.width}x{image.height} pixels: {rate:.1f} a second; {warm / 1e6:.0f} MB",
            flush=True,
        )
        statuses, seconds, wall = asyncio.run(overload(client, requests, 2 * rate))
        print(
            f"{requests} requests at {requests / wall:.1f} a second: answers {dict(statuses)}, "
            f"{len(seconds) / wall:.1f} cut-outs a second; median {seconds[len(seconds) // 2]:.3f} s, "
            f"p99 {seconds[len(seconds) * 99 // 100]:.3f} s, longest {seconds[-1]:.3f} s"
        )
        after = memory(port)
        print(f"memory after them: {after / 1e6:.0f} MB ({after / warm - 1:+.1%})")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
