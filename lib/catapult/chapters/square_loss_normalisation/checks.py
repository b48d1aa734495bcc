"""Checks of the chapter on the square loss with normalisation: a linear predictor exactly, networks as recorded."""

from __future__ import annotations

import functools

import numpy as np
import torch
import xarray as xr

from catapult.chapters.square_loss_normalisation import experiment, outcomes
from catapult.chapters.square_loss_normalisation.descent import follow
from catapult.companion.measurement import Measurement
from catapult.networks import Network
from catapult.oracles import normalised as oracle
from catapult.runs import recorded
from catapult.theory import normalised, scale_invariant

DRAWS = (0, 1)
DECAYED = experiment.LINEAR_DECAY
NORMALISATION = "batch"
STEP_RATE, STEP_DECAY = 0.05, 0.03
START, CASE, SPARSE = outcomes.SMALL, outcomes.BOTH, outcomes.NEITHER
AGREE = 1e-3
PAIR = "automobile-dog"


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


def farthest(found: list[float] | np.ndarray, of: float = 1.0) -> float:
    """Return the number that is farthest from another."""
    return float(np.ravel(found)[int(np.argmax(np.abs(np.ravel(found) - of)))])


@functools.cache
def linear() -> xr.Dataset:
    """Return the linear predictor's ends over draws."""
    return xr.concat([experiment.linear(draw) for draw in DRAWS], "seed")


def minimum_norm() -> Measurement:
    """Largest |part of w that no point sees| over |shortest w|, normalised with decay; control: without, the least.

    Effect: length over the shortest without decay, the largest.
    """
    ends = linear().sel(kind="normalised")
    left = ends.unseen.sel(linear_decay=DECAYED)
    same = linear().unseen.sel(kind="plain", linear_decay=DECAYED)
    return Measurement(float(left.max()), effect=float(ends.length.sel(linear_decay=0.0).max()),
                       control=float(ends.unseen.sel(linear_decay=0.0).min()),
                       conditions={"decay alone does it, too": bool(same.max() <= left.max() + 1e-6),
                                   "without decay a third and more is left": bool(
                                       ends.unseen.sel(linear_decay=0.0).min() >= 1 / 3)})


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

    alone, sparse = less("nc1", outcomes.DECAY, outcomes.NEITHER, large), less("nc1", CASE, outcomes.NEITHER, START)
    pairs = [(CASE, outcomes.NORMALISED), (outcomes.DECAY, outcomes.NEITHER)]
    aligned = [less("nc3", *pair, float(scale))[2] < 0 for pair in pairs for scale in table().scale.values]
    said = {"decay alone lowers NC1 three times and more": alone[2] < -np.log10(3),
            "NC3 is nearer with decay, with and without normalisation, from every start": all(aligned),
            "a small start without both has less NC1 than with both": sparse[1] > 0,
            "both have less NC2 and NC3 than it": all(less(measure, CASE, outcomes.NEITHER, START)[2] < 0
                                                      for measure in ("nc2", "nc3"))}
    return Measurement(mean, effect=sparse[0], interval=tuple(ends), control=alone[0],
                       conditions={name: bool(kept) for name, kept in said.items()} | _conditions())


def memory() -> Measurement:
    """Largest distance of the law of prop-sn-memory from the flow, of the unseen part over |shortest w|.

    Effect: the least unseen part that a start of 1/10 leaves with normalisation and without decay.
    """
    ends = linear()
    laws = [abs(closed(draw, start) - integrated(draw, start)) for draw in DRAWS for start in experiment.STARTS]
    left = ends.unseen.sel(linear_decay=0.0, start=0.1)
    normal, plain = float(left.sel(kind="normalised").min()), float(left.sel(kind="plain").max())
    return Measurement(float(np.max([np.abs(np.abs(ends.law) - ends.unseen).max(), *laws])), effect=normal,
                       control=plain, conditions={"normalised, a third and more is left": normal >= 1 / 3,
                                                  "plain, a tenth and less": plain <= 0.1})


def closed(draw: int, start: float) -> float:
    """Return ρ at the end without decay by the root of an equation."""
    Z, v = experiment.points(draw)
    least, unseen = (float(np.linalg.norm(each)) for each in (normalised.least_norm(Z), normalised.outside(Z, v)))
    return normalised.length_at_end(least, unseen, start)


def integrated(draw: int, start: float) -> float:
    """Return it by the flow, where ρ may turn its sign."""
    Z, v = experiment.points(draw)
    return abs(oracle.flow(Z, start, v, 0.0, experiment.LONG)[0])


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
    return Measurement(mean, effect=float(kept.rate.max() / kept.rate.min()), interval=tuple(ends_of),
                       control=float(np.max(rest)),
                       conditions={"no other case comes near: 1.4 at most": float(np.max(rest)) <= 1.4} | _conditions())


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
