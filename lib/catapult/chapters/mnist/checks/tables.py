"""Checks that read the recorded tables, and compute a slice again where the digits are at hand."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult import phases
from catapult.chapters.cifar10 import comparison
from catapult.chapters.mnist import outcomes
from catapult.chapters.mnist.outcomes import LINEAR, SQUARED, VERSIONS
from catapult.companion.measurement import Measurement
from catapult.statistics import mean_interval


def peaks(runs: xr.Dataset) -> xr.DataArray:
    """Return which seeds have, at some rate, a loss that peaks above ``phases.PEAK`` · L_0 and settles below L_0."""
    return ((runs.phase == "catapult") & (runs.peak > phases.PEAK)).any("multiple")


def catapult_on_non_separable() -> Measurement:
    """Share of seeds whose linear network has a catapult, non-separable data; control: separable data."""
    shares = [float(peaks(outcomes.cell(LINEAR, version)).mean()) for version in VERSIONS]
    return Measurement(shares[0], control=shares[1], conditions=outcomes.conditions(LINEAR))


def flatter_in_catapult_phase() -> Measurement:
    """Largest log2 ratio of a seed's final sharpness, the largest rate that all survive over a quarter of η_crit.

    Effect and interval: the mean over seeds. Control: the mean at η_crit.
    """
    cell = outcomes.cell(LINEAR, "non-separable")
    ratios = outcomes.log_flatter(cell, outcomes.largest(cell))
    mean, low, high = mean_interval(ratios)
    return Measurement(np.max(ratios), effect=mean, interval=(low, high),
                       control=outcomes.log_flatter(cell, 1.0).mean(), conditions={
        **outcomes.conditions(LINEAR), "the rate is a catapult on every seed": bool(
            (outcomes.at(cell.phase, outcomes.largest(cell)) == "catapult").all())})


def edge_selection() -> Measurement:
    """Smallest η · final sharpness / 2 of a run at the largest rate that all survive, non-separable, linear network."""
    cell = outcomes.cell(LINEAR, "non-separable")
    shares = outcomes.at(comparison.share_of_edge(cell), outcomes.largest(cell))
    return Measurement(shares.min(skipna=False), interval=(shares.min(), shares.max()), conditions={
        **outcomes.conditions(LINEAR), "no run ends beyond the edge by three per cent": bool((shares <= 1.03).all())})


def dynamics_follow_separability() -> Measurement:
    """Largest log2 ratio of a seed's η · final sharpness / 2, separable over non-separable data, linear network.

    At the largest rate that all seeds survive on both. Effect and interval: the mean. Control: the squared loss.
    """
    ratios, control = outcomes.log_shares(LINEAR), outcomes.log_shares(SQUARED)
    mean, low, high = mean_interval(ratios)
    return Measurement(np.max(ratios), effect=mean, interval=(low, high), control=control.mean(), conditions={
        **outcomes.conditions(LINEAR, SQUARED),
        "with the squared loss separable data end no farther from the edge": bool(control.mean() >= 0)})


def best_rate() -> Measurement:
    """How many of six cells of the linear network gain from large rates: the 95 % interval of the gain lies above 0.

    Two versions, three comparisons. Effect: how many lose.
    """
    found = np.array([outcomes.gain(LINEAR, version, name) for version in VERSIONS for name in comparison.COMPARISONS])
    return Measurement(int((found[:, 1] > 0).sum()), effect=int((found[:, 2] < 0).sum()),
                       conditions={**outcomes.conditions(LINEAR),
                                   "half a point would have been resolved in each": bool(
                                       (found[:, 2] - found[:, 0]).max() <= 0.5)})


def flatter_generalises() -> Measurement:
    """Largest end of the three intervals of the linear network's gain, either sign, non-separable data, in points.

    Effect: the factor by which the largest rate that all seeds survive ends flatter. Control: the largest mean gain on
    separable data.
    """
    gains = [[outcomes.gain(LINEAR, version, name) for name in comparison.COMPARISONS] for version in VERSIONS]
    cell = outcomes.cell(LINEAR, "non-separable")
    return Measurement(np.abs(np.array(gains[0])[:, 1:]).max(), control=np.max(gains[1], 0)[0],
                       effect=2 ** -outcomes.log_flatter(cell, outcomes.largest(cell)).mean(),
                       conditions=outcomes.conditions(LINEAR))
