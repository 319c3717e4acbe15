"""`figureground serve`: a real server on loopback, asked as clients ask, and as attackers do."""

import io
import json
import logging
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground.cli import main
from figureground.errors import CardError, FiguregroundError, GalleryError
from figureground.imaging.url import fetch
from figureground.runtime.alpha import AlphaPredictor
from gallery_model import draw_crops, write_model

httpx = pytest.importorskip("httpx")
for module in ("uvicorn", "fastapi", "python_multipart"):
    pytest.importorskip(module)

from figureground.serve.app import PAGE, create  # noqa: E402
from figureground.serve.models import Models  # noqa: E402
from figureground.serve.rate import Rate  # noqa: E402
from serving import serving  # noqa: E402

cutout = partial(fg.cutout, model="pp-humanseg-lite")  # which the servers here offer


@pytest.fixture(scope="module")
def photo_bytes(photo: np.ndarray) -> bytes:
    """Small, and exact."""
    buffer = io.BytesIO()
    Image.fromarray(photo).resize((160, 160)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def labels_card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mean colour of red, green and blue as three classes' logits."""
    import onnx
    from onnx import TensorProto, helper

    from figureground.hub.card import Card, File, front_matter
    from figureground.hub.digest import sha256
    from figureground.runtime.prepare import Input

    folder = tmp_path_factory.mktemp("labels")
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"])
        for name in ("image", "logits")
    ]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["logits"])], "one", sides[:1], sides[1:]
    )
    file = folder / "rgb.onnx"
    opset = helper.make_opsetid("", 20)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), file)
    files = (File(file.name, sha256(file)),)
    classes, path = ("red", "green", "blue"), folder / "rgb.md"
    spec = Input(64, 64, "pad")
    card = Card(
        "rgb", "semantic-segmentation", {"name": "one"}, spec, "class-logits", files, path, classes
    )
    path.write_text(f"---\n{front_matter(card)}---\n\nA test.\n")
    return path


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, labels_card: Path) -> Iterator[Any]:
    """All endpoints, limits that a test can reach."""
    folder = tmp_path_factory.mktemp("served")
    card = write_model(folder)
    crops = draw_crops(folder / "crops", persons=4, cameras=2)
    with fg.Gallery(folder / "people.gallery", model=str(card)) as gallery:
        gallery.add(crops[::2], camera="door")
    models = Models(["pp-humanseg-lite", str(card), str(labels_card)])
    with serving(
        models,
        gallery=str(folder / "people.gallery"),
        gallery_write=True,
        max_bytes=1_000_000,
        max_pixels=1_000_000,
    ) as opened:
        opened.crops = crops
        yield opened


def pixels(response: Any) -> np.ndarray:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def test_cutout_is_that_of_the_library(client: Any, photo_bytes: bytes) -> None:
    ours = cutout(photo_bytes)
    form = client.post("/v1/cutout", files={"file": photo_bytes})
    assert form.headers["content-type"] == "image/png"
    assert 0.05 < float(form.headers["x-people"]) < 0.95
    np.testing.assert_array_equal(pixels(form), ours)
    np.testing.assert_array_equal(pixels(client.post("/v1/cutout", content=photo_bytes)), ours)
    removed = client.post("/api/remove", files={"file": ("a.png", photo_bytes, "image/png")})
    np.testing.assert_array_equal(pixels(removed), ours)
    mask = pixels(client.post("/v1/mask", content=photo_bytes))
    trimap = pixels(client.post("/v1/mask?trimap=4&edges=fast", content=photo_bytes))
    assert set(np.unique(trimap)) == {0, 128, 255}
    long = client.post("/v1/cutout", files={"file": photo_bytes}, data={"background": 1500 * "x"})
    assert (long.status_code, long.json()["error"]) == (422, "an option is longer than 1000 bytes")
    np.testing.assert_array_equal(mask, ours[:, :, 3])
    matting = {"a": "true", "af": "240", "ab": "10", "ae": "10", "ppm": "true", "dc": "false"}
    same = client.post("/api/remove", files={"file": photo_bytes}, data={"om": "true", **matting})
    np.testing.assert_array_equal(pixels(same), mask)
    same = client.post("/v1/cutout?mask=1", content=photo_bytes)
    np.testing.assert_array_equal(pixels(same), mask)


