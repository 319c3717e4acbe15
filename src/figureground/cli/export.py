"""figureground export"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from figureground.errors import ExportError


def export(
    model: Annotated[
        str, "run folder of `figureground train`; for 8 bits and TorchScript also a card"
    ],
    *,
    output: Annotated[str, "folder for NAME.onnx and NAME.md", "-o"],
    name: Annotated[str, "name of the model"] = "my-people",
    weights: Annotated[str, "file of weights in the run folder"] = "best.safetensors",
    storage: Annotated[
        Literal["float16", "float32", "int8-weights", "int8", "torchscript"],
        "how weights are stored; torchscript: not as ONNX, but for LibTorch",
    ] = "float16",
    photos: Annotated[str, "int8: folder of photos like those it is for, some dozens"] = "",
    root: Annotated[str, "folder of a data set, to measure what storage costs"] = "",
    data: Annotated[str, "its layout, as of `figureground evaluate`"] = "people",
    split: Annotated[str, "which split"] = "test",
) -> None:
    """Write a trained network as ONNX with its card, or as TorchScript.

    Nothing is written unless ONNX Runtime and torch, with the same weights, agree within 1e-4 at batch
    sizes 1 and 3 and two picture sizes. float16 rounds the weights and halves the file, int8-weights
    quarters it; computation is in float32, as fast. int8 computes in 8 bits too, with ranges seen on the
    photos: a quarter of the file, often faster, not always. torchscript: NAME.torchscript for C++ and
    phones, of float32 weights, seen to answer as torch does, with the card's front matter in it. With
    --root, what rounding costs in the figures of `figureground evaluate` is printed.
    """
    from figureground import export as library
    from figureground import hub

    if photos and storage != "int8":
        raise ExportError(f"--photos is for --storage int8, not {storage}; leave it out")
    if storage == "torchscript":
        if root:
            raise ExportError("--root is for ONNX files, which evaluate can run; leave it out")
        file, difference = library.export_torchscript(model, Path(output), name, weights)
        print(f"{file} ({_size(file)}): answers differ by at most {difference:.1e} from torch's")
        return
    seen = _photos(photos) if storage == "int8" else []
    if root:
        _there(root, data, split)
    given = model
    folder = Path(output)
    is_run = (Path(model) / "recipe.yaml").is_file()
    with TemporaryDirectory(prefix="figureground-") as whole:
        if storage in ("float16", "float32"):
            if not is_run:
                raise ExportError(
                    f"{model} is no run folder; of a card only --storage int8-weights, int8 or "
                    "torchscript can be made"
                )
            made = library.export_run(Path(model), folder, name, weights, storage == "float16")
            card = made.card
            print(
                f"{made.onnx} ({_size(made.onnx)}): answers differ by at most {made.difference:.1e} from "
                f"torch's with the stored weights, by {made.rounding:.1e} from the trained network's"
            )
        elif is_run:
            full = library.export_run(Path(model), Path(whole), f"{name}-float32", weights)
            model = str(full.card)
        if storage == "int8-weights":
            rounded = library.export_rounded(hub.card(model), folder, name)
            card = rounded.with_suffix(".md")
            print(f"{rounded} ({_size(rounded)}): weights rounded to 8 bits")
        elif storage == "int8":
            variant = library.export_int8(hub.card(model), folder, name, seen)
            card = variant.card
            print(
                f"{variant.onnx} ({_size(variant.onnx)}): answers differ by {variant.mean:.1e} on "
                f"average, at most {variant.largest:.1e}, from those of {given} on {len(seen)} photos"
            )
        if root:
            _cost(model, str(card), root, data, split, weights)


def _there(root: str, data: str, split: str) -> None:
    """Raises DataError, before anything is written, for a data set that is not there."""
    from figureground.data import read, read_sightings, sighting_readers

    if data in sighting_readers():
        read_sightings(data, root, "query")
    else:
        read(data, root, split)


def _cost(before: str, after: str, root: str, data: str, split: str, weights: str) -> None:
    from figureground.cli.evaluate import measured

    what, old = measured(before, root, data, split, weights=weights)
    _, new = measured(after, root, data, split)
    print(f"on {what} of {data}/{split}, before and after:")
    for name, value in old.figures.items():
        changed = new.figures[name]
        print(f"  {name:20} {value:.4f} {changed:.4f} ({changed - value:+.4f})")


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


def _photos(folder: str) -> list[Path]:
    from figureground.imaging.read import SUFFIXES

    if not folder or not Path(folder).is_dir():
        raise ExportError(f"--photos is {folder!r}; int8 needs a folder of photos to calibrate on")
    found = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise ExportError(f"there are no photos in {folder}; expected {' '.join(sorted(SUFFIXES))}")
    return found
