r"""Learning rates compared three ways, on images that choose nothing: what `cifar10` and `separability-dial` share.

*Equal steps*: after T steps. *Equal time*: after T η_crit/η steps, the time that η_crit = 2/sharpness at the start
reaches in T steps. *Annealed*: after T steps at η and ``settle`` more at the smallest rate of the grid, for all rates.
The first tenth of the test images is the validation set, on which the best rate of each side is chosen, for each seed;
it is judged on the other nine. A gain is the accuracy of the best rate above η_crit less that of the best of equally
many at or below it, the nearest, paired by seed; rates above count where no seed of the cell diverged or died.
Intervals carry the seeds and the test images: :func:`catapult.statistics.crossed_interval`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import xarray as xr

from catapult.chapters.mnist.experiment import stable_rate
from catapult.chapters.mnist_sweep.experiment import accuracy_steps
from catapult.datasets import Problem
from catapult.networks import WeightMatrices
from catapult.phases import LABELS
from catapult.statistics import crossed_interval

COMPARISONS = ("equal steps", "equal time", "annealed")
ALIVE = [label for label in LABELS if label not in ("divergent", "dead")]


def curvature_steps(steps: int) -> list[int]:
    """Return 0 and the steps t and t + 1, at which the sharpness is taken, for t up to ``steps`` − 1 by octaves."""
    return sorted({0, *(step for k in (1, 2, 4, 8) for step in (steps // k - 1, steps // k))})


def followed(problem: Problem, network: WeightMatrices, multiples: Sequence[float], seed: int, *, steps: int,
             settle: int, curvatures: Sequence[int], loss: str = "logistic",
             dtype: str = "float32") -> xr.Dataset:
    """Train from one seed at these multiples of η_crit, the smallest first, and anneal each run to the smallest.

    The sharpness is taken at the steps ``curvatures``, up to ``steps``, whose last two are ``steps`` − 1 and ``steps``.

    Returns
    -------
    xarray.Dataset
        Over ``multiple``: ``learning_rate``; ``loss`` and ``sharpness`` at some steps up to ``steps``, at the rate
        itself; ``accuracy`` (comparison, tenth) of the test images, NaN where a run diverged; ``phase`` of the annealed
        run (so that none is merely unsettled at its rate) and its ``peak_loss`` over the loss at the start.
    """
    from catapult.training import train

    unit = stable_rate(network, loss, problem, seed)
    run = functools.partial(train, problem, network, loss=loss, seeds=(seed,), dtype=dtype)
    losses = accuracy_steps(steps, 2)
    runs = []
    for multiple in multiples:
        equal = max(1, round(steps / multiple))
        read = sorted({steps, steps + settle, *([equal] if equal <= steps else [])})
        annealed = run(unit * multiple, steps=steps + settle, record=("loss", "sharpness", "tenth_accuracy"),
                       schedule=functools.partial(then, steps, multiples[0] / multiple),
                       every={"loss": losses, "sharpness": curvatures, "tenth_accuracy": read})
        annealed = annealed.isel(seed=0, learning_rate=0, drop=True)
        at = {name: annealed.tenth_accuracy.sel(step=step, drop=True) for name, step in
              (("equal steps", steps), ("annealed", steps + settle))}
        if equal <= steps:
            at["equal time"] = annealed.tenth_accuracy.sel(step=equal, drop=True)
        else:
            longer = run(unit * multiple, steps=equal, record="tenth_accuracy", every=[equal])
            at["equal time"] = longer.tenth_accuracy.isel(seed=0, learning_rate=0, step=-1, drop=True)
        kept = sorted({*losses, *curvatures})
        runs.append(xr.Dataset({
            "loss": annealed.loss.sel(step=kept), "sharpness": annealed.sharpness.sel(step=kept),
            "accuracy": xr.concat([at[name] for name in COMPARISONS], "comparison").where(
                annealed.phase.isin(ALIVE)),
            "phase": annealed.phase, "peak": annealed.peak_loss / annealed.loss.sel(step=0, drop=True)}))
    result = xr.concat(runs, "multiple").assign_coords(multiple=list(multiples), comparison=list(COMPARISONS))
    small = {name: result[name].astype(np.float32) for name in ("loss", "sharpness", "accuracy", "peak")}
    return result.assign(small).assign(learning_rate=("multiple", unit * np.asarray(multiples)))


def then(steps: int, factor: float, step: int, _: int) -> float:
    """The schedule: 1, and from ``steps`` on ``factor``."""
    return 1.0 if step < steps else factor


def final_sharpness(runs: xr.Dataset) -> xr.DataArray:
    """Return the mean of the sharpness at the last step at the rate itself and at the one before it."""
    return runs.sharpness.dropna("step", how="all").isel(step=slice(-2, None)).mean("step", skipna=False)


def share_of_edge(runs: xr.Dataset) -> xr.DataArray:
    """Return η · sharpness / 2 at the end: 1 at the edge of stability."""
    return runs.learning_rate * final_sharpness(runs) / 2


def sides(runs: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the multiples compared, at or below 1 and above: equally many, for one cell over (seed, multiple)."""
    multiples = runs.multiple.values
    alive = runs.phase.isin(ALIVE).all("seed").values
    below, above = multiples[multiples <= 1 + 1e-6], multiples[alive & (multiples > 1 + 1e-6)]
    count = min(len(below), len(above))
    return below[len(below) - count:], above[:count]


def gain(runs: xr.Dataset, comparison: str, chosen: bool = True) -> np.ndarray:
    """Return the gain of one cell, shape (seeds, 9 tenths), in shares; see the module. No rate above: no seeds.

    Without ``chosen`` the mean over the rates of a side takes the place of the best: nothing is selected.
    """
    below, above = sides(runs)
    accuracy = runs.accuracy.sel(comparison=comparison).transpose("seed", "multiple", "tenth")
    if not len(above):
        return np.empty((0, 9))
    judged = []
    for side in (above, below):
        values = accuracy.sel(multiple=side).values
        if chosen:
            best = values[:, :, 0].argmax(1)
            judged.append(values[np.arange(len(values)), best, 1:])
        else:
            judged.append(values[:, :, 1:].mean(1))
    return judged[0] - judged[1]


def gain_interval(runs: xr.Dataset, comparison: str, chosen: bool = True) -> tuple[float, float, float]:
    """Return the mean gain of one cell and its 95 % interval, in percentage points; NaN where nothing is above."""
    values = gain(runs, comparison, chosen)
    return tuple(100 * end for end in crossed_interval(values)) if len(values) > 1 else (np.nan,) * 3
