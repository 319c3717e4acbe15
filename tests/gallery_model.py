"""A re-identification model of a few hundred bytes: the mean colours of a crop's twelve parts."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from figureground.hub.digest import sha256

CARD = """---
name: {name}
task: re-identification
network: {{name: osnet_x0_25}}
input: {{width: 16, height: 48, mean: [{centre}, {centre}, {centre}], std: [0.5, 0.5, 0.5]}}
output: embedding
files:
- {{name: {name}.onnx, sha256: {sha256}}}
---
For tests.
"""


def write_model(folder: Path, name: str = "colours", cell: int = 8, centre: float = 0.5) -> Path:
    """The path of its card. Another cell makes another model; what has the value `centre` is 0 to it."""
    pool = helper.make_node(
        "AveragePool", ["images"], ["means"], kernel_shape=[cell, cell], strides=[cell, cell]
    )
    flat = helper.make_node("Flatten", ["means"], ["embeddings"])
    graph = helper.make_graph(
        [pool, flat],
        name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 48, 16])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / f"{name}.onnx")
    card = folder / f"{name}.md"
    card.write_text(CARD.format(name=name, centre=centre, sha256=sha256(folder / f"{name}.onnx")))
    return card


def draw_crops(folder: Path, persons: int, cameras: int, noise: float = 12) -> list[Path]:
    """Crops named as in Market-1501; each person wears colours of her own, each camera sees noise."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = []
    for person in range(1, persons + 1):
        clothes = rng.integers(0, 256, (6, 2, 3)).repeat(8, axis=0).repeat(8, axis=1)
        for camera in range(1, cameras + 1):
            pixels = (clothes + rng.normal(0, noise, clothes.shape)).clip(0, 255).astype(np.uint8)
            path = folder / f"{person:04}_c{camera}s1_000001_00.png"
            Image.fromarray(pixels).save(path)
            paths.append(path)
    return paths


def unit_vectors(rng: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    vectors = rng.standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
