"""Foreign checkpoints as {name: array}, without their frameworks and without running anything in them.

MindSpore .ckpt, Paddle .pdparams, PyTorch zip and pre-1.6 files (.pth, .pth.tar) and safetensors are
told apart by their first bytes, not by their names. Values are NumPy arrays, bfloat16 as float32.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from figureground.checkpoints import mindspore, paddle, pytorch, safetensors
from figureground.checkpoints.types import Arrays
from figureground.errors import CheckpointError

TORCH_LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def read(path: str | os.PathLike[str]) -> Arrays:
    """The network's tensors of a checkpoint file, by their names in the file.

    Optimizer state, counters and other company are left out; `module.` before every name (from
    DataParallel) is taken off. Arrays may be read-only views of the file.

    Raises CheckpointError when the file is missing, damaged, encrypted, of no known format, or would
    run code; nothing in it is ever executed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"cannot read the checkpoint {path} ({reason})") from None
    try:
        tensors = _decode(content)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except (
        ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, OverflowError,
        MemoryError, RecursionError, ArithmeticError, struct.error, UnicodeError,
    ) as error:  # fmt: skip
        # what damaged bytes can provoke in the decoders
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}: {error})") from None
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors")
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors


def _decode(content: memoryview) -> Arrays:
    start = bytes(content[:16])
    if start[:4] == b"PK\x03\x04":
        return pytorch.read_zip(content)
    if start.startswith(TORCH_LEGACY):
        return pytorch.read_legacy(content)
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return paddle.read(content)
    if len(content) > 8 and start[8:9] == b"{":
        return safetensors.read(content)
    if start[:4] in mindspore.ENCRYPTED:
        raise CheckpointError(
            "this MindSpore checkpoint is encrypted; save it again without enc_key"
        )
    if start[:1] == b"\x0a":
        return mindspore.read(content)
    raise CheckpointError(
        f"this is no checkpoint of a known format (it starts with {start[:8].hex(' ')}); expected "
        "MindSpore .ckpt, Paddle .pdparams, PyTorch .pth or safetensors"
    )
