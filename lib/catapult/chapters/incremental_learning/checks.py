"""Checks of the chapter on incremental learning: the toy model by three routes, the settings as recorded."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.incremental_learning import experiment, outcomes, seconds
from catapult.companion.measurement import Measurement
from catapult.oracles import incremental as oracle
from catapult.runs import recorded
from catapult.theory import incremental

NEAR = 1.02
"""How near to 1 the ratio of targets is where the laws are compared."""
SHALLOW, DEPTHS = 2, (3, 4, 6)
AGREE = 1e-5
CASE, PACE = "deep", "large"
ABOVE = {"matrix sensing": 10, "quadratic network": 7, "diagonal": 2, "convolutional": 0}
"""In how many recorded draws the large rate exceeds the tuned one."""
AHEAD = {1e-3: 5, 1e-8: 7}
"""In how many of those of two layers the second value is nearer at the large rate than at the slow one, by σ0."""


@functools.cache
def table() -> xr.Dataset:
    """Return the recorded table."""
    return recorded.load(experiment, experiment.Parameters.checked(scale="paper"))


@functools.cache
def slice_difference() -> float:
    """Return how far the numbers of active values of two runs, computed again, are from the table, relatively."""
    far = []
    for name in ("diagonal", "quadratic network"):
        build, depth = experiment.SETTINGS[name]
        kept = table().sel(setting=name, case="deep", pace="tuned", draw=0)
        again = experiment.descend(build(depth, 1e-3, 0), float(kept.learning_rate))
        far += [abs(again[end] / float(kept[end]) - 1) for end in ("half", "end")]
    return float(np.max(far))


def _conditions() -> dict[str, bool]:
    return {"a slice computed again is what was recorded": slice_difference() <= AGREE}


def farthest(found: list[float]) -> float:
    """Return the number that is farthest from 1."""
    return found[int(np.argmax(np.abs(np.array(found) - 1)))]


def shallow() -> Measurement:
    """(r − 1) log(1/σ0) at depth 2 over 2 log 3, the farther from 1 at r = 1.01 and 1.02; control: depth 4."""
    def scaled(depth, r):
        return (1 - r) * incremental.log_threshold(depth, r) / (2 * np.log(3))

    found = [scaled(SHALLOW, r) for r in (1 + (NEAR - 1) / 2, NEAR)]
    return Measurement(farthest(found), effect=incremental.log_threshold(2, 1.1) / np.log(10),
                       control=scaled(4, NEAR))


def polynomial() -> Measurement:
    """d log σ0/d log((r − 1)/r) near r = 1 over N/(N − 2), depths 3, 4 and 6, the farthest from 1; control: depth 2."""
    def slope(depth):
        pair = np.array([1 + (NEAR - 1) / 20, 1 + (NEAR - 1) / 10])
        return float(np.diff([incremental.log_threshold(depth, r) for r in pair])[0] / np.diff(np.log(1 - 1 / pair))[0])

    found = [slope(depth) * (depth - 2) / depth for depth in DEPTHS]
    return Measurement(farthest(found), effect=incremental.log_threshold(4, 1.1) / np.log(10),
                       control=slope(2))


def three_routes() -> Measurement:
    """Largest difference of log10 σ0 by quadrature from that by an integrated flow; effect: the law's at r = 1.02."""
    cases = [(2, 1.5), (3, 1.2), (4, 2.0)]
    far = [abs(incremental.log_threshold(*case) - oracle.log_threshold(*case, incremental.LEVELS)) for case in cases]
    law = [abs(incremental.log_threshold(depth, NEAR) - incremental.log_law(depth, NEAR)) for depth in (2, *DEPTHS)]
    return Measurement(float(np.max(far) / np.log(10)), effect=float(np.max(law) / np.log(10)))


def four_settings() -> Measurement:
    """Mean part of the active values that come late, the least of four settings, deep, from 10⁻³.

    Control: depth 1, the largest of four. It is near 0 by the cut at 0, and below it without: a condition.
    """
    mean, *ends = outcomes.worst(table(), CASE)
    cut, uncut = (of(table()).sel(pace="tuned", case="depth 1").mean("draw") for of in (outcomes.late, outcomes.uncut))
    return Measurement(mean, effect=mean, interval=tuple(ends), control=float(cut.max()), conditions={
        **_conditions(), "at depth 1 more values are active at half than at the end": float(uncut.max()) < 0})


def nearer() -> Measurement:
    """κ at depth 2 over 1 − 1/r', r' = log(1 + 2ηr)/log(1 + 2η), the farthest from 1; effect: κ at r = 2, η r = 1/2."""
    found = [experiment.exponent(r, multiple) / (1 - 1 / incremental.ratio_of_steps(r, multiple))
             for r in (1.25, 2.0, 4.0) for multiple in (0.1, 0.5, 1.0)]
    return Measurement(farthest(found), effect=experiment.exponent(2.0, 1.0),
                       control=experiment.exponent(2.0, 0.01))


@functools.cache
def second_values(start: float) -> xr.DataArray:
    """Return how near the second value is in quadratic networks, over (draw, pace), at the recorded rates."""
    return seconds.seconds(table(), seconds.TWO_LAYERS, start)


def large_rate() -> Measurement:
    """How many times as large the second value of two layers is at the large rate as at the slow one, from 10⁻³.

    Over the draws in which the large rate exceeds the tuned one; effect: from 10⁻⁸.
    """
    above = {name: seconds.above(table(), name) for name in ABOVE}
    found = {start: seconds.factors(second_values(start), PACE)[above[seconds.TWO_LAYERS].values] for start in AHEAD}
    (mean, *ends), (effect, *_) = (seconds.geometric(found[start]) for start in AHEAD)
    return Measurement(mean, effect=effect, interval=tuple(ends), conditions={
        **_conditions(),
        "large rates exceed the tuned ones as often as said": all(above[name].sum() == n for name, n in ABOVE.items()),
        "the second is nearer as often as said": all((found[start] > 1).sum() == n for start, n in AHEAD.items())})
