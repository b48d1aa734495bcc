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


BOTH = outcomes.twice(LINEAR)
"""The tables of the headline network: its first ten seeds, of which everything was first said, and ten fresh ones."""


def catapult_on_non_separable() -> Measurement:
    """Share of twenty seeds whose linear network has a catapult, non-separable data; control: separable data."""
    shares = [np.mean([peaks(outcomes.cell(name, version)).mean() for name in BOTH]) for version in VERSIONS]
    return Measurement(shares[0], control=shares[1], conditions=outcomes.conditions(*BOTH))


def flatter_in_catapult_phase() -> Measurement:
    """Largest log2 ratio of a seed's final sharpness, the largest rate that all ten survive over a quarter of η_crit.

    Of twenty seeds. Effect and interval: the mean over fresh ones. Control: the least mean at η_crit.
    """
    cells = [outcomes.cell(name, "non-separable") for name in BOTH]
    ratios = [outcomes.log_flatter(cell, outcomes.largest(cell)) for cell in cells]
    mean, low, high = mean_interval(ratios[1])
    caught = [(outcomes.at(cell.phase, outcomes.largest(cell)) == "catapult").mean() for cell in cells]
    return Measurement(np.max(ratios), effect=mean, interval=(low, high),
                       control=np.min([outcomes.log_flatter(cell, 1.0).mean() for cell in cells]), conditions={
        **outcomes.conditions(*BOTH), "the rate is a catapult on nine seeds of ten": bool(np.min(caught) >= 0.9)})


def edge_selection() -> Measurement:
    """Smallest η · final sharpness / 2 of a run at the largest rate that all ten seeds survive, non-separable, linear.

    Of twenty seeds; the interval is their range. Effect: the mean of fresh ones.
    """
    cells = [outcomes.cell(name, "non-separable") for name in BOTH]
    shares = np.array([outcomes.at(comparison.share_of_edge(cell), outcomes.largest(cell)).values for cell in cells])
    return Measurement(shares.min(), effect=shares[1].mean(), interval=(shares.min(), shares.max()), conditions={
        **outcomes.conditions(*BOTH), "no run ends beyond the edge by three per cent": bool((shares <= 1.03).all())})


def dynamics_follow_separability() -> Measurement:
    """Upper end of log2 of η · final sharpness / 2, separable over non-separable data, linear: the greater of two tens.

    At the largest rate that all seeds survive on both. Effect and interval: fresh seeds. Control: the squared loss.
    """
    intervals = [mean_interval(outcomes.log_shares(name)) for name in BOTH]
    control = [outcomes.log_shares(name).mean() for name in outcomes.twice(SQUARED)]
    mean, low, high = intervals[1]
    return Measurement(np.max([end for *_, end in intervals]), effect=mean, interval=(low, high),
                       control=np.min(control), conditions={
        **outcomes.conditions(*BOTH, *outcomes.twice(SQUARED)),
        "with the squared loss separable data end no farther from the edge": bool(np.min(control) >= 0)})


def best_rate() -> Measurement:
    """How many of twelve cells of the linear network gain from large rates: the 95 % interval of the gain lies above 0.

    Two versions, three comparisons, two tens of seeds. Effect: how many lose.
    """
    found = np.array([outcomes.gain(name, version, compared) for name in BOTH for version in VERSIONS
                      for compared in comparison.COMPARISONS])
    return Measurement(int((found[:, 1] > 0).sum()), effect=int((found[:, 2] < 0).sum()),
                       conditions={**outcomes.conditions(*BOTH),
                                   "half a point would have been resolved in each": bool(
                                       (found[:, 2] - found[:, 0]).max() <= 0.5)})


def flatter_generalises() -> Measurement:
    """Largest end of six intervals of the linear network's gain, either sign, non-separable data, in points.

    Effect: the factor by which the largest rate that all ten seeds survive ends flatter, the lesser of two tens.
    Control: the largest mean gain on separable data.
    """
    gains = np.array([[[outcomes.gain(name, version, compared) for compared in comparison.COMPARISONS]
                       for name in BOTH] for version in VERSIONS])
    cells = [outcomes.cell(name, "non-separable") for name in BOTH]
    return Measurement(np.abs(gains[0, ..., 1:]).max(), control=gains[1, ..., 0].max(),
                       effect=np.min([2 ** -outcomes.log_flatter(cell, outcomes.largest(cell)).mean()
                                      for cell in cells]),
                       conditions=outcomes.conditions(*BOTH))
