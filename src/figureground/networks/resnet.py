"""ResNet-50, 101 and 152 as feature extractors (He et al. 2016, arXiv 1512.03385, table 1).

Parameter names are those of torchvision's ResNet, without its classifier.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
FEATURE_CHANNELS = (256, 512, 1024, 2048)


class Bottleneck(nn.Module):
    """1×1, 3×3 (with the stride), 1×1 convolutions beside a shortcut."""

    def __init__(self, inputs: int, middle: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * middle
        self.conv1 = nn.Conv2d(inputs, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class ResNet(nn.Module):
    """Image N×3×H×W to four feature maps at 1/4 (256 channels) … 1/32 (2048).

    pool "torch": the stem's max-pool pads one pixel all round. "same": as MindSpore's, it pads below
    and to the right only where the size is even.
    """

    def __init__(self, depth: int = 101, pool: Literal["torch", "same"] = "torch") -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise ValueError(f"depth is {depth}; expected one of {tuple(BLOCKS)}")
        self.pool = pool
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for index, repeats in enumerate(BLOCKS[depth]):
            middle = 64 << index
            blocks = [Bottleneck(inputs, middle, 1 if index == 0 else 2)]
            blocks += [Bottleneck(4 * middle, middle, 1) for _ in range(repeats - 1)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            inputs = 4 * middle

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu(self.bn1(self.conv1(x)))
        if self.pool == "torch":
            x = F.max_pool2d(x, 3, 2, 1)
        else:
            x = F.pad(x, _same(x.shape[3]) + _same(x.shape[2]))  # zeros: x is not negative
            x = F.max_pool2d(x, 3, 2)
        features = []
        for index in range(4):
            x = self.get_submodule(f"layer{index + 1}")(x)
            features.append(x)
        return features


def _same(size: int) -> tuple[int, int]:
    """'same' padding before and after for a window of 3 and a stride of 2."""
    return size % 2, 1
