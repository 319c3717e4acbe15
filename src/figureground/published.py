"""How the original systems prepare a photo, and what their networks answer: the rest of a card when a
checkpoint is imported. Sources: the originals' evaluation code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from figureground.runtime.prepare import Input

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
TRIMAP = ("background", "foreground", "unsure")  # in the order of SHM's channels


@dataclass(frozen=True)
class Form:
    """task, output, input: as on a card. has_families: the network takes an operator family. names: of the
    classes, where they are always the same."""

    task: str
    output: str
    input: Input
    has_families: bool = False
    names: Sequence[str] = ()

    def classes(self, count: int = 21) -> Sequence[str]:
        """Names for `count` classes: its own, Pascal VOC's if there are 21, else numbers. None if not of
        classes."""
        if self.names or self.output != "class-logits":
            return self.names
        return VOC if count == len(VOC) else tuple(f"class {n}" for n in range(count))


def form(network: str, family: str = "torch") -> Form:
    """The published form of a network by its builder's name.

    U²-Net's authors divide by the photo's largest value, the model zoo's evaluation by 255. DrSleep's
    RefineNet takes photos as large as they come; here both families get the zoo's 513, padded.
    """
    if network.startswith("u2net"):
        divisor = "max" if family == "torch" else "255"
        return Form("saliency", "saliency", Input(320, 320, divisor=divisor, **IMAGENET), True)  # type: ignore[arg-type]
    if network == "refinenet_mobile_saliency":
        return Form("saliency", "saliency", Input(256, 256, "fit", **IMAGENET))  # type: ignore[arg-type]
    if network.startswith("refinenet"):
        padded = Input(513, 513, "pad", **IMAGENET)  # type: ignore[arg-type]
        return Form("semantic-segmentation", "class-logits", padded, network[9:].isdigit())
    if network in ("shm", "shm_trimap"):
        mean = (104 / 255, 112 / 255, 121 / 255)
        input = Input(320, 320, channels="bgr", mean=mean, std=(1.0, 1.0, 1.0))
        if network == "shm":
            return Form("matting", "alpha", input)
        return Form("matting", "class-logits", input, names=TRIMAP)
    if network.startswith("osnet"):
        return Form("re-identification", "embedding", Input(128, 256, **IMAGENET))  # type: ignore[arg-type]
    if network.startswith("pp_humansegv2"):
        portrait = network.endswith("portrait")
        size = (256, 144) if portrait else (192, 192)
        return Form("person-segmentation", "person-logits", Input(*size))
    raise ValueError(f"{network!r} cannot answer for a photo alone")
