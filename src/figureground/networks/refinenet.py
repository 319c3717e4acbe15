"""RefineNet: multi-path refinement for semantic segmentation (Lin et al. 2017, arXiv 1611.06612).

Four cascaded blocks merge backbone features from coarse to fine: residual convolution units, fusion,
chained residual pooling. Two operator families: "torch" is DrSleep's PyTorch network, whose logits are
a quarter of the input's size; "mindspore" is the model zoo's, which resizes them to the input's size
with source coordinate = output index · in / out, and pads its stem's pooling as 'same'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

from figureground.networks.foreign_names import MINDSPORE, rename
from figureground.networks.mobilenetv2 import FEATURE_CHANNELS as MOBILE_CHANNELS
from figureground.networks.mobilenetv2 import MobileNetV2, from_torchvision
from figureground.networks.resnet import FEATURE_CHANNELS as RESNET_CHANNELS
from figureground.networks.resnet import ResNet
from figureground.networks.u2net import asymmetric_resize

T = TypeVar("T")
Family = Literal["torch", "mindspore"]


def conv3x3(inputs: int, outputs: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


class ResidualConvUnits(nn.Sequential):
    """Residual convolution units, one after another."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__(*(ResidualConvUnit(channels) for _ in range(count)))


class ResidualConvUnit(nn.Module):
    """x + conv(relu(conv(relu(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels, bias=True)
        self.conv2 = conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class ChainedResidualPooling(nn.Module):
    """Adds four times: pool the last result with a 5×5 window, convolve."""

    def __init__(self, channels: int, stages: int = 4) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv3x3(channels, channels) for _ in range(stages))

    def forward(self, x: Tensor) -> Tensor:
        top = x
        for conv in self.convs:
            top = conv(F.max_pool2d(top, 5, 1, 2))
            x = x + top
        return x


class RefineBlock(nn.Module):
    """One level: its own features, what comes from the coarser level, and the way to the finer one."""

    def __init__(self, inputs: int, channels: int, finer: int | None, first: bool) -> None:
        super().__init__()
        self.reduce = conv3x3(inputs, channels)
        self.adapt = ResidualConvUnits(channels, 2)
        self.join = nn.Identity() if first else conv3x3(channels, channels)
        self.pool = ChainedResidualPooling(channels)
        self.refine = ResidualConvUnits(channels, 3)
        self.out = nn.Identity() if finer is None else conv3x3(channels, finer)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        x = self.join(self.adapt(self.reduce(x)))
        if coarser is not None:
            size = x.shape[2:]
            x = x + F.interpolate(coarser, size, mode="bilinear", align_corners=True)
        return self.out(self.refine(self.pool(F.relu(x))))


class RefineNet(nn.Module):
    """Image N×3×H×W to class logits: N×num_classes×H/4×W/4 ("torch"), or ×H×W ("mindspore").

    widths: decoder channels at the coarsest level and at the others. dropout: before the two coarsest
    levels and the classifier, in training (the PyTorch original 0.5, the model zoo 0). maps: not of
    classes, but saliency maps N×num_classes×H×W, probabilities, or logits while `sigmoid` is False.
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: tuple[int, ...] = RESNET_CHANNELS,
        widths: tuple[int, int] = (512, 256),
        num_classes: int = 21,
        family: Family = "torch",
        dropout: float = 0.5,
        maps: bool = False,
    ) -> None:
        super().__init__()
        if family not in ("torch", "mindspore"):
            raise ValueError(f"family is {family!r}; expected torch or mindspore")
        self.family = family
        self.dropout = dropout
        self.maps = self.sigmoid = maps
        self.backbone = backbone
        coarse, fine = widths
        self.blocks = nn.ModuleList(  # coarsest first
            RefineBlock(
                inputs,
                coarse if index == 0 else fine,
                None if index == 3 else fine,
                first=index == 0,
            )
            for index, inputs in enumerate(reversed(channels))
        )
        self.classifier = conv3x3(fine, num_classes, bias=True)

    def forward(self, image: Tensor) -> Tensor:
        x = None
        for index, (block, level) in enumerate(zip(self.blocks, reversed(self.backbone(image)))):
            if index < 2:
                level = F.dropout(level, self.dropout, self.training)
            x = block(level, x)
        assert x is not None
        logits = self.classifier(F.dropout(x, self.dropout, self.training))
        if self.family == "mindspore":
            logits = asymmetric_resize(logits, image.shape[2], image.shape[3])
        if self.maps:
            logits = F.interpolate(logits, image.shape[2:], mode="bilinear", align_corners=False)
        return logits.sigmoid() if self.sigmoid else logits


