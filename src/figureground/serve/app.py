"""The application: which address answers what, and which error is which status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from figureground.errors import CardError, FiguregroundError
from figureground.runtime.alpha import AlphaPredictor
from figureground.serve import upload
from figureground.serve.answers import Answer, Answers
from figureground.serve.guard import Guard
from figureground.serve.jobs import Jobs, open_jobs
from figureground.serve.metrics import Metrics
from figureground.serve.models import Models, Unavailable
from figureground.serve.options import Add, Cutout, Embed, Parse, Remove, Search, described, parsed
from figureground.serve.people import People
from figureground.serve.rate import Rate
from figureground.serve.refuse import refused
from figureground.serve.routes import add_gallery, add_videos
from figureground.serve.work import Check, Work

PAGE = Path(__file__).parent / "page"
KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
Job = Callable[[upload.Upload, Any, Check], Answer]


def create(
    models: Models,
    *,
    workers: int = 1,
    queue: int = 16,
    max_bytes: int = 32_000_000,
    max_pixels: int = 50_000_000,
    timeout: float = 30.0,
    keys: Sequence[str] = (),
    hosts: Sequence[str] = (),
    rate: int = 0,
    gallery: str = "",
    gallery_write: bool = False,
    jobs: Jobs | None = None,
    fetch: upload.Fetch | None = None,
) -> FastAPI:
    """workers, queue: see Work. max_bytes: of a request, max_pixels: of a picture in it; timeout: seconds
    for a request, its reading and its waiting included. keys, hosts: see Guard; rate: requests a minute
    of each key or address, 0 for any. gallery: a folder, see People. jobs: where videos are worked on.
    fetch: what gets a photo that is given by its address.

    Raises CardError or GalleryError for models and a gallery that cannot be used.
    """
    if workers < 1 or queue < 0 or max_bytes < 1 or max_pixels < 1 or not timeout > 0 or rate < 0:
        raise FiguregroundError(
            f"workers is {workers}, queue {queue}, max_bytes {max_bytes}, max_pixels {max_pixels}, "
            f"timeout {timeout}, rate {rate}; expected 1 or more, 0 or more, and above 0"
        )
    people = People(gallery, max_pixels, gallery_write) if gallery else None
    try:
        models.predictor(AlphaPredictor)  # what is asked most is there from the start
    except CardError:
        pass
    except Unavailable as error:
        raise CardError(str(error)) from None
    work, metrics = Work(workers, queue), Metrics()
    answers = Answers(models, max_pixels)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_jobs(jobs):
            yield
        await asyncio.to_thread(work.close)

    # /docs is ours: FastAPI's loads its scripts from another site
    app = FastAPI(title="figureground", docs_url=None, redoc_url=None, lifespan=lifespan)
    limit = Rate(rate) if rate else None
    app.add_middleware(Guard, keys=keys, hosts=hosts, metrics=metrics, rate=limit)

    async def answered(request: Request, kind: type[BaseModel], job: Job) -> Response:
        async def read() -> tuple[upload.Upload, Any]:
            given = await upload.read(request, max_bytes, fetch)
            return given, parsed(kind, given.values)

        def do(given: tuple[upload.Upload, Any], check: Check) -> Answer:
            return job(*given, check)

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        try:
            answer = await work.do(read, do, gone, timeout)
        except Exception as error:
            return refused(error, request, timeout)
        return Response(answer.body, media_type=answer.kind, headers=dict(answer.headers))

    def endpoint(
        path: str, kind: type[BaseModel], job: Job, *files: str, method: str = "POST"
    ) -> None:
        async def post(request: Request) -> Response:
            return await answered(request, kind, job)

        app.add_api_route(
            path,
            post,
            methods=[method],
            name=path.rsplit("/", 1)[1],
            description=(job.__doc__ or "").strip(),
            response_class=Response,
            openapi_extra=described(kind, *files, url=fetch is not None),
        )

    def mask(given: upload.Upload, options: Cutout, check: Check) -> Answer:
        """The alpha itself, white where people are, or with `trimap` that: as /v1/cutout with `mask`."""
        return answers.cutout(given, options.model_copy(update={"mask": not options.trimap}), check)

    def remove(given: upload.Upload, options: Remove, check: Check) -> Answer:
        """As rembg's server answers: PNG, whatever was asked."""
        return answers.cutout(given, options.cutout(list(models.cards)), check)

    endpoint("/v1/cutout", Cutout, answers.cutout, "file", "background")
    endpoint("/v1/mask", Cutout, mask, "file")
    endpoint("/v1/parse", Parse, answers.parse, "file")
    endpoint("/v1/embed", Embed, answers.embed, "file")
    endpoint("/api/remove", Remove, remove, "file")
    if fetch is not None:
        endpoint("/api/remove", Remove, remove, method="GET")
    if people is not None:
        endpoint("/v1/search", Search, people.search, "file")
        add_gallery(app, people, gallery_write)
        if gallery_write:
            endpoint("/v1/gallery", Add, people.add, "file")
    if jobs is not None:
        add_videos(app, jobs, lambda name: str(models.card(AlphaPredictor, name).path))

    @app.get("/v1/models")
    async def offered() -> list[dict[str, Any]]:
        """The models that may be asked for by name."""
        return models.list()

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the server lives."""
        return {"status": "ok"}

    @app.head("/ready", include_in_schema=False)
    @app.get("/ready")
    async def ready() -> Response:
        """Whether a request would be taken now: 200, or 503."""
        full = work.taken >= work.places
        return JSONResponse({"status": "full" if full else "ready"}, 503 if full else 200)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def numbers() -> Response:
        """For Prometheus."""
        text = metrics.text(places=work.places, taken=work.taken, running=work.running)
        return Response(text, media_type="text/plain; version=0.0.4")

    for file in PAGE.iterdir():
        path = {"index.html": "/", "docs.html": "/docs"}.get(file.name, f"/{file.name}")
        _page(app, path, file.read_bytes(), KINDS[file.suffix])

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        text = f"{error.detail}; see /openapi.json for what there is"
        return JSONResponse({"error": text}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        name = error.errors()[0]["loc"][-1]
        return JSONResponse({"error": f"{name} is not of the kind that /openapi.json says"}, 422)

    @app.exception_handler(FiguregroundError)
    async def other(request: Request, error: FiguregroundError) -> Response:
        return refused(error, request, timeout)

    return app


def _page(app: FastAPI, path: str, content: bytes, media: str) -> None:
    async def get() -> Response:
        return Response(content, media_type=media)

    app.add_api_route(path, get, include_in_schema=False)
