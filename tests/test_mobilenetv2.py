"""MobileNetV2 answers as the usual implementation does, from weights in either of its spellings."""

import re

import pytest
import torch
from torch import Tensor, nn

from figureground import networks
from figureground.networks.mobilenetv2 import STAGES, MobileNetV2, from_torchvision


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        wide = [nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        self.conv = nn.Sequential(
            *(wide if expansion > 1 else []),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.add = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.add else self.conv(x)


class Usual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        stem = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
        layers: list[nn.Module] = [nn.Sequential(*stem)]
        inputs = 32
        for expansion, outputs, repeats, stride in STAGES:
            for repeat in range(repeats):
                layers.append(Block(inputs, outputs, 1 if repeat else stride, expansion))
                inputs = outputs
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in (3, 6, 13, 17):
                levels.append(x)
        return levels


def nested(name: str) -> str:
    """features.2.conv.4.weight as torchvision spells it now, features.2.conv.1.1.weight."""
    match = re.match(r"features\.(\d+)\.conv\.(\d)\.(\w+)", name)
    if match is None:
        return name
    number, layer, part = match[1], *divmod(int(match[2]), 3)
    last = 1 if number == "1" else 2
    inner = f"{layer + part}" if layer == last else f"{layer}.{part}"
    return f"features.{number}.conv.{inner}.{match[3]}"


@pytest.mark.parametrize("spelling", [str, nested])
def test_it_answers_as_the_usual_one(spelling: type[str]) -> None:
    torch.manual_seed(0)
    usual = Usual().eval()
    for module in usual.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)  # type: ignore[operator, union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[operator, union-attr]
    named = {spelling(name): value for name, value in usual.state_dict().items()}
    ours = MobileNetV2().eval()
    ours.load_state_dict(from_torchvision(named, ""))
    image = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        for level, expected in zip(ours(image), usual(image), strict=True):
            torch.testing.assert_close(level, expected)


@pytest.mark.parametrize(
    ("name", "prefix", "missing"),
    [
        ("refinenet_mobile", "backbone.", set()),
        ("refinenet_mobile_saliency", "backbone.", set()),
        ("shm", "t_net.st", {"t_net.stages.0.0.expand"}),
    ],
)
def test_image_net_weights_have_a_place(name: str, prefix: str, missing: set[str]) -> None:
    tensors = {key: value.numpy() for key, value in Usual().state_dict().items()}
    found = networks.from_foreign(name, tensors)
    wanted = {key for key in networks.build(name).state_dict() if key.startswith(prefix)}
    assert {key.rsplit(".", 2)[0] for key in wanted - found.keys()} == missing
    assert found.keys() <= wanted