def _with_resnet(depth: int, num_classes: int, family: Family, dropout: float) -> RefineNet:
    backbone = ResNet(depth, "same" if family == "mindspore" else "torch")
    return RefineNet(backbone, num_classes=num_classes, family=family, dropout=dropout)


def refinenet50(num_classes: int = 21, family: Family = "torch", dropout: float = 0.5) -> RefineNet:
    """With ResNet-50."""
    return _with_resnet(50, num_classes, family, dropout)


def refinenet101(
    num_classes: int = 21, family: Family = "torch", dropout: float = 0.5
) -> RefineNet:
    """With ResNet-101: 118 million parameters with 21 classes."""
    return _with_resnet(101, num_classes, family, dropout)


def refinenet152(
    num_classes: int = 21, family: Family = "torch", dropout: float = 0.5
) -> RefineNet:
    """With ResNet-152."""
    return _with_resnet(152, num_classes, family, dropout)


def refinenet_mobile(num_classes: int = 21, dropout: float = 0.1) -> RefineNet:
    """Ours, small enough to ship: MobileNetV2 and a decoder of 32 channels."""
    return RefineNet(MobileNetV2(), MOBILE_CHANNELS, (128, 32), num_classes, "torch", dropout)


def refinenet_mobile_saliency(dropout: float = 0.1) -> RefineNet:
    """The same for salient objects: one map of probabilities, at the photo's size."""
    return RefineNet(MobileNetV2(), MOBILE_CHANNELS, (128, 32), 1, "torch", dropout, maps=True)


BUILDERS = {
    "refinenet50": refinenet50,
    "refinenet101": refinenet101,
    "refinenet152": refinenet152,
    "refinenet_mobile": refinenet_mobile,
    "refinenet_mobile_saliency": refinenet_mobile_saliency,
}
LAST = "classifier.weight"  # its length is the number of classes


def from_foreign(tensors: Mapping[str, T]) -> dict[str, T]:
    """DrSleep's, the model zoo's and ImageNet MobileNetV2's names to ours; values are passed through."""
    renamed = {}
    for name, value in from_torchvision(rename(tensors, MINDSPORE), "backbone.").items():
        # the model zoo's lists of layers: unit i, its convolutions at 1 and 3
        name = re.sub(r"_b\.0\.layers\.(\d)\.1\.", lambda m: f"_b.0.{int(m[1]) + 1}_conv.", name)
        name = re.sub(
            r"_b\.0\.layers\.(\d)\.3\.",
            lambda m: f"_b.0.{int(m[1]) + 1}_conv_relu_varout_dimred.",
            name,
        )
        name = re.sub(
            r"_pool\.0\.layers\.(\d)\.", lambda m: f"_pool.0.{int(m[1]) + 1}_outvar_dimred.", name
        )
        for pattern, place in (
            (r"p_ims1d2_outl(\d)_dimred\.", "reduce."),
            (r"adapt_stage(\d)_b2_joint_varout_dimred\.", "join."),
            (r"mflow_conv_g(\d)_b3_joint_varout_dimred\.", "out."),
            (r"adapt_stage(\d)_b\.0\.", "adapt."),
            (r"mflow_conv_g(\d)_b\.0\.", "refine."),
            (r"mflow_conv_g(\d)_pool\.0\.", "pool."),
        ):
            if match := re.match(pattern, name):
                rest = name[match.end() :]
                rest = re.sub(r"^(\d)_conv\.", lambda m: f"{int(m[1]) - 1}.conv1.", rest)
                rest = re.sub(
                    r"^(\d)_conv_relu_varout_dimred\.", lambda m: f"{int(m[1]) - 1}.conv2.", rest
                )
                rest = re.sub(r"^(\d)_outvar_dimred\.", lambda m: f"convs.{int(m[1]) - 1}.", rest)
                name = f"blocks.{int(match[1]) - 1}.{place}{rest}"
                break
        else:
            name = re.sub(r"^(?=(conv1|bn1|layer\d)\.)", "backbone.", name)
            name = re.sub(r"^clf_conv\.", "classifier.", name)
        renamed[name] = value
    return renamed
