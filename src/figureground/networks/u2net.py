"""U²-Net and U²-NetP: a U-Net of small U-Nets for salient objects (Qin et al. 2020, arXiv 2005.09007).

Two operator families of the same network: "torch", the authors' own, and "mindspore", the model zoo's,
whose resize takes source pixel = output index · in / out (neither corners aligned nor half-pixel
centres) and whose pooling rounds sizes down. A checkpoint needs the family it was trained with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from figureground.networks.foreign_names import MINDSPORE, rename

T = TypeVar("T")
Family = Literal["torch", "mindspore"]


class ConvBNReLU(nn.Sequential):
    """3×3 convolution with bias, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()


def resize_like(x: Tensor, reference: Tensor, family: Family) -> Tensor:
    """Bilinear to the reference's height and width, as the family does it."""
    size = reference.shape[2:]
    if family == "torch":
        return F.interpolate(x, size, mode="bilinear", align_corners=False)
    return asymmetric_resize(x, size[0], size[1])


def asymmetric_resize(x: Tensor, height: int, width: int) -> Tensor:
    """Bilinear with source coordinate = output index · in / out, clamped at the far edge."""
    return _interpolate(_interpolate(x, height, 2), width, 3)


def _interpolate(x: Tensor, size: int, axis: int) -> Tensor:
    length = x.shape[axis]
    position = torch.arange(size, device=x.device, dtype=torch.float32) * (length / size)
    low = position.floor().long().clamp(max=length - 1)
    high = (low + 1).clamp(max=length - 1)
    weight = (position - low).to(x.dtype)
    weight = weight.unsqueeze(1) if axis == 2 else weight
    return torch.lerp(x.index_select(axis, low), x.index_select(axis, high), weight)


