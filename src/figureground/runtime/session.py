"""The inference engine: ONNX Runtime, imported only when a model is loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from figureground.errors import CardError


class Session(Protocol):
    """N×3×h×w float32 in, the network's output (float32) out."""

    device: str

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]: ...

    def fixed(self, shape: tuple[int, int, int]) -> Session:
        """The same for pictures of one N, h, w alone, which may be faster."""
        ...


PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxSession:
    """An ONNX file on one device. device "auto": CUDA where the engine has it, else the CPU.

    An explicit device is that device or a CardError: nothing falls back in silence.
    threads: 0 leaves the choice to the engine (one per core). shape: N, h, w of the pictures, if they are
    all to be of one: the engine then knows all sizes beforehand, which saves up to a quarter of the time.
    """

    def __init__(
        self,
        path: Path,
        device: str = "auto",
        threads: int = 0,
        shape: tuple[int, int, int] | None = None,
    ) -> None:
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        available = onnxruntime.get_available_providers()
        automatic = device == "auto"
        if automatic:
            device = "cuda" if PROVIDERS["cuda"] in available else "cpu"
        if device not in PROVIDERS or PROVIDERS[device] not in available:
            offered = [name for name, provider in PROVIDERS.items() if provider in available]
            raise CardError(
                f"device {device!r} is not available: this onnxruntime offers {', '.join(offered)}"
                + ("; install onnxruntime-gpu for cuda" if device == "cuda" else "")
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        for name, size in zip(("batch", "height", "width"), shape or ()):  # as export names them
            options.add_free_dimension_override_by_name(name, size)
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=[PROVIDERS[device]]
            )
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise CardError(f"{path} cannot be run on {device}: {reason}") from None
        if self._session.get_providers()[0] != PROVIDERS[device]:
            if not automatic:
                raise CardError(
                    f"the engine could not start {device}; see `nvidia-smi`, or --device cpu"
                )
            print(
                f"figureground: the engine could not start {device}, using the CPU", file=sys.stderr
            )
            device = "cpu"
        self.device = device
        self._path, self._threads = path, threads
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return self._session.run([self._output], {self._input: images})[0]
        except Exception as error:  # the engine's own, such as out of memory on the device
            reason = str(error).splitlines()[0]
            raise CardError(f"the model failed on {images.shape} values: {reason}") from None

    def fixed(self, shape: tuple[int, int, int]) -> OnnxSession:
        return OnnxSession(self._path, self.device, self._threads, shape)


class Flipped:
    """The mean of a session's answers to a picture and to its mirror image, turned back where it is a map:
    test-time augmentation, in twice the time."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.device = session.device

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        answers = self.session.run(images)
        mirrored = self.session.run(np.ascontiguousarray(images[..., ::-1]))
        if mirrored.ndim == 4:
            mirrored = mirrored[..., ::-1]
        return (answers + mirrored) * np.float32(0.5)

    def fixed(self, shape: tuple[int, int, int]) -> Flipped:
        return Flipped(self.session.fixed(shape))