def test_options_are_those_of_the_command_line(
    client: Any, photo_bytes: bytes, tmp_path: Path
) -> None:
    picture = tmp_path / "behind.png"
    Image.new("RGB", (30, 20), (10, 200, 30)).save(picture)
    for options in (
        {"background": "blur", "edges": "fast"},
        {"background": "#00ff00", "no_foreground": "true"},
        {"background": "white", "flip": "true"},
    ):
        answer = pixels(client.post("/v1/cutout", content=photo_bytes, params=options))
        ours = cutout(
            photo_bytes,
            background=options["background"],
            edges=options.get("edges", "fine"),
            flip="flip" in options,
            foreground="no_foreground" not in options,
        )
        np.testing.assert_array_equal(answer, ours)
    files = {"file": photo_bytes, "background": picture.read_bytes()}
    answer = pixels(client.post("/v1/cutout", files=files))
    np.testing.assert_array_equal(answer, cutout(photo_bytes, background=picture))
    form = {"bgc": "0,255,0,255"}
    answer = pixels(client.post("/api/remove", files={"file": photo_bytes}, data=form))
    np.testing.assert_array_equal(answer, cutout(photo_bytes, background="#00ff00"))
    for format in ("webp", "jpeg", "avif"):
        data = {"format": format, "background": "white", "quality": "50"}
        answer = client.post("/v1/cutout", files={"file": photo_bytes}, data=data)
        assert Image.open(io.BytesIO(answer.content)).format == format.upper()


def test_one_of_two_is_kept(client: Any, photo: np.ndarray) -> None:
    both = np.full((200, 400, 3), 200, np.uint8)
    both[:, :200] = np.asarray(Image.fromarray(photo).resize((200, 200)))
    both[100:, 300:] = np.asarray(Image.fromarray(photo).resize((100, 100)))
    buffer = io.BytesIO()
    Image.fromarray(both).save(buffer, "PNG")
    answer = pixels(client.post("/v1/cutout?keep=largest", content=buffer.getvalue()))
    np.testing.assert_array_equal(answer, cutout(both, keep="largest"))


def test_parse_embed_search(client: Any) -> None:
    crop = client.crops[3].read_bytes()
    shares = client.post("/v1/parse?json=true", content=crop).json()
    assert shares["model"] == "rgb"
    assert sum(shares["classes"].values()) == pytest.approx(1, abs=1e-3)
    labels = pixels(client.post("/v1/parse", files={"file": crop}, data={"labels": "1"}))
    assert set(np.unique(labels)) <= {0, 1, 2}
    assert pixels(client.post("/v1/parse", content=crop)).shape == (*labels.shape, 3)
    embedding = client.post("/v1/embed", content=crop).json()["embedding"]
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    found = client.post("/v1/search?top=2", content=crop).json()
    assert found["matches"][0]["image"] == client.crops[2].name
    assert found["matches"][0]["camera"] == "door"
    assert not client.post("/v1/search?camera=none", content=crop).json()["matches"]
    wrong = client.post("/v1/search?since=yesterday", content=crop)
    assert wrong.status_code == 422
    assert "is no time" in wrong.json()["error"]


def test_what_it_says_of_itself(client: Any, photo_bytes: bytes) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    names = [model["name"] for model in client.get("/v1/models").json()]
    assert names == ["pp-humanseg-lite", "colours", "rgb"]
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/cutout", "/v1/mask", "/v1/parse", "/v1/embed", "/v1/search"} <= set(paths)
    form = paths["/v1/cutout"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"file", "background", "edges", "format"} <= set(form["schema"]["properties"])
    client.post("/v1/cutout", content=photo_bytes)
    client.get("/endless/1")
    text = client.get("/metrics").text
    assert 'figureground_requests_total{path="/v1/cutout",status="200"}' in text
    assert "endless" not in text
    assert "figureground_places_taken 0\n" in text


