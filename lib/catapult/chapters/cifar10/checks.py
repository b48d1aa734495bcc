"""Checks of the chapter on CIFAR-10. All read the recorded tables; where the photographs are at hand, a slice too."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult import phases
from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10 import experiment as cifar10
from catapult.chapters.cifar10_classes import experiment as classes
from catapult.chapters.cifar10_convolution import outcomes as convolution
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing
from catapult.runs import recorded
from catapult.statistics import mean_interval

SMALL, STABLE = 0, 4
"""Places on the grid of the smallest rate, and of 2/sharpness at the start."""
SLICE = {"version": "non-separable", "seed": 0}
SLICE_STEPS = 75
AGREE = 1e-3
"""How far a slice may be from what was recorded: single precision on another machine."""


@functools.cache
def table(positive: str = "automobile", first_seed: int = 0, versions: str = "both") -> xr.Dataset:
    """Return a recorded table: pair (positive, dog), seeds from ``first_seed``, one version of the data or both."""
    return recorded.load(cifar10, cifar10.Parameters(positive=positive, first_seed=first_seed, versions=versions))


@functools.cache
def slice_difference() -> float | None:
    """Return the largest relative difference of one cell's first steps, computed again; None without CIFAR-10."""
    try:
        found = recorded.slice_difference(cifar10, cifar10.Parameters(), SLICE, ("loss", "sharpness"),
                                          steps=SLICE_STEPS, settle=1, octaves_down=1)
    except DataMissing:
        return None
    return float(np.max(list(found.values())))


def _conditions(runs: xr.Dataset) -> dict[str, bool]:
    """Return what every statement rests on: certified kinds, and a slice that agrees where it can be computed."""
    kinds = {"separable": "separable", "non-separable": "strictly non-separable"}
    held = {f"every {version} problem is certified {kinds[version]}":
            bool((runs.certificate.sel(version=version) == kinds[version]).all()) for version in runs.version.values}
    found = slice_difference()
    return held if found is None else {**held, "a slice computed again is what was recorded": found <= AGREE}


def _cell(runs: xr.Dataset, version: str, activation: str) -> xr.Dataset:
    return runs.sel(version=version, activation=activation)


def peaks(runs: xr.Dataset) -> xr.DataArray:
    """Return which seeds have a rate at which the loss peaks above ``phases.PEAK`` · L_0 and comes back."""
    return ((runs.phase == "catapult") & (runs.peak > phases.PEAK)).any("multiple")


def catapult_on_non_separable() -> Measurement:
    """Share of seeds whose linear network has a catapult, non-separable data; control: separable data."""
    runs = table()
    shares = [float(peaks(_cell(runs, version, "linear")).mean()) for version in cifar10.VERSIONS]
    return Measurement(shares[0], control=shares[1], conditions=_conditions(runs))


def log_flatter(runs: xr.Dataset, multiple: float) -> np.ndarray:
    """Return log2 of the final sharpness at a rate over that at the smallest, a number a seed."""
    final = comparison.final_sharpness(runs)
    return np.log2(final.sel(multiple=multiple, method="nearest") / final.isel(multiple=SMALL)).values


def flatter() -> Measurement:
    """Largest log2 ratio of a seed's final sharpness, the largest rate compared over the smallest: linear network.

    Effect and interval: the mean over seeds. Control: the mean at 2/sharpness of the start.
    """
    runs = table()
    cell = _cell(runs, "non-separable", "linear")
    ratios = log_flatter(cell, comparison.sides(cell)[1][-1])
    mean, low, high = mean_interval(ratios)
    return Measurement(ratios.max(), effect=mean, interval=(low, high), control=log_flatter(cell, 1.0).mean(),
                       conditions={**_conditions(runs), "the rate is a catapult on every seed": bool(
                           (cell.phase.sel(multiple=comparison.sides(cell)[1][-1]) == "catapult").all())})


def edge() -> Measurement:
    """Smallest η · sharpness/2 of the linear network at the rates above that are compared, non-separable data."""
    runs = table()
    cell = _cell(runs, "non-separable", "linear")
    shares = comparison.share_of_edge(cell).sel(multiple=comparison.sides(cell)[1]).values
    return Measurement(shares.min(), interval=(shares.min(), shares.max()),
                       conditions={**_conditions(runs), "no run is beyond the edge by three per cent":
                                   bool(shares.max() <= 1.03)})


