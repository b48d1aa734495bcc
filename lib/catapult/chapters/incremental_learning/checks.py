"""Checks of the chapter on incremental learning: the toy model by three routes, the settings as recorded."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.incremental_learning import experiment, outcomes
from catapult.companion.measurement import Measurement
from catapult.oracles import incremental as oracle
from catapult.runs import recorded
from catapult.theory import incremental

NEAR = 1.02
"""How near to 1 the ratio of targets is where the laws are compared."""
SHALLOW, DEPTHS = 2, (3, 4, 6)
AGREE = 1e-5
CASE, PACE = "deep", "large"


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
    """Mean part of the active values that come late, the least of four settings, deep, from 10⁻³; control: depth 1."""
    mean, *ends = outcomes.worst(table(), CASE)
    late = outcomes.late(table()).sel(pace="tuned")
    return Measurement(mean, effect=mean, interval=tuple(ends),
                       control=float(late.sel(case="depth 1").mean("draw").max()), conditions=_conditions())


def merging() -> Measurement:
    """κ at depth 2 over 1 − 1/r', r' = log(1 + 2ηr)/log(1 + 2η), the farthest from 1; effect: κ at r = 2, η r = 1/2."""
    found = [experiment.exponent(r, multiple) / (1 - 1 / incremental.ratio_of_steps(r, multiple))
             for r in (1.25, 2.0, 4.0) for multiple in (0.1, 0.5, 1.0)]
    return Measurement(farthest(found), effect=experiment.exponent(2.0, 1.0),
                       control=experiment.exponent(2.0, 0.01))


def large_rate() -> Measurement:
    """Least mean, of four settings, of what the large rate adds to the part that comes late; effect: the largest."""
    late = outcomes.late(table()).sel(case="deep")
    added = np.array([outcomes.interval((late.sel(pace=PACE) - late.sel(pace="slow")).sel(setting=name))
                      for name in table().setting.values])
    least = added[np.argmin(added[:, 0])]
    return Measurement(least[0], effect=np.max(added[:, 0]), interval=tuple(least[1:]), conditions=_conditions())
