"""Checks on the recorded edges: smallest rates at which something happens, against width and depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr

from catapult.chapters.mnist_edges import outcomes
from catapult.companion import claims
from catapult.companion.measurement import Measurement

VERSIONS = ("non-separable", "separable")


def statement(of_runs: Callable[[xr.Dataset], Measurement]) -> Callable[[], Measurement]:
    """Return the check of what is said of some runs: on the recorded ones, and that ten fresh seeds keep its bound."""
    def check() -> Measurement:
        said, again = of_runs(outcomes.table()), of_runs(outcomes.table(fresh=True))
        bound = next(claim.bound for claim in claims.of("mnist") if claim.check == of_runs.__name__)
        held = claims.keeps(bound, again.value) and all(again.conditions.values())
        return replace(said, conditions={**said.conditions, "at ten fresh seeds it holds as well": held})

    check.__name__, check.__doc__ = of_runs.__name__, of_runs.__doc__
    return check


@statement
def upper_edge_and_width(runs: xr.Dataset) -> Measurement:
    """Lower end of the exponent of the width in the upper edge, logistic loss, 8 to 256: the lesser of both versions.

    Effect and interval: the exponent on non-separable data. Control: that of the squared loss.
    """
    runs = outcomes.shallow(runs)
    found = {(loss, version): outcomes.exponent(runs, "diverge", loss=loss, version=version)
             for loss in ("logistic", "squared") for version in VERSIONS}
    mean, low, high = found["logistic", "non-separable"]
    least = np.min([found["logistic", version][1] for version in VERSIONS])
    control = found["squared", "non-separable"][0]
    return Measurement(least, effect=mean, interval=(low, high), control=control, conditions={
        **outcomes.conditions(runs),
        "the interval of the squared loss lies below that of the logistic, on both versions": all(
            bool(found["squared", version][2] < found["logistic", version][1]) for version in VERSIONS),
        "it is below a half": bool(high < 0.5)})


@statement
def bounded_gradient(runs: xr.Dataset) -> Measurement:
    """Least upper edge over the rule √(2md)/G, logistic loss, all widths, versions and seeds; control: squared loss.

    Effect: the median at the widest, non-separable.
    """
    runs = outcomes.shallow(runs)
    ratio = outcomes.edge(runs, "diverge") / outcomes.rule(runs)
    # Both in the same rate: with the squared loss the unit differs, the rule is that of the logistic loss.
    logistic, squared = ratio.sel(loss="logistic"), ratio.sel(loss="squared")
    narrow, widest = (float(logistic.sel(version="non-separable").isel(width=i).median()) for i in (0, -1))
    return Measurement(logistic.min(), effect=widest, control=squared.min(), conditions={
        **outcomes.conditions(runs), "the ratio is nearer to 1 at the widest than at the narrowest": widest < narrow,
        "with the squared loss runs diverge far below that rate": bool(squared.min() < 0.5)})


@statement
def squared_at_four(runs: xr.Dataset) -> Measurement:
    """Farthest median upper edge from 4/λ0, as |log2|, squared loss, one hidden layer, versions and widths.

    Control: the logistic loss. Effect: the median at the widest, non-separable, over 4/λ0.
    """
    runs = outcomes.shallow(runs)
    medians = np.log2(outcomes.edge(runs, "diverge").median("seed") / outcomes.SQUARED_ASYMPTOTE)
    far = np.abs(medians).max(("width", "version"))
    return Measurement(far.sel(loss="squared"), control=far.sel(loss="logistic"),
                       effect=2 ** medians.sel(loss="squared", version="non-separable").isel(width=-1),
                       conditions=outcomes.conditions(runs))


@statement
def sharpness_reduction(runs: xr.Dataset) -> Measurement:
    """Octaves by which the rate at which the sharpness falls is higher at the widest, squared loss: lower end.

    The lesser of both versions. Effect and interval: non-separable data. Control: the logistic loss.
    """
    found = {(loss, version): outcomes.octaves(runs, "fall", loss=loss, version=version, hidden_layers=1)
             for loss in ("logistic", "squared") for version in VERSIONS}
    mean, low, high = found["squared", "non-separable"]
    least = np.min([found["squared", version][1] for version in VERSIONS])
    control = found["logistic", "non-separable"][0]
    return Measurement(least, effect=mean, interval=(low, high), control=control, conditions={
        **outcomes.conditions(runs),
        "with the logistic loss nothing is resolved, on either version": all(
            bool(found["logistic", version][1] <= 0 <= found["logistic", version][2]) for version in VERSIONS),
        "with the logistic loss most runs fall at the smallest rate tried, on either version": all(
            outcomes.already_falls(runs, loss="logistic", version=version) > 0.5 for version in VERSIONS)})


@statement
def sharpness_reduction_and_depth(runs: xr.Dataset) -> Measurement:
    """log2 of the rate at which the sharpness falls at three hidden layers over one, squared loss, non-separable.

    Effect: on separable data. Control: the logistic loss, non-separable.
    """
    mean, low, high = outcomes.depth_effect(runs, "fall", loss="squared", version="non-separable")
    return Measurement(mean, interval=(low, high), conditions=outcomes.conditions(runs),
                       effect=outcomes.depth_effect(runs, "fall", loss="squared", version="separable")[0],
                       control=outcomes.depth_effect(runs, "fall", loss="logistic", version="non-separable")[0])


@statement
def upper_edge_and_depth(runs: xr.Dataset) -> Measurement:
    """log2 of the upper edge at three hidden layers over one, squared loss, non-separable data: lower end.

    Effect and interval: the mean. Control: the logistic loss.
    """
    mean, low, high = outcomes.depth_effect(runs, "diverge", loss="squared", version="non-separable")
    others = {(loss, version): outcomes.depth_effect(runs, "diverge", loss=loss, version=version)
              for loss in ("logistic", "squared") for version in VERSIONS}
    control = others["logistic", "non-separable"][0]
    return Measurement(low, effect=mean, interval=(low, high), control=control, conditions={
        **outcomes.conditions(runs),
        "with the squared loss deeper networks diverge later on separable data, too": bool(
            others["squared", "separable"][1] > 0),
        "with the logistic loss they do not, on either version": all(
            bool(others["logistic", version][1] <= 0) for version in VERSIONS)})
