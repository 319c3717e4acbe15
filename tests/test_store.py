"""Where pulled files live, and how they go."""

import sys
from pathlib import Path

import pytest
from filelock import FileLock

from figureground.hub import store


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FIGUREGROUND_HOME", "~/models")
    if sys.platform != "win32":
        assert store.home() == tmp_path / "models"
    monkeypatch.setenv("FIGUREGROUND_HOME", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for platform, caches in {
        "linux": ".cache",
        "darwin": "Library/Caches",
        "win32": "local",
    }.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert store.home() == tmp_path / caches / "figureground"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert store.home() == tmp_path / "xdg" / "figureground"


@pytest.mark.parametrize(
    ("value", "meant"),
    [("", False), ("0", False), ("False", False), ("no", False), ("1", True), ("yes", True)],
)
def test_offline(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("FIGUREGROUND_OFFLINE", value)
    assert store.offline() is meant


def test_prune(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIGUREGROUND_HOME", str(tmp_path / "home"))
    assert store.stored() == store.prune() == []
    folder = tmp_path / "home" / "files" / "u2net"
    folder.mkdir(parents=True)
    for length, name in enumerate(
        ("a.onnx", "a.onnx.part", "b.onnx", "b.onnx.lock", "c.onnx.part")
    ):
        (folder / name).write_bytes(bytes(length))
    assert [size for _, size in store.stored()] == [0, 1, 2, 3, 4]
    with FileLock(folder / "c.onnx.lock"):  # somebody is pulling it
        assert store.prune(keep=[folder / "a.onnx"]) == [
            (folder / "a.onnx.part", 1),
            (folder / "b.onnx", 2),
        ]
        assert sorted(path.name for path in folder.iterdir()) == [
            "a.onnx",
            "c.onnx.lock",
            "c.onnx.part",
        ]
    journal = tmp_path / "home" / "jobs" / "1" / ".figureground-done"  # of a bucket, see batch.run
    journal.parent.mkdir(parents=True)
    journal.write_text("done")
    store.prune()
    assert list(folder.iterdir()) == []
    assert journal.read_text() == "done"
