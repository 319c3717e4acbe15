"""Pulling over https from a server whose certificate is its own."""

import hashlib
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from figureground.errors import PullError
from figureground.hub.pull import pull
from mirror import Mirror, good, redirect, serving

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key in one file."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    key = path.with_suffix(".key")
    command = "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2"
    options = ["-subj", "/CN=mirror", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command.split(), *options, "-keyout", key, "-out", path], check=True, capture_output=True
    )
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def mirror(certificate: Path) -> Iterator[Mirror]:
    secure = Mirror()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    secure.scheme = "https"
    with serving(secure) as running:
        yield running


def test_an_unknown_certificate_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(PullError, match=r"not trusted \(self.signed certificate\).*SSL_CERT_FILE"):
        pull([mirror("/a", good(CONTENT))], tmp_path / "a", sha256=SHA256)
    assert mirror.asked == []
    assert not (tmp_path / "a").exists()


def test_https_stays_https(
    mirror: Mirror, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    target = pull([mirror("/a", good(CONTENT))], tmp_path / "a", md5=MD5)
    assert target.read_bytes() == CONTENT
    with serving(Mirror()) as open_to_all:
        down = mirror("/down", redirect(open_to_all("/a", good(CONTENT))))
        with pytest.raises(PullError, match="expected https://, or a sha256"):
            pull([down], tmp_path / "b", md5=MD5)
        assert open_to_all.asked == []
        assert pull([down], tmp_path / "b", sha256=SHA256).read_bytes() == CONTENT
