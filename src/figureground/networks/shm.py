"""Semantic Human Matting: a trimap network, a matting network, and their fusion (Chen et al. 2018,
arXiv 1809.01354), as the model zoo and its PyTorch sibling build it.

The T-Net is MobileNetV2 with an additive U-Net decoder instead of the paper's PSPNet-50, the M-Net a
small encoder-decoder. Fusion (eq. 3): alpha = P(foreground) + P(unsure) · M-Net's raw alpha.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from figureground.networks.foreign_names import MINDSPORE, rename
from figureground.networks.mobilenetv2 import STAGES, from_torchvision, stages
from figureground.networks.mobilenetv3 import ConvBN

T = TypeVar("T")
Stage = Literal["trimap", "matte", "both"]

SKIPS = (0, 1, 2, 4)  # stages that the decoder adds, at 1, 1/2, 1/4, 1/8


class TNet(nn.Module):
    """Image N×3×H×W to trimap logits N×3×H×W: background, foreground, unsure."""

    def __init__(self) -> None:
        super().__init__()
        # of stride 1, so that the deepest features are at 1/16; not ReLU6, as in the original
        self.stem = ConvBN(3, 32, 3, activation=nn.ReLU())
        self.stages = stages(expand_first=True)
        skips = [STAGES[i][1] for i in SKIPS]
        self.up = nn.ModuleList(  # finest first
            ConvBN(deeper, c, 3, bias=True, activation=nn.ReLU())
            for c, deeper in zip(skips, [*skips[1:], STAGES[-1][1]])
        )
        self.fuse = nn.ModuleList(ConvBN(c, c, 3, bias=True) for c in skips)
        self.out = nn.Conv2d(skips[0], 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        levels: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in SKIPS:
                levels.append(x)
        for level, up, fuse in zip(reversed(levels), reversed(self.up), reversed(self.fuse)):
            x = F.interpolate(x, level.shape[2:], mode="bilinear", align_corners=False)
            x = fuse(level + up(x))
        return self.out(x)


class MNet(nn.Module):
    """Image and trimap probabilities N×6×H×W to a raw alpha N×1×H×W, not clipped.

    Sizes that are no multiple of 16 are enlarged by repeating the border, and cut back.
    """

    def __init__(self) -> None:
        super().__init__()
        down = (6, 16, 32, 64, 128)
        self.encode = nn.ModuleList(
            ConvBN(a, b, 3, activation=nn.ReLU()) for a, b in itertools.pairwise(down)
        )
        up = (128, 128, 64, 32, 16)
        self.decode = nn.ModuleList(
            ConvBN(a, b, 3, activation=nn.ReLU()) for a, b in itertools.pairwise(up)
        )
        self.upsample = nn.ModuleList(
            nn.ConvTranspose2d(c, c, 5, 2, 2, output_padding=1, bias=False) for c in up[1:]
        )
        self.out = nn.Conv2d(16, 1, 5, padding=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % 16, 0, -height % 16), mode="replicate")
        for conv in self.encode:
            x = F.max_pool2d(conv(x), 3, 2, 1)
        for conv, upsample in zip(self.decode, self.upsample):
            x = upsample(conv(x))
        return self.out(x)[:, :, :height, :width]


class SHM(nn.Module):
    """Image N×3×H×W (BGR, see the card) to alpha N×1×H×W, about 0 to 1, not clipped.

    stage "both": end to end; in training mode gives (trimap logits N×3×H×W, alpha).
    stage "trimap": the T-Net alone, trimap logits. stage "matte": alpha from a given trimap,
    probabilities N×3×H×W of background, foreground, unsure, as a second argument.
    """

    def __init__(self, stage: Stage = "both") -> None:
        super().__init__()
        if stage not in ("trimap", "matte", "both"):
            raise ValueError(f"stage is {stage!r}; expected trimap, matte or both")
        self.stage = stage
        if stage != "matte":
            self.t_net = TNet()
        if stage != "trimap":
            self.m_net = MNet()

    def forward(
        self, image: Tensor, trimap: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        if self.stage == "trimap":
            return self.t_net(image)
        logits = None
        if self.stage == "both":
            logits = self.t_net(image)
            trimap = logits.softmax(1)
        elif trimap is None:
            raise ValueError("stage matte needs a trimap N×3×H×W as second argument")
        raw = self.m_net(torch.cat([image, trimap], 1))
        alpha = trimap[:, 1:2] + trimap[:, 2:3] * raw
        return (logits, alpha) if self.training and logits is not None else alpha


def shm() -> SHM:
    """Trimap and matte, end to end: 3.1 million parameters."""
    return SHM("both")


def shm_trimap() -> SHM:
    """The T-Net alone, for its own training stage."""
    return SHM("trimap")


def shm_matte() -> SHM:
    """The M-Net alone, for its own training stage or a trimap drawn by hand."""
    return SHM("matte")


BUILDERS = {"shm": shm, "shm_trimap": shm_trimap, "shm_matte": shm_matte}

PARTS = (
    "expand.conv",
    "expand.bn",
    "",
    "depthwise.conv",
    "depthwise.bn",
    "",
    "project.conv",
    "project.bn",
)


def from_foreign(tensors: Mapping[str, T]) -> dict[str, T]:
    """The model zoo's, its PyTorch sibling's names, and those of ImageNet weights for the T-Net, to ours.

    Left out is en_conv_bn_relu_5, which the PyTorch file holds and its network never uses.
    """
    renamed = {}
    named = from_torchvision(rename(tensors, MINDSPORE), "t_net.")
    for name, value in named.items():
        if ".en_conv_bn_relu_5." in name:
            continue
        if match := re.match(r"t_net\.feature\.block_(\d)\.(?:(\d)\.)?conv\.(\d)\.(.*)", name):
            stage, block, part, rest = match.groups()
            name = f"t_net.stages.{int(stage) - 1}.{block or 0}.{PARTS[int(part)]}.{rest}"
        elif match := re.match(r"t_net\.feature\.head_conv\.(\d)\.(.*)", name):
            name = f"t_net.stem.{('conv', 'bn')[int(match[1])]}.{match[2]}"
        elif match := re.match(r"t_net\.s(\d)_up_conv\.(\d)\.(.*)", name):
            name = f"t_net.up.{int(match[1]) - 2}.{('', 'conv', 'bn')[int(match[2])]}.{match[3]}"
        elif match := re.match(r"t_net\.s(\d)_fusion\.(\d)\.(.*)", name):
            name = f"t_net.fuse.{int(match[1]) - 1}.{('conv', 'bn')[int(match[2])]}.{match[3]}"
        elif match := re.match(r"m_net\.(en|de)_conv_bn_relu_(\d)\.(\d)\.(.*)", name):
            half = {"en": "encode", "de": "decode"}[match[1]]
            name = f"m_net.{half}.{int(match[2]) - 1}.{('conv', 'bn')[int(match[3])]}.{match[4]}"
        elif match := re.match(r"m_net\.deconv_(\d)\.(.*)", name):
            name = f"m_net.upsample.{int(match[1]) - 1}.{match[2]}"
        name = re.sub(r"^t_net\.last_conv\.", "t_net.out.", name)
        renamed[re.sub(r"^m_net\.conv\.", "m_net.out.", name)] = value
    return renamed