def every_gain(chosen: bool = True) -> dict[tuple[str, str, str, str], tuple[float, float, float]]:
    """Return the gain and its interval, in points, of each cell: pair, version, network, comparison."""
    return {(positive, version, activation, name): comparison.gain_interval(
        _cell(runs, version, activation), name, chosen)
        for positive, runs in tables().items() for version in runs.version.values
        for activation in cifar10.ACTIVATIONS for name in comparison.COMPARISONS}


def tables() -> dict[str, xr.Dataset]:
    """Return the recorded tables by the positive class, those of the page."""
    return {"automobile": table(), "cat": table("cat")}


def best_rate() -> Measurement:
    """How many cells gain from large rates, of those that are looked at: the interval lies above 0.

    Effect: how many lose. Nothing is pooled.
    """
    found = every_gain()
    low, high = (np.array([gain[i] for gain in found.values()]) for i in (1, 2))
    gaining = {cell for cell, gain in found.items() if gain[1] > 0}
    named = {("cat", "separable", "linear", "equal time")} | {
        ("automobile", version, "relu", name) for version in cifar10.VERSIONS for name in comparison.COMPARISONS}
    return Measurement(int((low > 0).sum()), effect=int((high < 0).sum()), conditions={
        **_conditions(table()), "every pair's versions are certified": all(_conditions(table("cat")).values()),
        "those that gain are the cells that are named": gaining == named})


def generalisation() -> Measurement:
    """Smallest gain, over the three comparisons, of the ReLU network at fresh seeds, non-separable data, in points.

    Effect and interval: annealed, at the first seeds. Control: the same on separable data.
    """
    runs, fresh = table(), table(first_seed=10, versions="non-separable")
    gains = [comparison.gain_interval(_cell(fresh, "non-separable", "relu"), name) for name in comparison.COMPARISONS]
    mean, low, high = comparison.gain_interval(_cell(runs, "non-separable", "relu"), "annealed")
    control = comparison.gain_interval(_cell(runs, "separable", "relu"), "annealed")[0]
    return Measurement(np.min(gains, 0)[0], effect=mean, interval=(low, high), control=control, conditions={
        **_conditions(runs), "at fresh seeds every interval lies above 0": bool(np.min(gains, 0)[1] > 0)})


def annealing() -> Measurement:
    """Smaller of two mean gains from a large initial rate that is annealed: first and fresh seeds, ReLU, in points.

    Non-separable data, automobile against dog. Effect and interval: the first seeds. Control: the linear network.
    """
    runs, fresh = table(), table(first_seed=10, versions="non-separable")
    first, again, control, other = (
        comparison.gain_interval(_cell(each, "non-separable", activation), "annealed") for each, activation in (
            (runs, "relu"), (fresh, "relu"), (runs, "linear"), (tables()["cat"], "relu")))
    mean, *interval = first
    return Measurement(np.min([mean, again[0]]), effect=mean, interval=tuple(interval), control=control[0], conditions={
        **_conditions(runs), "at fresh seeds the interval lies above 0": again[1] > 0,
        "the control's interval holds 0": control[1] < 0 < control[2],
        "on cat against dog the interval holds 0": other[1] < 0 < other[2]})


def flatter_without_gain() -> Measurement:
    """Largest end of the intervals of the linear network's gain, either sign, non-separable data, in points.

    Effect: the factor by which the largest rate ends flatter than the smallest.
    """
    found = every_gain()
    ends = [abs(end) for (_, version, activation, _), gain in found.items() for end in gain[1:]
            if (version, activation) == ("non-separable", "linear")]
    cell = _cell(table(), "non-separable", "linear")
    return Measurement(np.max(ends), effect=2 ** -log_flatter(cell, comparison.sides(cell)[1][-1]).mean(),
                       conditions=_conditions(table()))


@functools.cache
def ten() -> xr.Dataset:
    """Return the recorded table of all ten classes."""
    return recorded.load(classes, classes.Parameters())


def ten_gains() -> dict[tuple[str, str, str], tuple[float, float, float]]:
    """Return the gain on ten classes and its interval, in points: version, network, comparison."""
    return {(version, activation, name): comparison.gain_interval(_cell(ten(), version, activation), name)
            for version in cifar10.VERSIONS for activation in cifar10.ACTIVATIONS for name in comparison.COMPARISONS}


