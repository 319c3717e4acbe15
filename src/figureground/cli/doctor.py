"""figureground doctor"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from json import dumps
from typing import TYPE_CHECKING, Annotated

from figureground.errors import FiguregroundError

if TYPE_CHECKING:
    from figureground.runtime.alpha import AlphaPredictor

BASE = ("numpy", "pillow", "onnxruntime", "isal", "pyyaml", "filelock")
EXTRAS = {
    "train": ("torch", "pytorch-lightning", "jsonargparse", "opencv-python-headless", "onnx"),
    "video": ("av", "opencv-python-headless"),
    "serve": ("fastapi", "uvicorn", "python-multipart"),
    "search": ("qdrant-client",),
    "demo": ("scikit-image",),
    "heic": ("pi-heif",),
    "matting": ("pymatting",),
    "ray": ("ray", "fsspec", "pyarrow"),
    "sbd": ("scipy",),
}


def doctor(*, json: Annotated[bool, "print JSON"] = False) -> int:
    """Say what works on this machine, and what to do about what does not.

    Versions, devices and which one --device auto takes, image formats, the folder for models; then the
    smallest model for people is run and a picture written and read back. Exit status 1 if something fails.
    """
    found: dict[str, str] = {}
    failed = []
    for name, look in CHECKS.items():
        try:
            found[name] = look()
        except (FiguregroundError, ImportError, OSError) as error:
            found[name] = f"FAILS: {error}"
            failed.append(name)
    if json:
        print(dumps({"found": found, "failed": failed}))
    else:
        for name, text in found.items():
            print(f"{name:10} {text}")
        print(
            f"{len(failed)} of {len(found)} fail: {', '.join(failed)}" if failed else "all is well"
        )
    return 1 if failed else 0


def _versions(names: tuple[str, ...]) -> str:
    def one(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return f"{name} not installed"

    return ", ".join(one(name) for name in names)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"Python {platform.python_version()}, {platform.platform()}, {cores} cores to use"


def _packages() -> str:
    return _versions(("figureground", *BASE))


def _extras() -> str:
    lines = []
    for extra, names in EXTRAS.items():
        text = _versions(names)
        missing = "not installed" in text
        lines.append(f"{text}{f' (pip install figureground[{extra}])' if missing else ''}")
    return "; ".join(lines)


def _devices() -> str:
    import onnxruntime

    from figureground.runtime.session import PROVIDERS

    offered = onnxruntime.get_available_providers()
    devices = [name for name, provider in PROVIDERS.items() if provider in offered]
    return f"{', '.join(devices)}; auto takes {_load().session.device}"


def _formats() -> str:
    from PIL import features

    from figureground.imaging.write import FORMATS

    lacking = [name for name in ("webp", "avif", "jpg", "zlib") if not features.check(name)]
    if lacking:
        raise FiguregroundError(f"Pillow was built without {', '.join(lacking)}; reinstall pillow")
    return f"writes {' '.join(FORMATS)}"


def _models() -> str:
    from figureground import hub
    from figureground.hub import store

    home = store.home()
    existing = home
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK):
        raise FiguregroundError(
            f"{home} cannot be written to; set FIGUREGROUND_HOME to another folder"
        )
    size = sum(size for _, size in store.stored())
    proxies = [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy")]
    return (
        f"{len(hub.names())} known; {home} holds {size / 1e6:.0f} MB, "
        f"{shutil.disk_usage(existing).free / 1e9:.0f} GB are free; "
        f"{'offline' if store.offline() else 'online'}{', by ' + ', '.join(proxies) if proxies else ''}"
    )


def _self_test() -> str:
    import io
    import time

    import numpy as np
    from PIL import Image

    from figureground.imaging import compose
    from figureground.imaging.write import encode

    picture = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    predictor = _load()
    started = time.perf_counter()
    alpha = predictor(picture)
    seconds = time.perf_counter() - started
    if not np.isfinite(alpha).all():
        raise FiguregroundError(
            f"{predictor.name} answers what is no number on {predictor.session.device}"
        )
    cut = compose.cutout(picture, alpha)
    if not np.array_equal(np.asarray(Image.open(io.BytesIO(encode(cut)))), cut):
        raise FiguregroundError("a PNG that was written does not read back the same")
    return f"{predictor.name} answers in {1000 * seconds:.0f} ms; PNG reads back the same"


def _load() -> AlphaPredictor:
    from figureground.runtime.predictor import load_alpha

    return load_alpha("pp-humanseg-lite")


CHECKS: dict[str, Callable[[], str]] = {
    "machine": _machine,
    "packages": _packages,
    "extras": _extras,
    "devices": _devices,
    "formats": _formats,
    "models": _models,
    "self-test": _self_test,
}
