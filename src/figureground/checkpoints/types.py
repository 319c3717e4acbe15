"""Number types as the formats name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from figureground.errors import CheckpointError

Arrays = dict[str, NDArray[Any]]


def array(
    content: bytes | memoryview, kind: str, shape: Sequence[int], order: str = "C"
) -> NDArray[Any]:
    """Little-endian bytes as an array. kind: a NumPy type name, or "bfloat16" (given as float32).

    Raises CheckpointError when the bytes are not as many as the shape needs.
    """
    stored = np.dtype("uint16" if kind == "bfloat16" else kind).newbyteorder("<")
    count = 1
    for length in shape:
        if length < 0:
            raise CheckpointError(f"a tensor has the shape {tuple(shape)}")
        count *= length
    if count * stored.itemsize != len(content):
        raise CheckpointError(
            f"a tensor of shape {tuple(shape)} and type {kind} should have "
            f"{count * stored.itemsize} bytes, but has {len(content)}"
        )
    values = np.frombuffer(content, stored)
    if kind == "bfloat16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values.reshape(shape, order="F" if order == "F" else "C")
