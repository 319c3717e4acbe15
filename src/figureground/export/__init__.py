"""A network as files that anyone can run: ONNX that has been seen to answer as the network does, its
weights as safetensors, its card."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from figureground import hub
from figureground.errors import ExportError
from figureground.export.graph import FirstMap, fused, prove, to_onnx
from figureground.hub.card import Card, File, front_matter
from figureground.hub.digest import sha256
from figureground.imaging.write import UMASK


@dataclass(frozen=True)
class Written:
    """difference: the largest between ONNX Runtime and torch with the stored weights. rounding: the
    largest between ONNX Runtime and the network as it was given; both as a share of max(1, the largest
    answer)."""

    card: Path
    onnx: Path
    difference: float
    rounding: float


@dataclass(frozen=True)
class Variant:
    """mean, largest: absolute differences to the answers of the model it was made from, on the photos
    it was calibrated on, as shares of the largest answer."""

    card: Path
    onnx: Path
    mean: float
    largest: float


def write_model(
    network: nn.Module, card: Card, output: Path, name: str, *, half: bool = False
) -> Written:
    """Writes output/NAME.onnx, NAME.safetensors and NAME.md.

    card: all that is not its files, name and path. half: weights are stored as float16.
    Raises ExportError, and writes nothing, when ONNX Runtime and torch differ.
    """
    from safetensors.torch import save_file

    card = replace(card, name=name, path=_place(output, name), files=())
    answering = FirstMap(network) if card.output == "saliency" else network
    stored = fused(answering, half)
    with _together(output) as part:
        to_onnx(stored, card.input, card.output, part / f"{name}.onnx", front_matter(card))
        difference = rounding = prove(part / f"{name}.onnx", stored, card.input)
        if half:
            rounding = prove(part / f"{name}.onnx", answering, card.input, tolerance=0.5)
        weights = {key: value.contiguous() for key, value in network.state_dict().items()}
        save_file(weights, part / f"{name}.safetensors")
        _write_card(card, part, sorted(part.iterdir()))
    return Written(card.path, output / f"{name}.onnx", difference, rounding)


def export_int8(card: Card, output: Path, name: str, photos: Sequence[Path]) -> Variant:
    """Writes output/NAME.onnx, a card's model in 8 bits calibrated on photos, and NAME.md.

    Raises CardError when the model is not to be had, ImageError for a photo that cannot be read,
    ExportError without photos.
    """
    from figureground.export.int8 import difference, quantize

    if not photos:
        raise ExportError("int8 needs photos to calibrate on; give --photos FOLDER")
    source = hub.local(card)
    text = f"{card.text}\n\nIn 8 bits, calibrated on {len(photos)} photos."
    card = _made_of(card, output, name, text)
    with _together(output) as part:
        file = part / f"{name}.onnx"
        quantize(source, file, card.input, photos, front_matter(card))
        mean, most = difference(source, file, card.input, photos)
        _write_card(card, part, [file])
    return Variant(card.path, output / f"{name}.onnx", mean, most)


def export_rounded(card: Card, output: Path, name: str) -> Path:
    """Writes output/NAME.onnx, a card's model with weights rounded to 8 bits, and NAME.md; gives the
    former's path. Raises CardError when the model is not to be had."""
    from figureground.export.weights8 import round_weights

    source = hub.local(card)
    card = _made_of(card, output, name, card.text)
    with _together(output) as part:
        round_weights(source, part / f"{name}.onnx", front_matter(card))
        _write_card(card, part, [part / f"{name}.onnx"])
    return output / f"{name}.onnx"


def export_average(cards: Sequence[Card], output: Path, name: str) -> Path:
    """Writes output/NAME.onnx, whose weights are the mean of those of the cards' models, and NAME.md, the
    first's card in what it asks and answers; gives the former's path.

    Raises CardError when a model is not to be had, ExportError as export.averaging and with less than two.
    """
    from figureground.export.averaging import average

    if len(cards) < 2:
        raise ExportError(f"a mean of {len(cards)} models was asked for; expected two or more")
    first = cards[0]
    for other in cards[1:]:
        if (other.network, other.input, other.output) != (first.network, first.input, first.output):
            raise ExportError(
                f"{other.name} is not {first.name}'s network with its input and output"
            )
    sources = [hub.local(card) for card in cards]
    names = " and ".join(card.name for card in cards)
    text = f"The mean of the weights of {names}, and not measured yet. Of {first.name}:\n\n{first.text}"
    card = _made_of(first, output, name, text)
    with _together(output) as part:
        average(sources, part / f"{name}.onnx", front_matter(card))
        _write_card(card, part, [part / f"{name}.onnx"])
    return output / f"{name}.onnx"


