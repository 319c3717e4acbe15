"""Crops a second, from files to vectors: ours beside torchreid's FeatureExtractor, on the same weights.

python benchmarks/embedding.py CROPS PYTHON [THREADS] [NETWORK]

CROPS: a folder of crops. PYTHON: of an environment with torch and torchreid (ours needs neither).
THREADS: 1 by default. NETWORK: osnet_x0_25 by default. The weights are random: torchreid saves them, and
`figureground import` reads them.
Both sides take turns, CPU only, three rounds each; the best counts.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROUNDS = 3
CROPS = 128

# torchvision's operators are not built for every torch, and its transforms do not need them: not registered
THEIRS = """
import sys, time, torch
threads, path, out, network = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
torch.library.register_fake = lambda *given, **named: lambda function: function
from torchreid.reid.models import build_model
from torchreid.reid.utils.feature_extractor import FeatureExtractor
import numpy as np
torch.set_num_threads(threads)
if not path:
    torch.manual_seed(0)
    model = build_model(network, num_classes=1, pretrained=False).train()
    with torch.no_grad():
        for _ in range(10):
            model(torch.randn(8, 3, 256, 128))
    torch.save(model.state_dict(), out)
    sys.exit()
extractor = FeatureExtractor(network, path, device="cpu", verbose=False)
files = sys.stdin.read().splitlines()
parts = [files[start : start + 32] for start in range(0, len(files), 32)]
extractor(parts[0])
started, used = time.perf_counter(), time.process_time()
vectors = torch.cat([extractor(part) for part in parts])
print(time.perf_counter() - started, time.process_time() - used)
np.save(out, vectors.numpy())
"""


def ours(card: Path, files: list[str], threads: int) -> tuple[float, float, np.ndarray]:
    import os
    from concurrent.futures import ThreadPoolExecutor

    from figureground.gallery.embed import Embedder
    from figureground.imaging.read import read

    os.environ.pop("OMP_NUM_THREADS", None)
    embedder = Embedder(str(card))

    def look(file: str) -> np.ndarray:
        return embedder.look(read(file))[2][0]

    look(files[0])
    started, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        vectors = np.array(list(pool.map(look, files)))
    return time.perf_counter() - started, time.process_time() - used, vectors


def main() -> None:
    folder, python = sys.argv[1:3]
    threads, network = [*sys.argv[3:], *("1", "osnet_x0_25")[len(sys.argv) - 3 :]]
    files = [str(f) for f in sorted(Path(folder).iterdir()) if f.suffix in (".jpg", ".png")][:CROPS]
    with tempfile.TemporaryDirectory() as place:
        path, out = Path(place) / "weights.pth", Path(place) / "vectors.npy"
        theirs = [python, "-c", THEIRS]
        subprocess.run([*theirs, "1", "", str(path), network], check=True)
        command = [sys.executable, "-m", "figureground", "import", str(path)]
        subprocess.run([*command, "--as", network, "-o", place], check=True)
        card = path.with_suffix(".md")
        best = {}
        for _ in range(ROUNDS):
            found = subprocess.run(
                [*theirs, threads, str(path), str(out), network],
                input="\n".join(files),
                capture_output=True,
                text=True,
                check=True,
            )
            wall, processor = map(float, found.stdout.split()[-2:])
            best.setdefault("torchreid", []).append((wall, processor))
            wall, processor, vectors = ours(card, files, int(threads))
            best.setdefault("figureground", []).append((wall, processor))
        reference = np.load(out)
        reference /= np.linalg.norm(reference, axis=1, keepdims=True)
        same = (vectors * reference).sum(axis=1)
        wall, processor = {}, {}
        for name, spent in best.items():
            wall[name], processor[name] = np.min(spent, axis=0)
            print(
                f"{network}, {threads} threads, {name:12} {len(files) / wall[name]:6.0f} crops/s, "
                f"{1000 * processor[name] / len(files):5.1f} ms of processor a crop"
            )
        print(
            f"  {wall['torchreid'] / wall['figureground']:.1f} times as many, "
            f"{processor['torchreid'] / processor['figureground']:.1f} times by processor time; "
            f"cosine of the vectors {same.min():.4f} or more"
        )


if __name__ == "__main__":
    main()
