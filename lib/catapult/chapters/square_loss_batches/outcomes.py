"""What is read off the recorded table of full batches and other sizes, paired by seed with minibatches of 50."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import xarray as xr

from catapult.chapters.square_loss_batches import experiment
from catapult.chapters.square_loss_normalisation import experiment as minibatches
from catapult.chapters.square_loss_normalisation import outcomes
from catapult.chapters.square_loss_normalisation.outcomes import BOTH, LARGE, NORMALISED
from catapult.runs import recorded

FULL = minibatches.SAMPLES
SIZES = (*experiment.SIZES, FULL)
RATES = experiment.RATES
SHORT, LONG, TOGETHER = experiment.EDGE_TIMES // 3, experiment.EDGE_TIMES, 4
"""Times at the edge in 3,000 of 9,000 steps and in all, and how many of the last are averaged."""


@functools.cache
def table(data_set: str = "digits") -> xr.Dataset:
    """Return the recorded table; of photographs it has full batches alone."""
    return recorded.load(experiment, parameters_of(data_set))


def parameters_of(data_set: str = "digits") -> experiment.Parameters:
    """Return with which parameters it was recorded."""
    return experiment.Parameters(data_set=data_set, parts="all" if data_set == "digits" else "full")


@functools.cache
def of_minibatches(data_set: str = "digits") -> xr.Dataset:
    """Return the table of minibatches of 50, at the seeds of this one."""
    parts = "all" if data_set == "digits" else "networks"
    whole = recorded.load(minibatches, minibatches.Parameters.checked({"data_set": data_set, "parts": parts},
                                                                      scale="paper"))
    return whole.sel(seed=table(data_set).seed.values)


@functools.cache
def slice_difference() -> float:
    """Return how far the losses after the first steps of a seed, computed again, are from the table, relatively."""
    again = experiment.trained(experiment.Parameters(), "batch", 0, None, minibatches.DECAYS, experiment.SCALES,
                               steps=experiment.EARLY + 1)
    return float(np.abs(again.early_loss / table().early_loss.sel(normalisation="batch", seed=0) - 1).max())


def excess(size: int, start: float = LARGE, kept: xr.Dataset | None = None) -> np.ndarray:
    """Return the last layer's norm over the least, with both, by seed."""
    kept = table() if kept is None else kept
    if size == FULL:
        return outcomes.of(kept, "excess", BOTH, start).values
    return kept.size_excess.sel(size=size, start=start).values


def along(size: int, start: float = LARGE) -> np.ndarray:
    """Return it after each quarter of the steps, (seed, time)."""
    whole = (table().excess_at.sel(**BOTH, scale=start) if size == FULL
             else table().size_excess_at.sel(size=size, start=start))
    return whole.transpose("seed", "time").values


def can_be_had(units: int, classes: int) -> float:
    r"""Return :math:`\sqrt{\frac m{K(K-1)}\sum_k\frac1{m_k}}`, the excess of one-hot outputs of units on for one class.

    The m units are shared out as evenly as can be, m_k to class k; at least one each. If K divides m this is
    :math:`\sqrt{K/(K-1)}`.

    Examples
    --------
    >>> round(can_be_had(32, 10), 3), round(can_be_had(30, 10) ** 2, 9)
    (1.061, 1.111111111)
    """
    fewer, more = divmod(units, classes)
    reciprocals = more / (fewer + 1) + (classes - more) / fewer
    return float(np.sqrt(units / (classes * (classes - 1)) * reciprocals))


def steps_down(start: float = LARGE) -> list[tuple[float, float, float]]:
    """Return how much less it is at each next larger size, paired: < 0, it falls."""
    return [outcomes.interval(excess(after, start) - excess(before, start))
            for before, after in itertools.pairwise(SIZES)]


def drift(size: int, start: float = LARGE) -> float:
    """Return how much its mean changes from a half of the steps to the end, relatively."""
    means = along(size, start).mean(0)
    return float(abs(means[-1] / means[len(means) // 2 - 1] - 1))


def as_before() -> float:
    """Return how far minibatches of 50 are from those of the other table, relatively: the largest over all."""
    pairs = [(excess(minibatches.BATCH, start), outcomes.of(of_minibatches(), "excess", BOTH, start).values)
             for start in minibatches.SCALES]
    return float(np.max([np.abs(ours / theirs - 1) for ours, theirs in pairs]))


def nearer(name: str, other: dict, start: float, data_set: str = "digits") -> tuple[float, float, float]:
    """Return log10 of a measure with both less that of another case from the same start, full batches: < 0, nearer."""
    return outcomes.interval(outcomes.less_collapsed(table(data_set), name, (BOTH, start), (other, start)))


def least_of(name: str, case: dict) -> tuple[float, np.ndarray]:
    """Return the start from which a case's log10 of a measure has the least mean with full batches, and it by seed."""
    every = {scale: np.log10(outcomes.of(table(), name, case, scale).values) for scale in experiment.SCALES}
    start = list(every)[int(np.argmin([each.mean() for each in every.values()]))]
    return start, every[start]


def tenth() -> np.ndarray:
    """Return log10 NC1 with minibatches of 50: normalisation alone from a tenth less both from 1, by seed."""
    return np.log10(table().tenth_nc1.sel(**NORMALISED)
                    / outcomes.of(of_minibatches(), "nc1", BOTH, LARGE)).values


def beyond(rate: float, times: int = LONG) -> np.ndarray:
    """Return η times sharpness, mean of the last few of some times, by seed; NaN of a run that is lost."""
    return table().beyond.sel(rate=rate).isel(edge_time=slice(times - TOGETHER, times)).mean("edge_time",
                                                                                           skipna=False).values
