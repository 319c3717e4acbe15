"""figureground serve"""

from __future__ import annotations

from typing import Annotated

from figureground.errors import FiguregroundError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    *,
    host: Annotated[str, "address to listen at; 0.0.0.0 for every network"] = "127.0.0.1",
    port: Annotated[int, "port; 0 for a free one"] = 8000,
    model: Annotated[
        list[str], "names or paths of cards that may be asked for (default: all on this machine)"
    ] = [],  # noqa: B006
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    workers: Annotated[int, "photos at a time; 0: one per core"] = 0,
    queue: Annotated[int, "requests that may wait; more are told to come again"] = 16,
    sessions: Annotated[int, "models kept loaded"] = 2,
    max_bytes: Annotated[int, "refuse larger requests"] = 32_000_000,
    max_pixels: Annotated[int, "refuse larger photos"] = 50_000_000,
    timeout: Annotated[float, "seconds for a request, its waiting included"] = 30.0,
    api_key_file: Annotated[str, "file with one key a line, of which clients must send one"] = "",
    rate: Annotated[
        int, "requests a minute of each key, or address where there are no keys; 0: any"
    ] = 0,
    allow_host: Annotated[
        list[str],
        "names it may be reached by (default: localhost if it listens there only, else any)",
    ] = [],  # noqa: B006
    gallery: Annotated[str, "gallery that may be searched", "-g"] = "",
    gallery_write: Annotated[bool, "clients may add people to it, and take them out"] = False,
    urls: Annotated[bool, "get photos that are given by address: https, public ones only"] = False,
    videos: Annotated[int, "videos kept, in work or done; 0: none are taken"] = 4,
    video_bytes: Annotated[int, "refuse larger videos"] = 200_000_000,
    video_timeout: Annotated[float, "seconds for a video's upload, and for its work"] = 900.0,
    video_keep: Annotated[float, "seconds in which a finished video may be fetched"] = 3600.0,
) -> int:
    """Serve cut-outs over HTTP, and a page to make them with.

    The page is at /, the API under /v1, its description at /docs. Photos are kept in memory while they are
    worked on, and nowhere else; videos in a folder of $TMPDIR, until their time is over. Ctrl-C or SIGTERM:
    requests that were begun are answered. TLS is for the proxy before it.
    """
    import os
    import sys
    import tempfile
    from functools import partial
    from importlib.util import find_spec
    from pathlib import Path

    from figureground.serve.supervise import listening, supervise

    for module in ("fastapi", "uvicorn", "python_multipart"):
        if find_spec(module) is None:
            raise FiguregroundError(
                f"serving needs {module}, which is not installed: pip install 'figureground[serve]'"
            )
    if not 0 <= port <= 65535 or workers < 0 or sessions < 1 or videos < 0:
        raise FiguregroundError(
            f"--port is {port}, --workers {workers}, --sessions {sessions}, --videos {videos}; expected "
            "0 to 65535, 0 or more, 1 or more, 0 or more"
        )
    if gallery_write and not gallery:
        raise FiguregroundError("--gallery-write needs to know which gallery; give --gallery too")
    keys = _keys(api_key_file) if api_key_file else []
    loopback = host in LOOPBACK
    server = listening(host, port)
    with tempfile.TemporaryDirectory(prefix="figureground-", ignore_cleanup_errors=True) as folder:

        def run() -> int:
            import logging

            import uvicorn

            from figureground.imaging.url import fetch
            from figureground.serve.app import create
            from figureground.serve.jobs import Jobs
            from figureground.serve.models import Models

            photos = workers or os.cpu_count() or 1
            jobs = None
            if videos and find_spec("av") is not None:
                jobs = Jobs(
                    Path(folder),
                    places=videos,
                    max_bytes=video_bytes,
                    timeout=video_timeout,
                    keep=video_keep,
                )
            app = create(
                Models(model, sessions=sessions, device=device, threads=0 if photos == 1 else 1),
                workers=photos,
                queue=queue,
                max_bytes=max_bytes,
                max_pixels=max_pixels,
                timeout=timeout,
                keys=keys,
                hosts=[*allow_host, *(LOOPBACK if loopback or allow_host else ())],
                rate=rate,
                gallery=gallery,
                gallery_write=gallery_write,
                jobs=jobs,
                fetch=partial(fetch, max_bytes=max_bytes, seconds=min(timeout, 20))
                if urls
                else None,
            )
            logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.INFO)
            logging.getLogger("uvicorn").setLevel(logging.WARNING)
            config = uvicorn.Config(
                app,
                http="h11",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, round(timeout)),
            )
            at = f"[{host}]" if ":" in host else host
            print(f"figureground: http://{at}:{server.getsockname()[1]}", file=sys.stderr)
            uvicorn.Server(config).run([server])
            return 0

        if not loopback and not keys:
            print(
                f"figureground: anybody who reaches {host} may use this server; --api-key-file asks for a "
                "key",
                file=sys.stderr,
            )
        return supervise(run, server)


def _keys(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            keys = [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FiguregroundError(f"cannot read the keys in {path} ({error})") from None
    if not keys:
        raise FiguregroundError(f"there is no key in {path}; expected one a line")
    return keys
