"""Check of two-layer linear networks on mixed data in general: the rate at which they train outside E."""

from __future__ import annotations

import numpy as np

from catapult.chapters.mixed_edge import experiment
from catapult.companion.measurement import Measurement
from catapult.runs import results


def rate_outside(values: experiment.Parameters) -> Measurement:
    """The effective rate outside E over η χ*, at the end of runs that have settled, the farthest from 1.

    Effect: over 2/λ_E, the least of wide networks, which have not settled. Control: the largest, over 2/λ_E, in the
    first steps of the networks that come to the edge late.
    """
    runs = results.compute(experiment, values)
    settled, last = experiment.settled(runs).values, runs.isel(step=-1)
    late, wide = (np.array([of(*setting) for setting in experiment.SETTINGS])
                  for of in (lambda width, units: units < 1, lambda width, units: width == experiment.WIDE))
    ratio = (last.effective / last.predicted).values[settled]
    early = runs.effective.isel(step=0).values[:, late].max()
    faster = last.effective.values[:, wide].min()
    return Measurement(ratio[np.argmax(abs(ratio - 1))], effect=faster, control=early, conditions={
        "χ* exists in every run": bool(np.isfinite(last.predicted).all()),
        "at least one run a draw has settled": bool(settled.any(axis=1).all()),
        "none that comes to the edge late has": not settled[:, late].any(),
        "at first these train more slowly": early < experiment.EARLY,
        "wide ones, which have not settled, train faster": bool(faster > experiment.FASTER)
            and not settled[:, wide].any()})
