"""Training in several processes that are really several, over gloo."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from figureground import recipes
from figureground.cli import main
from figureground.training.smoke import smoke

# Fixed batch norms, else each process normalises by its own share; pictures without an unlabelled rim, else
# the loss, a mean over the labelled pixels, weighs the shares otherwise than their sum.
EVEN = [
    "task.fixed_batch_norm=true",
    "data.pictures=published",
    "data.scales=[1,1]",
    "network.dropout=0",
]
PLAIN = ["task.warmup_steps=0", "task.optimizer=sgd"]


def small(recipe: str, folder: Path, *overrides: str) -> str:
    """A recipe file for drawn data in folder/drawn."""
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(smoke(recipes.load(recipe, overrides), folder)))
    return str(file)


def free_port() -> str:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return str(made.getsockname()[1])


def start(
    arguments: list[str], program: tuple[str, ...] = ("-m", "figureground"), **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_alike(one: Path, two: Path) -> None:
    """Equal but for the order of sums in float32."""
    weights, others = (load_file(run / "last.safetensors") for run in (one, two))
    assert weights.keys() == others.keys()
    for name, value in weights.items():
        torch.testing.assert_close(value, others[name], rtol=1e-5, atol=1e-7, msg=name)


def figures(run: Path) -> dict[str, float]:
    """What the last validation found."""
    rows = list(csv.DictReader(next(run.glob("curves/*/metrics.csv")).open()))
    last = [row for row in rows if any(row[key] for key in row if key.startswith("val/"))][-1]
    return {key[4:]: float(last[key]) for key in last if key.startswith("val/")}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process, with its recipe beside it."""
    folder = tmp_path_factory.mktemp("alone")
    recipe = small("refinenet-mobile/parts", folder, *EVEN, *PLAIN)
    assert main(["train", recipe, "--run", str(folder / "run")]) == 0
    return folder / "run"


def again(alone: Path, run: Path, *overrides: str) -> list[str]:
    return ["train", str(alone.parent / "small.yaml"), *overrides, "--run", str(run)]


def test_two_processes_learn_what_one_does(alone: Path, tmp_path: Path) -> None:
    """Half a batch each to learn from, and one of the two photos each to validate."""
    assert main(again(alone, tmp_path, "loop.devices=2")) == 0
    assert_alike(alone, tmp_path)
    assert figures(tmp_path) == pytest.approx(figures(alone), abs=1e-4)
    assert len(list(tmp_path.glob("curves/*"))) == 1  # the first alone writes


def test_accumulating_gradients_learns_the_same(alone: Path, tmp_path: Path) -> None:
    assert main(again(alone, tmp_path, "loop.accumulate=2")) == 0
    assert_alike(alone, tmp_path)


def children(process: subprocess.Popen[str]) -> list[int]:
    """Their process numbers, in the order they were started."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not found.exists():
        pytest.skip("this system does not list a process's children")
    return [int(number) for number in found.read_text().split()]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, f"no {path.name} after five minutes"
        time.sleep(0.1)


@pytest.mark.long
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_run_which_then_goes_on(
    rank: int, alone: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start(again(alone, run, "loop.devices=2", "loop.max_steps=1000"))
    try:
        wait_for(run / "last.ckpt", process)
        os.kill(children(process)[rank], signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "Traceback" not in errors
    lines = errors.strip().splitlines()
    assert f"process {rank} was killed by signal 9" in lines[-1]
    assert any(
        "the connection to another process of this training is lost" in line for line in lines
    )
    assert not list(run.glob("*.part"))
    steps = torch.load(run / "last.ckpt", weights_only=False)["global_step"] + 2
    assert main(again(alone, run, f"loop.max_steps={steps}")) == 0  # by one process, too


@pytest.mark.long
@pytest.mark.parametrize("launcher", ["torchrun", "srun", "nodes"])
def test_the_same_command_under_other_launchers(launcher: str, alone: Path, tmp_path: Path) -> None:
    """torchrun; SLURM's variables, as srun sets them; and two machines, both of them this one."""
    port = free_port()
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    if launcher == "torchrun":
        arguments = again(alone, tmp_path, "loop.devices=2")
        program = ("-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}")
        processes = [start(arguments, (*program, "-m", "figureground"))]
    elif launcher == "nodes":
        arguments = again(alone, tmp_path, "loop.nodes=2")
        processes = [start(arguments, **place, NODE_RANK=str(node)) for node in range(2)]
    else:
        arguments = again(alone, tmp_path, "loop.devices=2")
        job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NODEID": "0"}
        job |= {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NNODES": "1"}
        job |= {"SLURM_NTASKS_PER_NODE": "2", "SLURM_JOB_NODELIST": "localhost"} | place
        processes = [
            start(arguments, **job, SLURM_PROCID=str(n), SLURM_LOCALID=str(n)) for n in range(2)
        ]
    for process in processes:
        _, errors = process.communicate(timeout=500)
        assert process.returncode == 0, errors
    assert_alike(alone, tmp_path)
    assert len(list(tmp_path.glob("curves/*"))) == 1
