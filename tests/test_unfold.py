"""Networks whose batch norms were folded away by export, made trainable again."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from figureground import hub, networks
from figureground.errors import CheckpointError, RecipeError
from figureground.runtime.session import OnnxSession
from figureground.training.start import SEEN, start_from
from figureground.training.unfold import folded, read_onnx


def whitened(path: Path, answer: np.ndarray) -> np.ndarray:
    """With what `figureground whiten` put behind the network, which is not trained on."""
    held = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    if "projection.float16" not in held:
        return answer
    unit = answer / np.linalg.norm(answer, axis=1, keepdims=True)
    return unit @ held["projection.float16"].astype(np.float32) - held["centre"]


@pytest.mark.parametrize(
    ("card", "size", "arguments"),
    [
        ("pp-humanseg-lite", (64, 96), {}),
        ("osnet-x0.25", (64, 32), {"num_classes": 5}),
        ("refinenet-saliency", (64, 96), {}),  # the first of its maps, weights in 8 bits
    ],
)
def test_a_shipped_model_can_be_trained_on(
    card: str, size: tuple[int, int], arguments: dict[str, int]
) -> None:
    """It answers as its ONNX does, with norms that hold what they see."""
    model = hub.card(card)
    network = networks.build(str(model.network["name"]), **arguments)
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(SEEN, 3, *size, generator=generator)
    said = start_from(network, str(model.network["name"]), card, [(p,) for p in pictures])
    assert "tensors matched" in said
    network.eval()
    with torch.inference_mode():
        answer = network(pictures[:2])
    answer = answer[0] if isinstance(answer, list) else answer
    found = whitened(hub.local(model), answer.numpy())
    expected = OnnxSession(hub.local(model)).run(pictures[:2].numpy())
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())

    pairs = folded(network, read_onnx(hub.local(model)))
    assert len(pairs) > 20
    seen: list[torch.Tensor] = []
    norm = network.get_submodule(pairs[0][1])
    norm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].transpose(0, 1)))
    with torch.inference_mode():
        network(pictures)
    own = seen[0].flatten(1)
    torch.testing.assert_close(norm.running_mean, own.mean(1), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(norm.running_var, own.var(1), atol=1e-4, rtol=1e-3)


def test_what_cannot_be_started_from(tmp_path: Path) -> None:
    network = networks.build("osnet_x0_25", num_classes=2)
    with pytest.raises(RecipeError, match="do not fit the network osnet_x0_25"):
        start_from(network, "osnet_x0_25", "pp-humanseg-lite", [])
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\xff" * 50)
    with pytest.raises(CheckpointError, match="cannot read"):
        read_onnx(broken)
