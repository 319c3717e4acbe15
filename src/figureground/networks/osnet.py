"""OSNet: omni-scale features of a person (Zhou et al. 2019, arXiv 1905.00953; torchreid's networks).

A block runs four streams of one to four light 3×3 convolutions and weighs each, channel by channel,
with one shared gate. IBN adds instance norm after the early residual sums, AIN (arXiv 1910.06827)
puts it into the blocks that its search chose: both for galleries from cameras never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Literal, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

from figureground.networks.foreign_names import MINDSPORE, Rule, rename

T = TypeVar("T")
Norm = Literal["batch", "instance-after-sum", "instance-before-sum"]


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch or instance norm, optional ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        relu: bool = True,
        norm: type[nn.Module] | None = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        if norm is nn.InstanceNorm2d:
            self.bn: nn.Module = nn.InstanceNorm2d(outputs, affine=True)
        elif norm is not None:
            self.bn = nn.BatchNorm2d(outputs)
        if relu:
            self.relu = nn.ReLU()


class LightConv(nn.Sequential):
    """1×1, then 3×3 depthwise convolution, batch norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()


class Gate(nn.Module):
    """Weighs each channel by what the whole map says (eq. 4 of the paper)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * weight.sigmoid()


class Block(nn.Module):
    """Omni-scale residual block."""

    def __init__(self, inputs: int, outputs: int, norm: Norm = "batch") -> None:
        super().__init__()
        middle = outputs // 4
        self.reduce = ConvNorm(inputs, middle)
        self.streams = nn.ModuleList(
            nn.Sequential(*(LightConv(middle) for _ in range(length))) for length in (1, 2, 3, 4)
        )
        self.gate = Gate(middle)
        before = norm == "instance-before-sum"
        self.expand = ConvNorm(middle, outputs, relu=False, norm=None if before else nn.BatchNorm2d)
        self.shortcut = (
            nn.Identity() if inputs == outputs else ConvNorm(inputs, outputs, relu=False)
        )
        instance = nn.InstanceNorm2d(outputs, affine=True)
        self.before_sum = instance if before else nn.Identity()
        self.after_sum = instance if norm == "instance-after-sum" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.reduce(x)
        y = self.expand(reduce(add, [self.gate(stream(y)) for stream in self.streams]))
        return F.relu(self.after_sum(self.before_sum(y) + self.shortcut(x)))


BATCH: tuple[Norm, ...] = ("batch",) * 6
IBN: tuple[Norm, ...] = ("instance-after-sum",) * 2 + ("batch",) * 4
AIN: tuple[Norm, ...] = (
    "instance-before-sum", "instance-before-sum", "batch",
    "instance-before-sum", "instance-before-sum", "batch",
)  # fmt: skip


class OSNet(nn.Module):
    """Person crop N×3×H×W (256×128, ImageNet mean and deviation) to an embedding N×512, not normalised.

    In training mode: (class logits N×num_classes, embedding N×512).
    """

    def __init__(
        self,
        num_classes: int = 1,
        width: float = 1.0,
        norms: tuple[Norm, ...] = BATCH,
        features: int = 512,
    ) -> None:
        super().__init__()
        stem, *stages = (int(c * width) for c in (64, 256, 384, 512))
        first = nn.BatchNorm2d if norms == BATCH else nn.InstanceNorm2d
        self.stem = ConvNorm(3, stem, 7, 2, norm=first)
        self.stages = nn.ModuleList()
        inputs = stem
        for index, outputs in enumerate(stages):
            a, b = norms[2 * index : 2 * index + 2]
            self.stages.append(nn.Sequential(Block(inputs, outputs, a), Block(outputs, outputs, b)))
            inputs = outputs
        self.transitions = nn.ModuleList(ConvNorm(c, c) for c in stages)
        self.fc = nn.Sequential(
            nn.Linear(stages[-1], features), nn.BatchNorm1d(features), nn.ReLU()
        )
        self.classifier = nn.Linear(features, num_classes)

    def embed(self, x: Tensor) -> Tensor:
        """The embedding alone, N×512."""
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        for index, (stage, transition) in enumerate(zip(self.stages, self.transitions)):
            x = transition(stage(x))
            if index < 2:
                x = F.avg_pool2d(x, 2, 2)
        return self.fc(x.mean((2, 3)))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        embedding = self.embed(x)
        return (self.classifier(embedding), embedding) if self.training else embedding


def osnet_x1_0(num_classes: int = 1) -> OSNet:
    """2.2 million parameters without the classifier."""
    return OSNet(num_classes)


def osnet_x0_75(num_classes: int = 1) -> OSNet:
    """Three quarters of the width."""
    return OSNet(num_classes, 0.75)


def osnet_x0_5(num_classes: int = 1) -> OSNet:
    """Half the width."""
    return OSNet(num_classes, 0.5)


def osnet_x0_25(num_classes: int = 1) -> OSNet:
    """A quarter of the width: 0.2 million parameters without the classifier."""
    return OSNet(num_classes, 0.25)


def osnet_ibn_x1_0(num_classes: int = 1) -> OSNet:
    """With instance norm after the sums of the first stage."""
    return OSNet(num_classes, 1.0, IBN)


def osnet_ain_x1_0(num_classes: int = 1) -> OSNet:
    """With instance norm where the search of OSNet-AIN put it."""
    return OSNet(num_classes, 1.0, AIN)


def osnet_ain_x0_75(num_classes: int = 1) -> OSNet:
    """AIN, three quarters of the width."""
    return OSNet(num_classes, 0.75, AIN)


def osnet_ain_x0_5(num_classes: int = 1) -> OSNet:
    """AIN, half the width."""
    return OSNet(num_classes, 0.5, AIN)


def osnet_ain_x0_25(num_classes: int = 1) -> OSNet:
    """AIN, a quarter of the width."""
    return OSNet(num_classes, 0.25, AIN)


BUILDERS = {
    builder.__name__: builder
    for builder in (
        osnet_x1_0, osnet_x0_75, osnet_x0_5, osnet_x0_25, osnet_ibn_x1_0,
        osnet_ain_x1_0, osnet_ain_x0_75, osnet_ain_x0_5, osnet_ain_x0_25,
    )
}  # fmt: skip

PUBLISHED_NAMES: tuple[Rule, ...] = (
    # a stream of light convolutions: torchreid's OSNet, then its OSNet-AIN
    (r"\.conv2a\.", ".streams.0.0."),
    (r"\.conv2([bcd])\.", lambda m: f".streams.{'abcd'.index(m[1])}."),
    (r"\.conv2\.(\d)\.layers\.", r".streams.\1."),
    (r"(streams\.\d\.\d)\.conv1\.", r"\1.pointwise."),
    (r"(streams\.\d\.\d)\.conv2\.", r"\1.depthwise."),
    (r"\.conv1\.(conv|bn)\.", r".reduce.\1."),
    (r"\.conv3\.(conv|bn)\.", r".expand.\1."),
    (r"\.downsample\.", ".shortcut."),
    (r"^conv1\.", "stem."),
    (r"^conv5\.", "transitions.2."),
    (
        r"^(?:conv|pool)([23])\.(?:2\.)?0\.(conv|bn)\.",
        lambda m: f"transitions.{int(m[1]) - 2}.{m[2]}.",
    ),
    (r"^conv([234])\.", lambda m: f"stages.{int(m[1]) - 2}."),
)


def from_foreign(tensors: Mapping[str, T]) -> dict[str, T]:
    """torchreid's and the model zoo's names to ours; values are passed through."""
    ain = any(".layers." in name for name in tensors)
    instance = ".before_sum." if ain else ".after_sum."
    renamed = rename(tensors, (*MINDSPORE, *PUBLISHED_NAMES))
    return {name.replace(".IN.", instance): value for name, value in renamed.items()}


LAST = "classifier.weight"  # its length is the number of classes
