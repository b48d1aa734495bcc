"""What is read off the recorded runs: gains of large initial rates, where in η they sit, and the order of policies.

A cell is one data set, version and model, over (seed, multiple, end, tenth). All differences are in percentage points
of test accuracy, paired by seed, over (seed, tenth) of the tenths that choose nothing.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import scipy.stats
import xarray as xr

from catapult.chapters.annealing.policies import VALIDATION
from catapult.statistics import crossed_interval, mean_interval
from catapult.training import measures

Interval = tuple[float, float, float]
TIE = 1e-4
"""Accuracies on the validation set nearer than this tie: one of some thousand images is more, rounding less."""
COUNT = 5
"""Rates on each side."""
COMPARISONS = {"annealed, equal steps": "throughout, equal steps", "averaged, equal steps": "throughout, equal steps",
               "annealed, equal time": "throughout, equal time"}
"""The end that large rates are followed to, and the end of the small ones that it is compared with."""
BAND, BELOW, BEYOND = (2**0.5, 2.0), (2**-0.5, 1.0), (2**1.5, 4.0)
CHOOSERS = {"accuracy": 1, "confidence": 1, "confidence deviation": -1, "deviation across classes": -1, "loss gap": -1,
            "cost": -1}
"""By what a policy may be chosen on the validation set, and whether more of it is better, as Wu et al. have it."""
COST = 0.98
"""The cost is that of this share of the accuracy that the tuned constant rate ends with, on the validation set."""


def small(cell: xr.Dataset) -> np.ndarray:
    """Return the multiples at or below η_crit."""
    return cell.multiple.values[cell.multiple.values <= 1 + 1e-6]


def large(cell: xr.Dataset) -> np.ndarray:
    """Return the multiples next above η_crit, as many."""
    return cell.multiple.values[cell.multiple.values > 1 + 1e-6][:COUNT]


def chosen(cell: xr.Dataset, end: str, multiples) -> np.ndarray:
    """Return the accuracy, (seed, tenth), of the rate that is best on the validation set; NaN where all are lost."""
    accuracy = cell.accuracy.sel(end=end).sel(multiple=np.asarray(multiples), method="nearest")
    return _best(accuracy.transpose("seed", "multiple", "tenth").values)


def _best(accuracy: np.ndarray) -> np.ndarray:
    """Return from (seed, candidate, tenth) the judging tenths, (seed, tenth), of the best on the validation tenths."""
    return accuracy[np.arange(len(accuracy)), places(accuracy), VALIDATION:]


def places(accuracy: np.ndarray) -> np.ndarray:
    """Return which candidate of (seed, candidate, tenth) is best on the validation tenths, a place a seed.

    The first of those that have as many images right.
    """
    mean = accuracy[:, :, :VALIDATION].mean(2, dtype=np.float64)
    return _at_the_top(np.nan_to_num(mean, nan=-1.0), TIE).argmax(1)


def _at_the_top(values: np.ndarray, within: float) -> np.ndarray:
    """Return which entries of (seed, candidate) are the largest of their seed, or within so much of it."""
    return values >= values.max(1, keepdims=True) - within


def gain(cell: xr.Dataset, comparison: str) -> np.ndarray:
    """Return the gain of tuned large rates over tuned small ones throughout, in points; see the module."""
    return 100 * (chosen(cell, comparison, large(cell)) - chosen(cell, COMPARISONS[comparison], small(cell)))


def benefit(cell: xr.Dataset, comparison: str, multiple: float) -> np.ndarray:
    """Return what one rate, followed to an end of ``COMPARISONS``, gains over tuned small ones throughout."""
    return 100 * (chosen(cell, comparison, [multiple]) - chosen(cell, COMPARISONS[comparison], small(cell)))


def settled(cell: xr.Dataset, end: str) -> np.ndarray:
    """Return what annealing, or averaging, adds to tuned large rates: followed to that end less throughout, in points.

    Both for as many steps. Not among what was fixed before the runs.
    """
    rates = large(cell)
    return 100 * (chosen(cell, end, rates) - chosen(cell, COMPARISONS[end], rates))


def band(cell: xr.Dataset, against: tuple[float, float]) -> np.ndarray | None:
    """Return the better rate of the band less that of two others, annealed, in points; None if a seed loses both."""
    ends = [100 * chosen(cell, "annealed, equal steps", pair) for pair in (BAND, against)]
    return None if np.isnan(ends).any() else ends[0] - ends[1]


def interval(values: np.ndarray | None) -> Interval:
    """Return the mean and its 95 % interval over seeds and tenths, of seeds that are there; NaN of fewer than two."""
    there = np.empty((0, 0)) if values is None else values[np.isfinite(values).all(1)]
    return crossed_interval(there) if len(there) > 1 else (np.nan,) * 3


def best_multiple(cell: xr.Dataset, end: str = "annealed, equal steps") -> np.ndarray:
    """Return the rate that is best on the validation set, of the whole grid, a number a seed."""
    accuracy = cell.accuracy.sel(end=end).transpose("seed", "multiple", "tenth").values
    return cell.multiple.values[places(accuracy)]


def stable_up_to(cell: xr.Dataset) -> float:
    """Return the largest rate up to which runs at the rate itself settle on every seed: none bounces at the end."""
    settled = cell.phase.isin(["lazy", "catapult"]).all("seed").values
    return float(cell.multiple.values[settled.cumprod() > 0].max(initial=0))


def survives_up_to(cell: xr.Dataset) -> float:
    """Return the largest rate up to which no run is lost on any seed."""
    kept = np.isfinite(cell.accuracy.sel(end="annealed, equal steps")).all(("seed", "tenth")).values
    return float(cell.multiple.values[kept.cumprod() > 0].max(initial=0))


# Policies: over (seed, policy, k0, …)


def tuned(runs: xr.Dataset) -> np.ndarray:
    """Return the accuracy of each policy at its k0, chosen on the validation set: (seed, policy, judging tenth)."""
    accuracy = runs.policy_accuracy.transpose("policy", "seed", "k0", "tenth").values
    return np.stack([_best(each) for each in accuracy], 1)


def tuned_k0(runs: xr.Dataset) -> np.ndarray:
    """Return which place of k0 is chosen, (seed, policy)."""
    accuracy = runs.policy_accuracy.transpose("policy", "seed", "k0", "tenth").values
    return np.stack([places(each) for each in accuracy], 1)


def over_fix(runs: xr.Dataset, policy: str) -> np.ndarray:
    """Return the accuracy of a policy less that of the constant rate, both tuned, in points, (seed, tenth)."""
    names, accuracy = runs.policy.values.tolist(), tuned(runs)
    return 100 * (accuracy[:, names.index(policy)] - accuracy[:, names.index("fix")])


def concordance(accuracy: np.ndarray) -> float:
    """Return Kendall's W of a table (seed, policy): 1 if all seeds order the policies alike; 1/seeds if by chance."""
    ranks = scipy.stats.rankdata(accuracy, axis=1)
    seeds, count = ranks.shape
    ties = sum((n**3 - n) for row in ranks for n in np.unique(row, return_counts=True)[1])
    deviations = ((ranks.sum(0) - seeds * (count + 1) / 2) ** 2).sum()
    return float(12 * deviations / (seeds**2 * (count**3 - count) - seeds * ties))


