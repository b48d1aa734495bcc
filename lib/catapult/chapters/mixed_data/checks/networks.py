"""Check of two-layer linear networks on mixed data in general: the rate at which they train outside E."""

from __future__ import annotations

import numpy as np

from catapult.chapters.mixed_edge import experiment
from catapult.companion.measurement import Measurement
from catapult.runs import results


def rate_outside(values: experiment.Parameters) -> Measurement:
    """The effective rate outside E over η χ*, at the end of runs that have settled, the farthest from 1.

    Effect: the least of it over 2/λ_E. Control: the largest, over 2/λ_E, in the first steps of the networks that come
    to the edge late.
    """
    runs = results.compute(experiment, values)
    late = np.array([units < 1 for _, units in experiment.SETTINGS])
    last = runs.isel(step=-1)
    settled = abs(last.scaled / last.predicted - 1).values < experiment.SETTLED
    ratio = (last.effective / last.predicted).values[settled]
    early = runs.effective.isel(step=0, setting=np.flatnonzero(late)).max().item()
    return Measurement(ratio[np.argmax(abs(ratio - 1))], effect=last.effective.values[settled].min(), control=early,
                       conditions={"at least one run a draw has settled": bool(settled.any(axis=1).all()),
                                   "none that comes to the edge late has": not settled[:, late].any(),
                                   "at first these train more slowly": early < experiment.EARLY})
