"""Alphas of a video with less flicker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

KEEP = 0.85  # weight of all frames before beside this one's, where the motion is certain
NOISE = 16.0  # grey levels by which what is matched may differ and still be the same
APART = 0.5  # squared cells by which the flow there and back may miss where it began
CUT = 30.0  # grey levels by which frames differ on average, along the motion, in a new scene
SURE = 0.0015  # alphas nearer to 0 or 1 count as that near: their odds would outweigh all others


@dataclass
class _Seen:
    """A frame: its alpha, and on half the sides its grey and the logarithm of its alpha's odds. ahead: flow
    to the next frame, how far to trust it, and the same back; once that is there."""

    alpha: Map
    grey: NDArray[np.uint8]
    odds: Map
    ahead: tuple[Map, Map, Map, Map] | None = None


class Steady:
    """The mean of alphas along the motion: of this frame, those before (recursively) and `look` to come.

    Flow is dense inverse search (Kroeger et al. 2016, arXiv 1603.03590), as in PP-HumanSeg, on the small
    picture that the network saw. Each neighbour counts by how well it matches: by the difference of grey
    along the flow, and by whether the flow back leads back. So what stays or moves is averaged, and what
    is uncovered is not; at a scene cut nothing matches.

    It is the logarithms of the odds, alpha / (1 − alpha), that are averaged: an unsure frame has less to
    say than a sure one. They are averaged on half the sides, and by what they change there the frame's own
    odds change: its edges stay as sharp as they were. Constants chosen on clips of benchmarks/video.py.
    """

    def __init__(self, look: int = 2) -> None:
        self.look = look
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)
        self._seen: deque[_Seen] = deque()
        self._before: tuple[_Seen, Map] | None = (
            None  # the frame before the first waiting one, its answer
        )
        self._grid = np.empty((0, 0, 2), np.float32)

    def __call__(self, pixels: NDArray[np.uint8], alpha: Map) -> list[Map]:
        """h×w×3 uint8 RGB and its h×w alpha in [0, 1]: the next frame. Gives the alpha, h×w, of the frame
        `look` before, or none while there are not so many."""
        height, width = (max(side // 2, 1) for side in alpha.shape)
        if self._grid.shape[:2] != (height, width):
            grid = np.meshgrid(np.arange(width), np.arange(height))
            self._grid = np.dstack(grid).astype(np.float32)
        half, small = (
            cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA)
            for each in (pixels, alpha)
        )
        small = small.clip(SURE, 1 - SURE)
        now = _Seen(alpha, cv2.cvtColor(half, cv2.COLOR_RGB2GRAY), cv2.log(small / (1 - small)))
        last = self._seen[-1] if self._seen else self._before and self._before[0]
        if last:
            forth = self._flow.calc(last.grey, now.grey, None)
            back = self._flow.calc(now.grey, last.grey, None)
            last.ahead = (
                *(forth, self._match(last, now, forth, back)),
                *(back, self._match(now, last, back, forth)),
            )
        self._seen.append(now)
        return [self._answer()] if len(self._seen) > self.look else []

    def rest(self) -> list[Map]:
        """The alphas of the frames that waited for more."""
        return [self._answer() for _ in range(len(self._seen))]

    def _answer(self) -> Map:
        now = self._seen[0]
        total, weights = now.odds.copy(), np.ones_like(now.odds)
        there, sure = np.zeros_like(self._grid), np.ones_like(now.odds)
        for this, following in pairwise(self._seen):
            assert this.ahead is not None
            forth, trust, _, _ = this.ahead
            near = this is now
            sure = sure * (trust if near else self._warp(trust, there))
            there = there + (forth if near else self._warp(forth, there))
            total += sure * self._warp(following.odds, there, cv2.INTER_CUBIC)
            weights += sure
        if self._before is not None:
            was, answer = self._before
            assert was.ahead is not None
            _, _, back, trust = was.ahead
            trust = trust * np.float32(KEEP / (1 - KEEP))
            # cubic: linear ones would blur what is averaged for long
            total += trust * self._warp(answer, back, cv2.INTER_CUBIC)
            weights += trust
        mean = total / weights
        self._before = self._seen.popleft(), mean
        # the odds times `change`, as an alpha
        change = cv2.exp(cv2.resize(mean - now.odds, now.alpha.shape[::-1]))
        alpha = now.alpha.clip(SURE, 1 - SURE)
        change *= alpha
        result: Map = change / (1 - alpha + change)
        return result

    def _warp(self, values: Any, flow: Map, how: int = cv2.INTER_LINEAR) -> Any:
        """values where the flow leads."""
        return cv2.remap(values, self._grid + flow, None, how, borderMode=cv2.BORDER_REPLICATE)

    def _match(self, one: _Seen, other: _Seen, forth: Map, back: Map) -> Map:
        """How far in [0, 1] each cell of one frame is the cell of the other to which the flow leads."""
        unlike = cv2.absdiff(one.grey, self._warp(other.grey, forth))
        if unlike.mean() > CUT:
            return np.zeros_like(one.odds)
        missed = np.square(forth + self._warp(back, forth)).sum(-1)
        exponent = np.square(unlike * np.float32(1 / NOISE))
        exponent += missed * np.float32(1 / APART)
        return cv2.exp(-exponent)
