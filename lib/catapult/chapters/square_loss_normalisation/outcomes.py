"""What is compared: effects paired by seed, and their intervals."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.statistics import mean_interval

NEITHER = {"normalisation": "none", "decay": 0.0}
DECAY = {"normalisation": "none", "decay": 5e-3}
NORMALISED = {"normalisation": "batch", "decay": 0.0}
BOTH = {"normalisation": "batch", "decay": 5e-3}
CASES = {"neither": NEITHER, "decay": DECAY, "normalisation": NORMALISED, "both": BOTH}
SMALL, MIDDLE, LARGE = 0.25, 0.5, 1.0
"""Factors of the initial weights that are compared; of margins the first two (chosen after a look at the table: without
both, some networks from the last do not fit all labels)."""


def interval(values: xr.DataArray | np.ndarray) -> tuple[float, float, float]:
    """Return mean and 95 % interval over seeds; the ends are NaN for one seed."""
    return tuple(float(each) for each in mean_interval(np.asarray(values)))


def of(results: xr.Dataset, name: str, case: dict, scale: float) -> xr.DataArray:
    """Return a quantity of one case and scale, by seed."""
    return results[name].sel(**case, scale=scale)


def normalised_margin(results: xr.Dataset, case: dict, scale: float) -> xr.DataArray:
    """Return margin over ρ, by seed: comparable only where both are with normalisation or both without."""
    return of(results, "margin", case, scale) / of(results, "rho", case, scale)


def larger_margin(results: xr.Dataset, case: dict) -> np.ndarray:
    """Return log10 of the normalised margin from the small start less that from the middle one, by seed."""
    return np.log10(normalised_margin(results, case, SMALL) / normalised_margin(results, case, MIDDLE)).values


def less_collapsed(results: xr.Dataset, measure: str, one: tuple[dict, float], other: tuple[dict, float]) -> np.ndarray:
    """Return log10 of a measure of collapse in one case and scale less that in another, by seed: < 0, one is nearer."""
    return np.log10(of(results, measure, *one) / of(results, measure, *other)).values
