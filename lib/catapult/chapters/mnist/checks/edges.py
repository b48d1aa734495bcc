"""Checks on the recorded edges: smallest rates at which something happens, against width and depth."""

from __future__ import annotations

import numpy as np

from catapult.chapters.mnist_edges import outcomes
from catapult.companion.measurement import Measurement

VERSIONS = ("non-separable", "separable")


def upper_edge_and_width() -> Measurement:
    """Exponent of the width in the upper edge, logistic loss, non-separable, 8 to 1024; control: squared loss."""
    runs = outcomes.wide()
    found = {(loss, version): outcomes.exponent(runs, "diverge", loss=loss, version=version)
             for loss in ("logistic", "squared") for version in VERSIONS}
    mean, low, high = found["logistic", "non-separable"]
    return Measurement(mean, interval=(low, high), control=found["squared", "non-separable"][0], conditions={
        **outcomes.conditions(runs),
        "on separable data the exponent of the logistic loss is resolved, too": bool(
            found["logistic", "separable"][1] > 0),
        "with the squared loss it is below a third of that of the logistic, on both versions": all(
            bool(found["squared", version][2] < found["logistic", version][1] / 3) for version in VERSIONS)})


def bounded_gradient() -> Measurement:
    """Least upper edge over the rule √(2md)/G, logistic loss, all widths, versions and seeds; control: squared loss.

    Effect: the median at the widest, non-separable.
    """
    runs = outcomes.wide()
    ratio = outcomes.edge(runs, "diverge") / outcomes.rule(runs)
    # Both in the same rate: with the squared loss the unit differs, the rule is that of the logistic loss.
    logistic, squared = ratio.sel(loss="logistic"), ratio.sel(loss="squared")
    narrow, widest = (float(logistic.sel(version="non-separable").isel(width=i).median()) for i in (0, -1))
    return Measurement(logistic.min(), effect=widest, control=squared.min(), conditions={
        **outcomes.conditions(runs), "the ratio is nearer to 1 at the widest than at the narrowest": widest < narrow,
        "with the squared loss runs diverge far below that rate": bool(squared.min() < 0.5)})


def squared_at_four() -> Measurement:
    """Farthest median upper edge from 4/λ0, as |log2|, squared loss, one hidden layer, versions and widths.

    Control: the logistic loss. Effect: the median at the widest, non-separable, over 4/λ0.
    """
    runs = outcomes.wide()
    medians = np.log2(outcomes.edge(runs, "diverge").median("seed") / outcomes.SQUARED_ASYMPTOTE)
    far = np.abs(medians).max(("width", "version"))
    return Measurement(far.sel(loss="squared"), control=far.sel(loss="logistic"),
                       effect=2 ** medians.sel(loss="squared", version="non-separable").isel(width=-1),
                       conditions=outcomes.conditions(runs))


def sharpness_reduction() -> Measurement:
    """Exponent of the width in the rate at which the sharpness falls, squared loss, one hidden layer, non-separable.

    Control: the share of runs with the logistic loss whose sharpness falls at the smallest rate that was tried.
    """
    runs = outcomes.table()
    widths = {version: outcomes.exponent(runs, "fall", loss="squared", version=version, hidden_layers=1)
              for version in VERSIONS}
    depths = {version: outcomes.depth_effect(runs, "fall", loss="squared", version=version) for version in VERSIONS}
    mean, low, high = widths["non-separable"]
    return Measurement(mean, effect=depths["non-separable"][0], interval=(low, high),
                       control=outcomes.exponent(runs, "fall", loss="logistic", version="non-separable",
                                                 hidden_layers=1)[0],
                       conditions={
        **outcomes.conditions(runs),
        "deeper networks fall at smaller rates, non-separable data": bool(depths["non-separable"][2] < 0),
        "on separable data the width does the same": bool(widths["separable"][1] > 0)})


def upper_edge_and_depth() -> Measurement:
    """log2 of the upper edge at three hidden layers over one, squared loss, non-separable; control: logistic loss."""
    runs = outcomes.table()
    mean, low, high = outcomes.depth_effect(runs, "diverge", loss="squared", version="non-separable")
    others = {(loss, version): outcomes.depth_effect(runs, "diverge", loss=loss, version=version)
              for loss in ("logistic", "squared") for version in VERSIONS}
    return Measurement(mean, interval=(low, high), control=others["logistic", "non-separable"][0], conditions={
        **outcomes.conditions(runs),
        "with the squared loss deeper networks diverge later on separable data, too": bool(
            others["squared", "separable"][1] > 0)})
