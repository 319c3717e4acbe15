"""Training in several processes that are really several, over gloo."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml
from safetensors.torch import load_file

from figureground import recipes
from figureground.cli import main
from figureground.metrics import join
from figureground.metrics.matting import Matting
from figureground.metrics.reid import Retrieval
from figureground.metrics.saliency import Saliency
from figureground.metrics.segmentation import Segmentation
from figureground.training import system
from figureground.training.launch import RANKS
from figureground.training.run import build_network
from figureground.training.smoke import smoke

# Fixed batch norms, else each process normalises by its own share; pictures without an unlabelled rim, else
# the loss, a mean over the labelled pixels, weighs the shares otherwise than their sum; no Lovász term,
# which sorts the pixels of a share; no dropout, which is drawn by share.
EVEN = [
    "task.fixed_batch_norm=true",
    "data.pictures=published",
    "data.scales=[1,1]",
    "network.dropout=0",
]
# The Lovász term is not a mean over pixels either.
PLAIN = [
    "task.warmup_steps=0",
    "task.optimizer=sgd",
    "task.lovasz_weight=0",
    "loop.precision=32-true",
]


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


def seen_by(kind: str, rank: int, processes: int) -> Any:
    """A metric that has seen the pictures rank, rank + processes, … of eleven."""
    metrics = {"saliency": Saliency, "matting": Matting, "labels": Segmentation, "reid": Retrieval}
    metric: Any = metrics[kind]()
    for k in range(rank, 11, processes):
        rng = np.random.default_rng(k)
        if kind == "reid":
            metric.update(rng.normal(size=(3, 8)), np.array([1, 2, k % 3]), rng.integers(4, size=3))
        elif kind == "labels":
            metric.update(rng.integers(2, size=(9, 7)), rng.integers(2, size=(9, 7)))
        else:
            metric.update(rng.random((9, 7)), rng.random((9, 7)).round())
    return metric


@pytest.mark.parametrize("kind", ["saliency", "matting", "labels", "reid"])
def test_the_figures_of_all_are_exactly_those_of_one(kind: str) -> None:
    whole = seen_by(kind, 0, 1).compute()
    for processes in (2, 3, 11):
        parts = [seen_by(kind, rank, processes) for rank in range(processes)]
        assert join(parts).compute() == whole


def test_a_metric_that_adds_up_floats_is_refused() -> None:
    class Sum:
        def __init__(self) -> None:
            self.total = np.zeros(3)

    with pytest.raises(TypeError, match="must not add up floats"):
        join([Sum(), Sum()])


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
        processes = [start(["--", *arguments], (*program, "-m", "figureground"))]
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


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["loop.devices=3", "loop.nodes=1"], "data.batch_size is 4, the samples of a step on all"),
        (["loop.accumulate=3"], "multiple of loop.devices × nodes × accumulate, 1 × 1 × 3"),
        (["loop.accumulate=0"], "loop.accumulate is 0; expected 1 or more"),
        (["loop.sync_batchnorm=true"], "loop.sync_batchnorm needs CUDA"),
        (["loop.shard=true", "loop.ema=0.9"], "keeps no averaged weights; give loop.devices=2"),
        (["loop.devices=2", "loop.device=mps"], "loop.device is mps, but"),
        (["loop.unreadable=never"], "unreadable"),
    ],
)
def test_bad_divisions_end_in_one_line(
    overrides: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices = [word for word in overrides if word.startswith("loop.devices")]
    if devices:  # as one of several that a launcher started
        monkeypatch.setenv("WORLD_SIZE", devices[0][-1])
    recipe = small("refinenet-mobile/parts", tmp_path)
    assert main(["train", recipe, *overrides, "--run", str(tmp_path / "run")]) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in errors[-1]


def test_what_a_launcher_started_must_be_what_the_recipe_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    recipe = small("refinenet-mobile/parts", tmp_path)
    assert main(["train", recipe, "--run", str(tmp_path / "run")]) == 1
    assert "the launcher started 2 processes, but loop.devices is 1" in capsys.readouterr().err


def test_several_machines_have_to_be_told_where_the_first_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*RANKS, "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    recipe = small("refinenet-mobile/parts", tmp_path)
    assert main(["train", recipe, "loop.nodes=2", "--run", str(tmp_path / "run")]) == 1
    assert "with MASTER_ADDR and MASTER_PORT of the first" in capsys.readouterr().err


@pytest.mark.long
def test_processes_validate_the_weights_that_are_kept(tmp_path: Path) -> None:
    """With batch norms, whose statistics differ from process to process, and an average: the figures of
    two processes are exactly those that one finds for the weights they kept."""
    recipe = small("pp-humanseg-lite/people", tmp_path, "loop.ema=0.9")
    run = tmp_path / "run"
    assert main(["train", recipe, "loop.devices=2", "--run", str(run)]) == 0
    values = recipes.load(recipe)
    Task, Data = system(values)
    task = Task(build_network(values))
    task.network.load_state_dict(load_file(run / "last.safetensors"))
    data = Data(**recipes.arguments(Data, values["data"], "data"))
    trainer = pl.Trainer(logger=False, enable_progress_bar=False, enable_checkpointing=False)
    trainer.validate(task, data, verbose=False)
    expected = {name: np.float32(value) for name, value in task.metric.compute().items()}
    assert {name: np.float32(value) for name, value in figures(run).items()} == expected


@pytest.mark.long
def test_shards_learn_what_the_whole_does(alone: Path, tmp_path: Path) -> None:
    """Each of two processes holds half of the network; the run then goes on unsharded."""
    shard = ["loop.devices=2", "loop.shard=true", "loop.ema=0"]
    assert main(again(alone, tmp_path / "whole", "loop.ema=0")) == 0
    assert main(again(alone, tmp_path / "shards", *shard)) == 0
    assert_alike(tmp_path / "whole", tmp_path / "shards")
    assert figures(tmp_path / "shards") == pytest.approx(figures(tmp_path / "whole"), abs=1e-4)
    assert main(again(alone, tmp_path / "shards", "loop.ema=0", "loop.max_steps=6")) == 0


@pytest.mark.long
@pytest.mark.parametrize(
    "recipe", ["pp-humanseg-lite/people", "osnet/market1501", "u2netp/saliency", "shm/people"]
)
def test_every_system_runs_in_two_processes(recipe: str) -> None:
    assert main(["train", recipe, "--smoke", "loop.devices=2"]) == 0
