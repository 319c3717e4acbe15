"""The page of `figureground serve` in a real browser: Debian's chromium, headless, driven by Playwright.

With FIGUREGROUND_SCREENSHOTS=FOLDER it leaves pictures of what it saw there.
"""

import io
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground.runtime.alpha import AlphaPredictor
from gallery_model import draw_crops, write_model

playwright = pytest.importorskip("playwright.sync_api")
for module in ("httpx", "uvicorn", "fastapi", "python_multipart"):
    pytest.importorskip(module)
cutout = partial(fg.cutout, model="pp-humanseg-lite")  # which the servers here offer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no chromium here", allow_module_level=True)

from figureground.serve.jobs import Jobs  # noqa: E402
from figureground.serve.models import Models  # noqa: E402
from serving import serving  # noqa: E402

SCREENSHOTS = os.environ.get("FIGUREGROUND_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Path:
    """A photo, another, a text, crops of four persons, and a gallery of them all but one crop."""
    folder = tmp_path_factory.mktemp("page")
    Image.fromarray(photo).resize((200, 200)).save(folder / "astronaut.png")
    Image.fromarray(photo[:, ::-1]).resize((120, 160)).save(folder / "other.jpg")
    Image.new("RGB", (50, 50), (10, 200, 30)).save(folder / "green.png")
    (folder / "notes.txt").write_text("no photo")
    card = write_model(folder)
    crops = draw_crops(folder / "crops", persons=4, cameras=2)
    with fg.Gallery(folder / "people.gallery", model=str(card)) as gallery:
        gallery.add(crops[1:], camera="door")
        gallery.add(crops[1:2], camera="door", person="Ada")
    return folder


@pytest.fixture(scope="module")
def address(files: Path) -> Iterator[str]:
    jobs = files / "jobs"
    jobs.mkdir()
    with serving(
        Models(["pp-humanseg-lite"]),
        workers=2,
        gallery=str(files / "people.gallery"),
        jobs=Jobs(jobs, places=2, max_bytes=1_000_000, timeout=60, keep=60),
    ) as client:
        yield str(client.base_url)


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert not wrong
    assert all(url.startswith((address, "blob:")) for url in asked)


def keep(page: Any, name: str) -> None:
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


def until(page: Any, condition: str) -> None:
    """Playwright's own wait for conditions needs eval, which the page forbids."""
    for _ in range(400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never {condition}")


def status(page: Any, text: str) -> None:
    playwright.expect(page.locator("#status")).to_have_text(text, timeout=20_000)


def downloaded(page: Any) -> tuple[str, np.ndarray]:
    with page.expect_download() as waiting:
        page.click("#download")
    path = waiting.value.path()
    return waiting.value.suggested_filename, np.asarray(Image.open(io.BytesIO(path.read_bytes())))


def test_upload_slider_background_download(page: Any, files: Path) -> None:
    page.set_input_files("#files", files / "astronaut.png")
    status(page, "Done.")
    assert page.is_visible("#view")
    page.focus("#slider")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("getComputedStyle(document.getElementById('before')).clipPath") == (
        "inset(0px 40% 0px 0px)"
    )
    keep(page, "photo")
    name, pixels = downloaded(page)
    assert name == "astronaut-cutout.png"
    np.testing.assert_array_equal(pixels, cutout(files / "astronaut.png"))
    page.fill("#colour", "#00ff00")
    page.dispatch_event("#colour", "change")
    assert page.is_checked("input[value=colour]")
    status(page, "Done.")
    keep(page, "colour")
    np.testing.assert_array_equal(
        downloaded(page)[1], cutout(files / "astronaut.png", background="#00ff00")
    )
    page.set_input_files("#picture", files / "green.png")
    page.select_option("#edges", "fast")
    status(page, "Done.")
    ours = cutout(files / "astronaut.png", background=files / "green.png", edges="fast")
    np.testing.assert_array_equal(downloaded(page)[1], ours)


def test_several_and_one_that_is_no_photo(page: Any, files: Path) -> None:
    names = ["notes.txt", "astronaut.png", "other.jpg"]
    page.set_input_files("#files", [files / name for name in names])
    page.wait_for_selector("#progress", state="visible")
    status(page, "2 of 3 done.")
    assert page.is_hidden("#progress")
    row = page.text_content("#list li:first-child")
    assert row.startswith("notes.txt: ")
    assert "not an image" in row
    page.click("#list li:first-child button")
    assert "not an image" in page.text_content("#error")
    assert page.is_hidden("#view")
    keep(page, "error")
    page.focus("#list li:nth-child(3) button")
    page.keyboard.press("Enter")
    assert page.text_content("#name") == "other-cutout.png"
    assert page.text_content("#error") == ""


@pytest.mark.long
def test_pasted_and_dropped(page: Any, files: Path) -> None:
    content = list((files / "astronaut.png").read_bytes())
    page.evaluate(
        """([content, kinds]) => {
            for (const kind of kinds) {
                const files = new DataTransfer();
                files.items.add(new File([new Uint8Array(content)], kind + ".png", {type: "image/png"}));
                const about = {dataTransfer: files, clipboardData: files, bubbles: true, cancelable: true};
                dispatchEvent(new (kind === "paste" ? ClipboardEvent : DragEvent)(kind, about));
            }
        }""",
        [content, ["paste", "drop"]],
    )
    page.wait_for_selector("#list li:nth-child(2) span:text('drop.png: done')")
    assert page.text_content("#list li:nth-child(1) span") == "paste.png: done"


def test_search(page: Any, files: Path) -> None:
    page.click("#to-search")
    assert page.is_hidden("#cut")
    assert page.text_content("#people") == "7"
    page.set_input_files("#query", files / "crops" / "0001_c1s1_000001_00.png")
    page.wait_for_selector("#matches li")
    first = page.locator("#matches li").first
    assert "person Ada" in first.text_content()
    assert "camera door" in first.text_content()
    assert page.evaluate("document.querySelector('#matches img').naturalWidth") > 0
    assert page.locator("#matches li").count() == 7
    page.fill("#top", "2")
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#matches li').length == 2")
    keep(page, "search")
    page.set_input_files("#query", files / "notes.txt")
    until(page, "document.getElementById('search-error').textContent")
    assert "notes.txt: " in page.text_content("#search-error")
    assert page.locator("#matches li").count() == 0
    page.go_back()
    page.wait_for_selector("#cut", state="visible")


@pytest.mark.long
def test_video(page: Any, files: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(files / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 160, "yuv420p"
        picture = np.asarray(Image.open(files / "astronaut.png").resize((160, 160)))
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    page.check("input[value=blur]")
    page.set_input_files("#files", files / "clip.mp4")
    page.wait_for_selector("#list li progress", state="visible")
    page.wait_for_selector("#list span:text('clip.mp4: done')")
    until(page, "document.getElementById('film').videoWidth == 160")
    keep(page, "video")
    with page.expect_download() as waiting:
        page.click("#download")
    assert waiting.value.suggested_filename == "clip-cutout.mp4"
    with av.open(str(waiting.value.path())) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10
    page.click("#again")
    page.click("#list .stop")
    page.wait_for_selector("#list span:text('clip.mp4: stopped')")
    page.wait_for_timeout(300)
    assert list((files / "jobs").iterdir()) == []


@pytest.mark.long
def test_phone_width_and_dark(browser: Any, address: str, files: Path) -> None:
    for scheme, width in (("dark", 1000), ("light", 360), ("dark", 360)):
        context = browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
        page = context.new_page()
        page.goto(address)
        page.set_input_files("#files", [files / "astronaut.png", files / "notes.txt"])
        status(page, "1 of 2 done.")
        keep(page, f"{scheme}-{width}")
        for where in ("#search", "/docs"):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.goto(address + where)
            page.wait_for_load_state("networkidle")
            keep(page, f"{scheme}-{width}-{where.strip('#/')}")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, dark[4:-1].split(","))) < 200) == (scheme == "dark")
        context.close()


@pytest.mark.long
def test_key_is_asked_for(browser: Any, files: Path) -> None:
    with serving(keys=["secret"]) as client:
        page = browser.new_page()
        page.goto(str(client.base_url))
        page.wait_for_selector("#key", state="visible")
        assert "key is missing" in page.text_content("#error")
        assert page.is_hidden("#to-search")
        page.fill("#key", "secret")
        page.keyboard.press("Tab")
        until(page, "document.getElementById('error').textContent == ''")
        page.set_input_files("#files", files / "astronaut.png")
        status(page, "Done.")
        assert page.is_visible("#view")
        page.close()


@pytest.mark.long
def test_busy_server_is_asked_again(
    browser: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, real = threading.Event(), AlphaPredictor.of

    def of(self: AlphaPredictor, photo: Any) -> np.ndarray:
        go.wait(10)
        return real(self, photo)

    monkeypatch.setattr(AlphaPredictor, "of", of)
    content = (files / "astronaut.png").read_bytes()
    with serving(queue=0) as client:
        other = threading.Thread(
            target=client.post, args=("/v1/mask",), kwargs={"content": content}
        )
        other.start()
        page = browser.new_page()
        page.goto(str(client.base_url))
        with page.expect_response(lambda answer: answer.status == 429):
            page.set_input_files("#files", files / "astronaut.png")
        go.set()
        status(page, "Done.")
        assert page.is_visible("#view")
        page.close()
        other.join()
