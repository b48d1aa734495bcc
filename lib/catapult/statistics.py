"""Means over seeds and their 95 % intervals, plain and paired."""

from __future__ import annotations

import numpy as np
import scipy.stats

LEVEL = 0.95


def mean_interval(values: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean over an axis and the ends of its Student-t interval; NaN counts as not there, infinity does.

    Parameters
    ----------
    values
        One value a seed along ``axis``; NaN where a run diverged.

    Returns
    -------
    mean, low, high
        With that axis removed. With a single value or an infinite one the ends are NaN; with none, all three.
    """
    values = np.asarray(values, dtype=float)
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is NaN, as promised
        mean = np.where(there, values, 0).sum(axis=axis) / count
        deviations = np.where(there, values - np.expand_dims(mean, axis), 0)
        error = np.sqrt((deviations**2).sum(axis=axis) / (count - 1) / count)
        half = scipy.stats.t.ppf((1 + LEVEL) / 2, count - 1) * error
    return mean, mean - half, mean + half
