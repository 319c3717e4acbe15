"""PP-HumanSegV2-Lite: MobileNetV3-large and a light pyramid decoder (PaddleSeg, contrib/PP-HumanSeg).

The published network comes in two shapes: *human* (192×192, four pyramid levels) and *portrait*
(256×144, three levels: the 1/32 features are computed nowhere and their weights are unused).
"""

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import add
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from figureground.networks.foreign_names import PADDLE, PADDLESEG_HEAD, rename
from figureground.networks.mobilenetv3 import FEATURE_CHANNELS, ConvBN, MobileNetV3Large

T = TypeVar("T")

# decoder channels per level, from 1/4 down
DECODER_CHANNELS = {3: (32, 64, 128), 4: (32, 64, 96, 128)}
HEAD_CHANNELS = (16, 32, 32, 32)


def resize(x: Tensor, size: Iterable[int]) -> Tensor:
    """Bilinear, half-pixel centres: what Paddle calls align_corners=False."""
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)


class ConvBNReLU(nn.Sequential):
    """Convolution *with* bias before its batch norm, as the published checkpoints have it."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
        self.bn = nn.BatchNorm2d(outputs)
        self.activation = nn.ReLU()


class Separable(nn.Sequential):
    """3×3 depthwise convolution, then 1×1 with ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = ConvBN(inputs, inputs, 3, groups=inputs)
        self.pointwise = ConvBNReLU(inputs, outputs)


class Context(nn.Module):
    """Sum of the features pooled to 1×1, 2×2 and 4×4 (simple pyramid pooling, arXiv 2204.02681)."""

    def __init__(
        self, inputs: int, outputs: int, out: nn.Module, bins: tuple[int, ...] = (1, 2, 4)
    ) -> None:
        super().__init__()
        self.bins = bins
        self.stages = nn.ModuleList(ConvBNReLU(inputs, outputs) for _ in bins)
        self.out = out

    def forward(self, x: Tensor) -> Tensor:
        pooled = [
            resize(stage(adaptive_average(x, bin)), x.shape[2:])
            for stage, bin in zip(self.stages, self.bins, strict=True)
        ]
        return self.out(reduce(add, pooled))


def adaptive_average(x: Tensor, bin: int) -> Tensor:
    """Adaptive average pooling to bin×bin, in operators that ONNX can run at any input size.

    Each cell averages rows floor(i·H/bin) to ceil((i+1)·H/bin): a product with one small matrix per
    axis, since ONNX has no adaptive pooling for sizes known only at run time.
    """
    return _averaging(x.shape[2], bin, x) @ x @ _averaging(x.shape[3], bin, x).mT


def _averaging(size: int, bin: int, like: Tensor) -> Tensor:
    cell = torch.arange(bin, device=like.device).unsqueeze(1)
    position = torch.arange(size, device=like.device).unsqueeze(0)
    start, end = cell * size // bin, ((cell + 1) * size + bin - 1) // bin
    inside = ((position >= start) & (position < end)).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)


class Fusion(nn.Module):
    """Adds the up-sampled deeper features to this level's (a UAFM without its attention)."""

    def __init__(self, low: int, high: int, outputs: int) -> None:
        super().__init__()
        self.low = Separable(low, high)
        self.out = Separable(high, outputs)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        low = self.low(low)
        return self.out(low + resize(high, low.shape[2:]))


class Head(nn.Sequential):
    def __init__(self, inputs: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.conv = Separable(inputs, hidden)
        self.out = nn.Conv2d(hidden, num_classes, 1, bias=False)


class PPHumanSegV2Lite(nn.Module):
    """Image N×3×H×W, normalised with mean 0.5 and standard deviation 0.5, to class logits.

    In eval mode: one tensor N×num_classes×H×W (class 1 is the person). In training mode: a list of
    such tensors, one per pyramid level, the finest first; each gets its own loss.
    H and W may be any size from 32 up.
    """

    def __init__(self, levels: int = 4, num_classes: int = 2) -> None:
        super().__init__()
        if levels not in DECODER_CHANNELS:
            raise ValueError(f"levels is {levels}; expected one of {tuple(DECODER_CHANNELS)}")
        channels = DECODER_CHANNELS[levels]
        context = 128
        self.backbone = MobileNetV3Large()
        out = Separable(context, context)
        self.context = Context(FEATURE_CHANNELS[levels - 1], context, out)
        self.fusions = nn.ModuleList(
            Fusion(low, high, out)
            for low, high, out in zip(FEATURE_CHANNELS, (*channels[1:], context), channels)
        )
        self.laterals = nn.ModuleList(Separable(c, channels[0]) for c in channels[1:])
        self.last = Separable(levels * channels[0], channels[0])
        self.heads = nn.ModuleList(
            Head(c, hidden, num_classes) for c, hidden in zip(channels, HEAD_CHANNELS)
        )

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Decoder features, finest (1/4) first."""
        features = self.backbone(x)[: len(self.fusions)]
        high = self.context(features[-1])
        levels: list[Tensor] = []
        for low, fusion in zip(reversed(features), reversed(self.fusions)):
            high = fusion(low, high)
            levels.insert(0, high)
        size = levels[0].shape[2:]
        parts = [conv(level) for conv, level in zip(self.laterals, levels[1:])]
        levels[0] = self.last(torch.cat([levels[0], *(resize(p, size) for p in parts)], 1))
        return levels

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        levels = self.pyramid(x)
        if not self.training:
            return resize(self.heads[0](levels[0]), x.shape[2:])
        return [resize(head(level), x.shape[2:]) for head, level in zip(self.heads, levels)]


def pp_humansegv2_lite_human(num_classes: int = 2) -> PPHumanSegV2Lite:
    """The published human shape: four levels, 192×192 input."""
    return PPHumanSegV2Lite(levels=4, num_classes=num_classes)


def pp_humansegv2_lite_portrait(num_classes: int = 2) -> PPHumanSegV2Lite:
    """The published portrait shape: three levels, 256 wide and 144 high."""
    return PPHumanSegV2Lite(levels=3, num_classes=num_classes)


BUILDERS = {
    "pp_humansegv2_lite": PPHumanSegV2Lite,
    "pp_humansegv2_lite_human": pp_humansegv2_lite_human,
    "pp_humansegv2_lite_portrait": pp_humansegv2_lite_portrait,
}
LAST = "heads.0.out.weight"  # its length is the number of classes

PADDLE_NAMES = (
    (r"depthwise_conv", "depthwise"),
    (r"piontwise_conv", "pointwise"),
    (r"^backbone\.conv\.", "backbone.stem."),
    (r"expand_conv", "expand"),
    (r"bottleneck_conv", "depthwise"),
    (r"linear_conv", "project"),
    (r"mid_se\.conv1", "squeeze.reduce"),
    (r"mid_se\.conv2", "squeeze.expand"),
    (r"^ppseg_head\.fuse_convs\.", "laterals."),
    (r"^ppseg_head\.last_conv", "last"),
)


def from_foreign(tensors: Mapping[str, T]) -> dict[str, T]:
    """PaddleSeg's parameter names to ours; values are passed through."""
    return rename(tensors, (*PADDLE, *PADDLE_NAMES, *PADDLESEG_HEAD))


def levels_of(names: Iterable[str]) -> int:
    """The level count of a checkpoint, from its parameter names (ours or PaddleSeg's)."""
    return len({n.split(".")[1] for n in names if re.match(r"(seg_heads|heads)\.\d", n)})
