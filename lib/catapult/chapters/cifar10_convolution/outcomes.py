"""What the recorded table of small convolutional networks says; read by the chapter on CIFAR-10."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10.experiment import ACTIVATIONS, VERSIONS
from catapult.chapters.cifar10_convolution import experiment
from catapult.datasets import DataMissing, cifar10
from catapult.runs import recorded
from catapult.statistics import crossed_interval

KINDS = {"separable": "separable", "non-separable": "strictly non-separable"}


SLICE_STEPS, SLICE_MULTIPLES = 16, (1.0, 2.0)


@functools.cache
def table(first_seed: int = 0) -> xr.Dataset:
    """Return the recorded table, ten seeds from this one."""
    return recorded.load(experiment, experiment.Parameters(first_seed=first_seed))


@functools.cache
def slice_difference() -> float | None:
    """Return the largest relative difference of some losses of seed 0, trained again; None without CIFAR-10.

    The first steps of both networks on the non-separable images, at η_crit and twice that rate as recorded.
    """
    from catapult.training import train

    values = experiment.Parameters()
    try:
        images = cifar10.two_classes(experiment.CLASSES, samples=values.samples, test_samples=2, seed=0)
    except DataMissing:
        return None
    problem, _ = experiment.projected(images, values.components)
    runs, found = recorded.load(experiment, values).sel(version="non-separable", seed=0), []
    for activation in ACTIVATIONS:
        kept = runs.sel(activation=activation).sel(multiple=list(SLICE_MULTIPLES), method="nearest")
        losses = kept.loss.sel(step=slice(None, SLICE_STEPS)).dropna("step", how="all").transpose("multiple", "step")
        again = train(problem, experiment.network(values, activation), kept.learning_rate.values.tolist(), seeds=(0,),
                      steps=SLICE_STEPS, dtype=values.dtype, every=losses.step.values.tolist()).loss[:, 0]
        found.append(float(abs(again.values - losses.values).max() / losses.max()))
    return max(found)


def certified(runs: xr.Dataset) -> dict[str, bool]:
    """Return, as named conditions, whether every set of images is of the kind that its version is called by."""
    return {f"every {version} set of images for convolutions is certified {kind}":
            bool((runs.certificate.sel(version=version) == kind).all()) for version, kind in KINDS.items()}


def cell(version: str, activation: str, first_seed: int = 0) -> xr.Dataset:
    """Return the runs of one version and network, over (seed, multiple)."""
    return table(first_seed).sel(version=version, activation=activation)


def alive(runs: xr.Dataset) -> xr.DataArray:
    """Return whether a run neither diverged nor died, at the rate itself and annealed."""
    return runs.phase.isin(comparison.ALIVE)


def gains(first_seed: int = 0) -> dict[tuple[str, str, str], tuple[float, float, float]]:
    """Return the gain and its interval, in points, at rates that all seeds survive: version, network, comparison."""
    return {(version, activation, name): comparison.gain_interval(cell(version, activation, first_seed), name)
            for version in VERSIONS for activation in ACTIVATIONS for name in comparison.COMPARISONS}


def own_gain(runs: xr.Dataset, name: str) -> np.ndarray:
    """Return the gain of one cell by the second rule, shape (seeds, 9 tenths), in shares.

    Every seed is compared at the rates that it survives itself, equally many above η_crit and, the nearest, at or below
    it; the best of each side is chosen on the first tenth. Seeds that survive no rate on one side are left out.
    """
    judged = []
    for seed in runs.seed.values:
        if len(comparison.sides(survived(runs, seed))[1]):
            judged.append(comparison.gain(survived(runs, seed), name)[0])
    return np.array(judged).reshape(-1, 9)


def survived(runs: xr.Dataset, seed: int) -> xr.Dataset:
    """Return the runs of one seed that it survives, over (seed, multiple)."""
    own = runs.sel(seed=[seed])
    return own.isel(multiple=np.flatnonzero(alive(own).all("seed")))


def own_gains() -> dict[tuple[str, str, str], tuple[int, float, float, float]]:
    """Return by the second rule how many seeds count, and the gain and its interval, in points: NaN for one seed."""
    found = {}
    for version in VERSIONS:
        for activation in ACTIVATIONS:
            for name in comparison.COMPARISONS:
                values = own_gain(cell(version, activation), name)
                interval = crossed_interval(values) if len(values) > 1 else (np.nan,) * 3
                found[version, activation, name] = (len(values), *(100 * end for end in interval))
    return found


def log_change(runs: xr.Dataset) -> xr.DataArray:
    """Return log2 of the sharpness at the end at the rate itself over that at the start; NaN for the dead."""
    start = 2 * runs.multiple / runs.learning_rate
    return np.log2((comparison.final_sharpness(runs) / start).where(alive(runs)))