def test_page_asks_no_other_address(client: Any) -> None:
    names = [f"/{file.name}" for file in PAGE.iterdir() if file.suffix != ".html"]
    assert "/page.js" in names
    for path in ("/", "/docs", *names):
        answer = client.get(path)
        assert answer.status_code == 200
        text = answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("// ", ""), path
        assert "style=" not in text
        assert "onclick" not in text
    assert "default-src 'self'" in client.get("/").headers["content-security-policy"]
    for path in ("/redoc", "/page/../app.py", "/../pyproject.toml", "/%2e%2e/app.py"):
        assert client.get(path).status_code == 404


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def bomb(side: int) -> bytes:
    """A PNG of side² black pixels, as far as its header goes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def test_wrong_requests_are_said(client: Any, photo_bytes: bytes) -> None:
    for content, word in (
        (b"hello, this is no photo", "not an image"),
        (photo_bytes[: len(photo_bytes) // 2], "cut short"),
        (bomb(30_000), "more than the limit"),
        (bomb(900), "cut short"),
        (b"", "no file"),
    ):
        answer = client.post("/v1/cutout", content=content)
        assert answer.status_code == 422, word
        assert word in answer.json()["error"]
        assert "Traceback" not in answer.text
    for options, word in (
        ({"model": "../../etc/passwd"}, "not one of"),
        ({"model": "/etc/passwd.onnx"}, "not one of"),
        ({"model": "rembg/u2net"}, "not one of"),
        ({"model": "colours"}, "not one of pp-humanseg-lite"),
        ({"background": "/etc/passwd"}, "none of"),
        ({"background": "page.svg"}, "none of"),
        ({"background": "rgb(300,0,0)"}, "above 255"),
        ({"format": "jpeg"}, "transparency"),
        ({"format": "exe"}, "format is 'exe'"),
        ({"quality": "0"}, "quality is '0'"),
        ({"colour": "red"}, "no option 'colour'"),
    ):
        answer = client.post("/v1/cutout", files={"file": photo_bytes}, data=options)
        assert answer.status_code == 422
        assert word in answer.json()["error"], options
    for files in ({"image": photo_bytes}, {"background": photo_bytes}):
        answer = client.post("/v1/cutout", files=files)
        assert answer.status_code == 422
        assert "`file`" in answer.json()["error"]
    assert client.post("/v1/embed?model=rgb", content=photo_bytes).status_code == 422
    assert client.get("/v1/cutout").status_code == 405
    assert "error" in client.get("/nothing").json()


def test_large_bodies_are_not_read(client: Any) -> None:
    stated = client.post("/v1/cutout", content=bytes(1_000_001))
    assert stated.status_code == 413
    assert "1,000,000 bytes" in stated.json()["error"]
    streamed = client.post("/v1/cutout", content=(bytes(100_000) for _ in range(20)))
    assert streamed.status_code == 413


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 200), pytest.param(1, 1000, marks=pytest.mark.long)]
)
def test_hostile_bodies_make_no_500(client: Any, photo_bytes: bytes, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    form = client.build_request("POST", "/", files={"file": photo_bytes}, data={"edges": "fast"})
    kind = form.headers["content-type"]
    bodies = [photo_bytes, form.read(), bomb(900), b"GIF89a" + bytes(40), b"II*\0" + bytes(40)]
    names = ("cutout", "mask", "parse", "embed", "search", "gallery")
    paths = [*(f"/v1/{name}" for name in names), "/api/remove"]
    types = [kind, "image/png", "multipart/form-data", "multipart/form-data; boundary=\xe9", "a"]
    statuses = set()
    for number in range(count):
        body = bytearray(bodies[number % len(bodies)])
        for _ in range(rng.integers(1, 30)):
            at = int(rng.integers(0, min(len(body), 400 if number % 2 else len(body))))
            body[at] = int(rng.integers(0, 256))
        body = body[: int(rng.integers(1, len(body) + 1))] if number % 3 == 0 else body
        header = types[0] if number % len(bodies) == 1 else types[int(rng.integers(0, 5))]
        answer = client.post(
            paths[number % len(paths)],
            content=bytes(body),
            headers={b"content-type": header.encode("latin-1")},
        )
        statuses.add(answer.status_code)
        assert answer.status_code in (200, 413, 422), (number, answer.text)
        if answer.status_code != 200:
            assert set(answer.json()) == {"error"}
    assert 422 in statuses


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Predictions wait for this event."""
    go = threading.Event()
    real = AlphaPredictor.of

    def of(self: AlphaPredictor, photo: Any) -> np.ndarray:
        go.wait(10)
        return real(self, photo)

    monkeypatch.setattr(AlphaPredictor, "of", of)
    return go


def gauge(client: Any, name: str) -> int:
    lines = client.get("/metrics").text.splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def until(client: Any, name: str, value: int) -> None:
    for _ in range(200):
        if gauge(client, name) == value:
            return
        time.sleep(0.02)
    pytest.fail(f"{name} is not {value}")


def test_full_line_refuses_and_recovers(slow: threading.Event, photo_bytes: bytes) -> None:
    with serving(queue=1) as client, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(client.post, "/v1/mask", content=photo_bytes) for _ in range(2)]
        until(client, "figureground_places_taken", 2)
        refused = client.post("/v1/mask", content=photo_bytes)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "busy" in refused.json()["error"]
        assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200
        slow.set()
        assert [answer.result().status_code for answer in asked] == [200, 200]
        until(client, "figureground_places_taken", 0)
        assert client.post("/v1/mask", content=photo_bytes).status_code == 200


