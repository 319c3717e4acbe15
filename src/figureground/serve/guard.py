"""What holds for every request: who may ask, what is in every answer, and the line in the log."""

from __future__ import annotations

import hmac
import json
import logging
import re
import time
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from figureground.serve.metrics import Metrics
from figureground.serve.rate import Rate
from figureground.serve.refuse import refused

log = logging.getLogger("figureground.serve")

GUARDED = ("/v1/", "/api/", "/metrics")  # the page and whether the server lives are for anybody
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """An ASGI application around another.

    keys: one of which a request to the API must bring, as `Authorization: Bearer KEY` or `X-API-Key: KEY`;
    none for a server that anybody may ask. hosts: names by which it may be reached, none for any; so a
    name of another site that is made to lead here (DNS rebinding) leads nowhere. What other sites' pages
    ask for is refused either way. rate: how often work may be asked for, per key, or per address where
    there are no keys; None: as often as one likes.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Sequence[str],
        hosts: Sequence[str],
        metrics: Metrics,
        rate: Rate | None = None,
    ) -> None:
        self.app = app
        self.keys = [key.encode() for key in keys]
        self.hosts = hosts
        self.metrics = metrics
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id = given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = id
        started = time.perf_counter()
        answer = {"status": 499, "bytes": 0}  # until something is sent, the client has left

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                ours = MutableHeaders(scope=message)
                ours["X-Request-ID"] = id
                for name, value in HEADERS.items():
                    ours[name] = value
            else:
                answer["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            refusal = self._refusal(scope, headers)
            await (refusal or self.app)(scope, receive, sending)
        except Exception as error:  # outside of us it would have no id, and no line
            if answer["status"] != 499:
                raise
            await refused(error, Request(scope), 0)(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - started
            path = getattr(scope.get("route"), "path", "other")
            self.metrics.add(path, answer["status"], seconds)
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "id": id,
                "method": scope["method"],
                "path": path,
                "status": answer["status"],
                "seconds": round(seconds, 4),
                "bytes": answer["bytes"],
                "client": (scope.get("client") or ("",))[0],
            }
            log.info(json.dumps(line))

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        if self.hosts and _name(headers.get("host", "")) not in self.hosts:
            error = f"this server is reached as {', '.join(self.hosts)}; --allow-host adds a name"
            return JSONResponse({"error": error}, 421)
        if not scope["path"].startswith(GUARDED):
            return None
        origin = headers.get("origin", "")
        other = origin and origin.partition("://")[2] != headers.get("host", "")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") or (
            other and "sec-fetch-site" not in headers  # as older browsers ask
        ):
            error = "pages of other sites may not ask this server; use its own page, or a program"
            return JSONResponse({"error": error}, 403)
        who = (scope.get("client") or ("",))[0]
        if self.keys:
            scheme, _, bearer = headers.get("authorization", "").partition(" ")
            given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
            # every key is compared, each in constant time
            equal = [hmac.compare_digest(given.encode("latin-1"), key) for key in self.keys]
            if not any(equal):
                error = "a key is missing or wrong; send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
                return JSONResponse({"error": error}, 401, {"WWW-Authenticate": "Bearer"})
            who = str(equal.index(True))
        looks = scope["method"] == "GET" and not scope["path"].startswith("/api/")
        if self.rate is None or looks:  # how far a video is, for one
            return None
        wait = self.rate.wait(who)
        if not wait:
            return None
        error = f"more than {self.rate.per_minute} requests a minute; ask again in {wait} s"
        return JSONResponse({"error": error}, 429, {"Retry-After": str(wait)})


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
