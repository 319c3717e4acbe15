"""Importing the largest published checkpoint: time is not tested, memory is."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

LIMIT = 2500  # MB
MEASURE = """
import sys
from figureground.cli import main
from figureground.cli.bench import peak_mb
status = main(sys.argv[1:])
print("peak MB", peak_mb())
sys.exit(status)
"""


def varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def mindspore_entry(name: str, values: np.ndarray) -> bytes:
    """One parameter as MindSpore's save_checkpoint writes it (see ../shared/systems.md, 5.1)."""
    dims = b"".join(b"\x08" + varint(length) for length in values.shape)
    tensor = dims + field(2, b"Float32") + field(3, values.tobytes())
    return field(1, field(1, name.encode()) + field(2, tensor))


@pytest.mark.long
def test_refinenet_with_optimizer_state(goldens: Path, tmp_path: Path) -> None:
    """118 million parameters and their momentum, 0.94 GB, named as the model zoo names them."""
    sys.path.insert(0, str(goldens))
    import weights_from_names as rule

    stem = next(goldens.glob("mindspore_refinenet101_calm_*.json"))
    path = tmp_path / "refinenet.ckpt"
    with path.open("wb") as file:
        for t in json.loads(stem.read_text())["tensors"]:
            scale = t.get("extra_scale") or 1.0
            values = np.asarray(rule.make(t["name"], t["shape"], t["rule"], t.get("fan_in"), scale))
            file.write(mindspore_entry(t["name"], values.astype(np.float32)))
            if "moving_" not in t["name"]:
                file.write(mindspore_entry(f"moments.{t['name']}", values.astype(np.float32)))
    assert path.stat().st_size > 0.9e9
    command = [sys.executable, "-c", MEASURE, "import", str(path)]
    done = subprocess.run(
        [*command, "--as", "refinenet101", "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) <= LIMIT