def test_timeout_keeps_its_place_until_the_thread_is_free(
    slow: threading.Event, photo_bytes: bytes
) -> None:
    with serving(timeout=0.2) as client:
        late = client.post("/v1/mask", content=photo_bytes)
        assert late.status_code == 503
        assert "0.2 s" in late.json()["error"]
        assert gauge(client, "figureground_places_taken") == 1
        slow.set()
        until(client, "figureground_places_taken", 0)


def test_a_client_that_leaves_is_not_worked_for(slow: threading.Event, photo_bytes: bytes) -> None:
    with serving() as client:
        for _ in range(2):  # the second waits, and is taken out of the line
            with pytest.raises(httpx.ReadTimeout):
                client.post("/v1/mask", content=photo_bytes, timeout=0.2)
        until(client, "figureground_places_taken", 1)
        slow.set()
        until(client, "figureground_places_taken", 0)
        assert 'path="/v1/mask",status="499"} 2' in client.get("/metrics").text


def test_stop_finishes_what_was_begun(slow: threading.Event, photo_bytes: bytes) -> None:
    with serving() as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/v1/mask", content=photo_bytes)
        until(client, "figureground_running", 1)
        client.server.should_exit = True
        time.sleep(0.2)
        slow.set()
        assert asked.result().status_code == 200
        client.thread.join(5)
        assert not client.thread.is_alive()


def test_key(photo_bytes: bytes) -> None:
    with serving(keys=["first", "schlüssel"]) as client:
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Bearer"}):
            answer = client.post("/v1/mask", content=photo_bytes, headers=headers)
            assert answer.status_code == 401
            assert "key" in answer.json()["error"]
        assert client.get("/metrics").status_code == 401
        assert client.get("/health").status_code == client.get("/").status_code == 200
        for headers in ({"x-api-key": "first"}, {"authorization": "Bearer first"}):
            assert client.post("/v1/mask", content=photo_bytes, headers=headers).status_code == 200
        raw = {b"x-api-key": "schlüssel".encode()}
        assert client.get("/v1/models", headers=raw).status_code == 200


def test_rate_of_each_key(photo_bytes: bytes) -> None:
    with serving(keys=["first", "second"], rate=3) as client:

        def ask(key: str) -> Any:
            return client.post("/v1/mask", content=photo_bytes, headers={"x-api-key": key})

        assert [ask("first").status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = ask("first")
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert "more than 3 requests a minute" in refused.json()["error"]
        assert ask("second").status_code == 200
        assert ask("wrong").status_code == 401
        assert client.get("/v1/models", headers={"x-api-key": "first"}).status_code == 200
    with serving(rate=1) as client:
        statuses = [client.post("/v1/mask", content=photo_bytes).status_code for _ in range(2)]
        assert statuses == [200, 429]


def test_buckets_fill_again_and_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("figureground.serve.rate.time.monotonic", lambda: now)
    monkeypatch.setattr("figureground.serve.rate.MANY", 2)
    rate = Rate(6)
    assert [rate.wait("a") for _ in range(7)] == [0] * 6 + [10]
    now = 10.0
    assert [rate.wait("a"), rate.wait("a")] == [0, 10]
    for who in "bc":
        rate.wait(who)
    assert rate.wait("a") == 0  # forgotten, as the one who did not ask for longest


def test_photos_by_address(photo_bytes: bytes) -> None:
    class Photos(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path != "/elsewhere" else 302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(photo_bytes)))
            self.end_headers()
            self.wfile.write(photo_bytes)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Photos) as store:
        threading.Thread(target=store.serve_forever).start()
        origin = f"http://127.0.0.1:{store.server_port}"
        get = partial(fetch, trusted=[origin])
        with serving(fetch=get) as client, serving() as other:
            asked = {"url": f"{origin}/a.jpg"}
            answer = client.post("/v1/cutout", params=asked)
            np.testing.assert_array_equal(pixels(answer), cutout(photo_bytes))
            rembg = client.get("/api/remove", params=asked | {"om": "true", "model": ""})
            np.testing.assert_array_equal(pixels(rembg), cutout(photo_bytes)[:, :, 3])
            for url, word in (
                (f"{origin}/elsewhere", "https"),
                ("https://127.0.0.1/", "not public"),
                ("https://[::ffff:169.254.169.254]/", "not public"),
                ("https://10.1.2.3/", "not public"),
                ("file:///etc/passwd", "https"),
                ("gopher://x/", "https"),
                ("", ""),
            ):
                answer = client.post("/v1/cutout", params={"url": url})
                assert answer.status_code == 422, url
                assert word in answer.json()["error"]
                assert "10.1.2.3" not in answer.json()["error"]
            both = client.post("/v1/cutout", params=asked, content=photo_bytes)
            assert "expected one" in both.json()["error"]
            off = other.post("/v1/cutout", params=asked)
            assert off.status_code == 422
            assert "gets no photos from addresses" in off.json()["error"]
            assert other.get("/api/remove", params=asked).status_code == 405
        store.shutdown()


