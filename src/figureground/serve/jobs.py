"""Videos that are worked on while nobody waits: taken, told of, given out, and thrown away in time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from starlette.requests import Request

from figureground.errors import FiguregroundError
from figureground.serve import upload
from figureground.serve.options import RequestError, Video, parsed, plain_background
from figureground.serve.work import Full

log = logging.getLogger("figureground.serve")

PIXELS = 9_000_000  # of a frame: 4K
Status = Literal["uploading", "waiting", "running", "done", "failed"]


@dataclass
class Job:
    """folder: of its files. ended: when, by time.monotonic. fetched: the result was given out."""

    id: str
    folder: Path
    options: Video
    status: Status = "uploading"
    frames: int = 0
    of: int = 0
    error: str = ""
    ended: float = 0.0
    fetched: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def result(self) -> Path:
        return self.folder / f"result.{self.options.format}"

    def report(self) -> dict[str, Any]:
        """What a client is told. frames done, of so many (0: not known)."""
        about = {"id": self.id, "status": self.status, "frames": self.frames, "of": self.of}
        return about | ({"error": self.error} if self.error else {})


class Jobs:
    """Videos, one at a time, `places` of them in the folder, finished ones for `keep` seconds.

    A request is of max_bytes at most, and a result too; while a form is taken apart its files are there
    twice. So there are at most 2 × places × max_bytes on the disk. timeout: seconds for an upload, and for
    the work. The folder is emptied.
    """

    def __init__(
        self, folder: Path, *, places: int, max_bytes: int, timeout: float, keep: float
    ) -> None:
        if places < 1 or max_bytes < 1 or not timeout > 0 or not keep > 0:
            raise FiguregroundError(
                f"videos is {places}, video_bytes {max_bytes}, video_timeout {timeout}, video_keep {keep}; "
                "expected 1 or more, and above 0"
            )
        for left in folder.iterdir():
            shutil.rmtree(left)
        self.folder = folder
        self.places = places
        self.max_bytes = max_bytes
        self.timeout = timeout
        self.keep = keep
        self._jobs: dict[str, Job] = {}
        self._turn = asyncio.Semaphore(1)

    def find(self, id: str) -> Job:
        """Raises KeyError for one that is not there, or no more."""
        self._sweep()
        return self._jobs[id]

    async def submit(self, request: Request, card_of: Callable[[str], str]) -> Job:
        """Takes a video, to be worked on later. card_of: from a model's name to the path of its card.

        Raises Full when there are `places` whose results somebody may still want, TimeoutError, and as
        upload.save.
        """
        job = self._placed()
        try:
            async with asyncio.timeout(self.timeout):
                values = await upload.save(request, self.max_bytes, job.folder)
            job.options = _options(values, (job.folder / "background").exists())
            card = card_of(job.options.model)
        except BaseException:
            self.drop(job)
            raise
        job.status = "waiting"
        job.task = asyncio.create_task(self._run(job, card))
        return job

    def drop(self, job: Job) -> None:
        """Stops it, and forgets it and its files."""
        if job.task is not None:
            job.task.cancel()
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    async def close(self) -> None:
        """Gives up all of them."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for job in list(self._jobs.values()):
            self.drop(job)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def sweeping(self) -> None:
        """Throws away what nobody fetched in time, for ever."""
        while True:
            await asyncio.sleep(min(60.0, self.keep))
            self._sweep()

    def _sweep(self) -> None:
        for job in list(self._jobs.values()):
            if job.ended and time.monotonic() > job.ended + self.keep:
                self.drop(job)

    def _placed(self) -> Job:
        self._sweep()
        ended = sorted((j for j in self._jobs.values() if j.ended), key=lambda j: j.ended)
        if len(self._jobs) >= self.places:
            useless = [job for job in ended if job.fetched or job.status == "failed"]
            if not useless:
                wait = ended[0].ended + self.keep - time.monotonic() if ended else 30
                raise Full(max(1, round(wait)))
            self.drop(useless[0])
        id = secrets.token_urlsafe(16)
        job = Job(id, self.folder / id, Video())
        job.folder.mkdir(mode=0o700, parents=True)
        self._jobs[id] = job
        return job

    async def _run(self, job: Job, card: str) -> None:
        try:
            async with self._turn:
                job.status = "running"
                async with asyncio.timeout(self.timeout):
                    await self._work(job, card)
        except asyncio.CancelledError:  # dropped; what the process still wrote goes too
            shutil.rmtree(job.folder, ignore_errors=True)
            raise
        except TimeoutError:
            job.error = f"this took more than {self.timeout:g} s; send a shorter video"
        except OSError as error:
            log.error("video %s: %s", job.id, error)
            job.error = "the video could not be worked on; the server's log says why"
        job.status = "failed" if job.error else "done"
        job.ended = time.monotonic()
        (job.folder / "file").unlink(missing_ok=True)
        (job.folder / "background").unlink(missing_ok=True)

    async def _work(self, job: Job, card: str) -> None:
        options = job.options
        picture = job.folder / "background"
        order = {
            "file": str(job.folder / "file"),
            "result": str(job.result),
            "background": str(picture) if picture.exists() else options.background,
            "max_pixels": PIXELS,
            "max_bytes": self.max_bytes,
            "model": card,
            "mask": options.mask,
            "edges": options.edges,
            "foreground": options.foreground,
            "steady": options.steady,
            "crf": None if options.crf == -1 else options.crf,
        }
        command = [sys.executable, "-P", "-m", "figureground.serve.video"]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "FIGUREGROUND_OFFLINE": "1"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order).encode())
            process.stdin.close()
            said = {}
            async for line in process.stdout:
                said = json.loads(line)
                job.frames, job.of = said.get("frames", job.frames), said.get("of", job.of)
            await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if "done" in said:
            job.frames = job.of = said["done"]["frames"]
        else:
            job.error = said.get("error") or "the video is damaged: the decoder died of it"
            if "error" not in said:
                log.error("video %s: its process ended with %s", job.id, process.returncode)


@contextlib.asynccontextmanager
async def open_jobs(jobs: Jobs | None) -> AsyncIterator[None]:
    """While it is open, what is not fetched is thrown away in time; then all is given up."""
    if jobs is None:
        yield
        return
    sweeping = asyncio.create_task(jobs.sweeping())
    try:
        yield
    finally:
        sweeping.cancel()
        await jobs.close()


def _options(values: dict[str, str], picture: bool) -> Video:
    options: Video = parsed(Video, values)
    if picture:
        options.background = "picture"
    else:
        plain_background(options.background)
    if options.background == "transparent" and options.format == "mp4" and not options.mask:
        raise RequestError(
            "mp4 holds no transparency; give a background, or format=webm, mov or gif"
        )
    return options