def halves(accuracy: np.ndarray) -> np.ndarray:
    """Return the rank correlation of the policies' means over one half of the seeds with the other, for each cut."""
    seeds = range(len(accuracy))
    cuts = [cut for cut in combinations(seeds, len(accuracy) // 2) if 0 in cut]
    return np.array([scipy.stats.spearmanr(accuracy[list(cut)].mean(0), accuracy[[s for s in seeds if s not in cut]]
                                           .mean(0)).statistic for cut in cuts])


def chooser(runs: xr.Dataset, name: str) -> np.ndarray:
    """Return what a policy is chosen by, on the validation set, at its tuned k0: (seed, policy); more is better.

    A policy that never reaches the accuracy of the cost costs the whole run and as much again.
    """
    at = xr.DataArray(tuned_k0(runs), dims=("seed", "policy"))
    if name == "accuracy":
        return runs.policy_accuracy.isel(tenth=slice(None, VALIDATION)).mean("tenth").isel(k0=at).transpose(
            "seed", "policy").values
    if name == "cost":
        curves = runs.policy_curve.isel(k0=at).transpose("seed", "policy", "policy_step").values
        steps, fix = runs.policy_step.values, runs.policy.values.tolist().index("fix")
        costs = [[measures.cost(steps, curve, COST * row[fix, -1]) for curve in row] for row in curves]
        return -np.minimum(costs, 2 * steps[-1])
    return CHOOSERS[name] * runs.policy_measure.sel(measure=name, set="validation").isel(k0=at).transpose(
        "seed", "policy").values


def agreement(runs: xr.Dataset, name: str) -> Interval:
    """Return the rank correlation of a chooser with test accuracy over the policies, mean over seeds and interval."""
    accuracy = tuned(runs).mean(2)
    found = [np.nan if np.ptp(by) == 0 else scipy.stats.spearmanr(by, of).statistic
             for by, of in zip(chooser(runs, name), accuracy, strict=True)]  # NaN: it tells no policy from another
    return tuple(float(end) for end in mean_interval(np.array(found)))


def worth(runs: xr.Dataset, name: str) -> np.ndarray:
    """Return the accuracy of the policy that a chooser takes less the mean over policies, in points, (seed, tenth).

    Of those that tie, the mean.
    """
    accuracy, taken = tuned(runs), _at_the_top(chooser(runs, name), TIE if name == "accuracy" else 0)[:, :, None]
    return 100 * ((accuracy * taken).sum(1) / taken.sum(1) - accuracy.mean(1))


def of_k0(runs: xr.Dataset, k0: float, policy: str = "fix") -> np.ndarray:
    """Return the accuracy of a policy at one rate k0, in points, (seed, tenth); NaN where a run was lost."""
    accuracy = runs.policy_accuracy.sel(policy=policy, k0=k0).isel(tenth=slice(VALIDATION, None))
    return 100 * accuracy.transpose("seed", "tenth").values


def total_rate(runs: xr.Dataset, measure: str) -> float:
    """Return the rank correlation over policies of a measure on the test images with the mean of η, both over seeds."""
    at = xr.DataArray(tuned_k0(runs), dims=("seed", "policy"))
    spent = (runs.policy_rate * runs.k0.isel(k0=at)).mean("seed")
    shown = runs.policy_measure.sel(measure=measure, set="test").isel(k0=at).mean("seed")
    return float(scipy.stats.spearmanr(spent, shown).statistic)
