"""Folders in a bucket of a server that speaks S3. Wants `pip install pyarrow fsspec 'moto[server]'`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from figureground.cli import main

fs = pytest.importorskip("pyarrow.fs")
pytest.importorskip("fsspec")
moto = pytest.importorskip("moto.server")

NAMES = ("a.jpg", "x/a.jpg", "x/two words, 100% sure?.jpg", "é/b#1.jpg", "x/notes.txt")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A file system with an empty bucket named photos."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "FIGUREGROUND_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    system = fs.S3FileSystem(
        endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True
    )
    system.create_dir("photos")
    yield system
    server.stop()


def put(system: Any, path: str, content: bytes) -> None:
    with system.open_output_stream(path) as stream:
        stream.write(content)


def held(system: Any, under: str) -> dict[str, bytes]:
    """The content of each object, by its name below."""
    found = system.get_file_info(fs.FileSelector(under, recursive=True))
    files = [info.path for info in found if info.type == fs.FileType.File]
    return {path[len(under) + 1 :]: system.open_input_stream(path).readall() for path in files}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_from_a_bucket_to_a_bucket(
    bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(path, "JPEG")
        put(bucket, f"photos/in/{name}", path.read_bytes())
    assert main(["cutout", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    command = ["cutout", "s3://photos/in", "-o", "s3://photos/out", "--workers", "2", "--json"]
    assert main(command) == 0
    assert sum("output" in line for line in lines(capsys)) == 4
    results = held(bucket, "photos/out")
    assert len(results) == 4
    for name, content in results.items():
        assert content == (tmp_path / "out" / name).read_bytes(), name
    put(bucket, "photos/in/a.jpg", (tmp_path / "in" / "x" / "a.jpg").read_bytes())
    assert main([*command, "--resume"]) == 0
    done = {line["output"]: "skipped" in line for line in lines(capsys) if "output" in line}
    assert done == {f"s3://photos/out/{name}": name != "a.png" for name in results}


def test_one_object_and_none(
    bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.png")
    put(bucket, "photos/one photo.png", (tmp_path / "a.png").read_bytes())
    assert main(["cutout", "s3://photos/one photo.png", "-o", str(tmp_path / "b.png")]) == 0
    assert main(["cutout", str(tmp_path / "a.png"), "-o", "s3://photos/to/c.webp"]) == 0
    assert Image.open(tmp_path / "b.png").size == (64, 48)
    assert held(bucket, "photos/to").keys() == {"c.webp"}
    capsys.readouterr()
    assert main(["cutout", "s3://nowhere/in", "-o", str(tmp_path / "out")]) == 1
    assert "cannot list s3://nowhere/in" in capsys.readouterr().err
    assert main(["cutout", str(tmp_path / "a.png"), "-o", "s3://nowhere/a.png"]) == 1
    assert "cannot write s3://nowhere/a.png" in capsys.readouterr().err
