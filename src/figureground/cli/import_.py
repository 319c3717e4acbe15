"""figureground import"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal


def import_(
    file: Annotated[str, "checkpoint: MindSpore, Paddle, PyTorch or safetensors"],
    arguments: Annotated[list[str], "key=value of the network, e.g. family=mindspore"] = [],  # noqa: B006
    *,
    as_: Annotated[
        str,
        "the network, one of `python -c 'import figureground as fg; print(fg.networks.names())'`",
    ],
    output: Annotated[str, "folder for NAME.onnx, NAME.safetensors and NAME.md", "-o"],
    name: Annotated[str, "name of the model (default: the file's)"] = "",
    storage: Annotated[
        Literal["float32", "float16"], "how the ONNX file stores weights"
    ] = "float32",
    loose: Annotated[bool, "keep what fits; the rest starts at random"] = False,
) -> None:
    """Turn a published checkpoint into a model that runs here.

    The file's own framework is not needed, and nothing in the file is executed. Every tensor must have a
    place in the network, unless --loose. Class count, levels and operator family are read off the
    file. Nothing is written unless ONNX Runtime and torch agree.
    """
    import re

    from figureground.errors import CheckpointError
    from figureground.importing import import_checkpoint
    from figureground.recipes import of_yaml

    given = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise CheckpointError(f"{argument!r} is not KEY=VALUE; give for example family=torch")
        given[key] = of_yaml(value, key)
    stem = re.sub(r"[^\w.-]", "-", Path(file).name.split(".")[0])
    found, made = import_checkpoint(
        Path(file), as_, Path(output), name or stem, arguments=given, strict=not loose,
        half=storage == "float16",
    )  # fmt: skip
    print(f"{file}: {found}")
    print(
        f"{made.card}: ONNX Runtime and torch differ by at most {made.difference:.1e}; try "
        f"figureground models info {made.card}"
    )