def _ten_conditions() -> dict[str, bool]:
    kinds = {"separable": "separable", "non-separable": "strictly non-separable"}
    return {f"every {version} set of ten classes is certified {kind}":
            bool((ten().certificate.sel(version=version) == kind).all()) for version, kind in kinds.items()}


def ten_flatter() -> Measurement:
    """Largest log2 ratio of a seed's final sharpness on ten classes, the largest rate compared over the smallest.

    Linear network, non-separable data. Effect and interval: the mean over seeds. Control: the mean at 2/sharpness of
    the start.
    """
    cell = _cell(ten(), "non-separable", "linear")
    ratios = log_flatter(cell, comparison.sides(cell)[1][-1])
    mean, low, high = mean_interval(ratios)
    return Measurement(ratios.max(), effect=mean, interval=(low, high), control=log_flatter(cell, 1.0).mean(),
                       conditions=_ten_conditions())


def ten_best_rate() -> Measurement:
    """Largest end of the intervals of the linear network's gain on ten classes, non-separable data, either sign.

    In points. Effect and interval: annealed. Control: annealed, on separable data.
    """
    gains = ten_gains()
    ends = [abs(end) for name in comparison.COMPARISONS for end in gains["non-separable", "linear", name][1:]]
    mean, *interval = gains["non-separable", "linear", "annealed"]
    survived = comparison.sides(_cell(ten(), "non-separable", "relu"))[1]
    return Measurement(np.max(ends), effect=mean, interval=tuple(interval), control=gains[
        "separable", "linear", "annealed"][0], conditions={
            **_ten_conditions(), "all ReLU networks survive no rate above the stable one": not len(survived)})


def _convolution_conditions() -> dict[str, bool]:
    found = convolution.slice_difference()
    held = convolution.certified(convolution.table())
    return held if found is None else {**held, "convolutions trained again do what was recorded": found <= AGREE}


def convolution_rises() -> Measurement:
    """Share of seeds whose linear convolutional network has a catapult, non-separable images; control: separable.

    Effect: the share of runs whose loss rises above an earlier value and comes back, at the rates above the stable one
    that are compared.
    """
    cells = [convolution.cell(version, "linear") for version in cifar10.VERSIONS]
    shares = [float(peaks(cell).mean()) for cell in cells]
    rises = float((cells[0].phase.sel(multiple=comparison.sides(cells[0])[1]) == "catapult").mean())
    return Measurement(shares[0], effect=rises, control=shares[1], conditions={
        **_convolution_conditions(), "every loss rises and comes back": rises == 1})


def convolution_flatter() -> Measurement:
    """Largest log2 ratio of a seed's final sharpness, the largest rate compared over the smallest: linear convolutions.

    Non-separable images. Effect and interval: the mean over seeds. Control: the mean on separable images.
    """
    cells = [convolution.cell(version, "linear") for version in cifar10.VERSIONS]
    ratios, control = (log_flatter(cell, comparison.sides(cell)[1][-1]) for cell in cells)
    mean, low, high = mean_interval(ratios)
    return Measurement(ratios.max(), effect=mean, interval=(low, high), control=control.mean(), conditions={
        **_convolution_conditions(),
        "on separable images the interval lies below 0, too": mean_interval(control)[2] < 0})


def _above(gains) -> set:
    """Return the cells whose interval lies above 0."""
    return {cell for cell, (_, low, _) in gains.items() if low > 0}


def convolution_gain() -> Measurement:
    """Largest end of the intervals of the linear convolutional network's gain, non-separable images, either sign.

    In points. Effect and interval: the ReLU network, annealed. Control: the same on separable images.
    """
    gains, again = convolution.gains(), convolution.gains(first_seed=10)
    ends = [abs(end) for name in comparison.COMPARISONS for end in gains["non-separable", "linear", name][1:]]
    above, below = _above(gains), {cell for cell, (*_, high) in gains.items() if high < 0}
    mean, *interval = gains["non-separable", "relu", "annealed"]
    return Measurement(np.max(ends), effect=mean, interval=tuple(interval), control=gains[
        "separable", "relu", "annealed"][0], conditions={
            **_convolution_conditions(), "one of twelve intervals lies above 0, one below: those named":
                above == {("separable", "linear", "equal time")} and below == {("separable", "relu", "equal time")},
            "at ten fresh seeds the same one lies above 0, and that one below with others": _above(again) == above
                and all(again[cell][2] < 0 for cell in below)})
