"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, table 2) as a feature extractor: no classifier."""

import re
from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor, nn

from figureground.networks.mobilenetv3 import ConvBN

T = TypeVar("T")

# expansion, output channels, repeats, stride
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
FEATURES = (1, 2, 4, 6)
FEATURE_CHANNELS = (24, 32, 96, 320)


class InvertedResidual(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, stride: int, expansion: int, expand: bool
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.shortcut = stride == 1 and inputs == outputs
        self.expand: nn.Module = nn.Identity()
        if expand:
            self.expand = wide = ConvBN(inputs, hidden, 1, activation=nn.ReLU6())
            if expansion == 1:  # changes nothing at first, so that ImageNet weights still fit
                nn.init.dirac_(wide.conv.weight)
        self.depthwise = ConvBN(hidden, hidden, 3, stride, hidden, activation=nn.ReLU6())
        self.project = ConvBN(hidden, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


def stages(expand_first: bool = False) -> nn.ModuleList:
    """The seven stages after the stem of 32 channels. expand_first: the first block, which has nothing to
    expand, has the convolution for it all the same, as Semantic Human Matting builds it."""
    made, inputs = nn.ModuleList(), 32
    for expansion, outputs, repeats, stride in STAGES:
        blocks = [
            InvertedResidual(inputs, outputs, stride, expansion, expansion > 1 or expand_first)
        ]
        blocks += [
            InvertedResidual(outputs, outputs, 1, expansion, True) for _ in range(repeats - 1)
        ]
        made.append(nn.Sequential(*blocks))
        inputs = outputs
    return made


class MobileNetV2(nn.Module):
    """Image N×3×H×W to four feature maps of 24, 32, 96, 320 channels at 1/4, 1/8, 1/16, 1/32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBN(3, 32, 3, 2, activation=nn.ReLU6())
        self.stages = stages()

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in FEATURES:
                features.append(x)
        return features


def from_torchvision(tensors: Mapping[str, T], prefix: str) -> dict[str, T]:
    """ImageNet weights in torchvision's names, or those of the flat implementations before it, to ours
    behind `prefix`; other names and all values are passed through."""
    places = [f"{stage}.{block}" for stage, row in enumerate(STAGES) for block in range(row[2])]
    renamed = {}
    for name, value in tensors.items():
        if match := re.match(r"features\.(\d+)\.(?:conv\.)?(\d)\.(?:([01])\.)?(\w+)$", name):
            number, part, kind = int(match[1]), int(match[2]), match[4]
            layers = ("depthwise", "project") if number == 1 else ("expand", "depthwise", "project")
            if match[3]:  # nested: a layer, and in it convolution, norm
                layer, part = part, int(match[3])
            elif f"features.{number}.conv.0.0.weight" in tensors:  # its last layer, not nested
                layer, part = len(layers) - 1, part - len(layers) + 1
            else:  # flat: convolution, norm, activation of each
                layer, part = divmod(part, 3)
            tail = f"{('conv', 'bn')[part]}.{kind}" if part < 2 else kind
            if number == 0:
                name = f"{prefix}stem.{tail}"
            elif number <= len(places):
                name = f"{prefix}stages.{places[number - 1]}.{layers[layer]}.{tail}"
        renamed[name] = value
    return renamed
