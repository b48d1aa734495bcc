"""What is read off the dial: five outcomes of a point, and their difference between two points, paired by seed."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.chapters.separability_dial.experiment import LARGE, MATCHED
from catapult.statistics import crossed_interval, mean_interval

DYNAMICS = ("log2 peak loss", "log2 share of the edge")
GAINS = comparison.COMPARISONS
OUTCOMES = (*DYNAMICS, *(f"gain, {name}" for name in GAINS))
Interval = tuple[float, float, float]


def of(runs: xr.Dataset, outcome: str) -> np.ndarray:
    """Return an outcome of one point and network: a number a seed; of a gain, in points, (seed, tenth)."""
    if outcome == "log2 peak loss":
        return np.log2(_at_large(runs).peak.values)
    if outcome == "log2 share of the edge":
        return np.log2(comparison.share_of_edge(_at_large(runs)).values)
    return 100 * comparison.gain(runs, outcome.removeprefix("gain, "))


def _at_large(runs: xr.Dataset) -> xr.Dataset:
    return runs.sel(multiple=LARGE, method="nearest")


def interval(values: np.ndarray) -> Interval:
    """Return the mean and its 95 % interval: over seeds, or over seeds and parts of the test set."""
    return crossed_interval(values) if values.ndim == 2 else tuple(float(end) for end in mean_interval(values))


def difference(runs: xr.Dataset, activation: str, outcome: str, less: str, more: str) -> Interval:
    """Return the outcome at the point ``more`` less that at ``less``, paired by seed, over rates that both survive."""
    both = runs.sel(activation=activation, point=[less, more])
    survive = both.phase.isin(comparison.ALIVE).all(("seed", "point")) | (both.multiple <= 1 + 1e-6)
    both = both.sel(multiple=both.multiple[survive.values])
    return interval(of(both.sel(point=more), outcome) - of(both.sel(point=less), outcome))


def effect(runs: xr.Dataset, activation: str, outcome: str) -> Interval:
    """Return what dropping the separator's errors does beyond dropping as many images at random."""
    return difference(runs, activation, outcome, *MATCHED)


def control(runs: xr.Dataset, activation: str, outcome: str) -> Interval:
    """Return what dropping as many images at random does: the size alone. It should show nothing."""
    return difference(runs, activation, outcome, "20 components", MATCHED[0])
