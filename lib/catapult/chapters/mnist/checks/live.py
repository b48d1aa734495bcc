"""Checks on runs with the parameters of the chapter: most read one set of them, which its figures draw."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult import phases
from catapult.chapters.mnist import experiment as mnist
from catapult.chapters.mnist_sweep import experiment as mnist_sweep
from catapult.companion.measurement import Measurement
from catapult.oracles import predictor
from catapult.oracles.linear_networks import LinearNetworks
from catapult.runs import results
from catapult.statistics import mean_interval
from catapult.training import train

SMALL = 0.25
"""The small rate, in units of 2/sharpness at the start."""
SETTLED_STEPS = 1000
"""Steps after which the linear network on non-separable data has converged at every rate of ``PREDICTOR_RATES``."""
PREDICTOR_RATES = 2.0 ** np.arange(-1, 2.5, 0.5)
WIDTHS = (64, 1024)
WINDOW_RATES = 2.0 ** np.arange(1, 4.25, 0.125)


def _runs(values: mnist.Parameters) -> xr.Dataset:
    return results.compute(mnist, values)


def _as_named(runs: xr.Dataset) -> dict[str, bool]:
    """Return the condition on which every statement rests: both versions are, on every seed, what their names say."""
    kinds = {"separable": "separable", "non-separable": "strictly non-separable"}
    return {f"every {version} problem is certified to be {kind}":
            bool((runs.certificate.sel(version=version) == kind).all()) for version, kind in kinds.items()}


def _cell(runs: xr.Dataset, version: str, activation: str = "linear") -> xr.Dataset:
    return runs.sel(version=version, activation=activation)


def _at(values, multiple: float):
    return values.sel(multiple=multiple, method="nearest", tolerance=1e-6 * multiple)


def peaks_and_returns(runs: xr.Dataset) -> xr.DataArray:
    """Return which seeds have, at some rate, a loss that peaks above ``phases.PEAK`` · L_0 and settles below L_0."""
    start = runs.loss.isel(step=0, drop=True)
    return ((runs.phase == "catapult") & (runs.peak_loss > phases.PEAK * start)).any("multiple")


def catapult_on_separable(values: mnist.Parameters) -> Measurement:
    """Smaller of the two networks' shares of seeds that have a catapult on separable data."""
    runs = _runs(values)
    return Measurement(np.min([peaks_and_returns(_cell(runs, "separable", activation)).mean()
                               for activation in mnist.ACTIVATIONS]), conditions=_as_named(runs))


def log_sharpness_ratio(runs: xr.Dataset, multiple: float) -> np.ndarray:
    """Return log2 of the final sharpness at a rate over that at the small rate, a number a seed."""
    return np.log2(_at(runs.sharpness_end, multiple) / _at(runs.sharpness_end, SMALL)).values


def _level_up_to_the_critical_rate(non_separable: xr.Dataset) -> dict[str, bool]:
    ratios = log_sharpness_ratio(non_separable, 1.0)
    return {"non-separable: the stable rate ends on every seed within a tenth of the small rate's sharpness":
            bool(np.abs(ratios).max() < np.log2(1.1))}


def flatter_below_critical_on_separable(values: mnist.Parameters) -> Measurement:
    """Largest log2 ratio of a seed's final sharpness, critical over small rate, separable data.

    Effect and interval: the mean over seeds. Control: the mean on non-separable data.
    """
    runs = _runs(values)
    ratios, level = log_sharpness_ratio(_cell(runs, "separable"), 1.0), _cell(runs, "non-separable")
    mean, low, high = mean_interval(ratios)
    return Measurement(np.max(ratios), effect=mean, interval=(low, high),
                       control=log_sharpness_ratio(level, 1.0).mean(),
                       conditions={**_as_named(runs), **_level_up_to_the_critical_rate(level)})


def share_of_the_edge(runs: xr.Dataset) -> xr.DataArray:
    """Return η · final sharpness / 2."""
    return runs.learning_rate * runs.sharpness_end / 2


def no_edge_on_separable(values: mnist.Parameters) -> Measurement:
    """Largest η · final sharpness / 2 over seeds, networks and rates, separable version.

    Control: the smallest with the squared loss, linear network, √2 times the stable rate.
    """
    runs = _runs(values)
    squared = np.min(squared_shares_of_the_edge(values))
    return Measurement(share_of_the_edge(runs.sel(version="separable")).max(), control=squared,
                       conditions={**_as_named(runs), "with the squared loss every run ends above 0.6 of the edge":
                                   squared >= 0.6})


def squared_shares_of_the_edge(values: mnist.Parameters, seeds: int = 3) -> np.ndarray:
    """Return η · final sharpness / 2 of linear networks on separable data, squared loss, √2 times the stable rate."""
    values = values.model_copy(update={"loss": "squared"})
    runs = [mnist.trained(values, "separable", "linear", seed, np.array([2**0.5])) for seed in range(seeds)]
    return np.array([float(share_of_the_edge(run)[0]) for run in runs])


