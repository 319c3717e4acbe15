"""safetensors: an 8-byte length, a JSON header, raw tensors (huggingface/safetensors, format 1)."""

from __future__ import annotations

import json

from figureground.checkpoints.types import Arrays, array
from figureground.errors import CheckpointError

TYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32",
    "I32": "int32", "U64": "uint64", "I64": "int64", "F16": "float16", "BF16": "bfloat16",
    "F32": "float32", "F64": "float64",
}  # fmt: skip


def read(content: memoryview) -> Arrays:
    length = int.from_bytes(content[:8], "little")
    if length > len(content) - 8:
        raise CheckpointError("this safetensors file is cut short: its header is not whole")
    header = json.loads(bytes(content[8 : 8 + length]))
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= len(content) - 8 - length:
            raise CheckpointError(f"this safetensors file is cut short: {name} is not whole")
        if entry["dtype"] not in TYPES:
            raise CheckpointError(f"{name} is of type {entry['dtype']}, which is not supported")
        values = content[8 + length + begin : 8 + length + end]
        tensors[name] = array(values, TYPES[entry["dtype"]], entry["shape"])
    return tensors
