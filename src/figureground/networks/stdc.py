"""STDC1: short-term dense concatenation (Fan et al. 2021, arXiv 2104.13188), as PaddleSeg builds it."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from figureground.networks.mobilenetv3 import ConvBN

FEATURE_CHANNELS = (64, 256, 512, 1024)


class Dense(nn.Module):
    """Four convolutions of shrinking width, one after another, all concatenated."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = ConvBN(inputs, outputs // 2, 1, activation=nn.ReLU())
        self.down: nn.Module = nn.Identity()
        if stride == 2:
            self.down = ConvBN(outputs // 2, outputs // 2, 3, 2, groups=outputs // 2)
        widths = (outputs // 2, outputs // 4, outputs // 8, outputs // 8)
        self.rest = nn.ModuleList(
            ConvBN(a, b, 3, activation=nn.ReLU()) for a, b in itertools.pairwise(widths)
        )
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        parts = [x]
        if self.stride == 2:  # the mean leaves padding out, as Paddle's does
            parts = [F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)]
        x = self.down(x)
        for conv in self.rest:
            x = conv(x)
            parts.append(x)
        return torch.cat(parts, 1)


class STDC1(nn.Module):
    """Image N×3×H×W to feature maps of 64, 256, 512, 1024 channels at 1/4, 1/8, 1/16, 1/32."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleList(
            [
                ConvBN(3, 32, 3, 2, activation=nn.ReLU()),
                ConvBN(32, 64, 3, 2, activation=nn.ReLU()),
            ]
        )
        for inputs, outputs in itertools.pairwise(FEATURE_CHANNELS):
            self.features.append(Dense(inputs, outputs, 2))
            self.features.append(Dense(outputs, outputs, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index % 2:
                outputs.append(x)
        return outputs
