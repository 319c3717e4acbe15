"""The addresses that are there for a gallery, and for videos."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

from figureground.serve.jobs import Job, Jobs
from figureground.serve.options import Forget, Video, described, parsed
from figureground.serve.people import People
from figureground.serve.refuse import refused


def add_gallery(app: FastAPI, people: People, writable: bool) -> None:
    """What a gallery holds; and where it is `writable`, how to take people out of it."""

    @app.get("/v1/gallery")
    def stats() -> dict[str, Any]:
        """How many people there are, and the score from which on a match is one."""
        return people.stats()

    @app.get("/v1/gallery/{id}/thumbnail", response_class=Response)
    def thumbnail(id: int) -> Response:
        """JPEG of somebody, by the id that a match has."""
        jpeg = people.thumbnail(id) if abs(id) < 2**63 else None
        if jpeg is None:
            raise HTTPException(404, "There is no picture of that id")
        return Response(jpeg, media_type="image/jpeg")

    if not writable:
        return

    async def forget(request: Request) -> Response:
        try:
            options = parsed(Forget, dict(request.query_params))
            answer = await asyncio.to_thread(people.forget, options)
        except Exception as error:
            return refused(error, request, 0)
        return Response(answer.body, media_type=answer.kind)

    app.add_api_route(
        "/v1/gallery",
        forget,
        methods=["DELETE"],
        description=people.forget.__doc__,
        openapi_extra=described(Forget),
    )


def add_videos(app: FastAPI, jobs: Jobs, card_of: Callable[[str], str]) -> None:
    """Submit, look, fetch, cancel."""

    def found(id: str) -> Job:
        try:
            return jobs.find(id)
        except KeyError:
            raise HTTPException(
                404, "There is no such video; its time may be over, or the server began anew"
            ) from None

    async def submit(request: Request) -> Response:
        """Puts people of a video before another background, later: 202, and where to look."""
        try:
            job = await jobs.submit(request, card_of)
        except Exception as error:
            return refused(error, request, jobs.timeout)
        return JSONResponse(job.report(), 202, {"Location": f"/v1/video/{job.id}"})

    app.add_api_route(
        "/v1/video",
        submit,
        methods=["POST"],
        status_code=202,
        openapi_extra=described(Video, "file", "background"),
    )

    @app.get("/v1/video/{id}")
    async def look(id: str) -> dict[str, Any]:
        """How far it is: waiting, running, done or failed; frames done, of how many."""
        return found(id).report()

    @app.get("/v1/video/{id}/result", response_class=FileResponse)
    async def fetch(id: str) -> Response:
        """The video, once it is done."""
        job = found(id)
        if job.status != "done":
            raise HTTPException(409, f"The video is {job.status}, and no result is there")
        job.fetched = True
        return FileResponse(job.result, filename=f"figureground.{job.options.format}")

    @app.delete("/v1/video/{id}", status_code=204)
    async def cancel(id: str) -> Response:
        """Stops it, and throws its files away."""
        jobs.drop(found(id))
        return Response(status_code=204)
