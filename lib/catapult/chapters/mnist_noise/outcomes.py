"""What is read off the recorded table: what a large rate is worth on each of the four sets."""

from __future__ import annotations

import functools

import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.chapters.mnist_noise import experiment
from catapult.chapters.mnist_phases.experiment import COMPARED
from catapult.runs import recorded

SETS = [(version, labels) for version in experiment.VERSIONS for labels in experiment.LABELS]


def parameters_of(fresh: bool = False) -> experiment.Parameters:
    """Return with which parameters the table was recorded: seeds 0 to 9, or 10 to 19."""
    return experiment.Parameters(first_seed=10 if fresh else 0)


@functools.cache
def table(fresh: bool = False) -> xr.Dataset:
    """Return the recorded table, over (version, labels, seed, multiple, …)."""
    return recorded.load(experiment, parameters_of(fresh))


def gain(version: str, labels: str, compared: str, fresh: bool = False, *, chosen: bool = True,
         largest: float | None = None) -> tuple[float, float, float]:
    """Return the gain of the large rates on a set in points, with its interval, as in ``mnist_phases``.

    Of the best rate of each side, or of their mean; of rates up to ``largest`` times η_crit, or of all compared.
    """
    cell = table(fresh).sel(version=version, labels=labels, multiple=COMPARED)
    within = cell.sel(multiple=slice(None, largest * (1 + 1e-9))) if largest else cell
    return comparison.gain_interval(within, compared, chosen)
