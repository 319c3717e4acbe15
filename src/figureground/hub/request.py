"""One GET: redirects are looked at before they are followed, and any status is an answer."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from http.client import HTTPResponse

REDIRECTS = 10


class Failed(Exception):
    """Why a source does not give the file."""


class Cut(Failed):
    """It may give the file, or the rest of it, when asked again `after` seconds or later."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def get(address: str, *, start: int, timeout: float, checked: bool) -> HTTPResponse:
    """The answer at the end of the redirects, asked for the bytes from `start` on.

    timeout: seconds of silence. checked: a sha256 will tell whether the file was changed on its way;
    without one http is for this machine only, because anyone on the way can make a file of a given md5.
    Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Raises Failed with the reason.
    """
    from http.client import InvalidURL
    from urllib.parse import quote, urljoin, urlsplit

    encoding, came = "utf-8", "http"
    try:
        for _ in range(REDIRECTS):
            address = quote(address, safe=string.punctuation, encoding=encoding)
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https"):
                raise Failed(f"redirects to {address!r}; expected https://")
            local = re.fullmatch(r"localhost|::1|127(\.\d+){3}", parts.hostname or "")
            if parts.scheme == "http" and not checked and not (local and came == "http"):
                raise Failed(f"{address!r} is not asked; expected https://, or a sha256 to check")
            answer = _ask(address, start, timeout)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            answer.close()
            came = parts.scheme
            address, encoding = urljoin(address, location), "latin-1"  # as http.client read it
    except (ValueError, InvalidURL) as error:
        raise Failed(f"{address!r} is no address ({error})") from None
    raise Failed(f"redirects more than {REDIRECTS} times")


def _ask(address: str, start: int, timeout: float) -> HTTPResponse:
    import ssl
    from http.client import HTTPException, InvalidURL
    from urllib import request

    import figureground

    headers = {"User-Agent": f"figureground/{figureground.__version__}"}
    headers["Accept-Encoding"] = "identity"
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = (
        request.OpenerDirector()
    )  # unlike urlopen's: redirects nowhere, opens no file:// or ftp://
    opener.add_handler(request.ProxyHandler())
    opener.add_handler(request.HTTPHandler())
    opener.add_handler(request.HTTPSHandler())
    opener.add_handler(request.UnknownHandler())  # says so when a proxy is of another kind
    try:
        return opener.open(request.Request(address, headers=headers), timeout=timeout)
    except InvalidURL:
        raise
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Failed(
                f"its certificate is not trusted ({reason.verify_message}); behind a proxy that has "
                "its own, set SSL_CERT_FILE to it"
            ) from None
        if isinstance(reason, TimeoutError):  # not even a connection: once is long enough
            raise Failed(f"no connection in {timeout:g} seconds") from None
        raise Cut(f"no answer ({why(error)})") from None


def why(error: BaseException) -> str:
    """A network error in words."""
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
