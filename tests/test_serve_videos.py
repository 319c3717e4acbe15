"""Videos over HTTP: submitted, looked after, fetched, cancelled, thrown away; hostile ones refused."""

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av")
httpx = pytest.importorskip("httpx")
for module in ("uvicorn", "fastapi", "python_multipart"):
    pytest.importorskip(module)

from figureground.errors import FiguregroundError  # noqa: E402
from figureground.serve.jobs import Jobs  # noqa: E402
from serving import serving  # noqa: E402


def clip(path: Path, frames: int, size: tuple[int, int] = (64, 48), noise: int = 1) -> bytes:
    """H.264 in MP4, 25 frames a second, of grey that changes."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            pixels = rng.integers(0, noise, (size[1], size[0], 3), np.uint8) + number % 99
            frame = av.VideoFrame.from_ndarray(pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def jobs(folder: Path, **options: Any) -> Jobs:
    folder.mkdir(exist_ok=True)
    usual = {"places": 2, "max_bytes": 1_000_000, "timeout": 60.0, "keep": 60.0}
    return Jobs(folder, **(usual | options))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return clip(tmp_path_factory.mktemp("clips") / "short.mp4", 5)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return clip(tmp_path_factory.mktemp("clips") / "long.mp4", 600, (160, 120))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    with serving(jobs=jobs(tmp_path / "jobs")) as opened:
        opened.folder = tmp_path / "jobs"
        yield opened


def ended(client: Any, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    for _ in range(600):
        report = client.get(answer.headers["location"]).json()
        if report["status"] in ("done", "failed"):
            return report
        time.sleep(0.1)
    pytest.fail(f"it is still {report}")


def test_submit_look_fetch_forget(client: Any, short: bytes, tmp_path: Path) -> None:
    data = {"background": "#00ff00", "edges": "fast", "format": "webm", "steady": "none"}
    asked = client.post("/v1/video", files={"file": ("../x.mp4", short)}, data=data)
    report = ended(client, asked)
    assert (report["status"], report["frames"], report["of"]) == ("done", 5, 5), report
    where = asked.headers["location"]
    answer = client.get(f"{where}/result")
    assert answer.headers["content-type"] == "video/webm"
    (tmp_path / "answer.webm").write_bytes(answer.content)
    with av.open(str(tmp_path / "answer.webm")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 5
    assert np.abs(frames[2][2, 2].astype(int) - (0, 255, 0)).max() < 40
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == client.get(f"{where}/result").status_code == 404
    assert list(client.folder.iterdir()) == []
    behind = {"file": short, "background": short}
    assert ended(client, client.post("/v1/video", files=behind))["status"] == "done"


def test_hostile_files_are_refused(client: Any, short: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(short)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n".encode()
    for files, word in (
        ({"file": playlist}, "no video of a kind"),
        ({"file": short, "background": playlist}, "no video of a kind"),
        ({"file": short[: len(short) // 3]}, "cannot be read"),
        ({"file": b"\0\0\0\x18ftypmp42" + bytes(200)}, "video"),
    ):
        report = ended(client, client.post("/v1/video", files=files))
        assert report["status"] == "failed"
        assert word in report["error"], report
        assert str(tmp_path) not in report["error"]
    for options, word in (
        ({"background": str(secret)}, "none of"),
        ({"background": "transparent"}, "holds no transparency"),
        ({"format": "exe"}, "format is 'exe'"),
        ({"model": "../x"}, "not one of"),
    ):
        answer = client.post("/v1/video", files={"file": short}, data=options)
        assert answer.status_code == 422
        assert word in answer.json()["error"]
    assert client.post("/v1/video", content=bytes(1_000_001)).status_code == 413
    assert client.post("/v1/video", content=b"").status_code == 422
    for id in ("none", "..", "%2e%2e%2fsecret.mp4"):
        assert client.get(f"/v1/video/{id}").status_code == 404
    assert len(list(client.folder.iterdir())) <= 2


def test_too_many_pixels(client: Any, short: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("figureground.serve.jobs.PIXELS", 64 * 48 - 1)
    report = ended(client, client.post("/v1/video", content=short))
    assert "64x48 pixels, more than the limit" in report["error"]


def test_cancelled_and_full(client: Any, long: bytes, short: bytes) -> None:
    first = client.post("/v1/video?edges=fast", content=long)
    second = client.post("/v1/video", content=short)
    refused = client.post("/v1/video", content=short)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    for _ in range(200):
        report = client.get(first.headers["location"]).json()
        if report["frames"]:
            break
        time.sleep(0.1)
    assert report["status"] == "running"
    assert 0 < report["frames"] < report["of"] == 600
    assert client.get(f"{first.headers['location']}/result").status_code == 409
    assert client.delete(first.headers["location"]).status_code == 204
    assert ended(client, second)["status"] == "done"
    assert client.get(f"{second.headers['location']}/result").status_code == 200
    third = client.post("/v1/video", content=b"no video")
    assert ended(client, third)["status"] == "failed"
    fourth = client.post("/v1/video", content=short)  # in the place of one that was fetched
    assert fourth.status_code == 202
    assert client.get(second.headers["location"]).status_code == 404


def test_time_is_limited(tmp_path: Path, long: bytes, short: bytes) -> None:
    with serving(jobs=jobs(tmp_path / "jobs", timeout=0.5)) as client:
        report = ended(client, client.post("/v1/video", content=long))
        assert "more than 0.5 s" in report["error"]
    with serving(jobs=jobs(tmp_path / "jobs", keep=0.3)) as client:
        asked = client.post("/v1/video", content=short)
        for _ in range(300):
            time.sleep(0.1)
            if client.get(asked.headers["location"]).status_code == 404:
                break
        assert client.get(asked.headers["location"]).status_code == 404
        assert list((tmp_path / "jobs").iterdir()) == []


def test_stop_gives_up_what_runs(tmp_path: Path, long: bytes) -> None:
    with serving(jobs=jobs(tmp_path / "jobs")) as client:
        client.post("/v1/video", content=long)
    assert list((tmp_path / "jobs").iterdir()) == []
    (tmp_path / "jobs" / "left over").mkdir()
    jobs(tmp_path / "jobs")
    assert list((tmp_path / "jobs").iterdir()) == []
    with pytest.raises(FiguregroundError, match="videos is 0"):
        jobs(tmp_path / "jobs", places=0)


def test_a_result_beyond_its_bytes_is_an_error(tmp_path: Path) -> None:
    short = clip(tmp_path / "noise.mp4", 5, noise=120)
    with serving(jobs=jobs(tmp_path / "jobs", max_bytes=len(short) + 500)) as client:
        options = "?edges=fast&steady=none&background=transparent&format=mov"
        report = ended(client, client.post(f"/v1/video{options}", content=short))
        assert report["status"] == "failed"
        assert "too large" in report["error"], report
