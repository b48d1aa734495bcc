"""Checks of networks with normalisation and decay, most as recorded."""

from __future__ import annotations

import functools
from itertools import product

import numpy as np
import torch
import xarray as xr

from catapult.chapters.square_loss_batches import outcomes as batches
from catapult.chapters.square_loss_normalisation import experiment, outcomes
from catapult.chapters.square_loss_normalisation.descent import follow
from catapult.companion.measurement import Measurement
from catapult.networks import Network
from catapult.runs import recorded
from catapult.theory import scale_invariant

NORMALISATION = "batch"
STEP_RATE, STEP_DECAY = 0.05, 0.03
START, CASE, SPARSE = outcomes.SMALL, outcomes.BOTH, outcomes.NEITHER
OTHERS = (outcomes.NEITHER, outcomes.DECAY, outcomes.NORMALISED)
AGREE = 1e-3
PAIR = "automobile-dog"
FRESH = (3, 4, 5)
"""Seeds of digits with full batches that had not been seen in trials."""


@functools.cache
def table(data_set: str = "digits") -> xr.Dataset:
    """Return the recorded table."""
    values = {} if data_set == "digits" else {"data_set": data_set, "parts": "networks"}
    return recorded.load(experiment, experiment.Parameters.checked(values, scale="paper"))


@functools.cache
def slice_difference() -> float:
    """Return how far the losses after the first steps of a seed, computed again, are from the table, relatively."""
    values = experiment.Parameters.checked(scale="paper")
    again = experiment.trained(values, "batch", 0, steps=experiment.EARLY + 1).early_loss
    kept = table().early_loss.sel(normalisation="batch", seed=0)
    return float(np.abs(again.squeeze() / kept - 1).max())


def _conditions() -> dict[str, bool]:
    return {"a slice computed again is what was recorded": slice_difference() <= AGREE}


def _batches_again() -> dict[str, bool]:
    return {"a slice of full batches computed again is what was recorded": batches.slice_difference() <= AGREE}


def farthest(found: list[float] | np.ndarray, of: float = 1.0) -> float:
    """Return the number that is farthest from another."""
    return float(np.ravel(found)[int(np.argmax(np.abs(np.ravel(found) - of)))])


def absolute_minimum() -> Measurement:
    """Mean over seeds, least over scales, of the last layer's norm over the least that its outputs allow.

    Effect: the last layer's norm from the large start over that from the small one; control: the same without decay.
    """
    every = [outcomes.interval(outcomes.of(table(), "excess", CASE, scale)) for scale in table().scale.values]
    mean, *ends = every[int(np.argmin([each[0] for each in every]))]
    forgotten = [outcomes.interval(outcomes.of(table(), "rho", case, outcomes.LARGE)
                                   / outcomes.of(table(), "rho", case, START))[0]
                 for case in (CASE, outcomes.NORMALISED)]
    said = {"with decay the norm forgets the start, to 5 %": abs(forgotten[0] - 1) <= 0.05,
            "without decay it does not, by 20 % and more": forgotten[1] >= 1.2}
    return Measurement(mean, effect=forgotten[0], interval=tuple(ends), control=forgotten[1],
                       conditions=said | _conditions())


def margins() -> Measurement:
    """Mean over seeds of log(ratio of normalised margins)/log(inverse ratio of ρ), starts 1/4 and 1/2, without both.

    Effect: the ratio of the normalised margins.
    """
    small, large = (outcomes.of(table(), "rho", SPARSE, scale) for scale in (START, outcomes.MIDDLE))
    gained = outcomes.larger_margin(table(), SPARSE)
    mean, *ends = outcomes.interval(gained / np.log10((large / small).values))
    return Measurement(mean, effect=10 ** outcomes.interval(gained)[0], interval=tuple(ends), conditions=_conditions())


