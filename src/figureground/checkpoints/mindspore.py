"""MindSpore .ckpt: a protocol-buffer message Checkpoint { repeated Value { tag, TensorProto } }.

TensorProto is { repeated int64 dims = 1; string tensor_type = 2; bytes tensor_content = 3 }. A tensor
over the writer's slice size comes as several entries of the same tag, one after another. A file may
end in `crc_num` and the CRC-32 of all before it. Optimizer state saved by training is left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from figureground.checkpoints.types import Arrays, array
from figureground.errors import CheckpointError

# AES-GCM, AES-CBC, SM4-CBC containers
ENCRYPTED = (b"\xd8\x5e\x3a\x7f", b"\xd9\x5e\x3a\x7f", b"\xda\x5e\x3a\x7f")
CRC_MARK = b"crc_num"
CRC_BYTES = 17

TYPES = {
    name.lower(): name.lower()
    for name in (
        "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
        "Float16", "Float32", "Float64", "BFloat16", "Bool",
    )
}  # fmt: skip
OPTIMIZER_PREFIXES = ("moment1.", "moment2.", "moments.", "accum.", "velocity.")
COMPANY = {
    "beta1_power", "beta2_power", "learning_rate", "momentum", "global_step", "epoch_num",
    "step_num", "scale_sense", "current_iterator_step", "last_overflow_iterator_step",
}  # fmt: skip


def read(content: memoryview) -> Arrays:
    """Network tensors; scalars and strings that a writer appended, and optimizer state, are left out."""
    return {
        name: value
        for name, value in read_all(content).items()
        if isinstance(value, np.ndarray)
        and value.ndim > 0
        and name not in COMPANY
        and not name.startswith(OPTIMIZER_PREFIXES)
    }


def read_all(content: memoryview) -> dict[str, NDArray[Any] | str]:
    """Every entry of the file: arrays (scalars as 0-dimensional ones) and strings."""
    content = _without_crc(content)
    entries: dict[str, NDArray[Any] | str] = {}
    tag, kind, dims, parts = "", "", [], []  # type: tuple[str, str, list[int], list[memoryview]]

    def finish() -> None:
        if parts:
            if tag in entries:
                raise CheckpointError(f"two tensors have the name {tag}")
            entries[tag] = _value(tag, kind, dims, parts)

    for value in _messages(content, 1):
        fields = dict(_fields(value))
        name = bytes(_expect(fields, 1)).decode()
        tensor = _expect(fields, 2)
        shape, this_kind, data = _tensor(tensor)
        if name != tag or shape != dims or not parts or not dims:
            finish()
            tag, kind, dims, parts = name, this_kind, shape, []
        parts.append(data)
    finish()
    return entries


def _without_crc(content: memoryview) -> memoryview:
    if bytes(content[-CRC_BYTES:-10]) != CRC_MARK:
        return content
    stated = int.from_bytes(content[-10:], "big")
    body = content[:-CRC_BYTES]
    if zlib.crc32(body) != stated:
        raise CheckpointError("this MindSpore checkpoint is damaged: its CRC-32 does not match")
    return body


def _value(tag: str, kind: str, dims: list[int], parts: list[memoryview]) -> NDArray[Any] | str:
    data = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
    if kind.lower() == "str":
        return bytes(data).decode("utf-32-le")
    if kind.lower() not in TYPES:
        raise CheckpointError(f"{tag} is of type {kind!r}, which is not supported")
    scalar = dims in ([], [0]) and len(data) > 0
    return array(data, TYPES[kind.lower()], () if scalar else dims)


def _tensor(message: memoryview) -> tuple[list[int], str, memoryview]:
    dims, kind, data = [], "", memoryview(b"")
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            dims.append(value)
        elif number == 2 and not isinstance(value, int):
            kind = bytes(value).decode()
        elif number == 3 and not isinstance(value, int):
            data = value
    return dims, kind, data


def _messages(content: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(content):
        if number != wanted or isinstance(value, int):
            raise CheckpointError("this is no MindSpore checkpoint, or it is damaged")
        yield value


def _expect(fields: dict[int, int | memoryview], number: int) -> memoryview:
    value = fields.get(number)
    if value is None or isinstance(value, int):
        raise CheckpointError("an entry lacks its name or its tensor: the file is damaged")
    return value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of a message that uses only varints and length-delimited fields."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        value, position = _varint(message, position)
        if key & 7 == 0:
            yield key >> 3, value
        elif key & 7 == 2:
            end = position + value
            if end > len(message):
                raise CheckpointError("the file is cut short: an entry is not whole")
            yield key >> 3, message[position:end]
            position = end
        else:
            raise CheckpointError("this is no MindSpore checkpoint, or it is damaged")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise CheckpointError("the file is cut short: a number is not whole")
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise CheckpointError("the file is damaged: a number has more than ten bytes")
