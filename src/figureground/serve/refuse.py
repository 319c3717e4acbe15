"""Which error is which answer."""

from __future__ import annotations

import errno
import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from figureground.errors import FiguregroundError
from figureground.serve.models import Unavailable
from figureground.serve.upload import TooLarge
from figureground.serve.work import Full, Stopped

log = logging.getLogger("figureground.serve")


def refused(error: Exception, request: Request, timeout: float) -> Response:
    """The answer that an error is. What is not the client's to know goes to the log alone."""
    headers, id = {}, request.state.request_id
    match error:
        case Full():
            status, text = 429, "the server is busy; try again in a while"
            headers["Retry-After"] = str(error.retry_after)
        case TimeoutError():
            status, text = 503, f"this took more than {timeout:g} s; send a smaller photo, or later"
            headers["Retry-After"] = str(max(1, round(timeout)))
        case Stopped() | ClientDisconnect():
            status, text = 499, "the client has left"
        case TooLarge():
            status, text = 413, str(error)
        case FiguregroundError():
            status, text = 422, str(error)
        case Unavailable():
            log.error("%s: %s", id, error)
            status, text = 503, "the model cannot be run now; the server's log says why"
        case OSError(errno=errno.ENOSPC):
            log.error("%s: %s", id, error)
            status, text = 507, "the server has no room for this file; try again in a while"
        case MemoryError():
            status, text = 503, "not enough memory for this photo; send a smaller one"
        case _:
            log.exception("%s: unexpected", id, exc_info=error)
            status, text = 500, f"something went wrong here; the server's log has it as {id}"
    return JSONResponse({"error": text}, status, headers)