def small_start() -> Measurement:
    """Mean over seeds of log10 of the normalised margin, start 1/4 less 1/2, without both; control: decay alone."""
    mean, *ends = outcomes.interval(outcomes.larger_margin(table(), SPARSE))
    said = {f"the same on {pair}": outcomes.interval(outcomes.larger_margin(table(pair), SPARSE))[1] > 0
            for pair in experiment.PAIRS}
    return Measurement(mean, effect=mean, interval=tuple(ends),
                       control=outcomes.interval(outcomes.larger_margin(table(), outcomes.DECAY))[0],
                       conditions=said | _conditions())


def _network(normalisation: str | None) -> tuple[Network, torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Return a small network, data of it, class numbers, and weights."""
    rng = np.random.default_rng(7)
    X, y = torch.tensor(rng.standard_normal((40, 6))), torch.tensor(rng.integers(0, 3, 40))
    network = Network((6, 8, 3), "relu", "standard", normalisation)
    return network, X, y, network.initialise(3)


def _turned(normalisation: str | None) -> float:
    """Return the largest change of an output, over the largest output, when weights into units are scaled by ½ to 2."""
    network, X, _, (first, last) = _network(normalisation)
    factors = torch.tensor(2.0 ** np.random.default_rng(8).uniform(-1, 1, (8, 1)))
    before, after = (network.forward([matrix, last], X) for matrix in (first, factors * first))
    return float((after - before).abs().max() / before.abs().max())


def singular() -> Measurement:
    """Change of outputs when weights into each hidden unit are scaled by a factor; control: no normalisation."""
    return Measurement(_turned(NORMALISATION), control=_turned(None))


def orthogonal() -> Measurement:
    """Largest relative distance of |w|² after a step from (1 − ηλ)²|w|² + η²|g|²; control: without normalisation."""
    def far(normalisation):
        network, X, y, weights = _network(normalisation)
        path = follow(network, X, y, [matrix[None] for matrix in weights], np.array([STEP_RATE]),
                      np.array([STEP_DECAY]), steps=1)
        before = [matrix.detach().clone() for matrix in next(path)]
        w, after = before[0][0], next(path)[0].detach()[0]
        g = ((1 - STEP_RATE * STEP_DECAY) * w - after) / STEP_RATE
        law = scale_invariant.length_after_step((w**2).sum(1), (g**2).sum(1), STEP_RATE, STEP_DECAY)
        return float(((after**2).sum(1) / law - 1).abs().max())

    return Measurement(far(NORMALISATION), control=far(None))


def collapse() -> Measurement:
    """Mean over seeds of log10 NC1, both less normalisation alone, from start 1; control: decay alone less neither.

    Effect: both less neither from start 1/4.
    """
    large = outcomes.LARGE
    gained = outcomes.less_collapsed(table(), "nc1", (CASE, large), (outcomes.NORMALISED, large))
    mean, *ends = outcomes.interval(gained)

    def less(measure: str, one: dict, other: dict, scale: float) -> tuple[float, float, float]:
        return outcomes.interval(outcomes.less_collapsed(table(), measure, (one, scale), (other, scale)))

    tenth = outcomes.interval(batches.tenth())
    alone, sparse = less("nc1", outcomes.DECAY, outcomes.NEITHER, large), less("nc1", CASE, outcomes.NEITHER, START)
    pairs = [(CASE, outcomes.NORMALISED), (outcomes.DECAY, outcomes.NEITHER)]
    aligned = [less("nc3", *pair, float(scale))[2] < 0 for pair in pairs for scale in table().scale.values]
    said = {"decay alone lowers NC1 three times and more": alone[2] < -np.log10(3),
            "NC3 is nearer with decay, with and without normalisation, from every start": all(aligned),
            "a small start without both has less NC1 than with both": sparse[1] > 0,
            "both have less NC2 and NC3 than it": all(less(measure, CASE, outcomes.NEITHER, START)[2] < 0
                                                      for measure in ("nc2", "nc3")),
             "normalisation alone from a tenth is not told apart from both": tenth[1] <= 0 <= tenth[2]}
    return Measurement(mean, effect=sparse[0], interval=tuple(ends), control=alone[0],
                       conditions={name: bool(kept) for name, kept in said.items()} | _conditions())


def full_collapse() -> Measurement:
    """Mean over seeds of log10 NC1, both less another case from the same start, full batches: the largest of nine.

    Effect: from 1, both less the least of the other cases from any start; control: with minibatches, both less neither.
    """
    nine = list(product(OTHERS, experiment.SCALES))
    every = [batches.nearer("nc1", *each) for each in nine]
    mean, *ends = every[int(np.argmax([each[0] for each in every]))]
    both = np.log10(outcomes.of(batches.table(), "nc1", CASE, outcomes.LARGE).values)
    beyond = [outcomes.interval(both - batches.least_of("nc1", other)[1]) for other in OTHERS]
    least = beyond[int(np.argmax([each[0] for each in beyond]))]
    control = outcomes.less_collapsed(batches.of_minibatches(), "nc1", (CASE, START), (outcomes.NEITHER, START))
    fresh = [outcomes.interval(outcomes.less_collapsed(batches.table().sel(seed=list(FRESH)), "nc1", (CASE, scale),
                                                       (other, scale))) for other, scale in nine]
    said = {"NC1 and NC2 are nearer with both in all nine": all(
                batches.nearer(name, *each)[2] < 0 for name in ("nc1", "nc2") for each in nine),
            "from 1 NC1 is nearer than with one of the two from any start": all(each[2] < 0 for each in beyond[1:]),
            "than with neither from any start it is not seen to be": beyond[0][2] >= 0,
            "on automobiles and dogs decay alone is nearer, from each start": all(
                batches.nearer("nc1", outcomes.DECAY, scale, PAIR)[1] > 0 for scale in experiment.SCALES),
            "and neither from 1/4": batches.nearer("nc1", outcomes.NEITHER, START, PAIR)[1] > 0,
            "NC3 is not nearer than with decay alone from any start": all(
                batches.nearer("nc3", outcomes.DECAY, scale)[2] >= 0 for scale in experiment.SCALES),
            "on the three seeds not seen before all nine means of NC1 have the sign": all(
                each[0] < 0 for each in fresh),
            "and one interval of the nine excludes 0": sum(each[2] < 0 for each in fresh) == 1}
    return Measurement(mean, effect=least[0], interval=tuple(ends), control=outcomes.interval(control)[0],
                       conditions={name: bool(kept) for name, kept in said.items()} | _batches_again())


def larger_batches() -> Measurement:
    """Mean over seeds of the last layer's norm over the least, full batches, both, the largest of four starts.

    Effect: full less minibatches of 25, from 1, paired; control: without decay, the least of four starts.
    """
    every = [outcomes.interval(batches.excess(batches.FULL, scale)) for scale in batches.table().scale.values]
    mean, *ends = every[int(np.argmax([each[0] for each in every]))]
    alone = outcomes.NORMALISED
    rest = [outcomes.of(batches.table(), "excess", alone, scale).mean() for scale in batches.table().scale.values]
    said = {"from 1/4, 1/2 and 1 the interval is within 1.05 to 1.2": all(
                each[1] >= 1.05 and each[2] <= 1.2 for each in every[1:]),
            "it falls from 25 to 50 to 100 to full, paired": all(each[2] < 0 for each in batches.steps_down()),
            "with 25 and 50 it has settled, to 5 %": all(batches.drift(size) <= 0.05 for size in (25, 50)),
            "with 100 and 200 not": all(batches.drift(size) > 0.05 for size in (100, batches.FULL)),
            "without decay full batches are above minibatches of 50, from 1/4, 1/2 and 1": all(
                outcomes.interval(outcomes.of(batches.table(), "excess", alone, scale)
                                  - outcomes.of(batches.of_minibatches(), "excess", alone, scale))[1] > 0
                for scale in experiment.SCALES),
            "50 is as in the other table": batches.as_before() <= AGREE,
            "on automobiles and dogs it stays above 1.8, from 1": outcomes.interval(
                outcomes.of(batches.table(PAIR), "excess", CASE, outcomes.LARGE))[1] >= 1.8}
    return Measurement(mean, effect=outcomes.interval(batches.excess(batches.FULL) - batches.excess(25))[0],
                       interval=tuple(ends), control=float(np.min(rest)),
                       conditions={name: bool(kept) for name, kept in said.items()} | _batches_again())


def edge() -> Measurement:
    """Mean over seeds of η times sharpness at the end with both, at the rate where it is farthest from 2.

    Control: the largest mean of the other three cases. Effect: the largest rate over the smallest.
    """
    ends = table().edge.isel(time=slice(-4, None)).mean("time")
    kept = ends.sel(network=CASE["normalisation"], edge_decay=experiment.EDGE_DECAYS[-1])
    every = [outcomes.interval(kept.sel(rate=rate)) for rate in kept.rate.values]
    mean, *ends_of = every[int(np.argmax([abs(each[0] - 2) for each in every]))]
    rest = [float(ends.sel(network=network, edge_decay=decay).mean("seed").max())
            for network, decay in (("none", 0.0), ("none", experiment.EDGE_DECAYS[-1]), ("batch", 0.0))]
    half, twice, thrice = batches.RATES
    early, late = (outcomes.interval(batches.beyond(half, times)) for times in (batches.SHORT, batches.LONG))
    said = {"no other case comes near: 1.4 at most": float(np.max(rest)) <= 1.4,
            "half of the smallest rate is not there in as many steps": early[2] < 1.8,
            "but is after three times as many": late[1] >= 1.8 and late[2] <= 2.6,
            "twice the largest is above 2": outcomes.interval(batches.beyond(twice))[1] > 2,
            "three times the largest diverges in every seed": bool(batches.table().lost.sel(rate=thrice).all())}
    return Measurement(mean, effect=float(kept.rate.max() / kept.rate.min()), interval=tuple(ends_of),
                       control=float(np.max(rest)), conditions=said | _conditions())


def accuracy() -> Measurement:
    """Mean over seeds of the test error with both less that with neither, from start 1/4, paired.

    Effect: with neither, start 1/2 less start 1/4; control: the same with decay alone.
    """
    mean, *ends = outcomes.interval(outcomes.of(table(), "test_error", CASE, START)
                                    - outcomes.of(table(), "test_error", SPARSE, START))
    grown, decayed = (outcomes.interval(outcomes.of(table(), "test_error", case, outcomes.MIDDLE)
                                        - outcomes.of(table(), "test_error", case, START))
                      for case in (outcomes.NEITHER, outcomes.DECAY))
    said = {"its interval ends within a point": ends[0] >= -0.01 and ends[1] <= 0.01,
            "with neither the larger start costs": grown[1] > 0, "with decay it is not seen to": decayed[1] <= 0}
    return Measurement(mean, effect=grown[0], interval=tuple(ends), control=decayed[0],
                       conditions=said | _conditions())


def accuracy_on_pairs() -> Measurement:
    """Mean over seeds of points of test error, both less neither, from start 1/4, paired, automobiles and dogs.

    Effect: decay alone less neither; control: both less normalisation alone.
    """
    def less(one, other):
        errors = [outcomes.of(table(PAIR), "test_error", case, START) for case in (one, other)]
        return outcomes.interval(100 * (errors[0] - errors[1]))

    mean, *ends = less(CASE, outcomes.NEITHER)
    decayed, normal = less(outcomes.DECAY, outcomes.NEITHER), less(outcomes.NORMALISED, outcomes.NEITHER)
    beyond = [less(CASE, alone) for alone in (outcomes.DECAY, outcomes.NORMALISED)]
    said = {"both less neither: the interval ends below 0": ends[1] < 0,
            "decay alone less neither: too": decayed[2] < 0, "normalisation alone less neither: too": normal[2] < 0,
            "both less either alone: the intervals hold 0": all(each[1] <= 0 <= each[2] for each in beyond)}
    return Measurement(mean, effect=decayed[0], interval=tuple(ends), control=beyond[1][0],
                       conditions=said | _conditions())