def export_whitened(
    card: Card,
    output: Path,
    name: str,
    crops: Sequence[Path],
    persons: Sequence[str],
    shrink: float = 1.0,
) -> Path:
    """Writes output/NAME.onnx, a re-identification card's model with a whitening behind it that is learnt
    from crops of the persons named beside them, and NAME.md; gives the former's path.

    shrink: see export.whitening. Raises CardError when the model is not to be had, ImageError for a crop
    that cannot be read, ExportError when the model embeds no persons, DataError as export.whitening.
    """
    from figureground.export.whitening import append, whitening
    from figureground.imaging.read import read
    from figureground.progress import Progress
    from figureground.runtime.embedding import EmbeddingPredictor
    from figureground.runtime.predictor import predictor_of
    from figureground.runtime.session import OnnxSession

    source = hub.local(card)
    predictor = predictor_of(card, OnnxSession(source, "cpu"))
    if not isinstance(predictor, EmbeddingPredictor):
        raise ExportError(f"{card.name} embeds no persons; whitening is for re-identification")
    text = (
        f"Whitened by {len(crops)} crops of {len(set(persons))} persons, and not measured since. Of "
        f"{card.name}, from which it was made:\n\n{card.text}"
    )
    card = _made_of(card, output, name, text)
    vectors, shown = [], Progress(len(crops), "crops")
    for crop in crops:
        vectors.append(predictor.of(read(crop)))
        shown(len(vectors))
    shown.clear()
    centre, projection = whitening(np.stack(vectors), persons, shrink)
    with _together(output) as part:
        append(source, part / f"{name}.onnx", centre, projection, front_matter(card))
        OnnxSession(
            part / f"{name}.onnx", "cpu"
        )  # CardError, and nothing is written, if it cannot run
        _write_card(card, part, [part / f"{name}.onnx"])
    return output / f"{name}.onnx"


def export_torchscript(
    model: str, output: Path, name: str, weights: str = "best.safetensors"
) -> tuple[Path, float]:
    """Writes output/NAME.torchscript, the network of a run folder or of a card, for LibTorch; gives its
    path and the largest difference of its answers to torch's, as a share of max(1, the largest answer).

    It takes N×3×H×W float32, prepared as the entry `figureground` in the file says, which is the card's
    front matter. Raises ExportError, and writes nothing, when it answers
    otherwise, or the card's file was not written by export; CardError when it is not to be had.
    """
    from figureground.export.torchscript import of_card, write_torchscript

    _place(output, name)
    if (Path(model) / "recipe.yaml").is_file():
        from figureground.training.run import load_run

        network, card = load_run(Path(model), weights)
        network = FirstMap(network) if card.output == "saliency" else network
    else:
        card = hub.card(model)
        network = of_card(card)
    front = front_matter(replace(card, name=name, files=()))
    with _together(output) as part:
        file = part / f"{name}.torchscript"
        difference = write_torchscript(fused(network, half=False), card.input, file, front)
    return output / file.name, difference


def _made_of(card: Card, output: Path, name: str, text: str) -> Card:
    """The card of what is made of a card's model: not known by its ids, and not measured yet."""
    path = _place(output, name)
    return replace(card, name=name, path=path, files=(), ids=(), figures={}, text=text)


def _place(output: Path, name: str) -> Path:
    """Of the card; ExportError for a name that files cannot be called by."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ExportError(
            f"the name {name!r} is not letters, digits, dots and dashes alone, the first a letter or digit"
        )
    return output / f"{name}.md"


def _write_card(card: Card, folder: Path, files: Sequence[Path]) -> None:
    card = replace(card, files=[File(p.name, sha256=sha256(p)) for p in files])
    text = f"---\n{front_matter(card)}---\n\n{card.text}\n"
    (folder / card.path.name).write_text(text, encoding="utf-8")


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
    from figureground.training.run import load_run  # with the training loop, which is large

    network, card = load_run(run, weights)
    return write_model(network, card, output, name, half=half)
