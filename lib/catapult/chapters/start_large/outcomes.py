"""What is read off the runs on two patterns: which pattern is learned first, and what large rates and noise gain.

``runs`` is what the experiment returns, for one kind of data. Gains are in percentage points of accuracy, a number a
seed; a candidate of an arm is chosen on validation inputs and judged on test inputs.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.chapters.start_large.experiment import DATA, KINDS
from catapult.statistics import mean_interval

Interval = tuple[float, float, float]
LEARNED = 0.9
"""Accuracy from which on a pattern counts as learned, and below which, at the end, as lost."""
WHOLE = "the whole"
BOTH, CONTROL = DATA


def accuracy(table: xr.DataArray, kind: str, shares: np.ndarray) -> xr.DataArray:
    """Return the accuracy on a kind of inputs, or on the whole, which has the kinds in these shares."""
    return table.sel(kind=kind) if kind != WHOLE else (table * xr.DataArray(shares, {"kind": list(KINDS)})).sum("kind")


def shares_of(data: str, shares: np.ndarray) -> np.ndarray:
    """Return the shares of the kinds in the data: in the control all inputs have P alone."""
    return {BOTH: shares, CONTROL: np.array([1.0, 0.0, 0.0])}[data]


def chosen(runs: xr.Dataset, arm: str, shares: np.ndarray) -> np.ndarray:
    """Return which candidate of an arm is best on validation inputs, a place a seed; the first of equals."""
    table = accuracy(runs.end.sel(arm=arm, part="validation"), WHOLE, shares)
    return table.transpose("seed", "candidate").values.argmax(1)


def at_the_end(runs: xr.Dataset, arm: str, kind: str, shares: np.ndarray) -> np.ndarray:
    """Return the test accuracy of an arm's chosen candidate at the end, a number a seed."""
    table = accuracy(runs.end.sel(arm=arm, part="test"), kind, shares).transpose("seed", "candidate").values
    return table[np.arange(len(table)), chosen(runs, arm, shares)]


def on_the_way(runs: xr.Dataset, arm: str, kind: str, shares: np.ndarray) -> xr.DataArray:
    """Return the test accuracy of an arm's chosen candidate over (seed, step)."""
    places = xr.DataArray(chosen(runs, arm, shares), {"seed": runs.seed})
    return accuracy(runs.accuracy.sel(arm=arm), kind, shares).isel(candidate=places)


def gain(runs: xr.Dataset, arm: str, kind: str, shares: np.ndarray) -> np.ndarray:
    """Return what an arm gains over small rates throughout, at equal steps, in points."""
    return 100 * (at_the_end(runs, arm, kind, shares) - at_the_end(runs, "small", kind, shares))


def gain_in_time(runs: xr.Dataset, arm: str, kind: str, shares: np.ndarray) -> np.ndarray:
    """Return what an arm gains over the largest small rate for as much time as the largest rate, in points."""
    long = accuracy(runs.long.sel(part="test"), kind, shares).values
    return 100 * (at_the_end(runs, arm, kind, shares) - long)


def learned(table: xr.DataArray) -> np.ndarray:
    """Return the place of the recorded step from which on accuracy (seed, step) is at least ``LEARNED``, a seed each.

    The place of the last step if there is none.
    """
    good = table.transpose("seed", "step").values >= LEARNED
    lasting = np.flip(np.flip(good, 1).cumprod(1), 1).astype(bool)
    return np.where(lasting.any(1), lasting.argmax(1), good.shape[1] - 1)


def p_when_q_is_learned(runs: xr.Dataset, arm: str, candidate: int) -> np.ndarray:
    """Return the accuracy on P alone at the step from which on Q alone is learned, in points, a number a seed."""
    run = runs.accuracy.sel(arm=arm, candidate=candidate)
    p = run.sel(kind="P alone").transpose("seed", "step").values
    return 100 * p[np.arange(len(p)), learned(run.sel(kind="Q alone"))]


def order(runs: xr.Dataset, first: tuple[str, int], second: tuple[str, int]) -> np.ndarray:
    """Return by how much more of P one run has learned than another when Q is learned, in points, a number a seed."""
    return p_when_q_is_learned(runs, *first) - p_when_q_is_learned(runs, *second)


def without_q(runs: xr.Dataset, arm: str, candidate: int) -> np.ndarray:
    """Return which seeds of a run end without Q."""
    return (runs.end.sel(arm=arm, candidate=candidate, part="test", kind="Q alone") < LEARNED).values


def interval(values: np.ndarray) -> Interval:
    """Return the mean over seeds and its 95 % interval."""
    return tuple(float(end) for end in mean_interval(values))
