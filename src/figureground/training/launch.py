"""One training in several processes, started and watched here unless torchrun or SLURM started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from figureground.errors import FiguregroundError, TrainingError

RANKS = ("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "SLURM_PROCID")
PATIENCE = 10.0  # seconds to end by oneself
MOST = 8  # processes, on a machine of few cores


def launched() -> int:
    """How many processes a launcher has started for this training, on all machines; 0: there is none."""
    return int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_STEP_NUM_TASKS") or 0)


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return all(os.environ.get(name, "0") == "0" for name in RANKS)


@contextmanager
def said_once() -> Iterator[None]:
    """Lets the first of several processes say what is wrong with a recipe or data, as all would.

    Once they have met, each has errors of its own.
    """
    try:
        yield
    except FiguregroundError:
        torch = sys.modules.get("torch")
        met = torch is not None and torch.distributed.is_initialized()
        if not is_first() and not met:
            time.sleep(2 * PATIENCE)  # the launcher ends us when the first has ended
        raise


def launch(arguments: Sequence[str], devices: int, nodes: int) -> int:
    """Runs `figureground ARGUMENTS` in `devices` processes on this machine and returns the exit status.

    They find each other as those of torchrun do. With several machines, nodes > 1, the command is given on
    each, with MASTER_ADDR and MASTER_PORT of the first and NODE_RANK, the machine's number from 0. When one
    process ends before its time, the others are ended. TrainingError for more than the machine can start.
    """
    most = max(MOST, os.cpu_count() or 1)
    if devices > most:
        raise TrainingError(
            f"loop.devices is {devices}; expected at most {most}, one for each core or GPU"
        )
    node = _node(nodes)
    every = os.environ | {
        "MASTER_ADDR": os.environ["MASTER_ADDR"] if nodes > 1 else "127.0.0.1",
        "MASTER_PORT": os.environ["MASTER_PORT"] if nodes > 1 else str(_free_port()),
        "WORLD_SIZE": str(devices * nodes),
        "LOCAL_WORLD_SIZE": str(devices),
        "GROUP_RANK": str(node),
        "TORCHELASTIC_RUN_ID": "figureground",  # by which torch knows its kind of launcher
    }
    children: list[subprocess.Popen[bytes]] = []
    before = signal.signal(signal.SIGTERM, _stopped)
    try:
        for local in range(devices):
            own = {"LOCAL_RANK": str(local), "RANK": str(node * devices + local)}
            command = [sys.executable, "-m", "figureground", *arguments]
            children.append(subprocess.Popen(command, env=every | own))
        return _watch(children, node * devices)
    except KeyboardInterrupt:  # the processes have it from the terminal too
        _wait(children)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
        for end in (subprocess.Popen.terminate, subprocess.Popen.kill):
            for child in children:
                end(child)
            _wait(children)


def _watch(children: list[subprocess.Popen[bytes]], first: int) -> int:
    """Waits for all, or for one to fail, which is said."""
    while True:
        states = [child.poll() for child in children]
        failed = [n for n, state in enumerate(states) if state]
        if failed:
            if 130 in states:  # Ctrl-C
                return 130
            number = min(
                failed, key=lambda n: states[n] or 0
            )  # killed, below 0, before those it left
            state = states[number] or 0
            how = f"was killed by signal {-state}" if state < 0 else f"ended with status {state}"
            _wait(children)
            message = f"figureground: process {first + number} {how}, so the training was ended"
            if state < 0:  # else it has said what to do
                message += "; the same command goes on from the last whole epoch"
            print(message, file=sys.stderr)
            return 1
        if all(state == 0 for state in states):
            return 0
        time.sleep(0.1)


def _wait(children: list[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + PATIENCE
    for child in children:
        try:
            child.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return


def _node(nodes: int) -> int:
    given = {name: os.environ.get(name, "") for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")}
    if nodes == 1:
        return 0
    if not all(given.values()) or not given["NODE_RANK"].isdigit():
        raise TrainingError(
            f"loop.nodes is {nodes}; give the command on each machine with MASTER_ADDR and MASTER_PORT of "
            "the first and NODE_RANK=0, 1, … in the environment, or start it by torchrun or srun"
        )
    return int(given["NODE_RANK"])


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def _stopped(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
