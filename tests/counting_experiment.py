"""An experiment for the tests of sweeps: small, its last bits depend on its batch, and every computation is counted.

Workers import it by name: this folder must be on their path. ``COUNTED`` names the file that gets one line a
computation; ``KILLED`` one that marks that a worker was killed. While the file that ``BROKEN`` names exists, one run
fails, and so does every batch that holds it. While that of ``HELD`` exists, no computation ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters

GROUPED_OVER = "learning_rate"
FAILS = {"learning_rate": 3.0, "seed": 1}


class Parameters(parameters.Parameters):
    learning_rate: float = Field(1.0, gt=0, description="learning rate")
    size: int = Field(60, ge=1, description="size")
    pause: float = Field(0.0, ge=0, description="seconds that a computation takes")
    kill: bool = Field(False, description="whether the first to compute anything is killed for it")
    seed: int = Field(0, ge=0, description="seed")


def group_size(values: Parameters) -> int:
    return 3


def run(values: Parameters) -> xr.Dataset:
    return run_group([values])[0]


def run_group(group: list[Parameters]) -> list[xr.Dataset]:
    values = group[0]
    count(values, [run.learning_rate for run in group])
    if values.kill:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(os.environ["KILLED"], os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(values.pause)
    while Path(os.environ.get("HELD") or os.devnull).is_file():
        time.sleep(0.01)
    broken = Path(os.environ.get("BROKEN", "")).is_file()
    if broken and any({"learning_rate": run.learning_rate, "seed": run.seed} == FAILS for run in group):
        raise RuntimeError("it is broken,\nso to speak")
    data = np.random.default_rng(values.seed).standard_normal((values.size, values.size))
    weights = data[:, :1] * [run.learning_rate for run in group]
    losses = []
    for _ in range(6):
        weights = np.tanh(data @ weights)
        losses.append((weights**2).mean(0))
    return [xr.Dataset({"loss": ("step", [loss[i] for loss in losses]), "phase": "lazy", "all": (("a", "b"), data),
                        "peak_loss": max(loss[i] for loss in losses)}) for i in range(len(group))]


def count(values: Parameters, learning_rates: list[float]) -> None:
    line = f"{os.getpid()} {values.seed} {learning_rates}\n"
    file = os.open(os.environ["COUNTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())  # one write of a short line: no other comes between
    os.close(file)


def counted() -> list[tuple[int, str]]:
    """Return for every computation so far its process and what it was."""
    file = Path(os.environ["COUNTED"])
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(pid), what) for pid, what in (line.split(" ", 1) for line in lines)]
