"""What is read off the recorded edges: smallest rates, their exponents in the width, their dependence on depth.

The comparisons are those fixed in :mod:`catapult.chapters.mnist_edges.experiment`.
"""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult import phases
from catapult.chapters.mnist_edges import experiment
from catapult.runs import recorded
from catapult.statistics import mean_interval

EDGES = ("rise", "fall", "diverge")
WIDE = experiment.Parameters(widest=1024, deepest=1)
"""What was recorded beyond width 256."""
FALLEN = 0.95
"""The share of its start below which the sharpness has fallen."""
SQUARED_ASYMPTOTE = 2.0
"""4/λ0 in units of η_crit: where the squared loss diverges at infinite width (Lewkowycz et al. 2020)."""


@functools.cache
def table(fresh: bool = False) -> xr.Dataset:
    """Return the recorded runs up to width 256, over (version, loss, hidden_layers, width, seed, multiple).

    Those of seeds 0 to 9, which everything was first said of, or of ten fresh ones.
    """
    both = recorded.load(experiment, experiment.Parameters(seeds=20))
    return both.isel(seed=slice(10, None) if fresh else slice(10))


def shallow(runs: xr.Dataset) -> xr.Dataset:
    """Return those of one hidden layer, without that dimension."""
    return runs.sel(hidden_layers=1, drop=True)


@functools.cache
def wide() -> xr.Dataset:
    """Return the recorded runs of one hidden layer up to width 1024, over (version, loss, width, seed, multiple)."""
    return recorded.load(experiment, WIDE).isel(hidden_layers=0, drop=True)


def edge(runs: xr.Dataset, name: str) -> xr.DataArray:
    """Return the smallest rate of the grid, in units of η_crit, at which it happens; infinite if at none.

    Parameters
    ----------
    runs
        As :func:`catapult.chapters.mnist_edges.experiment.run` returns.
    name
        ``rise``, ``fall`` or ``diverge``.
    """
    happens = {"rise": (runs.peak > 1 + phases.RISE) | runs.divergent, "fall": runs.early < FALLEN,
               "diverge": runs.divergent}[name]
    return xr.where(happens, runs.multiple, np.inf).min("multiple")


def exponents(edges: xr.DataArray) -> xr.DataArray:
    """Return the least-squares slope of log2 of an edge against log2 of the width; NaN where an edge is infinite."""
    octaves = np.log2(edges.width) - np.log2(edges.width).mean()
    there = np.log2(edges.where(np.isfinite(edges)))
    return (there * octaves).sum("width", skipna=False) / (octaves**2).sum()


def exponent(runs: xr.Dataset, name: str, **cell) -> tuple[float, float, float]:
    """Return the mean exponent of the width over seeds, in one cell, and the ends of its 95 % interval."""
    return mean_interval(exponents(edge(runs.sel(cell), name)).values)


def octaves(runs: xr.Dataset, name: str, **cell) -> tuple[float, float, float]:
    """Return log2 of an edge at the widest over that at the narrowest, mean over seeds, with its 95 % interval."""
    edges = np.log2(edge(runs.sel(cell), name))
    return mean_interval((edges.isel(width=-1) - edges.isel(width=0)).values)


def depth_effect(runs: xr.Dataset, name: str, **cell) -> tuple[float, float, float]:
    """Return log2 of an edge at the most hidden layers over that at one, mean over widths, with its interval."""
    edges = np.log2(edge(runs.sel(cell), name)).mean("width")
    return mean_interval((edges.isel(hidden_layers=-1) - edges.isel(hidden_layers=0)).values)


def already_falls(runs: xr.Dataset, **cell: str | int) -> float:
    """Return the share of runs, in one cell, whose sharpness falls at the smallest rate that was tried."""
    return float((edge(runs.sel(cell), "fall") <= runs.multiple.min()).mean())


def rule(runs: xr.Dataset) -> xr.DataArray:
    """Return the rule with the largest gradient of the logistic loss, in units of η_crit: a number a width and seed."""
    return experiment.bounded_gradient_edge(runs.width, runs.dimension, runs.pull) / runs.unit


def conditions(runs: xr.Dataset) -> dict[str, bool]:
    """Return what statements about these runs rest on: certified kinds, edges inside the rates that were tried."""
    kinds = {"separable": "separable", "non-separable": "strictly non-separable"}
    held = {f"every {version} problem is certified to be {kind}":
            bool((runs.certificate.sel(version=version) == kind).all()) for version, kind in kinds.items()}
    lowest = float(runs.multiple.min())
    return {**held, "all losses rise and all networks diverge inside the rates that were tried": all(
        bool(((edge(runs, name) > lowest) & np.isfinite(edge(runs, name))).all()) for name in ("rise", "diverge"))}
