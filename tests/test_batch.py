"""Many photos as one job: which, where to, what is done, and what a crash leaves."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from figureground.batch import run as running
from figureground.batch.journal import NAME, Journal, state
from figureground.batch.run import run
from figureground.batch.sources import Sources
from figureground.batch.targets import Targets
from figureground.cli import main
from figureground.errors import ImageError
from figureground.imaging.write import write

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Makes files that hold their own names, in the working folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return tmp_path

    return make


class Copying:
    """A stub for what does one photo: copies it, fails for some; as `make` and as `do`."""

    def __init__(
        self, fails: str = "no such name", then: Callable[[], None] = lambda: None
    ) -> None:
        self.fails, self.then, self.done = fails, then, []

    def __call__(self, threads: int) -> Callable[[str, str], dict[str, Any]]:
        return self.do

    def do(self, source: str, target: str) -> dict[str, Any]:
        self.done.append(Path(source).name)
        self.then()
        if self.fails in source:
            raise ImageError(f"{source} fails")
        write(target, Path(source).read_bytes())
        return {"people": 1}


def job(inputs: list[str], output: str = "out/", make: Any = None, **options: Any) -> int:
    options = {"settings": {}, "describe": lambda line: "", **options}
    return run(make or Copying(), inputs, output, **options)


def results(folder: str = "out") -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in Path(folder).rglob("*")
        if path.is_file() and path.name != NAME
    }


def names(*inputs: str, **options: Any) -> list[str]:
    return [found.name for found in Sources(inputs, **options) if found.name]


def test_globs_are_a_shells(tree: Tree) -> None:
    tree(
        "p/a.jpg",
        "p/b.PNG",
        "p/.h.jpg",
        "p/x/a.jpg",
        "p/x/.y/b.jpg",
        "p/x/y/c.jpg",
        "p/n.txt",
        "q[1].jpg",
    )
    assert names("p/*.jpg") == ["a.jpg"]
    assert names("p/**/*.jpg") == ["a.jpg", "x/a.jpg", "x/y/c.jpg"]
    assert names("p/**") == ["a.jpg", "b.PNG", "x/a.jpg", "x/y/c.jpg"]
    assert names("p/*/?.jpg") == ["x/a.jpg"]
    assert names("*/x/[ab].jpg") == ["p/x/a.jpg"]
    assert names("q[1].jpg") == ["q[1].jpg"]
    [found] = Sources(["p/*.tif"])
    assert found.error == "there are no images that match p/*.tif"


@pytest.mark.parametrize("between", ["\n", "\r\n", "\0"])
def test_lists_keep_whole_paths(tree: Tree, between: str) -> None:
    root = tree("p/x/a.jpg", "p/y/a.jpg", "a b.jpg")
    listed = ["p/x/a.jpg", "p/./y/../y/a.jpg", str(root / "a b.jpg"), "../elsewhere/ü.jpg", ""]
    (root / "list").write_text(between.join(listed), encoding="utf-8-sig")
    assert names(listed="list") == [
        "p/x/a.jpg",
        "p/y/a.jpg",
        f"{root}/a b.jpg".lstrip("/"),
        f"{root.parent}/elsewhere/ü.jpg".lstrip("/"),
    ]
    command = [
        sys.executable,
        "-c",
        "from figureground.batch.sources import *\ns = Sources([], '-')",
    ]
    command[-1] += "\nassert len([*s]) == len([*s]) == 4"
    subprocess.run(command, input=(root / "list").read_bytes(), check=True)
    with pytest.raises(ImageError, match="cannot read the list 'nope'"):
        Sources([], "nope")
    with pytest.raises(ImageError, match="no photo is given"):
        Sources([])
    with pytest.raises(ImageError, match="cannot be a photo and a list"):
        Sources(["-"], "-")


def test_a_list_longer_than_a_block(tree: Tree) -> None:
    root = tree()
    listed = [f"p/{number:07}.jpg" for number in range(20_000)]
    (root / "list").write_text("\n".join(listed))
    assert names(listed="list") == listed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes")
def test_what_is_no_photo_is_said(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree("p/a.jpg", "p/n.txt", "p/._a.jpg", "p/locked/b.jpg")
    (root / "p" / "loop").symlink_to(root / "p")
    (root / "p" / "self.jpg").symlink_to("self.jpg")
    (root / "p" / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "p" / "pipe.jpg")
    found = {one.source: one.left or one.name for one in Sources(["p"])}
    assert found == {
        "p/._a.jpg": "no image by its suffix",
        "p/a.jpg": "a.jpg",
        "p/gone.jpg": "gone.jpg",
        "p/loop": "a link to a folder",
        "p/n.txt": "no image by its suffix",
        "p/pipe.jpg": "no file, but a pipe or a device",
        "p/self.jpg": "self.jpg",
        "p/locked/b.jpg": "locked/b.jpg",
    }
    assert main(["cutout", "p", "-o", "out", "--report", "r.jsonl"]) == 1
    lines = {
        line["input"]: line for line in map(json.loads, Path("r.jsonl").read_text().splitlines())
    }
    assert lines.keys() == found.keys()
    assert "there is no file p/gone.jpg" in lines["p/gone.jpg"]["error"]
    assert "cannot open 'p/self.jpg' (Too many levels" in lines["p/self.jpg"]["error"]
    assert lines["p/loop"] == {"input": "p/loop", "left": "a link to a folder"}
    said = capsys.readouterr().err
    assert "0 of 4 photos done, 4 failed, 2 left alone (no image by its suffix), such as p/" in said


def test_a_folder_that_cannot_be_opened(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree("p/a.jpg", "p/locked/b.jpg")
    scandir = os.scandir

    def locked(path: str) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)  # root may open them all
    assert job(["p"]) == 1
    assert results() == {"a.png": "p/a.jpg"}
    errors = [found.error for found in Sources(["p"]) if found.error]
    assert errors == ["cannot open the folder p/locked (Permission denied)"]


def targets(inputs: list[str], output: str, opaque: bool = False) -> dict[str, str]:
    sources = Sources(inputs)
    where = Targets(sources, output, opaque)
    return {found.source: where.of(found) for found in sources if found.name}


def test_two_results_never_meet(tree: Tree) -> None:
    tree("p/a.jpg", "p/a.png", "p/A.webp", "p/b.jpg", "p/x/a.jpg", "q/a.jpg")
    assert targets(["p"], "out") == {
        "p/A.webp": "out/A.webp.png",
        "p/a.jpg": "out/a.jpg.png",
        "p/a.png": "out/a.png",
        "p/b.jpg": "out/b.png",
        "p/x/a.jpg": "out/x/a.png",
    }
    assert targets(["p/a.jpg", "p/b.jpg"], "out", opaque=True)["p/a.jpg"] == "out/a.jpg"
    for inputs, output in (
        (["p", "q"], "out"),
        (["p"], "out/{stem}.png"),
    ):
        with pytest.raises(ImageError, match=r"would be written to out/[aA]\.(jpg\.)?png: p/"):
            Targets(Sources(inputs), output, False)
    for twice in (["p/a.jpg"] * 2, ["p/a.jpg", "./p/a.jpg"]):
        with pytest.raises(ImageError, match=r"a\.jpg is named twice"):
            Targets(Sources(twice), "out", False)
    tree("p/a.jpg.png")
    with pytest.raises(ImageError, match=r"out/a\.jpg\.png: p/a\.jpg, p/a\.jpg\.png"):
        Targets(Sources(["p"]), "out", False)


def test_templates(tree: Tree) -> None:
    tree("p/a.jpg", "p/x/y/b.tif")
    assert list(targets(["p"], "out/{parent}/{stem}-cut.png").values()) == [
        "out/a-cut.png",
        "out/x/y/b-cut.png",
    ]
    assert targets(["p/a.jpg"], "{name}.webp") == {"p/a.jpg": "a.jpg.webp"}
    assert targets(["p/a.jpg"], "o/{{{stem}}}.png") == {"p/a.jpg": "o/{a}.png"}
    assert targets(["p"], "o/{parent}/{stem}{suffix}", opaque=True)["p/a.jpg"] == "o/a.jpg"
    for template, said in (
        ("o/{nope}.png", r"has \{nope\}; expected \{parent\}, \{stem\}"),
        ("o/{stem.__class__}.png", "has {stem.__class__}"),
        ("o/{stem!r}.png", "expected"),
        ("o/{stem:>9999999999}.png", "expected"),
        ("o/{}.png", "expected"),
        ("o/{stem.png", "is no template"),
        ("o/{stem}", "suffix ''; expected one of"),
        ("o/{stem}.jpg", "cannot be transparent"),
    ):
        with pytest.raises(ImageError, match=said.replace("{stem.", r"\{stem.")):
            Targets(Sources(["p"]), template, False)


def test_outputs_that_cannot_be_meant(tree: Tree) -> None:
    tree("p/a.jpg", "p/b.jpg", "one.png")
    for inputs, output, said in (
        (["p"], "p", "is that of the photos"),
        (["p"], "p/", "is that of the photos"),
        (["p"], "p/{stem}-cut.png", "is that of the photos"),
        (["p"], "-", "do not fit standard output"),
        (["p"], "one.png", "need a folder as output"),
        (["nope*.jpg"], "out", "no images that match"),
        (["p"], "p/a.jpg/", "needs a folder; p/a.jpg is a file"),
        (["p/*"], "p/{stem}-cut.png", r"p/a-cut.png would be one of p/\* the next time"),
        (["p/*"], "p/", "the next time"),
        (["**"], "p", "the next time"),
    ):
        with pytest.raises(ImageError, match=said):
            Targets(Sources(inputs), output, False)
    assert targets(["p/*.jpg"], "p/")["p/a.jpg"] == "p/a.png"  # which is no .jpg
    with pytest.raises(ImageError, match="--resume is for many photos"):
        job(["p/a.jpg"], "a.png", resume=True)
    assert not Path("out").exists()


def test_resume_goes_by_bytes_and_settings(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree("p/a.jpg", "p/b.jpg", "p/x/c.jpg")

    def again(settings: Any = None, **options: Any) -> list[str]:
        make = Copying()
        assert job(["p"], make=make, settings=settings or {}, resume=True, **options) == 0
        return make.done

    assert again() == ["a.jpg", "b.jpg", "c.jpg"]
    assert again() == []
    assert "0 of 0 photos done, 3 were done before" in capsys.readouterr().err
    stat = os.stat("p/a.jpg")
    Path("p/a.jpg").write_text("P/a.jpg")  # as long as before
    os.utime("p/a.jpg", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert again() == ["a.jpg"]
    os.utime("p/a.jpg")
    assert again() == []
    assert again({"quality": 9}) == ["a.jpg", "b.jpg", "c.jpg"]
    assert again() == ["a.jpg", "b.jpg", "c.jpg"]  # what is there is of the other settings
    Path("out/a.png").unlink()
    Path("out/b.png").write_text("cut")
    assert again() == ["a.jpg", "b.jpg"]
    (root / "out").rename(root / "moved")
    assert job(["p"], "moved/", make=(make := Copying()), resume=True) == 0
    assert make.done == []


def test_a_journal_survives_being_cut(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    for number in range(3):
        journal.add(str(tmp_path / f"{number}.png"), f"{number:032}", 10)
    journal.close()
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-3])
    for _ in range(2):
        journal = Journal(str(tmp_path))
        journal.load()
        assert journal.recorded(str(tmp_path / "1.png")) == state(f"{1:032}", 10)
        assert journal.recorded(str(tmp_path / "2.png")) == 0
        assert journal.recorded(str(tmp_path / "nope.png")) == 0
        journal.add(str(tmp_path / "0.png"), f"{7:032}", 11)
        journal.close()
    journal.load()
    assert journal.recorded(str(tmp_path / "0.png")) == state(f"{7:032}", 11)


@pytest.mark.parametrize("workers", [1, 3])
def test_fail_fast(tree: Tree, workers: int, capsys: pytest.CaptureFixture[str]) -> None:
    tree(*(f"p/{number:03}.jpg" for number in range(200)))
    make = Copying(fails="005", then=lambda: time.sleep(0.001))
    assert job(["p"], make=make, workers=workers, fail_fast=True) == 1
    said = capsys.readouterr()
    assert "p/005.jpg fails" in said.err
    assert "stopped at the first that failed" in said.err
    assert len(make.done) <= 6 + 6 * workers
    assert said.out.count("\n") == len(results()) == len(make.done) - 1


def test_a_fault_in_one_photo_stops_no_others(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree("p/a.jpg", "p/b.jpg")

    def faulty() -> None:
        raise ZeroDivisionError("oh")

    assert job(["p"], make=Copying(then=faulty), json=True) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["error"] for line in lines] == [
        f"p/{name}.jpg met a fault of figureground (ZeroDivisionError: oh)" for name in "ab"
    ]


def test_jobs_are_taken_as_they_are_needed(tree: Tree) -> None:
    """Not a million at once: what is in the line is bounded by the workers."""
    taken, most = 0, 0

    def jobs() -> Any:
        nonlocal taken
        for number in range(500):
            taken += 1
            yield number

    lines = running.local(jobs(), lambda number: {"n": number}, 2, threading.Event())
    for done, line in enumerate(lines):
        assert line["n"] == done
        most = max(most, taken - done)
    assert done == 499
    assert most <= 2 * running.AHEAD + 1


def test_reports_are_gone_on_with(tree: Tree) -> None:
    tree("p/a.jpg", "p/b.jpg")
    assert job(["p"], report="r.jsonl") == 0
    assert job(["p"], report="r.jsonl") == 0
    assert len(Path("r.jsonl").read_text().splitlines()) == 2
    assert job(["p"], report="r.jsonl", resume=True) == 0
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [line.get("skipped") for line in lines] == [None, None, "done before", "done before"]
    assert lines[0].keys() >= {"input", "output", "seconds", "bytes", "fingerprint"}
    with pytest.raises(ImageError, match="cannot write the report nowhere/r"):
        job(["p"], report="nowhere/r.jsonl")


def test_what_comes_to_meet_another_in_a_watched_folder(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is said, and the others are done."""
    tree("p/A.jpg")
    looks = iter([lambda: None, lambda: tree("p/a.jpg", "p/b.jpg"), lambda: None, lambda: None])

    def pause(seconds: float) -> None:
        for act in looks:
            return act()
        raise KeyboardInterrupt

    monkeypatch.setattr(running.time, "sleep", pause)
    assert job(["p"], "out/{stem}.png", watch=True) == 1
    assert results() == {"A.png": "p/A.jpg", "b.png": "p/b.jpg"}
    said = capsys.readouterr().err
    assert said.count("p/a.jpg and another photo would both be written to out/a.png") == 1


