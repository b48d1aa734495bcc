"""What is compared: ranks lost, performance, sizes, and their intervals over seeds; what the first ten seeds showed."""

from __future__ import annotations

import numpy as np
import scipy.stats
import xarray as xr

from catapult.chapters.rank_collapse.experiment import LONGER
from catapult.statistics import mean_interval
from catapult.theory import rank

FROM = 50
"""The fit from which on performance can fall: exact iteration has reached every state."""

SETTING = "Adam 0.001"
ORDER = ["Adam 0.0003", SETTING, "Adam 0.003", "descent 0.3", "descent 1", "descent 3", LONGER, "descent 5",
         "wide start", "three quarters"]
BASE = "50 states, layers of 64"
WIDTHS = {"layers of 24": 24, BASE: 64, "layers of 128": 128}
STATES = {BASE: 50, "101 states": 101}
FIRST_TEN, NEW_TEN = slice(2, 11), slice(12, 21)
"""Seeds: those in which something was found, and those that were asked again."""


def interval(values: xr.DataArray) -> tuple[float, float, float]:
    """Return mean and 95 % interval over seeds; the ends are NaN for one seed."""
    return tuple(float(each) for each in mean_interval(values.values))


def lost(srank: xr.DataArray) -> xr.DataArray:
    """Return srank at the start less at the end: over what is left of (data, arm, seed)."""
    return srank.isel(fit=0, drop=True) - srank.isel(fit=-1, drop=True)


def more_at_a_larger_rate(results: xr.Dataset, arm: str, part: float, plans: tuple[str, str]) -> np.ndarray:
    """Return by seed how much lower srank with this δ ends at the second plan's rate than at the first's."""
    slow, fast = (rank.srank(results.map_singular.sel(plan=plan, two=arm, seed=NEW_TEN).values, part) for plan in plans)
    return slow - fast


def change(over_fits: xr.DataArray, start: int = FROM) -> xr.DataArray:
    """Return the change from a fit to the end."""
    return over_fits.isel(fit=-1, drop=True) - over_fits.sel(fit=start, drop=True)


def together(results: xr.Dataset, arm: str, data: str = "nine tenths") -> float:
    """Return Spearman's correlation over seeds of srank and of performance at the end."""
    one = results.isel(fit=-1).sel(arm=arm, data=data)
    return float(scipy.stats.spearmanr(one.srank, one.returned)[0])


def settings(results: xr.Dataset) -> xr.Dataset:
    """Return srank and return (plan, arm, seed, fit), the map and the arms' own setting, nine tenths, new seeds."""
    of_map = results[["map_srank", "map_returned"]].rename(map_srank="srank", map_returned="returned", two="arm")
    of_map = of_map.sel(seed=NEW_TEN)
    own = results[["srank", "returned"]].sel(data="nine tenths", arm=of_map.arm, seed=NEW_TEN).drop_vars("data")
    every = xr.concat([of_map, own.expand_dims(plan=[SETTING])], "plan")
    return every.assign_coords(plan=[*results.plan.values.tolist(), SETTING]).sel(plan=ORDER)


def by_size(results: xr.Dataset) -> xr.DataArray:
    """Return srank lost over (size, arm, seed), all pairs, of seeds that all sizes have; ``BASE`` is the arms' own."""
    sizes = lost(results.size_srank).rename(three="arm").dropna("seed")
    own = lost(results.srank.sel(data="all pairs", arm=sizes.arm, seed=sizes.seed)).drop_vars("data")
    every = xr.concat([sizes, own.expand_dims(size=[BASE])], "size")
    return every.assign_coords(size=[*results["size"].values.tolist(), BASE])


def slope(more: xr.DataArray, sizes: dict[str, int]) -> np.ndarray:
    """Return by seed the slope of something (size, seed) over the sizes' logarithm to base 2."""
    return np.polyfit(np.log2(list(sizes.values())), more.sel(size=list(sizes)).transpose("size", "seed").values, 1)[0]


def findings(results: xr.Dataset) -> dict[str, dict[str, xr.DataArray]]:
    """Return what the first ten seeds showed, or left open: ranks lost, and returns, by name, over seeds."""
    gone = lost(results.srank)
    full, part = gone.sel(data="all pairs"), gone.sel(data="nine tenths")
    own, exact, best, penalty = "bootstrapped", "value iteration", "best values", "with penalty"
    last = results.returned.sel(data="nine tenths").isel(fit=-1)
    return {"rank": {
        "own, all": full.sel(arm=own),
        "exact less own, all": full.sel(arm=exact) - full.sel(arm=own),
        "own less Q*, all": full.sel(arm=own) - full.sel(arm=best),
        "own less with penalty, all": full.sel(arm=own) - full.sel(arm=penalty),
        "exact less own": part.sel(arm=exact) - part.sel(arm=own),
        "Q* less own": part.sel(arm=best) - part.sel(arm=own),
    }, "return": {
        "own, from fit 50 on": change(results.returned.sel(data="nine tenths", arm=own)),
        "exact less own": last.sel(arm=exact) - last.sel(arm=own),
        "with penalty less own": last.sel(arm=penalty) - last.sel(arm=own),
    }}


def repeats(values: xr.DataArray) -> bool:
    """Return whether the intervals of the first ten seeds and of the new ten are beyond 0, on the same side."""
    (_, low, high), (_, lower, upper) = (interval(values.sel(seed=seeds)) for seeds in (FIRST_TEN, NEW_TEN))
    return bool((low > 0 and lower > 0) or (high < 0 and upper < 0))


def resolved(seeds: int, power: float = 0.8) -> float:
    """Return the least correlation that a test at 5 % sees with this power, by Fisher's z."""
    quantiles = scipy.stats.norm.ppf([0.975, power])
    return float(np.tanh(quantiles.sum() / np.sqrt(seeds - 3)))


def least(values: xr.DataArray, power: float = 0.8) -> float:
    """Return the least mean of values with this spread that a test at 5 % sees with this power."""
    count = int(values.notnull().sum("seed"))
    quantiles = scipy.stats.t.ppf([0.975, power], count - 1)
    return float(quantiles.sum() * values.std("seed", ddof=1) / np.sqrt(count))
