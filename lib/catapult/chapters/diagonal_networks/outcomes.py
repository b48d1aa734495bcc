"""What is compared: excesses in units of the other limit's, what the program predicts, and what a rate adds."""

from __future__ import annotations

import numpy as np
import scipy.stats
import xarray as xr

from catapult.statistics import mean_interval

SMALLEST = 0.125
"""The multiple of 2/sharpness that others are compared with."""


def l1(results: xr.Dataset) -> xr.DataArray:
    """Return the l1 excess of the flow over that of the l2 solution: 1 is the kernel limit, 0 the rich one."""
    return results.l1 / results.kernel_l1


def l2(results: xr.Dataset) -> xr.DataArray:
    """Return the l2 excess of the flow over that of the l1 solution: 0 is the kernel limit, 1 the rich one."""
    return results.l2 / results.rich_l2


def law(results: xr.Dataset, depth: int) -> xr.DataArray:
    """Return log10(1/loss) at the tenth, (draw, scale), as the program has it with the margin log(1/loss)."""
    return results.ratio_to_tenth.sel(depth=depth) * results.scale**depth / np.log(10)


def added(results: xr.Dataset, depth: int, scale: float, after: float) -> xr.DataArray:
    """Return what rates add to the l1 excess, over that of the l2 solution, paired by draw: (draw, multiple)."""
    found = results.descent_l1.sel(descended=depth, descent_scale=scale, after=after) / results.kernel_l1
    return found - found.sel(multiple=SMALLEST)


def middle(values: xr.DataArray) -> tuple[float, float, float]:
    """Return the median over draws and the order statistics around it at 95 %; NaN, never reached, is infinite.

    Of 20 draws the 6th and the 15th: fewer than 6 lie below the median of the law with probability 2 %.
    """
    ordered = np.sort(values.fillna(np.inf).values)
    n = len(ordered)
    first = int(scipy.stats.binom.ppf(0.025, n, 0.5))
    return float(np.median(ordered)), float(ordered[max(first - 1, 0)]), float(ordered[min(n - first, n - 1)])


def interval(values: xr.DataArray) -> tuple[float, float, float]:
    """Return mean and 95 % interval over draws; NaN if a draw has no value."""
    mean, low, high = mean_interval(values.values)
    return (float(mean), float(low), float(high)) if bool(values.notnull().all()) else (np.nan, np.nan, np.nan)
