"""figureground: cut people out of photos, and learn to.

    import figureground as fg
    model = fg.load("refinenet-people")   # alpha = model(photo): H×W float32 in [0, 1]
    rgba = fg.cutout("photo.jpg")         # H×W×4 uint8
    found = fg.Gallery("people.gallery").search("person.jpg")

Everything is imported when it is first used: `import figureground` loads neither the engine nor torch.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from figureground import checkpoints as checkpoints
    from figureground import data as data
    from figureground import metrics as metrics
    from figureground import networks as networks
    from figureground import video as video
    from figureground.errors import FiguregroundError as FiguregroundError
    from figureground.gallery import Gallery as Gallery
    from figureground.runtime.cutout import cutout as cutout
    from figureground.runtime.file import cutout_bytes as cutout_bytes
    from figureground.runtime.predictor import load as load

# else the engine, from 1.31 on, keeps a device's number and tells its maker of each session
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_PUBLIC = {
    "load": ("figureground.runtime.predictor", "load"),
    "cutout": ("figureground.runtime.cutout", "cutout"),
    "cutout_bytes": ("figureground.runtime.file", "cutout_bytes"),
    "Gallery": ("figureground.gallery", "Gallery"),
    "FiguregroundError": ("figureground.errors", "FiguregroundError"),
    "data": ("figureground.data", None),
    "metrics": ("figureground.metrics", None),
    "networks": ("figureground.networks", None),
    "checkpoints": ("figureground.checkpoints", None),
    "video": ("figureground.video", None),
}
__all__ = [
    "FiguregroundError",
    "Gallery",
    "__version__",
    "checkpoints",
    "cutout",
    "cutout_bytes",
    "data",
    "load",
    "metrics",
    "networks",
    "video",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # 50 ms, for a number that few ask for

        return version("figureground")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'figureground' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    loaded = importlib.import_module(module)
    return getattr(loaded, attribute) if attribute else loaded
