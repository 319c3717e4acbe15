"""Embeddings in which pictures of one person lie as near in each direction: a linear layer, learnt from
crops whose persons are known, behind a model that stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from figureground.errors import DataError, ExportError
from figureground.export.graph import carry, store_half

Vectors = NDArray[np.float64]


def whitening(
    vectors: NDArray[np.float32], persons: Sequence[str], shrink: float = 1.0
) -> tuple[Vectors, Vectors]:
    """Centre (D) and projection P (D×D, symmetric) such that (x − centre) · P tells persons apart better.

    vectors: N×D of unit length. persons: who each is of. P is the inverse square root of the covariance of
    pictures of one person about their mean (within-class covariance normalization, Hatch et al. 2006), to
    which `shrink` times the mean of its diagonal is added on the diagonal: near 0 whitens in full, much
    leaves all as it was.
    Raises DataError when nobody has two pictures, or shrink is not above 0.
    """
    if not 0 < shrink < np.inf:
        raise DataError(f"shrink is {shrink}; expected a number above 0")
    x = vectors.astype(np.float64)
    _, who, counts = np.unique(np.asarray(persons), return_inverse=True, return_counts=True)
    if len(counts) == len(x):
        raise DataError(
            f"none of the {len(x)} persons has two pictures; whitening learns from what those of one share"
        )
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, who, x)
    off = x - (sums / counts[:, None])[who]
    covariance = off.T @ off / (len(x) - len(counts))
    ridge = shrink * covariance.trace() / len(covariance)
    values, directions = np.linalg.eigh(covariance)
    scale = 1 / np.sqrt(values.clip(min=0) + max(ridge, 1e-12))
    return x.mean(0), directions * scale @ directions.T


def append(path: Path, target: Path, centre: Vectors, projection: Vectors, front: str) -> None:
    """Writes the ONNX file `path` to `target` with x ↦ (x / |x| − centre) · projection behind its answer.

    front: the card's front matter, for the metadata. The projection is stored as float16.
    Raises ExportError when the answer is not N×D with D as the projection's.
    """
    model = onnx.load(path)
    graph = model.graph
    answer = graph.output[0]
    shape = [d.dim_value for d in answer.type.tensor_type.shape.dim]
    size = len(centre)
    if len(shape) != 2 or shape[1] not in (0, size):
        raise ExportError(f"{path} answers with {shape}; expected N×{size}")
    scale = size / np.trace(projection)  # about 1, which float16 holds best; lengths mean nothing
    rounded = (projection * scale).astype(np.float16).astype(np.float32)
    # a model whitened before keeps that layer, and these come behind it under names of their own
    before = sum(node.op_type == "LpNormalization" for node in graph.node)
    number = str(before) if before else ""
    plain, unit, projected = (
        f"{answer.name}_{part}{number}" for part in ("plain", "unit", "turned")
    )
    matrix, middle = f"projection{number}", f"centre{number}"
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [plain if name == answer.name else name for name in names]
    graph.initializer.extend(
        [
            numpy_helper.from_array(rounded, matrix),
            numpy_helper.from_array((centre @ rounded).astype(np.float32), middle),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("LpNormalization", [plain], [unit], axis=1, p=2),
            helper.make_node("MatMul", [unit, matrix], [projected]),
            helper.make_node("Sub", [projected, middle], [answer.name]),
        ]
    )
    store_half(model)
    carry(model, front)
    onnx.save(model, target)