class RSU(nn.Module):
    """Residual U-block of `depth` levels; with dilated=True it keeps its size (RSU-4F)."""

    def __init__(
        self, depth: int, inputs: int, middle: int, outputs: int, family: Family, dilated: bool
    ) -> None:
        super().__init__()
        self.family = family
        self.dilated = dilated
        self.enter = ConvBNReLU(inputs, outputs)
        channels = [outputs, *[middle] * (depth - 1)]
        dilations = [2**i if dilated else 1 for i in range(depth - 1)]
        self.encode = nn.ModuleList(
            ConvBNReLU(a, b, d) for a, b, d in zip(channels, channels[1:], dilations)
        )
        self.bottom = ConvBNReLU(middle, middle, 2 ** (depth - 1) if dilated else 2)
        self.decode = nn.ModuleList(  # finest first
            ConvBNReLU(2 * middle, middle if i else outputs, d) for i, d in enumerate(dilations)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = entered = self.enter(x)
        levels: list[Tensor] = []
        for conv in self.encode:
            if levels and not self.dilated:
                x = F.max_pool2d(x, 2, 2, ceil_mode=self.family == "torch")
            x = conv(x)
            levels.append(x)
        x = self.bottom(x)
        for conv, level in zip(reversed(self.decode), reversed(levels)):
            if x.shape != level.shape and not self.dilated:
                x = resize_like(x, level, self.family)
            x = conv(torch.cat([x, level], 1))
        return entered + x


# depth, middle channels, output channels, dilated; encoder stages 1 … 6, then decoder stages 5 … 1
FULL = (
    ((7, 32, 64), (6, 32, 128), (5, 64, 256), (4, 128, 512), (4, 256, 512), (4, 256, 512)),
    ((4, 256, 512), (4, 128, 256), (5, 64, 128), (6, 32, 64), (7, 16, 64)),
)
SMALL = (
    ((7, 16, 64), (6, 16, 64), (5, 16, 64), (4, 16, 64), (4, 16, 64), (4, 16, 64)),
    ((4, 16, 64), (4, 16, 64), (5, 16, 64), (6, 16, 64), (7, 16, 64)),
)


class U2Net(nn.Module):
    """Image N×3×H×W to seven saliency maps d0 … d6, stacked as N×7×H×W, each in [0, 1].

    d0 is the fused prediction; d1 … d6 are the side outputs, the finest first. sigmoid=False gives
    logits, which is what a loss wants.
    """

    def __init__(self, small: bool = False, family: Family = "torch", sigmoid: bool = True) -> None:
        super().__init__()
        if family not in ("torch", "mindspore"):
            raise ValueError(f"family is {family!r}; expected torch or mindspore")
        encoder, decoder = SMALL if small else FULL
        self.family = family
        self.sigmoid = sigmoid
        channels = [3, *[row[2] for row in encoder]]
        self.encode = nn.ModuleList(
            RSU(depth, inputs, middle, outputs, family, dilated=index >= 4)
            for index, (inputs, (depth, middle, outputs)) in enumerate(zip(channels, encoder))
        )
        self.decode = nn.ModuleList()  # deepest first
        inputs = channels[-1]
        for index, (depth, middle, outputs) in enumerate(decoder):
            skip = encoder[4 - index][2]
            self.decode.append(RSU(depth, inputs + skip, middle, outputs, family, index == 0))
            inputs = outputs
        sides = [*[row[2] for row in reversed(decoder)], channels[-1]]
        self.sides = nn.ModuleList(nn.Conv2d(c, 1, 3, padding=1) for c in sides)
        self.fuse = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        image = x
        levels: list[Tensor] = []
        for stage in self.encode:
            if levels:
                x = F.max_pool2d(x, 2, 2, ceil_mode=self.family == "torch")
            x = stage(x)
            levels.append(x)
        decoded = [x]
        for stage, level in zip(self.decode, reversed(levels[:-1])):
            x = stage(torch.cat([resize_like(x, level, self.family), level], 1))
            decoded.insert(0, x)
        maps = [side(level) for side, level in zip(self.sides, decoded)]
        maps = [maps[0], *[resize_like(m, image, self.family) for m in maps[1:]]]
        stacked = torch.cat([self.fuse(torch.cat(maps, 1)), *maps], 1)
        return stacked.sigmoid() if self.sigmoid else stacked


def u2net(family: Family = "torch", sigmoid: bool = True) -> U2Net:
    """The full network: 44.0 million parameters."""
    return U2Net(False, family, sigmoid)


def u2netp(family: Family = "torch", sigmoid: bool = True) -> U2Net:
    """The small network: 1.13 million parameters."""
    return U2Net(True, family, sigmoid)


BUILDERS = {"u2net": u2net, "u2netp": u2netp}


def from_foreign(tensors: Mapping[str, T]) -> dict[str, T]:
    """Names of the authors' and the model zoo's checkpoints to ours; values are passed through."""
    deepest = {
        stage: max(
            (int(n) for n in re.findall(rf"{stage}\.rebnconv(\d)\.", " ".join(tensors))), default=0
        )
        for stage in {name.split(".")[0] for name in tensors if name.startswith("stage")}
    }
    renamed = {}
    for name, value in rename(tensors, MINDSPORE).items():
        for pattern, replacement in (
            (r"conv_s1\.", "conv."),
            (r"bn_s1\.", "bn."),
            (r"^outconv\.", "fuse."),
        ):
            name = re.sub(pattern, replacement, name)
        if match := re.match(r"side(\d)\.(.*)", name):
            name = f"sides.{int(match[1]) - 1}.{match[2]}"
        elif match := re.match(r"(stage(\d)(d?))\.rebnconv(in|\d)(d?)\.(.*)", name):
            stage, number, decoder, conv, up, rest = match.groups()
            place = f"decode.{5 - int(number)}" if decoder else f"encode.{int(number) - 1}"
            if conv == "in":
                part = "enter"
            elif up:
                part = f"decode.{int(conv) - 1}"
            else:
                part = "bottom" if int(conv) == deepest[stage] else f"encode.{int(conv) - 1}"
            name = f"{place}.{part}.{rest}"
        renamed[name] = value
    return renamed
