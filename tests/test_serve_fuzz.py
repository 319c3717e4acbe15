"""Requests made from /openapi.json, right and wrong ones, by schemathesis: no answer is a fault of ours."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import figureground as fg
from gallery_model import draw_crops, write_model

for module in ("httpx", "uvicorn", "fastapi", "python_multipart", "schemathesis"):
    pytest.importorskip(module)

from figureground.serve.jobs import Jobs  # noqa: E402
from figureground.serve.models import Models  # noqa: E402
from serving import serving  # noqa: E402


@pytest.mark.long
def test_no_500_from_the_openapi(tmp_path: Path) -> None:
    program = shutil.which("schemathesis", path=Path(sys.executable).parent)
    if program is None:
        pytest.skip("schemathesis is not beside this Python")
    card = write_model(tmp_path)
    with fg.Gallery(tmp_path / "people.gallery", model=str(card)) as gallery:
        gallery.add(draw_crops(tmp_path / "crops", persons=2, cameras=2))
    (tmp_path / "jobs").mkdir()
    jobs = Jobs(tmp_path / "jobs", places=2, max_bytes=1_000_000, timeout=20, keep=5)
    with serving(
        Models(["pp-humanseg-lite", str(card)]),
        gallery=str(tmp_path / "people.gallery"),
        gallery_write=True,
        max_bytes=1_000_000,
        jobs=jobs,
    ) as client:
        done = subprocess.run(
            [
                *(program, "run", f"{client.base_url}/openapi.json", "-c", "not_a_server_error"),
                *("--phases", "coverage,fuzzing", "--max-examples", "10", "--seed", "1"),
                *("--continue-on-failure", "--request-timeout", "60", "--no-color"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )
        answers = client.get("/metrics").text
    assert done.returncode == 0, done.stdout[-3000:]
    statuses = re.findall(r'status="(5..)"', answers)
    assert set(statuses) <= {"503", "507"}, answers
