"""What is compared: values that come late, and their intervals over draws."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.statistics import mean_interval


def late(results: xr.Dataset) -> xr.DataArray:
    """Return the part of the values active at the end that became so after half of the loss was gone; 0 if none."""
    return uncut(results).clip(min=0)


def uncut(results: xr.Dataset) -> xr.DataArray:
    """Return 1 − n_half/n_end, which is negative where fewer are active at the end."""
    return 1 - results.half / results.end


def interval(values: xr.DataArray) -> tuple[float, float, float]:
    """Return mean and 95 % interval over draws; the ends are NaN for one draw."""
    return tuple(float(each) for each in mean_interval(values.values))


def worst(results: xr.Dataset, case: str, pace: str = "tuned") -> tuple[float, float, float]:
    """Return mean and interval of ``late`` in the setting where the mean is least."""
    each = [interval(late(results).sel(case=case, pace=pace, setting=name)) for name in results.setting.values]
    return each[int(np.argmin([mean for mean, *_ in each]))]