def one_predictor(values: mnist.Parameters) -> Measurement:
    """Largest relative distance between the predictors of settled networks and the minimiser of the risk.

    Effect: the factor between the largest and the smallest sharpness of these minima, for one seed at least.
    """
    distances, factors = [], []
    for seed in range(3):
        problem = mnist.problem_of(values, "non-separable", seed)
        best = predictor.minimiser(problem.Z)
        unit = mnist.unit(values, problem, "linear", seed)
        W1, W2 = (W.numpy()[None] for W in mnist_sweep.network(values, problem, "linear").initialise(seed))
        runs = LinearNetworks((W1, W2), W1[0].size ** -0.5).repeated(len(PREDICTOR_RATES))
        settled = np.isfinite(runs.descend(problem.Z, unit * PREDICTOR_RATES, SETTLED_STEPS).product).all(1)
        runs = LinearNetworks([W[settled] for W in runs.matrices], runs.scale)
        distances += [np.linalg.norm(v - best) / np.linalg.norm(best) for v in runs.product]
        factors.append(np.ptp(np.log(runs.sharpness(problem.Z))))
    return Measurement(np.max(distances), effect=np.exp(np.min(factors)),
                       conditions={"the minima of each seed differ in sharpness by a factor of 1.5":
                                   np.exp(np.min(factors)) > 1.5})


def gains(runs: xr.Dataset, over: str = "max") -> tuple[xr.DataArray, np.ndarray, np.ndarray]:
    """Return the gain in test accuracy from rates above the critical one, and which rates were compared.

    Best accuracy over the rates above at which no run of any cell diverged, less the best over as many rates at or
    below, the nearest: both sides choose among equally many. At equal steps, paired by seed; NaN if there is none.
    To choose the best still favours the side whose accuracies vary more: with ``over="mean"`` nothing is chosen, the
    mean over the same rates takes the place of the best.
    """
    multiples = runs.multiple.values
    alive = (runs.phase != "divergent").all([dim for dim in runs.phase.dims if dim != "multiple"]).values
    below, above = multiples[multiples <= 1 + 1e-6], multiples[alive & (multiples > 1 + 1e-6)]
    count = np.minimum(len(below), len(above))
    below, above = below[len(below) - count:], above[:count]
    accuracy = runs.test_accuracy.isel(step=-1, drop=True)
    if not count:
        return accuracy.isel(multiple=0, drop=True).transpose(..., "seed") * np.nan, above, below
    sides = [getattr(accuracy.sel(multiple=side), over)("multiple") for side in (above, below)]
    gain = sides[0] - sides[1]
    return gain.transpose(..., "seed"), above, below


def best_accuracy_at_large_rate(values: mnist.Parameters) -> Measurement:
    """How many of the four cells gain from large rates: the 95 % interval of the gain lies above 0.

    Effect: the largest mean gain of a cell.
    """
    runs = _runs(values)
    gain, above, _ = gains(runs)
    means = gain.mean("seed")
    gaining = means.copy(data=mean_interval(gain.values)[1] > 0)
    named = {"version": "separable", "activation": "relu"}
    return Measurement(int(gaining.sum()), effect=means.max(), conditions={
        **_as_named(runs),
        "there are three rates at least to compare on each side": len(above) >= 3,
        "no cell but the ReLU network on separable data gains": int(gaining.sum()) == int(gaining.sel(named)),
        "no cell's mean gain reaches a percentage point": bool((means < 0.01).all()),
        "the linear network's mean loss reaches no percentage point": bool(
            (means.sel(activation="linear") > -0.01).all())})


def window_and_width(values: mnist.Parameters) -> Measurement:
    """Exponent p of the width in the largest rate that does not diverge, over the critical one: mean over seeds."""
    windows = np.array([[window(values, width, seed) for width in WIDTHS] for seed in range(4)])
    exponents = np.log(windows[:, 1] / windows[:, 0]) / np.log(WIDTHS[1] / WIDTHS[0])
    mean, low, high = mean_interval(exponents)
    inside = WINDOW_RATES[0] < windows.min() and windows.max() < WINDOW_RATES[-1]
    return Measurement(mean, interval=(low, high), conditions={"every window ends inside the rates tried": inside})


def window(values: mnist.Parameters, width: int, seed: int) -> float:
    """Return the largest rate that does not diverge, in units of the critical one: linear, non-separable."""
    values = values.model_copy(update={"width": width})
    problem = mnist.problem_of(values, "non-separable", seed)
    rates = mnist.unit(values, problem, "linear", seed) * WINDOW_RATES
    runs = train(problem, mnist_sweep.network(values, problem, "linear"), rates, seeds=(seed,),
                 steps=values.steps)
    return float(WINDOW_RATES[(runs.phase != "divergent").isel(seed=0).values].max())
