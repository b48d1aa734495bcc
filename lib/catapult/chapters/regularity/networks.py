"""What is read off the recorded networks: which rates survive, and how far each run is from the published one."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import xarray as xr

from catapult.chapters.regularity_networks import experiment, theirs
from catapult.datasets import DataMissing
from catapult.runs import recorded

RECORDED = experiment.Parameters()
SLICE_STEPS = 20
Names = tuple[str, str, str]


@functools.cache
def table() -> xr.Dataset:
    """Return the recorded runs: eighteen networks, their survival over seeds, and one in double precision."""
    return recorded.load(experiment, RECORDED)


@functools.cache
def slice_difference() -> float | None:
    """Return how far the recorded loss is from that of one run alone on all pixels, relative; None without CIFAR-10.

    The first steps of ReLU with the squared loss at 2e-4. The recorded one was computed in the span of the images,
    beside others.
    """
    from catapult.training import train

    names, rate = ("squared", "relu", "none"), 2e-4
    recorded_loss = of(table(), names).loss.sel(rate=rate, step=slice(0, SLICE_STEPS)).dropna("step")
    try:
        problem, network, weights, _ = experiment.setting(RECORDED, names, 0, reduced=False)
    except DataMissing:
        return None
    again = train(problem, network, rate, loss=names[0], steps=SLICE_STEPS, dtype="float32", initial_weights=weights,
                  record="loss", every=recorded_loss.step.values.tolist()).loss.values.ravel()
    return float(np.abs(again / recorded_loss.values - 1).max())


def combinations() -> list[Names]:
    """Return loss, activation and normalisation of the networks of the table."""
    return experiment.combinations(RECORDED)


def of(runs: xr.Dataset, names: Names) -> xr.Dataset:
    """Return the runs of one network, at its own rates."""
    return runs.sel(combination="-".join(names), rate=experiment.rates_of(names))


def alive(runs: xr.Dataset, names: Names) -> np.ndarray:
    """Return for each rate of a network whether the run is not lost."""
    return np.isfinite(of(runs, names).loss.sel(step=RECORDED.steps).values)


def largest_rate(runs: xr.Dataset, names: Names) -> float:
    """Return the largest of a network's rates below the first that is lost; NaN if that is the least."""
    return [np.nan, *experiment.rates_of(names)][int(np.argmin([*alive(runs, names), False]))]


def stable_rate(runs: xr.Dataset, names: Names) -> float:
    """Return 2/sharpness at the start."""
    return 2 / float(of(runs, names).sharpness.sel(end="first")[0])


def octaves(runs: xr.Dataset, first: Names, second: Names) -> float:
    """Return by how many octaves the largest rate of the first network is above that of the second."""
    return float(np.log2(largest_rate(runs, first) / largest_rate(runs, second)))


def pairs(runs: xr.Dataset, layer: bool = False) -> Iterator[tuple[Names, theirs.Run, xr.Dataset]]:
    """Yield every published run, and ours: of the networks with layer normalisation, or of all the others."""
    for names in combinations():
        if (names[2] == "layer") != layer:
            continue
        for run in experiment.published(names):
            yield names, run, runs.sel(combination="-".join(names), rate=run.rate)


def apart(runs: xr.Dataset, quantity: str, layer: bool = False) -> np.ndarray:
    """Return how far ours is from the published number, relative, over the runs of :func:`pairs` that have it.

    ``quantity``: start, peak, loss, sharpness (both at step 400), first or second, the norms of the layers there.
    """
    found = []
    for names, run, ours in pairs(runs, layer):
        published = {"start": theirs.START[experiment.key(names)][0], "peak": run.peak, "loss": run.loss,
                     "sharpness": run.sharpness, "first": run.norms and run.norms[0],
                     "second": run.norms and run.norms[1]}[quantity]
        if published is not None:
            last = ours.loss.sel(step=theirs.STEPS)
            mine = {"start": ours.loss.sel(step=0), "peak": ours.peak, "loss": last,
                    "sharpness": ours.sharpness.sel(end="last"), "first": ours.norms[0], "second": ours.norms[1]}
            found.append(abs(float(mine[quantity]) / published - 1))
    return np.array(found)


def same_fate(runs: xr.Dataset) -> np.ndarray:
    """Return of each published run, layer normalisation and all, whether ours is lost where it is, and only there."""
    return np.array([(run.peak is None) == bool(np.isnan(ours.loss.sel(step=theirs.STEPS)))
                     for layer in (False, True) for _, run, ours in pairs(runs, layer)])


SURVIVAL = {"Huber, not the squared loss": ({"loss": "huber"}, {"loss": "squared"}),
            "tanh, not ReLU³": ({"activation": "tanh"}, {"activation": "relu3"}),
            "batch normalisation, not none, of ReLU³": ({"normalisation": "batch", "activation": "relu3"},
                                                        {"normalisation": "none", "activation": "relu3"}),
            "batch, not layer normalisation": ({"normalisation": "batch"}, {"normalisation": "layer"})}
"""What was predicted to survive more octaves than what; the last, of equal order, is the control."""


def survival_gain(runs: xr.Dataset, name: str) -> np.ndarray:
    """Return by how many octaves above 2/sharpness one kind of network survives more than another, (seed,).

    The mean over all networks that are otherwise alike; ``name`` is one of ``SURVIVAL``.
    """
    table = np.array([runs.survived.sel(combination="-".join(names)).values for names in experiment.COMBINATIONS])
    kinds = [np.array(kind) for kind in zip(*experiment.COMBINATIONS, strict=True)]
    places = dict(zip(("loss", "activation", "normalisation"), kinds, strict=True))
    means = [table[np.all([places[factor] == value for factor, value in kind.items()], axis=0)].mean(0)
             for kind in SURVIVAL[name]]
    return means[0] - means[1]


def precision(runs: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return how far single from double precision is, relative, at three rates: of the peaks and of the last losses."""
    single = runs.sel(combination="-".join(experiment.DOUBLE)).sel(rate=list(experiment.DOUBLE_RATES))
    double = runs.sel(combination="-".join(experiment.DOUBLE), double_rate=list(experiment.DOUBLE_RATES))
    last = [table.sel(step=RECORDED.steps).values for table in (single.loss, double.double_loss)]
    return np.abs(single.peak.values / double.double_peak.values - 1), np.abs(last[0] / last[1] - 1)
