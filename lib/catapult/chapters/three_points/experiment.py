"""Three points, the smallest mixed data: two-layer linear networks of several widths and rates, for many steps.

Fixed before: the settings of ``SETTINGS`` (width, rate), one of them with less than the critical rate of its start, and
both sides of η²/m from 1 to 9; the steps of a network all start at weights N(0, 1).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.theory import three_points

SETTINGS = ((1, 2.0), (4, 6.0), (9, 5.0), (100, 5.0), (100, 20.0), (100, 28.0))
"""Width m and learning rate η."""


class Parameters(parameters.Parameters):
    """How long, from which seed."""

    steps: int = Field(1_000_000, ge=100, le=10**9, description="steps of gradient descent")
    seed: parameters.Seed = Field(0, description="seed of the initial weights")
    records: int = Field(20, ge=2, le=100, description="recorded steps a decade")

    scales = {"quick": {"steps": 100_000}, "paper": {"steps": 100_000_000}}  # noqa: RUF012


def drawn(width: int, seed: int) -> np.ndarray:
    """Return the inner products (3, 3) over m of a network with weights N(0, 1)."""
    rng = np.random.default_rng(seed)
    return three_points.gram(rng.standard_normal((width, 2)), rng.standard_normal(width))


def run(values: Parameters) -> xr.Dataset:
    """Return over (setting, step) what :func:`catapult.theory.three_points.follow` does, ``width``, ``learning_rate``.

    And of each setting ``arrival``, the step predicted to reach the edge (:func:`.three_points.arrival`).
    """
    records = np.unique(np.round(np.geomspace(1, values.steps, round(values.records * np.log10(values.steps)) + 1)))
    runs = []
    for width, rate in SETTINGS:
        start = drawn(width, values.seed)
        run = three_points.follow(start, width, rate, np.r_[0, records].astype(int))
        runs.append(run.assign(width=width, learning_rate=rate, arrival=three_points.arrival(start, width, rate)[1]))
    return xr.concat(runs, "setting")
