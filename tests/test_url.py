"""Photos from addresses that a stranger chose: what is asked, and what is not."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from figureground.errors import ImageError
from figureground.imaging.url import fetch, public
from mirror import Mirror, Request, cut, endless, good, plain, redirect, serving, silent, status


class Names:
    """A resolver of given names. asked: each look-up; a list of addresses is gone through in turn."""

    def __init__(self, **names: str | list[str]) -> None:
        self.names, self.asked = names, []

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        found = self.names.get(host.replace(".", "_"), host)
        address = found.pop(0) if isinstance(found, list) else found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving(Mirror()) as running:
        yield running


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:a00:1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2002:0808:0808::",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
        "localhost",
        "1",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not public(address)
    with pytest.raises(ImageError, match="which is not public"):
        fetch("https://photos.example/a.jpg", resolve=Names(photos_example=address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "193.0.14.129", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"],
)
def test_what_is_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example/a.jpg",
        "ftp://photos.example/a.jpg",
        "file:///etc/passwd",
        "gopher://photos.example/",
        "data:image/png;base64,AAAA",
        "//photos.example/a.jpg",
        "photos.example",
        "https://",
        "https:///a.jpg",
        "https://photos.example:8080/",
        "https://photos.example:22/",
        "https://photos.example:99999/",
        "https://[::1/",
        "https://me:secret@photos.example/",
        "https://photos.example@127.0.0.1/",
        "https://[fe80::1%25lo]:443:443/",
    ],
)
def test_addresses_that_are_not_even_resolved(url: str) -> None:
    names = Names()
    with pytest.raises(ImageError) as refused:
        fetch(url, resolve=names)
    assert not names.asked
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "017700000001", "localhost", "①②⑦.0.0.1"]
)
def test_this_machine_by_other_names(host: str) -> None:
    with pytest.raises(ImageError, match=r"127\.0\.0\.1|::1, which is not public"):
        fetch(f"https://{host}/a.jpg")


def test_one_address_that_is_not_public_is_enough() -> None:
    def both(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in ("1.1.1.1", "10.0.0.1")]

    with pytest.raises(ImageError, match=r"10\.0\.0\.1, which is not public"):
        fetch("https://photos.example/a.jpg", resolve=both)


def test_every_redirect_is_looked_at(mirror: Mirror) -> None:
    trusted = [mirror("")]
    mirror("/photo", good(b"photo"))
    assert fetch(mirror("/a", redirect("/photo")), trusted=trusted) == b"photo"
    for target, said in (
        ("https://127.0.0.1/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
        (f"http://localhost:{mirror.server_port}/photo", "expected https"),
        ("http://127.0.0.1/", "expected https"),
        ("file:///etc/passwd", "expected https"),
        ("/b", "more than 5 times"),
    ):
        with pytest.raises(ImageError, match=said):
            fetch(mirror("/b", redirect(target)), trusted=trusted)
    assert len(mirror.asked) == 2 + 5 + 6


def test_a_name_is_resolved_once_per_hop(mirror: Mirror) -> None:
    """What it resolves to next, a stranger may decide; 192.0.2.1 is nobody's."""
    origin = f"http://photos.example:{mirror.server_port}"
    mirror("/photo", good(b"photo"))
    names = Names(photos_example=["127.0.0.1", "192.0.2.1"])
    assert fetch(f"{origin}/photo", trusted=[origin], resolve=names) == b"photo"
    assert names.asked == ["photos.example"]
    assert mirror.asked[0][1]["Host"] == f"photos.example:{mirror.server_port}"


def test_no_more_than_the_limit_is_read(mirror: Mirror) -> None:
    trusted = [mirror("")]
    assert fetch(mirror("/a", good(bytes(1000))), trusted=trusted, max_bytes=1000) == bytes(1000)
    for behaviour in (good(bytes(1001)), plain(bytes(1001)), endless):
        with pytest.raises(ImageError, match="more than the limit of 1,000 bytes"):
            fetch(mirror("/b", behaviour), trusted=trusted, max_bytes=1000)


def drip(request: Request) -> None:
    """A byte now and then, without end: every single wait is short."""
    request.head(200)
    while not request.server.gate.wait(0.05):
        request.body(b"x")


def drip_head(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not request.server.gate.wait(0.05):
        request.wfile.write(b"x")


@pytest.mark.parametrize("behaviour", [silent, drip, drip_head])
def test_one_time_limit_for_all_of_it(mirror: Mirror, behaviour: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(ImageError, match="took too long"):
        fetch(mirror("/a", behaviour), trusted=[mirror("")], seconds=0.3)
    assert time.monotonic() - begun < 10  # not for ever


def test_resolving_has_the_same_limit() -> None:
    with pytest.raises(ImageError, match="not resolved in time"):
        fetch("https://photos.example/", seconds=0.1, resolve=lambda *_, **__: time.sleep(1))


def test_what_goes_wrong_is_said(mirror: Mirror) -> None:
    trusted = [mirror("")]
    for behaviour, said in (
        (status(404), "answered 404 Not Found"),
        (status(500), "answered 500"),
        (redirect(""), "answered 302"),
        (cut(b"photo", 3, silent), "ended 2 bytes before its end"),
        (cut(b"photo", 3, silent, reset=True), "cannot be fetched|ended"),
        (plain(b"5\r\nph", Transfer_Encoding="chunked"), "cannot be fetched"),
        (lambda request: request.wfile.write(b"hello\r\n\r\n"), "cannot be fetched"),
    ):
        with pytest.raises(ImageError, match=said):
            fetch(mirror("/a", behaviour), trusted=trusted, seconds=5)
    with pytest.raises(ImageError, match="host that is not known"):
        fetch("https://nowhere.invalid/")
    nobody = "http://127.0.0.1:1"
    with pytest.raises(ImageError, match="no connection"):
        fetch(nobody, trusted=[nobody])


def test_what_is_sent(mirror: Mirror) -> None:
    odd = mirror("//")  # two slashes are a path, not a host; the server here takes them for one
    odd += "a b/é.jpg?x=%2F&y=ä\r\nX-Evil:1#part"
    mirror("/a%20b/%C3%A9.jpg?x=%2F&y=%C3%A4X-Evil:1", good(b"photo"))
    assert fetch(odd, trusted=[mirror("")]) == b"photo"
    sent = mirror.asked[0][1]
    assert sorted(sent) == ["Accept", "Accept-Encoding", "Connection", "Host", "User-Agent"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of photos.example, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    command = "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2"
    options = ["-subj", "/CN=mirror", "-addext", "subjectAltName=DNS:photos.example"]
    key = path.with_suffix(".key")
    subprocess.run(
        [*command.split(), *options, "-keyout", key, "-out", path], check=True, capture_output=True
    )
    path.write_text(path.read_text() + key.read_text())
    return path


def test_the_certificate_must_be_the_names(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is to a number, the certificate is of the name."""
    mirror = Mirror()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    mirror.socket = context.wrap_socket(
        mirror.socket, server_side=True, do_handshake_on_connect=False
    )
    mirror("/a", good(b"photo"))
    origins = [f"https://{host}.example:{mirror.server_port}" for host in ("photos", "other")]
    names = Names(photos_example="127.0.0.1", other_example="127.0.0.1")
    with serving(mirror):
        with pytest.raises(ImageError, match=r"self.signed"):
            fetch(f"{origins[0]}/a", trusted=origins, resolve=names)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetch(f"{origins[0]}/a", trusted=origins, resolve=names) == b"photo"
        with pytest.raises(ImageError, match=r"not valid for 'other\.example'"):
            fetch(f"{origins[1]}/a", trusted=origins, resolve=names)
