"""Cut-outs a second of `figureground serve` and of rembg's server, with the same weights, side by side.

    python benchmarks/serve_rembg.py PHOTO PATH/OF/rembg [MODEL.onnx]

MODEL takes and gives what rembg's `u2net_custom` wants (N×3×320×320 in ImageNet's mean and deviation; its
first map is the mask); without it our own pp-humanseg-lite is wrapped so. Both servers are up, and are
asked in turns by 4 clients. *fast* is the work that rembg does: the mask enlarged, the photo's own colours.
CPU is that of the server's processes for an answer: what the noise of a shared machine leaves alone.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image
from serve import Client, answering, serving

from figureground import hub
from figureground.hub.digest import sha256

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = (640, 480), (1920, 1080)
CLIENTS, ROUNDS, SECONDS = 4, 5, 8.0
CARD = """---
name: shared
task: person-segmentation
network: {{name: shared}}
input: {{width: 320, height: 320, divisor: max, mean: {mean}, std: {std}}}
output: saliency
files:
- {{name: shared.onnx, sha256: {sha256}}}
---
"""


def wrapped(folder: Path) -> Path:
    """pp-humanseg-lite as rembg wants a model."""
    card = hub.card("pp-humanseg-lite")
    model = onnx.load(hub.local(card))
    graph = model.graph
    values = {
        "scale": np.array(STD, np.float32).reshape(1, 3, 1, 1) * 2,
        "shift": np.array(MEAN, np.float32).reshape(1, 3, 1, 1) * 2 - 1,
        "contrast": np.array([-card.sharpness, card.sharpness], np.float32).reshape(1, 2, 1, 1),
        "offset": np.array(-card.sharpness * card.offset, np.float32),
        "channel": np.array([1]),
    }
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in values.items())
    before = [
        helper.make_node("Mul", ["x", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], [graph.input[0].name]),
    ]
    after = [
        helper.make_node("Mul", [graph.output[0].name, "contrast"], ["contrasted"]),
        helper.make_node("ReduceSum", ["contrasted", "channel"], ["margin"]),
        helper.make_node("Add", ["margin", "offset"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["mask"]),
    ]
    nodes = [*before, *graph.node, *after]
    float32 = onnx.TensorProto.FLOAT
    ends = [
        helper.make_tensor_value_info("x", float32, ["n", 3, 320, 320]),
        helper.make_tensor_value_info("mask", float32, ["n", 1, 320, 320]),
    ]
    graph = helper.make_graph(nodes, "shared", ends[:1], ends[1:], graph.initializer)
    made = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.save(made, folder / "shared.onnx")
    return folder / "shared.onnx"


def form(fields: dict[str, str], photo: bytes) -> tuple[str, bytes]:
    request = httpx.Request("POST", "http://x/", files={"file": photo}, data=fields)
    return request.headers["content-type"], request.read()


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and those it began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu(int(child)) for child in children)


async def rate(client: Client, pid: int) -> tuple[float, float]:
    """Answers a second, within SECONDS, and seconds of CPU for each."""
    done, end, before = 0, time.perf_counter() + SECONDS, cpu(pid)

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < end:
            status = await client.ask()
            assert status == 200, status
            done += 1

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    client.idle.clear()
    return done / (time.perf_counter() - begun), (cpu(pid) - before) / done


def main(photo: str, rembg: str, model: str = "") -> None:
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), free.getsockname()[1]
        free.close()
        if model:
            (folder / "shared.onnx").write_bytes(Path(model).read_bytes())
        else:
            wrapped(folder)
        digest = sha256(folder / "shared.onnx")
        card = folder / "shared.md"
        card.write_text(CARD.format(mean=list(MEAN), std=list(STD), sha256=digest))
        environment = {
            k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "PYTHONPATH")
        }
        environment |= {"U2NET_HOME": name, "REMBG_HOME": name}
        command = [rembg, "s", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
        theirs = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with serving("--workers", "2", "--videos", "0", "--model", str(card)) as (mine, pid):
                answering(f"http://127.0.0.1:{port}/openapi.json")
                servers = (port, theirs.pid), (mine, pid)
                for size in SIZES:
                    compare(photo, size, *servers, model=str(folder / "shared.onnx"))
        finally:
            theirs.terminate()
            theirs.wait()


def compare(
    photo: str, size: tuple[int, int], theirs: tuple[int, int], ours: tuple[int, int], model: str
) -> None:
    """theirs, ours: port and process."""
    buffer = io.BytesIO()
    Image.open(photo).convert("RGB").resize(size).save(buffer, "JPEG", quality=90)
    content = buffer.getvalue()
    extras = httpx.QueryParams({"extras": json.dumps({"model_path": model})})
    kind, body = form({"model": "u2net_custom"}, content)
    fast = "/v1/cutout?edges=fast&no_foreground=1"
    asked = {
        "rembg": (Client(theirs[0], f"/api/remove?{extras}", body, kind), theirs[1]),
        "figureground, fast": (Client(ours[0], fast, content), ours[1]),
        "figureground": (Client(ours[0], "/v1/cutout", content), ours[1]),
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    for name, (client, _) in asked.items():  # loaded and warm
        assert asyncio.run(client.ask()) == 200, name
        client.idle.clear()
    for _ in range(ROUNDS):
        for name, (client, pid) in asked.items():
            measured[name].append(asyncio.run(rate(client, pid)))
    for name, rounds in measured.items():
        rates, seconds = (statistics.median(values) for values in zip(*rounds))
        pairs = list(zip(rounds, measured["rembg"]))
        faster = statistics.median(one[0] / base[0] for one, base in pairs)
        less = statistics.median(base[1] / one[1] for one, base in pairs)
        print(
            f"{size[0]}x{size[1]} {name:20} {rates:6.2f} a second ({faster:.2f} times), CPU "
            f"{1000 * seconds:.0f} ms ({less:.2f} times less)",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
