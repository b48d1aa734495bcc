"""Means over seeds and their 95 % intervals, plain, paired, and crossed with the parts of a test set."""

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

    Examples
    --------
    >>> [round(float(each), 3) for each in mean_interval([1.0, 2.0, 3.0])]  # 2 ± 4.303/√3
    [2.0, -0.484, 4.484]
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


def crossed_interval(values: np.ndarray) -> tuple[float, float, float]:
    r"""Return the mean of a table (seeds, parts of the test set) and the ends of an interval that carries both errors.

    :math:`\mathrm{var} = s^2_{\rm seeds}/S + s^2_{\rm parts}/P`, with the variances of the S means over parts and of
    the P means over seeds. The noise of single entries counts twice, so the interval errs towards the wide side.
    The degrees of freedom are Satterthwaite's. All entries must be finite; S, P ≥ 2.

    Examples
    --------
    >>> [round(each, 3) for each in crossed_interval([[1.0, 3.0], [1.0, 3.0]])]  # only parts differ: 2 ± 12.706
    [2.0, -10.706, 14.706]
    """
    values = np.asarray(values, dtype=float)
    errors = [values.mean(1 - axis).var(ddof=1) / values.shape[axis] for axis in (0, 1)]
    total = sum(errors)
    freedom = total**2 / sum(e**2 / (n - 1) for e, n in zip(errors, values.shape, strict=True)) if total > 0 else 1.0
    half = scipy.stats.t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(total)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)
