"""A small network learns from a larger one's answers."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from figureground import networks
from figureground.cli import main
from figureground.errors import RecipeError
from figureground.losses.distillation import distillation_loss
from figureground.runtime.predictor import load_alpha
from figureground.runtime.prepare import Input, normalize
from figureground.training import saliency
from figureground.training.run import run_predictor
from figureground.training.saliency import SaliencyTask, mix
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


@pytest.mark.parametrize("recipe", ["pp-humanseg-lite/human", "u2netp/people", "shm/people"])
def test_a_run_folder_teaches_as_it_predicts(recipe: str, tmp_path: Path) -> None:
    short = ["loop.max_steps=1", "data.steps_per_epoch=1", "loop.pictures_every=0"]
    assert main(["train", recipe, "--smoke", *short, "--run", str(tmp_path / "run")]) == 0
    predictor = run_predictor(tmp_path / "run")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    images = normalize(pixels, predictor.input)[None]
    taught = Teacher(str(tmp_path / "run"))(torch.from_numpy(images), predictor.input)
    np.testing.assert_allclose(taught.numpy(), predictor.probabilities(images), atol=1e-4)


def test_pictures_are_mixed_with_others() -> None:
    """Half of them are laid under another, the others have what is salient there pasted onto them."""
    torch.manual_seed(0)
    truths = torch.zeros(64, 8, 8)
    truths[:, :4] = 1
    mixed = mix(torch.zeros(64, 3, 8, 8), torch.ones(64, 3, 8, 8), truths)
    pasted = (mixed == truths[:, None]).all((1, 2, 3))
    assert 16 < pasted.sum() < 48
    laid = mixed[~pasted]
    assert (laid == laid[:, :1, :1, :1]).all()
    assert 0 <= laid.min() < 0.1 < 0.4 < laid.max() <= 0.5


def test_of_mixed_pictures_the_teacher_alone_says_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(saliency, "mix", lambda images, others, truths: (images + others) / 2)
    torch.manual_seed(0)
    images, truths = torch.rand(4, 3, 64, 64), torch.rand(2, 4, 64, 64)

    def losses(share: float) -> list[float]:
        task = SaliencyTask(
            networks.build("u2netp"), teacher="refinenet-saliency", mixed_share=share
        )
        task.trainer = SimpleNamespace(datamodule=SimpleNamespace(input=Input(64, 64)))  # type: ignore[assignment]
        task.log = lambda *_: None  # type: ignore[method-assign]
        found = []
        for truth in truths:
            torch.manual_seed(1)
            found.append(task.training_step((images.clone(), truth), 0).item())
        return found

    assert len(set(losses(1))) == 1
    assert len(set(losses(0.5))) == 2
    with pytest.raises(
        RecipeError, match=r"mixed_share is 0\.5; expected 0 up to 1, and above 0 a"
    ):
        SaliencyTask(networks.build("u2netp"), mixed_share=0.5)


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
