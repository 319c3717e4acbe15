"""A small network learns from a larger one's answers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from figureground.cli import main
from figureground.errors import RecipeError
from figureground.losses.distillation import distillation_loss
from figureground.runtime.predictor import load_alpha
from figureground.runtime.prepare import Input, normalize
from figureground.training.teacher import Teacher


def test_a_teacher_sees_what_the_pupil_sees() -> None:
    """However the pupil's pictures are normalised, the answer is the model's for the same photo."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    pupil = Input(96, 64, channels="bgr", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    answer = Teacher("pp-humanseg-lite")(torch.from_numpy(normalize(pixels, pupil))[None], pupil)
    model = load_alpha("pp-humanseg-lite", edges="fast", threads=1)
    expected = model.probabilities(normalize(pixels, model.input)[None])
    assert answer.shape == (1, 64, 96)
    np.testing.assert_allclose(answer.numpy(), expected, atol=1e-4)


def test_the_loss_is_least_at_the_teachers_answer() -> None:
    taught = torch.tensor([[[0.2, 0.9]]])
    margin = torch.logit(taught)
    levels = [torch.stack([-margin / 2, margin / 2], 1), torch.stack([0 * margin, margin], 1)]
    least = 2 * F.binary_cross_entropy(taught, taught)
    torch.testing.assert_close(distillation_loss(levels, taught), least)
    assert distillation_loss([level * 1.5 for level in levels], taught) > least


def test_teachers_that_cannot_teach(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RecipeError, match="gives no mask"):
        Teacher("osnet-x0.25")
    smoke = ["train", "pp-humanseg-lite/human", "--smoke", "task.teacher=pp-humanseg-lite"]
    assert main([*smoke, "loop.ema=0.9"]) == 0
    assert main([*smoke, "task.teacher_weight=2"]) == 1
    assert "task.teacher_weight is 2" in capsys.readouterr().err
