"""What is read off the results: exponents and orders, a number a draw, beside what the papers' figures show."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.published_figures import theirs
from catapult.statistics import mean_interval

THEIR_WAY = "even, [-1, 1]"
THEIR_PIXELS = "[-1, 1]"
STABLE = (2**16, 2**20)
"""Steps between which the exponent of t is taken."""
EXIT_RATES = (1.0, 256.0)
TRANSITION_RATES = (16.0, 512.0)
GROWING_RATES = (4.0, 16.0)
LEVEL_RATES = (1024.0, 16384.0)
Interval = tuple[float, float, float]


def slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the exponent of x in y: the slope of least squares of log y (points, …) in log x (points,)."""
    u = np.log(x) - np.log(x).mean()
    return np.tensordot(u, np.log(y), 1) / (u @ u)


def exponent(times: xr.DataArray, rate: str, ends: tuple[float, float]) -> np.ndarray:
    """Return the exponent of the learning rate, between two rates, in times over (``rate``, seed): one a draw."""
    some = times.sel({rate: slice(*ends)}).transpose(rate, "seed")
    return slope(some[rate].values, some.values)


def interval(values: np.ndarray) -> Interval:
    """Return the mean over draws and its 95 % interval."""
    return tuple(float(end) for end in mean_interval(values))


def transition_exponent(results: xr.Dataset, ends: tuple[float, float] = TRANSITION_RATES,
                        way: str = THEIR_WAY) -> np.ndarray:
    """Return the exponent of η in the first step with L ≤ 2/η, one a draw."""
    return exponent(results.transition.sel(way=way), "unit_rate", ends)


def their_transition_exponent() -> float:
    """Return the same of the published times."""
    return float(slope(np.array(list(theirs.CRAWSHAW_TRANSITION)), np.array(list(theirs.CRAWSHAW_TRANSITION.values()))))


def exit_exponent(results: xr.Dataset, pixels: str = THEIR_PIXELS) -> np.ndarray:
    """Return the exponent of η in the first step with L ≤ 1/(ηR²), one a draw."""
    return exponent(results.exit.sel(pixels=pixels), "rate", EXIT_RATES)


def time_exponent(results: xr.Dataset, part: str, between: tuple[int, int] = STABLE) -> np.ndarray:
    """Return the exponent of t in the loss of a long run, one a rate."""
    some = results[f"{part}_loss"].sel(step=slice(*between)).transpose("step", f"{part}_rate")
    return slope(some.step.values, some.values)


def end_over_theirs(results: xr.Dataset, run: str) -> np.ndarray:
    """Return log2 of the last loss over the published one, one a rate, of "toy", "digits" or "toy_single"."""
    part = run.removesuffix("_single")
    ends = results.toy_single if run == "toy_single" else results[f"{run}_loss"].isel(step=-1)
    return np.log2(ends.values) - np.array([theirs.WU_END[part][rate] for rate in results[f"{part}_rate"].values])


def octaves_gained(results: xr.Dataset) -> np.ndarray:
    """Return log2 of the loss at each of Wu et al.'s rates over that at the next larger one, in the end: (3, seed)."""
    return -np.diff(np.log2(results.end_loss.transpose("digits_rate", "seed").values), axis=0)


def rises_where_theirs_do(results: xr.Dataset, pixels: str = THEIR_PIXELS) -> np.ndarray:
    """Return for each draw whether the loss rises at 2^-4, 2^-2 and 1 and not at 2^-6."""
    rises = results.last_rise.sel(pixels=pixels, rate=results.digits_rate.values) > 0
    return (rises == (results.digits_rate > 2**-6).values).all("rate").values


def stable_before_right(results: xr.Dataset) -> np.ndarray:
    """Return for each draw whether at all four rates the last rise is before the step with all digits right.

    And whether that step, where the draw's run is long enough to see it, is the earlier, the larger the rate.
    """
    settled, right = (each.transpose("seed", "digits_rate").values for each in (results.settled, results.first_right))
    right = np.where(np.isnan(right), np.inf, right)
    return (settled < right).all(1) & (right[:, 1:] < right[:, :-1]).all(1)


def right_before_stable(results: xr.Dataset, rate: float = 16.0) -> np.ndarray:
    """Return for each draw whether, far above their rates, the last rise is within 5 % of the step with all right."""
    some = results.sel(pixels=THEIR_PIXELS, rate=rate)
    return (np.abs(some.last_rise / some.right_by_exit - 1) <= 0.05).values


def wu_bound(results: xr.Dataset, n: int) -> xr.DataArray:
    """Return τ of Theorem 1 of Wu et al. for n inputs scaled to at most 1, over (seed, pixels, rate)."""
    rate = results.rate * results.radius**2
    grown = (rate + n) / rate
    largest = np.maximum(np.maximum(rate, max(n, np.e)), grown * np.log(grown))
    return 60 * (results.radius / results.margin) ** 2 * largest
