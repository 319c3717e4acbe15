"""Weights and states on disk: a file appears whole or not at all, and says why when it cannot."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from figureground.errors import RecipeError, TrainingError
from figureground.training.launch import is_first


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place at the end.

    Raises TrainingError when that fails, the disk being full; `path` is then what it was.
    """
    part = path.with_name(path.name + ".part")
    try:
        yield part
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise TrainingError(
            f"cannot write {path} ({_reason(error)}); what was saved before is whole: make room, and the "
            "same command goes on from there"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    """What the system said, which torch hides behind an error of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__context__
    return str(error).splitlines()[0]


class WholeFile(TorchCheckpointIO):
    """Lightning's own writes elsewhere and then copies, which, cut short, spoils the last state."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with whole(Path(path)) as part, open(part, "wb") as file:
            torch.save(checkpoint, file)

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Raises TrainingError for a file that is no state, or was cut short."""
        try:
            return super().load_checkpoint(path, *args, **kwargs)
        except Exception as error:  # of pickle, of zip files, or of torch
            raise TrainingError(
                f"{path} cannot be read ({str(error).splitlines()[0] or type(error).__name__}): the run "
                "cannot go on from it; start another with init=best.safetensors of this run"
            ) from None


def save_weights(network: torch.nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Writes the network's tensors as safetensors; TrainingError when the disk is full.

    Where several processes share a network each has to call this; the first writes.
    """
    tensors = {
        name: (value.full_tensor() if hasattr(value, "full_tensor") else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    if is_first():
        with whole(path) as part:
            save_file(tensors, part, metadata)
            _ordered(part)


def _ordered(path: Path) -> None:
    """Sorts the header's entries, whose order is chance: the same weights are then the same bytes."""
    with open(path, "r+b") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(size))
        header = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert len(header.encode()) <= size
        file.seek(8)
        file.write(header.encode().ljust(size))


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Loads every tensor of a file written by `save_weights`.

    Raises RecipeError when the file is missing, is not safetensors, or is of another network.
    """
    try:
        network.load_state_dict(load_file(path.expanduser()))
    except FileNotFoundError:
        raise RecipeError(f"there are no weights at {path}") from None
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"the weights {path} do not fit this network: {reason}") from None
