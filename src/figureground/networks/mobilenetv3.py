"""MobileNetV3-large as a feature extractor (Howard et al. 2019, arXiv 1905.02244, table 1).

As PaddleSeg builds it: fifteen inverted-residual blocks, squeeze-and-excite gates with the
hard-sigmoid max(0, min(1, 0.2 x + 0.5)) instead of torch's x / 6 + 0.5, no classifier.
"""

import torch
from torch import Tensor, nn

# kernel, expanded channels, output channels, squeeze-and-excite, hard-swish, stride
LARGE = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),  # 1/4
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),  # 1/8
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),  # 1/16
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),  # 1/32
)
FEATURES = (2, 5, 11, 14)
FEATURE_CHANNELS = (24, 40, 112, 160)


class ConvBN(nn.Sequential):
    """Convolution, batch norm, optional activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias
        )
        self.bn = nn.BatchNorm2d(outputs)
        if activation is not None:
            self.activation = activation


class SqueezeExcite(nn.Module):
    """Channel gate (Hu et al. 2018) with the hard-sigmoid of slope 0.2."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // reduction, 1)
        self.expand = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(torch.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * (0.2 * gate + 0.5).clamp(0, 1)


class InvertedResidual(nn.Module):
    def __init__(
        self,
        inputs: int,
        kernel: int,
        expanded: int,
        outputs: int,
        squeeze: bool,
        hard_swish: bool,
        stride: int,
    ) -> None:
        super().__init__()
        activation = nn.Hardswish if hard_swish else nn.ReLU
        self.shortcut = stride == 1 and inputs == outputs
        self.expand = ConvBN(inputs, expanded, 1, activation=activation())
        self.depthwise = ConvBN(
            expanded, expanded, kernel, stride, groups=expanded, activation=activation()
        )
        self.squeeze = SqueezeExcite(expanded) if squeeze else nn.Identity()
        self.project = ConvBN(expanded, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + y if self.shortcut else y


class MobileNetV3Large(nn.Module):
    """Image N×3×H×W to four feature maps of 24, 40, 112, 160 channels at 1/4, 1/8, 1/16, 1/32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBN(3, 16, 3, stride=2, activation=nn.Hardswish())
        channels = (16, *(row[2] for row in LARGE))
        self.blocks = nn.ModuleList(
            InvertedResidual(inputs, *row) for inputs, row in zip(channels, LARGE, strict=False)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in FEATURES:
                features.append(x)
        return features
