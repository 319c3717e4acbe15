"""Parameter names of foreign checkpoints: the rules that several networks share, and their use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")
Rule = tuple[
    str, str | Callable[[re.Match[str]], str]
]  # a pattern and its replacement, as of re.sub

MINDSPORE: tuple[Rule, ...] = (
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"\.moving_mean$", ".running_mean"),
    (r"\.moving_variance$", ".running_var"),
)
PADDLE: tuple[Rule, ...] = (
    (r"\._mean$", ".running_mean"),
    (r"\._variance$", ".running_var"),
    (r"\._conv\.", ".conv."),
    (r"\._batch_norm\.", ".bn."),
)
# the head that PaddleSeg's two PP-HumanSegV2 networks have in common
PADDLESEG_HEAD: tuple[Rule, ...] = (
    (r"^ppseg_head\.cm\.stages\.(\d)\.1\.", r"context.stages.\1."),
    (r"^ppseg_head\.cm\.conv_out", "context.out"),
    (r"^ppseg_head\.arm_list\.(\d)\.conv_x\.", r"fusions.\1.low."),
    (r"^ppseg_head\.arm_list\.(\d)\.conv_out", r"fusions.\1.out"),
    (r"^seg_heads\.(\d)\.conv_out", r"heads.\1.out"),
    (r"^seg_heads\.", "heads."),
)


def rename(tensors: Mapping[str, T], rules: Iterable[Rule]) -> dict[str, T]:
    """Every rule applied to every name, in order; values are passed through."""
    rules = tuple(rules)
    renamed = {}
    for name, value in tensors.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    return renamed
