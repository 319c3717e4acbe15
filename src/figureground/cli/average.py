"""figureground average"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated


def average(
    models: Annotated[
        list[str], "cards of two or more models of one network, trained from one another"
    ],
    *,
    output: Annotated[str, "folder for NAME.onnx and NAME.md", "-o"],
    name: Annotated[str, "name of the model"] = "mean",
) -> None:
    """Write a model whose weights are the mean of those of several.

    The mean of two stages of one training, or of two trainings from the same weights, often does better on
    new photos than either, at the cost of one (Wortsman et al., "Model soups", 2022). Measure it with
    `figureground evaluate`: trainings from different random starts have no mean worth anything.
    """
    from figureground import hub
    from figureground.export import export_average

    made = export_average([hub.card(model) for model in models], Path(output), name)
    print(f"{made}: the mean of {len(models)} models")
