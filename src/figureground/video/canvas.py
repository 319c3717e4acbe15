"""Frames as the planes that are mixed and encoded: 4:2:0 for what is played, RGB for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Planes = tuple[
    Pixels, ...
]  # (Y, U, V), of which U and V have half the sides, rounded up; or (RGB,)
Kind = Literal["yuv420p", "rgb24"]


@dataclass(frozen=True)
class Canvas:
    """width, height: upright. kind: of the planes. matrix, full: how YUV relates to RGB, and whether it
    uses 0 … 255."""

    width: int
    height: int
    kind: Kind
    matrix: Colorspace
    full: bool

    @property
    def range(self) -> ColorRange:
        return ColorRange.JPEG if self.full else ColorRange.MPEG

    def of(self, picture: av.VideoFrame, turns: int = 0, kind: Kind | None = None) -> Planes:
        """The planes of a decoded frame, turned upright. Of 8-bit 4:2:0 they are views, not copies."""
        kind = kind or self.kind
        name = picture.format.name
        if name != kind and (kind, name) != ("yuv420p", "yuvj420p"):
            picture = picture.reformat(
                format=kind,
                src_colorspace=self.matrix,
                dst_colorspace=self.matrix,
                src_color_range=None if "yuv" in name else ColorRange.JPEG,
                dst_color_range=self.range if kind == "yuv420p" else None,
                threads=1,
            )
        planes = views(picture)
        return tuple(upright(plane, turns) for plane in planes)

    def paint(self, pixels: Pixels) -> Planes:
        """H×W×3 RGB of any size, stretched to the canvas, as planes."""
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        return views(
            picture.reformat(
                self.width,
                self.height,
                self.kind,
                dst_colorspace=self.matrix,
                dst_color_range=self.range,
                interpolation=Interpolation.BICUBIC,
                threads=1,
            )
        )

    def guide(self, pixels: Pixels) -> Planes:
        """h×w×3 RGB as (Y, U, V) of one size, as this canvas has them."""
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        return views(
            picture.reformat(
                format="yuv444p",
                dst_colorspace=self.matrix,
                dst_color_range=self.range,
                threads=1,
            )
        )

    def nothing(self) -> Planes:
        """Black, which is what is stored where nothing is to be seen."""
        return self.paint(np.zeros((2, 2, 3), np.uint8))

    def rgb(self, planes: Planes) -> Pixels:
        """Planes of this canvas as H×W×3 RGB."""
        if self.kind == "rgb24":
            return planes[0]
        picture = av.VideoFrame(self.width, self.height, "yuv420p")
        fill(views(picture), planes)
        pixels: NDArray[Any] = picture.to_ndarray(
            format="rgb24",
            src_colorspace=self.matrix,
            src_color_range=self.range,
            threads=1,
        )
        return pixels


class Shrinker:
    """Frames at a network's size: `shrink(frame, width, height)` gives h×w×3 RGB, upright, antialiased."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._reformatter = VideoReformatter()  # keeps its tables from frame to frame

    def __call__(self, picture: av.VideoFrame, turns: int, width: int, height: int) -> Pixels:
        if turns % 2:
            width, height = height, width
        small = self._reformatter.reformat(
            picture, width, height, "rgb24", src_colorspace=self._canvas.matrix, threads=1
        )
        return upright(views(small)[0], turns)


def upright(plane: Pixels, turns: int) -> Pixels:
    """A view turned left by `turns` quarters; by 4 to 7, by 0 to 3 and then mirrored left and right."""
    turned = np.rot90(plane, turns % 4) if turns % 4 else plane
    return turned[:, ::-1] if turns >= 4 else turned


def views(picture: av.VideoFrame) -> Planes:
    """The planes of a frame as arrays that share its memory; of RGB one of H×W×3."""
    depth = {"rgb24": 3, "rgba": 4}.get(picture.format.name)
    shape, step = ((depth,), (depth, 1)) if depth else ((), (1,))
    return tuple(
        np.ndarray((p.height, p.width, *shape), np.uint8, p, strides=(p.line_size, *step))  # type: ignore[arg-type]
        for p in picture.planes
    )


def parts(picture: av.VideoFrame, width: int, height: int) -> tuple[Planes, Pixels | None]:
    """The planes of a picture without its alpha, and that, both cut to width×height."""
    planes = views(picture)
    if picture.format.name == "rgba":
        return (planes[0][:, :, :3],), planes[0][:, :, 3]
    alpha = planes[3][:height, :width] if len(planes) == 4 else None
    if picture.format.name == "rgb24":
        return planes, None
    whole, half = np.s_[:height, :width], np.s_[: -(-height // 2), : -(-width // 2)]
    return (planes[0][whole], planes[1][half], planes[2][half]), alpha


def mix(front: Planes, alpha: Pixels, back: Planes, out: Planes) -> None:
    """alpha · front + (1 − alpha) · back, rounded, into `out`; alpha H×W uint8, averaged for planes of half
    the sides."""
    for ours, theirs, result in zip(front, back, out):
        share = at(alpha, ours)
        if ours.ndim == 3:
            share = share[:, :, None]
        mixed = np.multiply(ours, share, dtype=np.uint16)
        mixed += np.multiply(theirs, 255 - share, dtype=np.uint16)
        mixed += 128
        mixed += mixed >> 8  # divides by 255
        mixed >>= 8
        result[:] = mixed


def fill(planes: Planes, values: Planes) -> None:
    for plane, value in zip(planes, values):
        plane[:] = value


def keep(front: Planes, alpha: Pixels, back: Planes, out: Planes) -> None:
    """front where alpha is not 0, else back, into `out`: what is not seen is not stored."""
    for ours, theirs, result in zip(front, back, out):
        seen = at(alpha, ours) > 0
        result[:] = np.where(seen[:, :, None] if ours.ndim == 3 else seen, ours, theirs)


def at(alpha: Pixels, plane: Pixels) -> Pixels:
    """alpha at the plane's size, averaged."""
    height, width = plane.shape[:2]
    if alpha.shape == (height, width):
        return alpha
    return cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
