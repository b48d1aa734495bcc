"""An experiment of cells that notes in a file each time it computes one; for the tests of resuming."""

from __future__ import annotations

import sys
import time

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.runs.cells import one_by_one

JOINED_OVER = ("seeds", "log")


class Parameters(parameters.Parameters):
    """How many cells, what they hold, and how long each takes."""

    seeds: int = Field(4, ge=1, description="cells")
    factor: float = Field(1.5, description="times what the generator draws")
    log: str = Field("/dev/null", description="the file that gets a line a computed cell")
    pause: float = Field(0.0, ge=0, description="seconds that a cell takes")


def run(values: Parameters) -> xr.Dataset:
    return one_by_one(sys.modules[__name__], values)


def cells(values: Parameters) -> list[dict[str, int]]:
    return [{"seed": seed} for seed in range(values.seeds)]


def cell(values: Parameters, seed: int) -> xr.Dataset:
    with open(values.log, "a") as log:
        log.write(f"{seed}\n")
    time.sleep(values.pause)
    numbers = values.factor * np.random.default_rng(seed).normal(size=3)
    return xr.Dataset({"numbers": ("x", numbers)}).expand_dims(seed=[seed])


def join(values: Parameters, datasets: list[xr.Dataset]) -> xr.Dataset:
    return xr.concat(datasets, "seed")
