"""What a trained model says of training pictures, for a smaller one to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from figureground.errors import RecipeError
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.prepare import Input


class Teacher:
    """A mask model asked about whole batches: a card's on the CPU, a run folder's where the pictures are.

    Raises RecipeError when it gives no mask, CardError when it cannot be had.
    """

    def __init__(self, model: str) -> None:
        from figureground.runtime.predictor import load
        from figureground.training.run import TorchSession, run_predictor

        is_run = (Path(model) / "recipe.yaml").is_file()
        predictor = run_predictor(Path(model)) if is_run else load(model, threads=1)
        if not isinstance(predictor, AlphaPredictor):
            raise RecipeError(f"task.teacher {model} gives no mask; choose a model that does")
        self.predictor = predictor
        session = predictor.session
        self.network = session.network if isinstance(session, TorchSession) else None

    def __deepcopy__(self, memo: object) -> Teacher:
        return self  # it does not learn: the averaged copy of a task shares it

    def __call__(self, images: Tensor, seen: Input) -> Tensor:
        """Pictures N×3×H×W, normalised as `seen` says, to N×H×W probabilities in [0, 1]."""
        own = self.predictor.input
        colours = images * images.new_tensor(seen.std)[:, None, None]
        colours = colours + images.new_tensor(seen.mean)[:, None, None]  # in [0, 1]
        if own.channels != seen.channels:
            colours = colours.flip(1)
        colours = colours - images.new_tensor(own.mean)[:, None, None]
        colours = colours / images.new_tensor(own.std)[:, None, None]
        if self.network is None:
            answers = self.predictor.probabilities(np.ascontiguousarray(colours.cpu().numpy()))
            return torch.from_numpy(answers).to(images.device)
        with torch.no_grad():
            answer = self.network.to(images.device)(colours).float()
        if self.predictor.output == "person-logits":
            return (answer[:, 1] - answer[:, 0]).sigmoid()
        return answer[:, 0].clamp(0, 1)


def teacher_of(model: str, weight: float) -> Teacher | None:
    """What task.teacher and task.teacher_weight ask for; None where no model is named."""
    if not 0 < weight <= 1:
        raise RecipeError(f"task.teacher_weight is {weight}; expected above 0, up to 1")
    return Teacher(model) if model else None
