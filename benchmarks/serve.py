"""Requests per second and memory of a server that is asked for more than it can do.

    python benchmarks/serve.py PHOTO [REQUESTS] [CLIENTS]

It starts `figureground serve` with 2 workers and a line of 2, asks from so many clients at once, asks again
where it is refused, and prints seconds and memory (of the server alone) as it goes on.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

PORT = 8766


def main(photo: str, requests: int = 1000, clients: int = 8) -> None:
    command = [sys.executable, "-c", "from figureground.cli import script; script()", "serve"]
    options = ["--port", str(PORT), "--workers", "2", "--queue", "2"]
    server = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)
    content = Path(photo).read_bytes()
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60, trust_env=False) as client:

        def ask(_: int) -> None:
            while True:
                begun = time.perf_counter()
                answer = client.post("/v1/cutout", content=content)
                statuses[answer.status_code] += 1
                if answer.status_code != 429:
                    seconds.append(time.perf_counter() - begun)
                    return
                time.sleep(0.2)  # sooner than it says: the line is to stay full

        def memory() -> int:
            lines = client.get("/metrics").text.splitlines()
            return int(next(x.split()[1] for x in lines if x.startswith("process_resident")))

        try:
            while True:
                try:
                    client.get("/ready")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            print(f"at the start: {memory() / 1e6:.0f} MB")
            with ThreadPoolExecutor(clients) as pool:
                list(pool.map(ask, range(50)))
                warm = memory()
                print(f"after 50 requests: {warm / 1e6:.0f} MB")
                seconds.clear()
                statuses.clear()
                begun = time.perf_counter()
                list(pool.map(ask, range(requests)))
                wall = time.perf_counter() - begun
            ordered = sorted(seconds)
            print(
                f"{requests} requests of {clients} clients: {requests / wall:.1f} a second; median "
                f"{ordered[len(ordered) // 2]:.3f} s, p99 {ordered[len(ordered) * 99 // 100]:.3f} s; "
                f"answers {dict(statuses)}"
            )
            print(f"after them: {memory() / 1e6:.0f} MB ({memory() / warm - 1:+.1%})")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
