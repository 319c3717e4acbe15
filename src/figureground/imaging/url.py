"""A photo from an address that a stranger chose, without becoming the stranger's hand in our network.

What an address could be made for, and what stands against it: reading what only this machine or its
network can reach (only public addresses; those of clouds' metadata are refused too); a name that turns to
another address after it was looked at (it is resolved once per hop, and that address is connected to); a
redirect to what would have been refused (every hop is looked at, none but https); filling the memory
(bytes are counted as they come), holding a worker (one time limit for all of it), guessing at services
(port 443 alone), stealing credentials (none are sent). Whether it is an image, its reader says.
"""

from __future__ import annotations

import socket
import string
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from figureground.errors import ImageError

if TYPE_CHECKING:
    from http.client import HTTPResponse

REDIRECTS = 5
BLOCK = 1 << 16
NAT64 = ip_network("64:ff9b::/96")  # IPv4 as networks without it see it
UNICAST = ip_network("2000::/3")  # all of IPv6 that is anybody's in public
# what is_global lets pass, in this Python or an older one
REFUSED = [
    ip_network(one)
    for one in (
        "168.63.129.16/32",  # Azure's metadata
        "192.0.0.0/24",  # protocols; Oracle's metadata
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # protocols; Teredo, which holds an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4, which holds another
        "3fff::/20",
    )
]

Resolver = Callable[..., list[Any]]


def fetch(
    url: str,
    *,
    max_bytes: int = 64 << 20,
    seconds: float = 20.0,
    trusted: Collection[str] = (),
    resolve: Resolver = socket.getaddrinfo,
) -> bytes:
    """The body at the end of the redirects, at most 5.

    seconds: for all of it, names and redirects too. trusted: origins, such as "http://10.0.0.7:8080", that
    are asked whatever their scheme, port and address are. resolve: as socket.getaddrinfo. Proxies are not
    used: they resolve names again. Raises ImageError, with the reason, for what is refused or not given.
    """
    deadline = time.monotonic() + seconds
    address = url
    for _ in range(REDIRECTS + 1):
        hop = _hop(address, trusted)
        found = _resolved(hop, resolve, deadline)
        for one in found:
            if not hop.trusted and not public(one):
                raise ImageError(f"{hop.url} is at {one}, which is not public; it is not asked")
        body, location = _ask(hop, found, max_bytes, deadline)
        if location is None:
            return body
        address = urljoin(hop.url, location.encode("latin-1").decode("utf-8", "replace"))
    raise ImageError(f"{url} redirects more than {REDIRECTS} times")


def public(address: str) -> bool:
    """Whether anybody on the internet may be meant by an IPv4 or IPv6 address."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:  # such as one with a zone, which is of a local link
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip in NAT64:
            ip = IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in UNICAST:
            return False
    refused = any(ip in network for network in REFUSED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not refused


@dataclass(frozen=True)
class Hop:
    """One address that is asked. path: with the query. trusted: wherever it is."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    trusted: bool


def _hop(url: str, trusted: Collection[str]) -> Hop:
    """Raises ImageError for what may not be asked, wherever it may be."""
    try:
        parts = urlsplit(url)
        host, port = _host(parts)
        known = any((parts.scheme, host, port) == _origin(one) for one in trusted)
    except ValueError as error:  # UnicodeError among them
        raise ImageError(f"the input is no address ({error})") from None
    if "@" in parts.netloc:
        raise ImageError(f"the address at {host} holds a name or password; leave them out")
    if not host:
        raise ImageError(f"{url!r} is no address; expected https://HOST/PATH")
    if parts.scheme != "https" and not (known and parts.scheme == "http"):
        raise ImageError(f"{url!r} is not asked; expected https://")
    if port != 443 and not known:
        raise ImageError(f"{url!r} names port {port}; expected 443, or none")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = quote(path, safe=string.punctuation)
    return Hop(f"{parts.scheme}://{parts.netloc}{path}", parts.scheme, host, port, path, known)


def _host(parts: SplitResult) -> tuple[str, int]:
    host = (parts.hostname or "").encode("idna").decode("ascii")
    return host, parts.port or (80 if parts.scheme == "http" else 443)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, *_host(parts)


