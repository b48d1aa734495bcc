"""Checks of the chapter on MNIST. All read one set of runs: the chapter's, at the scale asked for."""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult import phases, results
from catapult.checks import Measurement
from catapult.experiments import mnist_phases
from catapult.intervals import mean_interval

LARGE, SMALL = 2.0, 0.25
"""Rates compared, in units of 2/sharpness at the start."""


def _runs(scale: str, version: str | None = None, activation: str | None = None) -> xr.Dataset:
    chosen = {name: value for name, value in (("version", version), ("activation", activation)) if value}
    return results.compute(mnist_phases, mnist_phases.Parameters.checked(scale=scale)).sel(chosen)


def _at(runs: xr.Dataset, multiple: float) -> xr.Dataset:
    return runs.sel(multiple=multiple, method="nearest", tolerance=1e-6 * multiple)


def certificates_as_designed(scale: str) -> Measurement:
    """Share of seeds on which the linear program proves the version to be what its name says."""
    kinds = _runs(scale).certificate
    right = xr.concat([kinds.sel(version="separable") == "separable",
                       kinds.sel(version="non-separable") == "strictly non-separable"], dim="version")
    return Measurement(float(right.mean()))


def catapult_on_non_separable(scale: str) -> Measurement:
    """Share of seeds whose linear network, at some rate, peaks above its initial loss and settles below it."""
    runs = _runs(scale, "non-separable", "linear")
    peaked = (runs.phase == "catapult") & (runs.peak_loss > phases.PEAK * runs.loss.isel(step=0))
    return Measurement(float(peaked.any("multiple").mean()))


def flatter_in_catapult_phase(scale: str) -> Measurement:
    """Upper end of the interval of the paired log2 ratio of final sharpness, catapult over small rate.

    The catapult of a seed is its largest rate with that label; a seed without one is left out.
    """
    runs = _runs(scale, "non-separable", "linear")
    caught = runs.phase == "catapult"
    largest = runs.multiple.where(caught).max("multiple")
    flattest = runs.sharpness_end.where(caught & (runs.multiple == largest)).max("multiple")
    ratio = np.log2(flattest / _at(runs, SMALL).sharpness_end)
    mean, low, high = mean_interval(ratio.values)
    return Measurement(float(high), effect=float(mean), interval=(float(low), float(high)))


def edge_selection(scale: str) -> Measurement:
    """Mean of η · final sharpness / 2 at the large rate, non-separable version, linear network."""
    runs = _at(_runs(scale, "non-separable", "linear"), LARGE)
    mean, low, high = mean_interval((runs.learning_rate * runs.sharpness_end / 2).values)
    return Measurement(float(mean), interval=(float(low), float(high)))


def no_edge_on_separable(scale: str) -> Measurement:
    """Largest η · final sharpness / 2 over seeds, networks and rates, separable version."""
    runs = _runs(scale, "separable")
    return Measurement(float((runs.learning_rate * runs.sharpness_end / 2).max()))


def one_predictor(scale: str) -> Measurement:
    """Largest difference in final test accuracy between settled rates of one seed, non-separable, linear.

    Settled: the training loss is within a part in 10⁴ of the lowest that any rate reaches.
    """
    runs = _runs(scale, "non-separable", "linear")
    end = runs.loss.isel(step=-1)
    settled = end <= end.min("multiple") * (1 + 1e-4)
    accuracy = runs.test_accuracy.isel(step=-1).where(settled)
    return Measurement(float((accuracy.max("multiple") - accuracy.min("multiple")).max()))


def best_accuracy_at_large_rate(scale: str) -> Measurement:
    """Best test accuracy above 2/sharpness minus best at or below, at equal steps: mean over cells, by seed.

    A positive number would be the papers' finding. Both sides choose their best rate on the test set.
    """
    runs = _runs(scale)
    accuracy = runs.test_accuracy.isel(step=-1)
    gain = accuracy.where(runs.multiple > 1).max("multiple") - accuracy.where(runs.multiple <= 1).max("multiple")
    mean, low, high = mean_interval(gain.mean(("version", "activation")).values)
    return Measurement(float(mean), effect=float(mean), interval=(float(low), float(high)))


def window_above_critical(scale: str) -> Measurement:
    """Geometric mean over cells and seeds of the largest rate that does not diverge, in units of 2/sharpness."""
    runs = _runs(scale)
    largest = runs.multiple.where(runs.phase != "divergent").max("multiple")
    mean, low, high = mean_interval(np.log2(largest).mean(("version", "activation")).values)
    return Measurement(float(2**mean), interval=(float(2**low), float(2**high)))
