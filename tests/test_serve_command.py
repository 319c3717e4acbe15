"""`figureground serve` as a process: it starts, stops, and comes back after a crash."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

httpx = pytest.importorskip("httpx")
for module in ("uvicorn", "fastapi", "python_multipart"):
    pytest.importorskip(module)

SCRIPT = "from figureground.cli import script; script()"


@contextmanager
def command(*options: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """`figureground serve`, and a client of it; the process ends with the block."""
    arguments = [sys.executable, "-c", SCRIPT, "serve", "--port", "0", "--workers", "1", *options]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            address = next(line.split()[1] for line in lines if "http://" in line)
            with httpx.Client(base_url=address, timeout=20, trust_env=False) as client:
                yield process, client
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def photo_bytes(photo: np.ndarray) -> bytes:
    from figureground.imaging.write import encode

    return encode(np.ascontiguousarray(photo[::4, ::4]))


def test_serves_until_it_is_told_to_stop(tmp_path: Path, photo_bytes: bytes) -> None:
    (tmp_path / "keys").write_text("secret\n")
    with command("--api-key-file", str(tmp_path / "keys")) as (process, client):
        headers = {"authorization": "Bearer secret"}
        answer = client.post("/v1/mask", content=photo_bytes, headers=headers)
        assert answer.status_code == 200
        assert client.base_url.host == "127.0.0.1"
        assert client.get("/", headers={"host": "evil.example"}).status_code == 421
        process.terminate()
        log = process.stderr.read()
    assert '"path": "/v1/mask", "status": 200' in log
    assert "secret" not in log
    assert process.returncode == 0
    assert "Traceback" not in log


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such help without fork")
def test_a_crash_is_survived(photo_bytes: bytes) -> None:
    with command("--videos", "0") as (process, client):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("/proc does not tell children")
        first = int(children.read_text())
        os.kill(first, signal.SIGSEGV)
        for _ in range(100):
            try:
                answer = client.post("/v1/mask", content=photo_bytes)
                break
            except httpx.TransportError:  # the connection that was taken by the dead one
                time.sleep(0.1)
        assert answer.status_code == 200
        assert int(children.read_text()) != first
        process.send_signal(signal.SIGINT)
        log = process.stderr.read()
    died = next(json.loads(line) for line in log.splitlines() if "the server died" in line)
    assert died["signal"] == signal.SIGSEGV
    assert process.returncode in (0, 130)
    assert "Traceback" not in log


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such help without fork")
def test_nobody_serves_without_a_parent() -> None:
    with command("--videos", "0") as (process, client):
        process.kill()
        for _ in range(200):
            try:
                client.get("/health")
            except httpx.TransportError:
                break
            time.sleep(0.05)
        else:
            pytest.fail("it still serves")


def test_what_stops_it_at_the_start_is_said(tmp_path: Path) -> None:
    arguments = ["serve", "--port", "0", "--gallery", str(tmp_path / "none")]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "there is no gallery" in done.stderr
    assert "Traceback" not in done.stderr
