"""What is compared: ranks lost, performance, and their intervals over seeds."""

from __future__ import annotations

import numpy as np
import scipy.stats
import xarray as xr

from catapult.statistics import mean_interval
from catapult.theory import rank

FROM = 50
"""The fit from which on performance can fall: exact iteration has reached every state."""

SETTING = "Adam 0.001"
ORDER = ["Adam 0.0003", SETTING, "Adam 0.003", "10 steps", "200 steps", "descent 0.3", "descent 1", "descent 3",
         "descent 5", "wide start"]


def interval(values: xr.DataArray) -> tuple[float, float, float]:
    """Return mean and 95 % interval over seeds; the ends are NaN for one seed."""
    return tuple(float(each) for each in mean_interval(values.values))


def lost(srank: xr.DataArray) -> xr.DataArray:
    """Return srank at the start less at the end: over what is left of (data, arm, seed)."""
    return srank.isel(fit=0, drop=True) - srank.isel(fit=-1, drop=True)


def more_at_a_larger_rate(results: xr.Dataset, arm: str, part: float, plans: tuple[str, str]) -> np.ndarray:
    """Return by seed how much lower srank with this δ ends at the second plan's rate than at the first's."""
    slow, fast = (rank.srank(results.map_singular.sel(plan=plan, two=arm).values, part) for plan in plans)
    return slow - fast


def change(over_fits: xr.DataArray, start: int = FROM) -> xr.DataArray:
    """Return the change from a fit to the end."""
    return over_fits.isel(fit=-1, drop=True) - over_fits.sel(fit=start, drop=True)


def together(results: xr.Dataset, arm: str, data: str = "nine tenths") -> float:
    """Return Spearman's correlation over seeds of srank and of performance at the end."""
    one = results.isel(fit=-1).sel(arm=arm, data=data)
    return float(scipy.stats.spearmanr(one.srank, one.returned)[0])


def settings(results: xr.Dataset) -> xr.Dataset:
    """Return srank and return (plan, arm, seed, fit) on nine tenths: the map, and the arms' own setting."""
    of_map = results[["map_srank", "map_returned"]].rename(map_srank="srank", map_returned="returned", two="arm")
    own = results[["srank", "returned"]].sel(data="nine tenths", arm=of_map.arm).drop_vars("data")
    every = xr.concat([of_map, own.expand_dims(plan=[SETTING])], "plan")
    return every.assign_coords(plan=[*results.plan.values.tolist(), SETTING]).sel(plan=ORDER)


def resolved(seeds: int, power: float = 0.8) -> float:
    """Return the least correlation that a test at 5 % sees with this power, by Fisher's z."""
    quantiles = scipy.stats.norm.ppf([0.975, power])
    return float(np.tanh(quantiles.sum() / np.sqrt(seeds - 3)))
