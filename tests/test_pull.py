"""Pulled files are the right ones or none, whatever the servers do."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from figureground.errors import CardError, PullError
from figureground.hub import download
from figureground.hub.pull import pull
from mirror import (
    Mirror,
    Request,
    cut,
    endless,
    good,
    in_turn,
    plain,
    redirect,
    serving,
    silent,
    status,
)

CONTENT = random.Random(0).randbytes(300_000)
WRONG = CONTENT[:-1] + b"?"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_surprises(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "FIGUREGROUND_OFFLINE":
            monkeypatch.delenv(name)
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving(Mirror()) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "home" / "a.onnx"


def part(target: Path) -> Path:
    return target.with_name("a.onnx.part")


def get(target: Path, *sources: str, **options: Any) -> None:
    """Pulls, expecting success."""
    assert pull(sources, target, **{"sha256": SHA256, "timeout": 5.0} | options) == target
    assert target.read_bytes() == CONTENT
    assert not part(target).exists()


def refused(target: Path, *sources: str, **options: Any) -> str:
    """Pulls, expecting failure; the message."""
    before = target.read_bytes() if target.exists() else None
    with pytest.raises(PullError) as error:
        pull(sources, target, **{"sha256": SHA256, "timeout": 5.0} | options)
    assert (target.read_bytes() if target.exists() else None) == before
    return str(error.value)


def test_good(mirror: Mirror, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    get(target, mirror("/a", good(CONTENT)), md5=MD5, progress=lambda *now: seen.append(now))
    assert seen == sorted(seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    headers = mirror.asked[0][1]
    assert headers["User-Agent"].startswith("figureground/")
    assert headers["Accept-Encoding"] == "identity"
    get(target, mirror("/a"))
    assert len(mirror.asked) == 1  # the second time there is nothing to ask


def test_md5_alone_is_enough_over_https_or_on_this_machine(mirror: Mirror, target: Path) -> None:
    get(target, mirror("/a", good(CONTENT)), sha256="", md5=MD5.upper())
    target.unlink()
    said = refused(target, "http://models.invalid/a", sha256="", md5=MD5)
    assert "expected https://, or a sha256" in said
    said = refused(target, mirror("/b", redirect("http://models.invalid/a")), sha256="", md5=MD5)
    assert "expected https://, or a sha256" in said
    assert "md5 " in refused(target, mirror("/a"), md5="0" * 32)


@pytest.mark.parametrize(
    ("hashes", "message"),
    [
        ({}, "neither sha256 nor md5"),
        ({"sha256": "abc"}, "'abc' is not 64 hexadecimal"),
        ({"md5": SHA256}, "is not 32 hexadecimal"),
    ],
)
def test_nothing_to_check_against(target: Path, hashes: dict[str, str], message: str) -> None:
    with pytest.raises(CardError, match=message):
        pull(["https://models.invalid/a"], target, **hashes)  # type: ignore[arg-type]


def test_a_lost_connection_is_continued(mirror: Mirror, target: Path) -> None:
    get(target, mirror("/a", cut(CONTENT, 200_000, good(CONTENT))))
    assert mirror.ranges() == [None, "bytes=200000-"]
    assert mirror.sent == len(CONTENT)


def test_any_cut(mirror: Mirror, target: Path) -> None:
    choose = random.Random(1)
    for turn in range(20):
        at = choose.choice([0, 1, len(CONTENT) - 1, choose.randrange(len(CONTENT))])
        get(target, mirror("/a", cut(CONTENT, at, good(CONTENT), reset=turn % 2 == 1)))
        target.unlink()


def test_cut_where_ranges_are_not_known(mirror: Mirror, target: Path) -> None:
    whole = plain(CONTENT, Content_Length=len(CONTENT))
    get(target, mirror("/a", cut(CONTENT, 200_000, whole)))
    assert mirror.ranges() == [None, "bytes=200000-"]


def test_a_later_call_and_the_next_mirror_continue(mirror: Mirror, target: Path) -> None:
    always = plain(CONTENT[:100_000], Content_Length=len(CONTENT))
    dying = mirror("/dying", in_turn(always, status(500)))
    assert "answered 500 Internal Server Error" in refused(target, dying)
    assert part(target).stat().st_size == 100_000
    get(target, mirror("/gone"), mirror("/a", good(CONTENT)))
    assert mirror.ranges()[-1] == "bytes=100000-"
    assert mirror.sent < 2 * len(CONTENT)


def test_cut_for_ever(mirror: Mirror, target: Path) -> None:
    said = refused(target, mirror("/a", plain(CONTENT[:9], Content_Length=len(CONTENT))))
    assert "ended after 9 of 300000 bytes" in said
    assert len(mirror.asked) == 3


def test_a_known_size_tells_a_cut_from_the_end(mirror: Mirror, target: Path) -> None:
    address = mirror("/a", in_turn(plain(CONTENT[:1000]), good(CONTENT)))
    get(target, address, size=len(CONTENT))
    assert mirror.ranges() == [None, "bytes=1000-"]


def test_a_part_of_something_else_is_thrown_away(mirror: Mirror, target: Path) -> None:
    part(target).parent.mkdir()
    for length in (10, len(CONTENT), len(CONTENT) + 1):
        part(target).write_bytes(bytes(length))
        get(target, mirror("/a", good(CONTENT)))
        target.unlink()
    part(target).write_bytes(CONTENT)  # all there, not yet in place
    asked = len(mirror.asked)
    get(target, mirror("/a"))
    assert len(mirror.asked) == asked


@pytest.mark.parametrize("span", ["bytes 5-299999/300000", "nonsense", "bytes " + "9" * 5000 + "-"])
def test_a_range_that_was_not_asked_for(mirror: Mirror, target: Path, span: str) -> None:
    wrong_range = plain(CONTENT[5:], code=206, Content_Range=span)
    then = in_turn(wrong_range, good(CONTENT))
    get(target, mirror("/a", cut(CONTENT, 200_000, then)))
    assert mirror.ranges() == [None, "bytes=200000-", None]
    target.unlink()
    assert "not the bytes that were asked for" in refused(target, mirror("/b", wrong_range))


def test_lengths_that_are_not_true(mirror: Mirror, target: Path) -> None:
    get(target, mirror("/long", plain(CONTENT, Content_Length=len(CONTENT) + 10)))
    target.unlink()
    said = refused(target, mirror("/short", plain(CONTENT, Content_Length=1000)))
    assert f"1000 bytes, has sha256 {hashlib.sha256(CONTENT[:1000]).hexdigest()}" in said
    assert not part(target).exists()
    for length in ("none", "-1", "9" * 5000):
        get(target, mirror("/odd", plain(CONTENT, Content_Length=length)))
        target.unlink()
    get(target, mirror("/longer", plain(CONTENT + b"more")), size=len(CONTENT))


def test_wrong_bytes(mirror: Mirror, target: Path) -> None:
    wrong = mirror("/wrong", good(WRONG))
    said = refused(target, wrong)
    assert hashlib.sha256(WRONG).hexdigest() in said
    assert len(mirror.asked) == 1
    assert not part(target).exists()
    get(target, wrong, mirror("/a", good(CONTENT)))


def test_a_wrong_file_stays_until_the_right_one_is_there(mirror: Mirror, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    refused(target, mirror("/gone"), mirror("/wrong", good(WRONG)))
    assert target.read_bytes() == b"old"
    get(target, mirror("/a", good(CONTENT)))


def test_redirects(mirror: Mirror, target: Path) -> None:
    mirror("/a", cut(CONTENT, 1000, good(CONTENT)))
    mirror("/absolute", redirect(mirror("/a")))
    get(target, mirror("/relative", redirect("absolute")))
    assert mirror.ranges()[-1] == "bytes=1000-"
    target.unlink()
    assert "redirects more than 10 times" in refused(target, mirror("/loop", redirect("/loop")))
    assert "answered 302 Found" in refused(target, mirror("/nowhere", status(302)))


@pytest.mark.parametrize("scheme", ["file", "ftp", "data", "FILE"])
def test_no_redirect_leaves_the_web(
    mirror: Mirror, target: Path, tmp_path: Path, scheme: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    said = refused(target, mirror("/a", redirect(f"{scheme}://{secret}")))
    assert f"redirects to '{scheme}://" in said
    assert not part(target).exists()
    assert "no address" in refused(target, mirror("/b", redirect("http://[")))


def test_busy_servers(mirror: Mirror, target: Path) -> None:
    start = time.monotonic()
    get(target, mirror("/a", in_turn(status(429, Retry_After=1), good(CONTENT))))
    assert time.monotonic() - start >= 1
    for after in (99999, "Wed, 21 Oct 2099 07:28:00 GMT"):
        target.unlink()
        asked = len(mirror.asked)
        get(target, mirror("/later", status(429, Retry_After=after)), mirror("/a"))
        assert len(mirror.asked) == asked + 2
    for after in ("Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-1"):
        target.unlink()
        get(target, mirror("/b", in_turn(status(503, Retry_After=after), good(CONTENT))))


def test_the_message_has_all_that_is_needed(mirror: Mirror, target: Path) -> None:
    addresses = {mirror(f"/{code}", status(code)): code for code in (403, 404, 500)}
    said = refused(target, *addresses)
    for address, code in addresses.items():
        assert f"{address}: answered {code} " in said
    assert [path for path, _ in mirror.asked] == ["/403", "/404", "/500", "/500", "/500"]
    for needed in (str(target), f"sha256 {SHA256}", "with a browser", "run again"):
        assert needed in said
    assert "no sources were given" in refused(target)


def test_silence_ends(mirror: Mirror, target: Path) -> None:
    said = refused(target, mirror("/a", silent), timeout=0.1)
    assert "no answer (timed out)" in said
    assert len(mirror.asked) == 3

    def halfway(request: Request) -> None:
        request.head(200, Content_Length=len(CONTENT))
        request.body(CONTENT[:1000])
        silent(request)

    said = refused(target, mirror("/b", halfway), timeout=0.1)
    assert "the connection broke (timed out)" in said
    assert part(target).read_bytes() == CONTENT[:1000]


def test_an_endless_body_is_stopped(
    mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "300000 bytes, has" in refused(target, mirror("/a", endless), size=len(CONTENT))
    monkeypatch.setattr(download, "LIMIT", 1_000_000)
    assert "1000000 bytes, has" in refused(target, mirror("/a"))


def test_no_server_and_no_address(target: Path) -> None:
    with serving(Mirror()) as closed:
        address = closed("/a")
    assert "no answer (Connection refused)" in refused(target, address)
    for odd in ("http://127.0.0.1:x/", "http://[", "https://", "file://[", "", "\0"):
        refused(target, odd)
    assert "ftp:// is not known; expected https://" in refused(target, "ftp://127.0.0.1/a")


def test_what_is_not_http(mirror: Mirror, target: Path) -> None:
    def noise(request: Request) -> None:
        request.wfile.write(b"\x00" * 1000)

    assert "no answer" in refused(target, mirror("/a", noise))
    chunked = {"Transfer_Encoding": "chunked"}
    get(target, mirror("/b", plain(b"493e0\r\n" + CONTENT + b"\r\n0\r\n\r\n", **chunked)))
    target.unlink()
    broken = plain(b"493e0\r\n" + CONTENT[:5000], **chunked)
    get(target, mirror("/c", in_turn(broken, good(CONTENT))))
    assert mirror.ranges()[-1] == "bytes=5000-"


@pytest.mark.parametrize("by_variable", [True, False])
def test_offline(
    mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    if by_variable:
        monkeypatch.setenv("FIGUREGROUND_OFFLINE", "1")
    address = mirror("/a", good(CONTENT))
    said = refused(target, address, offline=not by_variable)
    assert f"{address}: not asked, because figureground is offline" in said
    assert "with a browser" in said
    (target.parent / "copy").write_bytes(CONTENT)
    get(target, address, str(target.parent / "copy"), offline=not by_variable)
    get(target, address, offline=not by_variable)
    assert mirror.asked == []


def test_files_and_folders(target: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    assert "there is no file" in refused(target, str(folder), str(tmp_path / "none"))
    file = folder / target.name
    for source in (str(folder), str(file), file.as_uri(), folder.as_uri()):
        file.write_bytes(CONTENT)
        get(target, source)
        target.unlink()
        file.write_bytes(WRONG)
        part(target).write_bytes(CONTENT[:1000])
        assert f"{source}: has sha256" in refused(target, source)
        assert part(target).exists()  # a wrong copy costs no download
        part(target).unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_a_pipe_is_no_source(target: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "there is no file" in refused(target, str(tmp_path / "pipe"))


def test_a_folder_that_cannot_be_written(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    address = mirror("/a", good(CONTENT))
    assert "cannot write" in refused(tmp_path / "file" / "a.onnx", address)
    (tmp_path / "folder").mkdir()
    with pytest.raises(PullError, match=r"folder .*set FIGUREGROUND_HOME"):
        pull([address], tmp_path / "folder", sha256=SHA256)
    assert mirror.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of files")
def test_a_full_disk(mirror: Mirror, target: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        said = refused(target, mirror("/a", good(CONTENT)), mirror("/b", good(CONTENT)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in said
    assert len(mirror.asked) == 1  # another mirror makes no room
    get(target, mirror("/a"))
    assert mirror.ranges()[-1]


def test_ctrl_c_keeps_what_came(mirror: Mirror, target: Path) -> None:
    def stop(now: int, total: int | None) -> None:
        if now > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull([mirror("/a", good(CONTENT))], target, sha256=SHA256, progress=stop)
    kept = part(target).stat().st_size
    assert 100_000 < kept < len(CONTENT)
    get(target, mirror("/a"))
    assert mirror.ranges()[-1] == f"bytes={kept}-"


def run(target: Path, address: str) -> "subprocess.Popen[str]":
    code = f"""if True:
        from pathlib import Path
        from figureground.hub.pull import pull
        print("ready", flush=True)
        pull([{address!r}], Path({str(target)!r}), sha256={SHA256!r})
    """
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def gated(request: Request) -> None:
    """Half of it, and the rest once the test has opened the gate."""
    request.head(200, Content_Length=len(CONTENT))
    request.body(CONTENT[:150_000])
    request.server.gate.wait(20)
    request.body(CONTENT[150_000:])


def test_two_processes_download_once(mirror: Mirror, target: Path) -> None:
    address = mirror("/a", gated)
    processes = [run(target, address)]
    until(lambda: mirror.asked)
    processes.append(run(target, address))
    time.sleep(0.3)
    assert all(process.poll() is None for process in processes)
    mirror.gate.set()
    assert [process.wait(20) for process in processes] == [0, 0]
    assert len(mirror.asked) == 1
    assert target.read_bytes() == CONTENT


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_killed_process_leaves_no_lock(mirror: Mirror, target: Path) -> None:
    process = run(target, mirror("/a", gated))
    until(lambda: part(target).exists() and part(target).stat().st_size)
    process.send_signal(signal.SIGKILL)
    process.wait()
    get(target, mirror("/a", good(CONTENT)))
    assert mirror.ranges()[-1]


def test_proxy(mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", mirror(""))
    mirror.paths["http://models.invalid/a"] = good(CONTENT)  # a proxy is asked for whole addresses
    get(target, "http://models.invalid/a")
    target.unlink()
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    assert "socks5" in refused(target, "http://models.invalid/a")
