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
    allow_host: Annotated[
        list[str],
        "names it may be reached by (default: localhost if it listens there only, else any)",
    ] = [],  # noqa: B006
    gallery: Annotated[str, "gallery that may be searched", "-g"] = "",
) -> int:
    """Serve cut-outs over HTTP, and a page to make them with.

    The page is at /, the API under /v1, its description at /openapi.json. Photos are kept in memory while
    they are worked on, and nowhere else. Ctrl-C or SIGTERM: what was begun is finished. TLS, and limits
    per client, are for the proxy before it.
    """
    import logging
    import os
    import sys

    try:
        import uvicorn

        from figureground.serve.app import create
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("figureground"):
            raise
        raise FiguregroundError(
            f"serving needs {error.name}, which is not installed: pip install 'figureground[serve]'"
        ) from None
    from figureground.serve.models import Models

    if not 0 <= port <= 65535 or workers < 0 or sessions < 1:
        raise FiguregroundError(
            f"--port is {port}, --workers {workers}, --sessions {sessions}; expected 0 to 65535, "
            "0 or more, 1 or more"
        )
    workers = workers or os.cpu_count() or 1
    keys = _keys(api_key_file) if api_key_file else []
    loopback = host in LOOPBACK
    app = create(
        Models(model, sessions=sessions, device=device, threads=0 if workers == 1 else 1),
        workers=workers,
        queue=queue,
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        timeout=timeout,
        keys=keys,
        hosts=[*allow_host, *(LOOPBACK if loopback or allow_host else ())],
        gallery=gallery,
    )
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.INFO)
    if not loopback and not keys:
        print(
            f"figureground: anybody who reaches {host} may use this server; --api-key-file asks for a key",
            file=sys.stderr,
        )
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(timeout)),
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 1


def _keys(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            keys = [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FiguregroundError(f"cannot read the keys in {path} ({error})") from None
    if not keys:
        raise FiguregroundError(f"there is no key in {path}; expected one a line")
    return keys
