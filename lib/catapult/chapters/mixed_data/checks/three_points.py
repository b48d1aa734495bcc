"""Checks of two-layer linear networks on three points: at the edge at every rate, and what law holds there."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.three_points import experiment
from catapult.companion.measurement import Measurement
from catapult.runs import results
from catapult.theory import three_points as theory

SETTLED = [(1, 2.0), (4, 6.0), (100, 28.0)]
"""Width and rate of those runs in which |a|² has died out by the end: the laws are stated for these."""


def runs(values: experiment.Parameters) -> xr.Dataset:
    """Return the results of the experiment `three-points`, over setting."""
    return results.compute(experiment, values)


def _settled(values: experiment.Parameters) -> list[xr.Dataset]:
    all_runs = runs(values)
    return [all_runs.isel(setting=experiment.SETTINGS.index(setting)) for setting in SETTLED]


def edge(values: experiment.Parameters) -> Measurement:
    """The least, over widths and rates, of the highest k = η(|a|² + |c|²)/(12m) in the last stretch of steps.

    Control: the highest k of the run with the least rate before a tenth of the step of arrival. Effect: the largest
    ratio of the step at which a run first reaches the edge to the one predicted, of those that are predicted to take
    more than 100.
    """
    all_runs = runs(values)
    slow = all_runs.isel(setting=int(np.argmax(all_runs.arrival.values)))
    before = slow.highest.where(slow.step <= slow.arrival / 10)
    late = all_runs.isel(setting=np.flatnonzero(all_runs.arrival.values > 100))
    first = late.step.values[(late.highest >= 1).values.argmax(1)]
    ratio, loss = first / late.arrival.values, _loss(all_runs.isel(step=-1))
    return Measurement(all_runs.highest.isel(step=-1).min(), effect=np.max(ratio), control=before.max(), conditions={
        "the loss is below log 2": bool((loss < np.log(2)).all()),
        "long before it arrives the slowest run is below the edge": bool(before.max() < 1),
        "late arrivals are predicted within a factor of two": bool(((ratio >= 0.5) & (ratio <= 2)).all())})


def _loss(at: xr.Dataset) -> np.ndarray:
    u, p = at.inside.values, at.outside.values
    return (np.logaddexp(0, u) + np.logaddexp(0, -u) + np.logaddexp(0, -p)) / 3


def outside_law(values: experiment.Parameters) -> Measurement:
    """The largest |p − log 4t| at the end, over widths 1, 4 and 100 and rates from 2 to 28. Effect: of |b|².

    Control: the same of the run at width 100, rate 5, where |a|² has hardly begun to die out.
    """
    gaps, norms = [], []
    for run in _settled(values):
        last = run.isel(step=-1)
        gaps.append(abs(last.outside.item() - theory.outside_law(last.step.item())))
        law = theory.norm_law(last.step.item(), last.learning_rate.item(), last.width.item())
        norms.append(abs(last.gram.sel({"of": "b", "with": "b"}).item() / law - 1))
    slow = runs(values).isel(setting=experiment.SETTINGS.index((100, 5.0)), step=-1)
    return Measurement(np.max(gaps), effect=np.max(norms), conditions={"|b|² follows too": np.max(norms) < 0.01},
                       control=abs(slow.outside.item() - theory.outside_law(slow.step.item())))


def square_law(values: experiment.Parameters) -> Measurement:
    """The ratio of the mean of u² over the last stretch to that of log(4t)/(2t), the farthest from 1 of three runs."""
    ratios = []
    for run in _settled(values):
        first, last = run.step.values[-2:]
        ratios.append(run.square.values[-1] / theory.square_law(np.arange(first + 1, last + 1)).mean())
    return Measurement(ratios[np.argmax(np.abs(np.log(ratios)))])
