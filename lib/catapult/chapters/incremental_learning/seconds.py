r"""How near the second value is when the first has come, in the settings with targets, at the recorded rates.

This is the quantity of the proposition on steps: σ2 over its target when σ1 gets to 3/4 of its own. Chosen after the
recorded runs had been looked at, since ``late`` cannot see it: that one asks how many values are active, and counts
those that the largest rates add at the end. From each of ``STARTS``, all that were looked at, at the rates that the
rule gave from 10⁻³. A large rate is compared where it exceeds the tuned one; the tuned one, at which the loss never
rises, in all draws.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.incremental_learning import experiment, outcomes
from catapult.chapters.incremental_learning.settings import SETTINGS, TARGET, Setting
from catapult.theory import incremental

STARTS = (1e-3, 1e-4, 1e-6, 1e-8, 1e-12)
TWO_LAYERS = "quadratic network"


def second(setting: Setting, rate: float, targets: tuple[float, ...] = TARGET) -> float:
    """Return σ2 over its target when gradient descent takes σ1 to 3/4 of its own; log σ is interpolated in a step."""
    u, before, end = setting.start.copy(), None, incremental.LEVELS[1] * targets[0]
    for _ in range(experiment.SLOWER * 2 * experiment.MOST):
        one, other, *_ = np.sort(setting.values(u))[::-1]
        if one >= end:
            share = np.log(end / before[0]) / np.log(one / before[0])
            return float(before[1] * (other / before[1]) ** share / targets[1])
        before = one, other
        u = u - rate * setting.gradient(u)
    return np.nan


def seconds(results: xr.Dataset, name: str, start: float) -> xr.DataArray:
    """Return :func:`second` over (draw, pace): at the rates of a table, from σ0 = ``start``."""
    build, depth = SETTINGS[name]
    rates = results.learning_rate.sel(setting=name, case="deep").transpose("draw", "pace")
    found = [[second(build(depth, start, int(draw)), float(rate)) for rate in rates.sel(draw=draw)]
             for draw in rates.draw.values]
    return xr.DataArray(found, coords={"draw": rates.draw.values, "pace": rates.pace.values}, dims=("draw", "pace"))


def above(results: xr.Dataset, name: str) -> xr.DataArray:
    """Return in which draws the large rate exceeds the tuned one."""
    rates = results.learning_rate.sel(setting=name, case="deep")
    return rates.sel(pace="large") > 1.01 * rates.sel(pace="tuned")


def factors(found: xr.DataArray, pace: str) -> xr.DataArray:
    """Return how many times as large the second value is as at the slow rate, over draws."""
    return found.sel(pace=pace) / found.sel(pace="slow")


def geometric(values: xr.DataArray) -> tuple[float, float, float]:
    """Return the geometric mean and its 95 % interval over draws."""
    return tuple(float(np.exp(each)) for each in outcomes.interval(np.log(values)))