def test_what_names_no_file(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree("a.jpg")
    assert job(["", "a.jpg"]) == 1
    assert results() == {"a.png": "a.jpg"}
    assert "'' names no file" in capsys.readouterr().err
    Path("list").write_text(".\n/\na.jpg\n-\n")
    assert names(listed="list") == ["a.jpg", "-"]
    assert [found.source for found in Sources([], "list")][-1] == "./-"
    Path("list").write_text("a.jpg\r\n", encoding="utf-16")
    with pytest.raises(ImageError, match="is UTF-16 text; save it as UTF-8"):
        names(listed="list")
    Path("list").write_text("")
    with pytest.raises(ImageError, match="no images in the list"):
        job([], from_list="list")


def test_a_report_that_cannot_be_written(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is named; a line that was cut ends when it is gone on with."""
    tree("p/a.jpg", "p/b.jpg")
    whole = os.write

    def full(file: int, line: bytes) -> int:
        if line.startswith(b'{"input": "p/b.jpg"'):
            return whole(file, line[:5])
        if b"b.jpg" in line and b"{" not in line:
            raise OSError(28, "No space left on device")
        return whole(file, line)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(ImageError, match=r"cannot write the report r\.jsonl"):
            job(["p"], report="r.jsonl")
    assert Path("r.jsonl").read_text().splitlines()[-1] == '{"inp'
    Path("out/b.png").unlink()
    assert job(["p"], report="r.jsonl", resume=True) == 0
    lines = Path("r.jsonl").read_text().splitlines()
    assert [json.loads(line)["input"] for line in lines if line != '{"inp'][-1] == "p/b.jpg"


def test_photos_done_at_ctrl_c_have_their_lines() -> None:
    begun = threading.Barrier(2)

    def slow(one: Any) -> dict[str, Any]:
        begun.wait()
        return {"input": one}

    def jobs() -> Any:
        yield from ("a", "b")
        raise KeyboardInterrupt

    lines = running.local(jobs(), slow, 2, threading.Event())
    assert [next(lines)["input"], next(lines)["input"]] == ["a", "b"]
    with pytest.raises(KeyboardInterrupt):
        next(lines)


def test_a_watched_folder(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What grows is waited for; what comes and changes is done, once; Ctrl-C is the end of it."""
    root = tree("p/a.jpg", "p/grows.jpg", "p/n.txt")

    def grow() -> None:
        with open("p/grows.jpg", "a") as file:
            file.write("+")

    looks = iter(
        [
            grow,
            lambda: (grow(), tree("p/x/late.png")),
            lambda: None,
            lambda: (root / "p/a.jpg").write_text("other"),
            lambda: None,
            lambda: None,
        ]
    )

    def pause(seconds: float) -> None:
        done.append(sorted(make.done))
        for act in looks:
            return act()
        raise KeyboardInterrupt

    monkeypatch.setattr(running.time, "sleep", pause)
    make, done = Copying(), []
    assert job(["p"], make=make, watch=True) == 0
    assert [len(names) for names in done] == [0, 1, 1, 3, 3, 4, 4]
    assert sorted(make.done) == ["a.jpg", "a.jpg", "grows.jpg", "late.png"]
    assert results() == {
        "a.png": "other",
        "grows.png": "p/grows.jpg++",
        "x/late.png": "p/x/late.png",
    }
    assert "4 of 4 photos done, 1 left alone" in capsys.readouterr().err
    with pytest.raises(ImageError, match="--watch looks at folders"):
        job(["p/a.jpg"], "b.png", watch=True)


def test_addresses_only_when_allowed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree()
    asked = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return b"photo"

    monkeypatch.setattr("figureground.imaging.url.fetch", fetch)
    urls = ["https://example.org/x/a.jpg?size=1", "https://example.org/b%2F..%2Fc"]
    with pytest.raises(ImageError, match="allow it by --allow-urls"):
        job(urls)
    assert asked == []
    assert job(urls, allow_urls=True) == 0
    assert asked == urls
    assert results() == {"a.png": "photo", "c.png": "photo"}
    assert main(["cutout", "http://example.org/a.jpg", "-o", "o.png", "--allow-urls"]) == 1
    assert job(urls[:1], "one.png", allow_urls=True) == 0  # what follows ? is no pattern
    assert Path("one.png").read_text() == "photo"


def test_a_bucket(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGUREGROUND_HOME", str(tmp_path / "home"))
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    for name in ("a.jpg", "x/b.jpg", "x/notes.txt"):
        system.pipe(f"/photos/{name}", name.encode())
    assert job(["memory://photos"]) == 0
    assert results() == {"a.png": "a.jpg", "x/b.png": "x/b.jpg"}
    tree("p/a.jpg")
    assert job(["p"], "memory://results/{parent}/{stem}.png") == 0
    assert system.cat("/results/a.png") == b"p/a.jpg"
    make = Copying()
    assert job(["p"], "memory://results/{parent}/{stem}.png", make, resume=True) == 0
    assert make.done == []
    with pytest.raises(ImageError, match="is on this machine; give its path"):
        names("file:///photos")


def test_a_list_in_parquet(tree: Tree) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    tree("p/a.jpg", "p/x/b.jpg")
    for column, said in (
        ("path", None),
        ("image", None),
        ("other", "expected one of path, image, url"),
    ):
        parquet.write_table(pyarrow.table({column: ["p/a.jpg", None, "p/x/b.jpg"]}), "l.parquet")
        if said:
            with pytest.raises(ImageError, match=said):
                names(listed="l.parquet")
        else:
            assert names(listed="l.parquet") == ["p/a.jpg", "p/x/b.jpg"]
    Path("l.parquet").write_text("no table")
    with pytest.raises(ImageError, match=r"cannot read the list l\.parquet"):
        names(listed="l.parquet")


def test_what_is_not_installed_is_said(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree("p/a.jpg")
    for name in ("ray", "pyarrow.parquet", "pyarrow", "fsspec.core"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImageError, match=r"--engine ray needs ray.*'figureground\[ray\]'"):
        job(["p"], engine="ray")
    with pytest.raises(ImageError, match="a list in Parquet needs pyarrow"):
        names(listed="l.parquet")
    with pytest.raises(ImageError, match="a bucket needs"):
        names("s3://bucket/photos")
    assert main(["cutout", "p", "-o", "out", "--engine", "ray", "--device", "cuda"]) == 1


def test_parse_goes_the_same_way(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree("p/a.jpg")
    assert main(["parse", "p", "-o", "p", "--model", "pp-humanseg-lite"]) == 1
    assert "is that of the photos" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9")
def test_kill_9_leaves_whole_files_and_resume_does_the_rest(tree: Tree, photo: np.ndarray) -> None:
    root = tree()
    (root / "p").mkdir()
    for number in range(8):
        Image.fromarray(np.roll(photo[::2, ::2], 9 * number, axis=1)).save(
            root / f"p/{number:02}.png"
        )
    options = ["--edges", "fast", "--workers", "2"]
    assert main(["cutout", "p", "-o", "whole", *options]) == 0
    command = [
        sys.executable,
        "-m",
        "figureground",
        "cutout",
        "p",
        "-o",
        "out",
        *options,
        "--resume",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    kills = 0
    for after in (1, 4, 8):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        while process.poll() is None and len(list(root.glob("out/*.png"))) < after:
            time.sleep(0.002)
        if process.poll() is None and after < 8:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        for path in root.glob("out/*"):
            if path.name != NAME:
                assert path.suffix == ".png", path
                assert path.read_bytes() == (root / "whole" / path.name).read_bytes()
    assert kills == 2
    assert process.returncode == 0
    assert len(list(root.glob("out/*.png"))) == 8
