"""PP-HumanSegV2-Mobile: STDC1 and PP-LiteSeg's decoder with spatial attention (PaddleSeg,
contrib/PP-HumanSeg; Peng et al. 2022, arXiv 2204.02681)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from figureground.networks.foreign_names import PADDLE, PADDLESEG_HEAD, Rule, rename
from figureground.networks.mobilenetv3 import ConvBN
from figureground.networks.pp_humansegv2_lite import Context, ConvBNReLU, resize
from figureground.networks.stdc import FEATURE_CHANNELS, STDC1

T = TypeVar("T")

DECODER_CHANNELS = (4, 16, 32, 64)  # from 1/4 down


class AttentionFusion(nn.Module):
    """Unified attention fusion: x · a + y · (scale − a), with a from the means and maxima of both.

    `scale` is a constant that some published checkpoints hold; it is 1 in those that do not.
    """

    scale: Tensor

    def __init__(self, low: int, high: int, outputs: int) -> None:
        super().__init__()
        self.low = ConvBNReLU(low, high, 3, bias=False)
        self.attention = nn.Sequential(ConvBNReLU(4, 2, 3, bias=False), ConvBN(2, 1, 3))
        self.out = ConvBNReLU(high, outputs, 3, bias=False)
        self.register_buffer("scale", torch.ones(1))

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        x = self.low(low)
        y = resize(high, x.shape[2:])
        seen = [f(z) for z in (x, y) for f in (_mean, _max)]
        a = self.attention(torch.cat(seen, 1)).sigmoid()
        return self.out(x * a + y * (self.scale - a))


def _mean(x: Tensor) -> Tensor:
    return x.mean(1, keepdim=True)


def _max(x: Tensor) -> Tensor:
    return x.amax(1, keepdim=True)


class Head(nn.Sequential):
    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(channels, channels, 3, bias=False)
        self.out = nn.Conv2d(channels, num_classes, 1, bias=False)


class PPHumanSegV2Mobile(nn.Module):
    """Image N×3×H×W, normalised with mean 0.5 and standard deviation 0.5, to class logits.

    In eval mode: one tensor N×num_classes×H×W (class 1 is the person). In training mode: a list of
    such tensors, one per pyramid level, the finest first. 7.6 million parameters.
    """

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        context = 128
        self.backbone = STDC1()
        self.context = Context(FEATURE_CHANNELS[-1], context, ConvBNReLU(context, context, 3))
        highs = (*DECODER_CHANNELS[1:], context)
        self.fusions = nn.ModuleList(
            AttentionFusion(low, high, out)
            for low, high, out in zip(FEATURE_CHANNELS, highs, DECODER_CHANNELS)
        )
        self.heads = nn.ModuleList(Head(c, num_classes) for c in DECODER_CHANNELS)

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Decoder features, finest (1/4) first."""
        features = self.backbone(x)
        high = self.context(features[-1])
        levels: list[Tensor] = []
        for low, fusion in zip(reversed(features), reversed(self.fusions)):
            high = fusion(low, high)
            levels.insert(0, high)
        return levels

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        levels = self.pyramid(x)
        if not self.training:
            return resize(self.heads[0](levels[0]), x.shape[2:])
        return [resize(head(level), x.shape[2:]) for head, level in zip(self.heads, levels)]


def pp_humansegv2_mobile(num_classes: int = 2) -> PPHumanSegV2Mobile:
    """The published network, for 192×192 input."""
    return PPHumanSegV2Mobile(num_classes)


BUILDERS = {"pp_humansegv2_mobile": pp_humansegv2_mobile}
LAST = "heads.0.out.weight"  # its length is the number of classes

PADDLE_NAMES: tuple[Rule, ...] = (
    (r"\._scale$", ".scale"),
    (r"conv_list\.0\.", "first."),
    (r"conv_list\.(\d)\.", lambda m: f"rest.{int(m[1]) - 1}."),
    (r"avd_layer\.0\.", "down.conv."),
    (r"avd_layer\.1\.", "down.bn."),
    (r"^ppseg_head\.arm_list\.(\d)\.conv_xy_atten", r"fusions.\1.attention"),
    (r"^ppseg_head\.arm_list\.", "fusions."),
)


def from_foreign(tensors: Mapping[str, T]) -> dict[str, T]:
    """PaddleSeg's parameter names to ours; values are passed through."""
    return rename(tensors, (*PADDLE, *PADDLESEG_HEAD, *PADDLE_NAMES))
