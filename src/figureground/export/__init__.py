"""A network as files that anyone can run: ONNX that has been seen to answer as the network does, its
weights as safetensors, its card."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from figureground.errors import ExportError
from figureground.export.graph import FirstMap, fused, prove, to_onnx
from figureground.hub.card import Card, File, front_matter
from figureground.hub.digest import sha256
from figureground.imaging.write import UMASK
from figureground.training.run import load_run


@dataclass(frozen=True)
class Written:
    """difference: the largest between ONNX Runtime and torch with the stored weights. rounding: the
    largest between ONNX Runtime and the network as it was given; both as a share of max(1, the largest
    answer)."""

    card: Path
    onnx: Path
    difference: float
    rounding: float


def write_model(
    network: nn.Module, card: Card, output: Path, name: str, *, half: bool = False
) -> Written:
    """Writes output/NAME.onnx, NAME.safetensors and NAME.md.

    card: all that is not its files, name and path. half: weights are stored as float16.
    Raises ExportError, and writes nothing, when ONNX Runtime and torch differ.
    """
    from safetensors.torch import save_file

    if not re.fullmatch(r"[\w.-]+", name):
        raise ExportError(f"the name {name!r} is not letters, digits, dots and dashes alone")
    card = replace(card, name=name, path=output / f"{name}.md", files=())
    answering = FirstMap(network) if card.output == "saliency" else network
    stored = fused(answering, half)
    with _together(output) as part:
        to_onnx(stored, card.input, card.output, part / f"{name}.onnx", front_matter(card))
        difference = rounding = prove(part / f"{name}.onnx", stored, card.input)
        if half:
            rounding = prove(part / f"{name}.onnx", answering, card.input, tolerance=0.5)
        weights = {key: value.contiguous() for key, value in network.state_dict().items()}
        save_file(weights, part / f"{name}.safetensors")
        files = [File(p.name, sha256=sha256(p)) for p in sorted(part.iterdir())]
        text = f"---\n{front_matter(replace(card, files=files))}---\n\n{card.text}\n"
        (part / card.path.name).write_text(text, encoding="utf-8")
    return Written(card.path, output / f"{name}.onnx", difference, rounding)


@contextmanager
def _together(folder: Path) -> Iterator[Path]:
    """A folder whose files move into `folder` if all goes well, the card last, and vanish otherwise."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder, prefix=".figureground-"))
    except OSError as error:
        raise ExportError(f"cannot write to {folder} ({error.strerror})") from None
    try:
        yield part
        for path in sorted(part.iterdir(), key=lambda path: path.suffix == ".md"):
            path.chmod(0o666 & ~UMASK)
            path.replace(folder / path.name)
    except OSError as error:
        raise ExportError(f"cannot write to {folder} ({error.strerror or error})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def export_run(
    run: Path, output: Path, name: str, weights: str = "best.safetensors", half: bool = False
) -> Written:
    """The network of a run folder, by write_model."""
    network, card = load_run(run, weights)
    return write_model(network, card, output, name, half=half)