def _resolved(hop: Hop, resolve: Resolver, deadline: float) -> list[str]:
    """All addresses of a host, asked for once; in a thread, as resolving knows no time limit."""
    answer: list[Any] = []

    def ask() -> None:
        try:
            answer.append(resolve(hop.host, hop.port, type=socket.SOCK_STREAM))
        except OSError as error:
            answer.append(error)
        except ValueError as error:  # such as a name with a null byte
            answer.append(OSError(str(error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not answer:
        raise ImageError(f"{hop.url} was not resolved in time")
    if isinstance(answer[0], OSError):
        raise ImageError(f"{hop.url} has a host that is not known ({_why(answer[0])})")
    found = list(dict.fromkeys(str(one[4][0]) for one in answer[0]))
    if not found:
        raise ImageError(f"{hop.url} has a host without an address")
    return found


def _ask(
    hop: Hop, addresses: list[str], max_bytes: int, deadline: float
) -> tuple[bytes, str | None]:
    """(body, None), or (nothing, where to look instead)."""
    from http.client import HTTPException

    connected = _connect(hop, addresses, deadline)
    late = threading.Event()

    def stop() -> None:
        """Ends every wait for the peer: a socket's time limit is of one wait, not of them all."""
        late.set()
        with suppress(OSError):  # it has ended by itself
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), stop)
    timer.daemon = True
    reason = ""
    try:
        if hop.scheme == "https":
            connected = _tls(connected, hop.host)
        timer.start()
        body, location = _exchange(hop, connected, max_bytes)
        if not late.is_set():  # or else it may be cut short
            return body, location
    except TimeoutError:
        late.set()
    except (OSError, ValueError, HTTPException) as error:
        reason = f"cannot be fetched ({_why(error)})"
    except ImageError:
        if not late.is_set():
            raise
    finally:
        timer.cancel()
        connected.close()
    raise ImageError(f"{hop.url} {'took too long' if late.is_set() else reason}")


def _exchange(hop: Hop, connected: socket.socket, max_bytes: int) -> tuple[bytes, str | None]:
    from http.client import HTTPConnection, HTTPSConnection, responses
    from ssl import SSLSocket

    import figureground

    if isinstance(connected, SSLSocket):
        connected.do_handshake()
    kind = HTTPSConnection if hop.scheme == "https" else HTTPConnection
    connection = kind(hop.host, hop.port)
    connection.sock = connected  # what it talks to is settled
    headers = {
        "User-Agent": f"figureground/{figureground.__version__}",
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    connection.request("GET", hop.path, headers=headers)
    answer = connection.getresponse()
    location = answer.headers.get("Location")
    if answer.status in (301, 302, 303, 307, 308) and location:
        return b"", location
    if answer.status != 200:
        said = f"{answer.status} {responses.get(answer.status, '')}".rstrip()
        raise ImageError(f"{hop.url} answered {said}")
    return _body(hop, answer, max_bytes), None


def _connect(hop: Hop, addresses: list[str], deadline: float) -> socket.socket:
    """To the first address that answers."""
    reason = "no time left"
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, hop.port), timeout=left)
        except OSError as error:
            reason = _why(error)
    raise ImageError(f"{hop.url} gives no connection ({reason})")


def _tls(connected: socket.socket, host: str) -> socket.socket:
    """TLS for the host's name, not yet shaken hands on."""
    import ssl

    context = ssl.create_default_context()
    return context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)


def _body(hop: Hop, answer: HTTPResponse, max_bytes: int) -> bytes:
    large = ImageError(f"{hop.url} gives more than the limit of {max_bytes:,} bytes")
    if answer.length is not None and answer.length > max_bytes:
        raise large
    body = bytearray()
    while block := answer.read1(BLOCK):
        body += block
        if len(body) > max_bytes:
            raise large
    if answer.length:
        raise ImageError(f"{hop.url} ended {answer.length} bytes before its end")
    return bytes(body)


def _why(error: BaseException) -> str:
    return (
        getattr(error, "verify_message", None)
        or getattr(error, "strerror", None)
        or str(error)
        or type(error).__name__
    )
