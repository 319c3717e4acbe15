"""Many photos on several machines; where there is Ray."""

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from figureground.batch.journal import NAME
from figureground.batch.ray import BLOCK
from figureground.cli import main

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.long
PHOTOS = 96


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A head that works not, and two nodes."""
    from ray.cluster_utils import Cluster

    source = str(Path(__file__).parents[1] / "src")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([source, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    made.nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    made.wait_for_nodes()
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_is_killed_and_every_photo_is_done_once(
    cluster: Any,
    photo: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(PHOTOS):
        path = Path(f"photos/{number % 3}/{number:03}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(photo[::2, ::2], 2 * number, axis=1)).save(path)
    Path("photos/0/broken.jpg").write_text("no image")
    options = ["--edges", "fast", "--workers", "2"]
    assert main(["cutout", "photos", "-o", "whole", *options]) == 1
    killed: dict[str, int] = {}

    def kill() -> None:
        """One of the two nodes, with its worker, once both workers have done something."""
        workers: set[str] = set()
        while len(workers) < 2:
            time.sleep(0.1)
            workers = {line["worker"].split(":")[1] for line in reported() if "worker" in line}
        [victim] = workers & children(cluster.nodes[0].all_processes["raylet"][0].process.pid)
        killed[victim] = sum(line.get("worker", "").endswith(victim) for line in reported())
        cluster.remove_node(cluster.nodes[0], allow_graceful=False)

    Path("r.jsonl").touch()
    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    command = ["cutout", "photos", "-o", "out", *options, "--engine", "ray", "--report", "r.jsonl"]
    assert main(command) == 1
    thread.join(10)
    lines = reported()
    [(victim, before)] = killed.items()
    by = Counter(line["worker"].split(":")[1] for line in lines)
    assert 0 < before <= by[victim] <= before + 2 * BLOCK, "killed, and not late"
    assert by[victim] < PHOTOS // 2
    inputs = Counter(line["input"] for line in lines)
    assert len(inputs) == PHOTOS + 1
    assert set(inputs.values()) == {1}
    assert [line["input"] for line in lines if "error" in line] == ["photos/0/broken.jpg"]
    for path in Path("whole").rglob("*.png"):  # pixels: bytes once differed, for a reason not found
        done = np.asarray(Image.open("out" / path.relative_to("whole")))
        np.testing.assert_array_equal(done, np.asarray(Image.open(path)))
    assert sorted(visible("out")) == sorted(visible("whole"))
    capsys.readouterr()
    assert main([*command, "--resume"]) == 1
    assert f"0 of 1 photos done, {PHOTOS} were done before" in capsys.readouterr().err


def reported() -> list[dict[str, Any]]:
    whole = [line for line in Path("r.jsonl").read_text().splitlines(True) if line.endswith("\n")]
    return [json.loads(line) for line in whole]


def children(parent: int) -> set[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[1]) == parent:
            found.add(name.split()[0])
    return found


def visible(folder: str) -> list[str]:
    """All files but the journal, temporary ones too."""
    files = [path for path in Path(folder).rglob("*") if path.is_file() and path.name != NAME]
    return [str(path.relative_to(folder)) for path in files]
