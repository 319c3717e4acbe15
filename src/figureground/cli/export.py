"""figureground export"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal


def export(
    run: Annotated[str, "run folder of `figureground train`"],
    *,
    output: Annotated[str, "folder for NAME.onnx and NAME.md", "-o"],
    name: Annotated[str, "name of the model"] = "my-people",
    weights: Annotated[str, "file of weights in the run folder"] = "best.safetensors",
    storage: Annotated[Literal["float16", "float32"], "how weights are stored"] = "float16",
) -> None:
    """Write a trained network as ONNX with its card.

    Nothing is written unless ONNX Runtime and torch, with the same weights, agree within 1e-4 at batch
    sizes 1 and 3 and two picture sizes. float16 rounds the weights and halves the file; computation is
    in float32 either way. What rounding changed is printed.
    """
    from figureground.export import export_run

    made = export_run(Path(run), Path(output), name, weights, storage == "float16")
    print(
        f"{made.onnx} ({made.onnx.stat().st_size / 1e6:.1f} MB): answers differ by at most "
        f"{made.difference:.1e} from torch's with the stored weights, by {made.rounding:.1e} from the "
        "trained network's"
    )