def test_headers_and_log(client: Any, photo_bytes: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "figureground.serve"):
        answer = client.post(
            "/v1/mask?edges=fast", content=photo_bytes, headers={"x-request-id": "mine-1"}
        )
        strange = client.get("/health", headers={"x-request-id": 'a" {}'})
    assert answer.headers["x-request-id"] == "mine-1"
    assert len(strange.headers["x-request-id"]) == 32
    for name in ("x-content-type-options", "referrer-policy", "content-security-policy"):
        assert name in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers or answer.headers["server"] == "uvicorn"
    line = json.loads(caplog.records[0].getMessage())
    assert (line["id"], line["path"], line["status"]) == ("mine-1", "/v1/mask", 200)
    assert "edges" not in caplog.text
    other = client.post("/v1/mask", content=photo_bytes, headers={"sec-fetch-site": "cross-site"})
    assert other.status_code == 403
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = client.options("/v1/mask", headers=headers)
    assert preflight.status_code == 403
    own = str(client.base_url).rstrip("/")
    for origin, status in (("https://evil.example", 403), ("http://[", 403), (own, 200)):
        asked = client.post("/v1/mask", content=photo_bytes, headers={"origin": origin})
        assert asked.status_code == status
    assert "access-control-allow-origin" not in preflight.headers


def test_other_names_lead_nowhere() -> None:
    with serving(hosts=["127.0.0.1", "::1", "photos.example"]) as client:
        for host, status in (
            ("photos.example:80", 200),
            ("[::1]:8000", 200),
            ("evil.example", 421),
            ("127.0.0.1.evil.example", 421),
            ("[", 421),
        ):
            assert client.get("/health", headers={"host": host}).status_code == status
        assert client.get("/v1/models").status_code == 200


def test_an_error_of_ours_shows_nothing(
    photo_bytes: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: AlphaPredictor, photo: Any) -> np.ndarray:
        raise RuntimeError("secret")

    monkeypatch.setattr(AlphaPredictor, "of", broken)
    with serving() as client:
        answer = client.post("/v1/mask", content=photo_bytes)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["error"]
    assert "secret" in caplog.text


def test_so_does_one_beyond_the_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Models) -> list[dict[str, Any]]:
        raise RuntimeError("secret")

    monkeypatch.setattr(Models, "list", broken)
    with serving() as client:
        answer = client.get("/v1/models", headers={"x-request-id": "mine-2"})
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] == "mine-2"
        assert "mine-2" in answer.json()["error"]
        assert 'path="/v1/models",status="500"' in client.get("/metrics").text
        assert client.head("/health").status_code == 200


def test_sessions_are_few_and_shared(photo_bytes: bytes, tmp_path: Path) -> None:
    from figureground.runtime.embedding import EmbeddingPredictor

    models = Models(["pp-humanseg-lite", str(write_model(tmp_path))], sessions=1)
    fine = models.predictor(AlphaPredictor)
    fast = models.predictor(AlphaPredictor, edges="fast")
    assert fine.session is fast.session
    assert models.predictor(AlphaPredictor, flip=True).session.session is fine.session
    models.predictor(EmbeddingPredictor)
    assert [model["loaded"] for model in models.list()] == [False, True]
    assert models.predictor(AlphaPredictor).session is not fine.session


def test_what_is_not_here_is_not_offered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert next(iter(Models().cards)) == "pp-humanseg-lite"
    with pytest.raises(CardError, match="models pull rembg/u2net"):
        Models(["rembg/u2net"])
    with pytest.raises(FiguregroundError, match="workers is 0"):
        create(Models(["pp-humanseg-lite"]), workers=0)
    assert main(["serve", "--api-key-file", str(tmp_path / "none")]) == 1
    assert "cannot read the keys" in capsys.readouterr().err
    (tmp_path / "empty").write_text("\n")
    assert main(["serve", "--api-key-file", str(tmp_path / "empty")]) == 1
    assert "no key" in capsys.readouterr().err
    with pytest.raises(GalleryError, match="no gallery"):
        create(Models(["pp-humanseg-lite"]), gallery=str(tmp_path / "none"))
    for wrong in (["--port", "99999"], ["--gallery-write"], ["--host", "192.0.2.1"]):
        assert main(["serve", *wrong]) == 1
    assert "cannot listen at 192.0.2.1" in capsys.readouterr().err
