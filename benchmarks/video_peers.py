"""The same job, people of a video before white, as others do it: frames/s and CPU ms per frame.

    python benchmarks/video_peers.py figureground CLIP   # in figureground's environment
    python benchmarks/video_peers.py opencv CLIP         # needs opencv-python-headless, onnxruntime
    python benchmarks/video_peers.py rembg CLIP          # needs rembg, opencv-python-headless, onnxruntime
    python benchmarks/video_peers.py mediapipe CLIP      # needs mediapipe 0.10.14; its own weights

Run them one after another on the same machine: the ratios count. opencv is the plain loop of
tutorials: VideoCapture, ONNX Runtime on each frame, VideoWriter (mp4v; no sound). rembg is what
`rembg b` does with a raw stream: a PIL image of each frame, its `remove` on white, a PNG of each; opencv
and rembg have figureground's weights, each network one thread.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from pathlib import Path

WEIGHTS = Path(__file__).parents[1] / "src/figureground/cards/pp-humanseg-lite.onnx"


def network():
    """256×256-ish RGB in, alpha out: the card of pp-humanseg-lite, by hand."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(WEIGHTS, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def alpha(small):
        values = (small.transpose(2, 0, 1)[None].astype(np.float32) / 255 - 0.5) / 0.5
        answer = session.run(None, {name: np.ascontiguousarray(values)})[0][0]
        return 1 / (1 + np.exp(-2 * (answer[1] - answer[0] - 0.3)))

    return alpha


def side(width: int, height: int) -> tuple[int, int]:
    scale = (256 * 256 / (width * height)) ** 0.5
    return round(width * scale / 32) * 32, round(height * scale / 32) * 32


def figureground(clip: str, folder: str) -> int:
    import figureground as fg

    return fg.video.replace_background(clip, f"{folder}/out.mp4", background="white").frames


def opencv(clip: str, folder: str, alpha=None) -> int:
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    alpha = alpha or network()
    video, writer, count = cv2.VideoCapture(clip), None, 0
    while True:
        good, frame = video.read()
        if not good:
            return count
        height, width = frame.shape[:2]
        if writer is None:
            code = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(f"{folder}/out.mp4", code, 30, (width, height))
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        small = cv2.resize(rgb, side(width, height), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(alpha(small).astype(np.float32), (width, height))[:, :, None]
        writer.write((frame * mask + 255 * (1 - mask)).astype(np.uint8))
        count += 1


def rembg(clip: str, folder: str) -> int:
    import cv2
    import numpy as np
    from PIL import Image
    from rembg import remove
    from rembg.sessions.base import BaseSession

    class Ours(BaseSession):
        """Figureground's weights as a session of rembg."""

        def __init__(self) -> None:
            self.alpha = network()

        def predict(self, img, *args, **kwargs):
            small = img.resize(side(*img.size), Image.Resampling.LANCZOS)
            mask = (self.alpha(np.asarray(small)) * 255).astype(np.uint8)
            return [Image.fromarray(mask).resize(img.size, Image.Resampling.LANCZOS)]

    session, count = Ours(), 0
    video = cv2.VideoCapture(clip)
    while True:
        good, frame = video.read()
        if not good:
            return count
        image = Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        cut = remove(image, session=session, bgcolor=(255, 255, 255, 255))
        cut.save(f"{folder}/{count}.png")
        count += 1


def mediapipe(clip: str, folder: str) -> int:
    import cv2
    import mediapipe
    import numpy as np

    model = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=1)
    video, writer, count = cv2.VideoCapture(clip), None, 0
    while True:
        good, frame = video.read()
        if not good:
            return count
        height, width = frame.shape[:2]
        if writer is None:
            code = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(f"{folder}/out.mp4", code, 30, (width, height))
        mask = model.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).segmentation_mask[:, :, None]
        writer.write((frame * mask + 255 * (1 - mask)).astype(np.uint8))
        count += 1


if __name__ == "__main__":
    peers = {"figureground": figureground, "opencv": opencv, "rembg": rembg, "mediapipe": mediapipe}
    if len(sys.argv) != 3 or sys.argv[1] not in peers:
        sys.exit(__doc__)
    modules = {"figureground": "figureground.video", "opencv": "onnxruntime"}
    importlib.import_module(modules.get(sys.argv[1], sys.argv[1]))  # not what is measured
    with tempfile.TemporaryDirectory() as folder:
        begun, spent = time.perf_counter(), time.process_time()
        frames = peers[sys.argv[1]](sys.argv[2], folder)
        took, spent = time.perf_counter() - begun, time.process_time() - spent
    print(
        f"{Path(sys.argv[2]).name}  {sys.argv[1]:<14}{frames / took:6.1f} frames/s"
        f"{1000 * spent / frames:8.1f} CPU ms/frame"
    )
