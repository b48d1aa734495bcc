"""Figures of the recorded edges, against width and depth."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from catapult import style
from catapult.chapters.mnist.outcomes import VERSIONS
from catapult.chapters.mnist_edges import outcomes

LOSSES = ("logistic", "squared")
NAMES = {"diverge": "a run diverges", "rise": "the loss rises", "fall": "the sharpness falls"}
LOOKS = {"diverge": ("catapult", "o"), "rise": ("lazy", "s"), "fall": ("logistic", "^")}
UNIT = r"smallest rate, in units of $\eta_{\mathrm{crit}}$"


def _band(axis, edges, colour: str, marker: str, label: str) -> None:
    """Draw medians over seeds against the width, and the quartiles as a band."""
    low, middle, high = (edges.quantile(q, "seed").values for q in (0.25, 0.5, 0.75))
    axis.fill_between(edges.width, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.plot(edges.width, middle, color=colour, marker=marker, markersize=4, label=label)


def _axes(axes, widths) -> None:
    for axis in axes.flat:
        axis.set(xscale="log", yscale="log")
        axis.xaxis.set_major_locator(FixedLocator([w for w in widths if np.log2(w) % 2 == 1]))
        axis.yaxis.set_major_locator(FixedLocator([1 / 16, 1 / 4, 1, 4, 16]))
        for one in (axis.xaxis, axis.yaxis):
            one.set_minor_locator(NullLocator())
            one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else f"1/{1 / value:g}"))
    for axis in axes[-1]:
        axis.set_xlabel("width m")
    for axis in axes[:, 0]:
        axis.set_ylabel(UNIT, fontsize="small")


def width() -> Figure:
    """The three edges against the width, one hidden layer, with the theory: a row a loss, a column a version."""
    runs = outcomes.shallow(outcomes.table())
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.9, sharex=True, sharey=True)
        for row, loss in zip(axes, LOSSES, strict=True):
            for axis, version in zip(row, VERSIONS, strict=True):
                here = runs.sel(loss=loss, version=version)
                axis.set_title(f"{loss} loss: {version} data", fontsize="small")
                theory = (outcomes.rule(here).median("seed").values if loss == "logistic" else
                          np.full(here.sizes["width"], outcomes.SQUARED_ASYMPTOTE))
                axis.plot(here.width, theory, color=style.PALETTE["theory"], linestyle="--",
                          label=r"$\sqrt{2md}/G$" if loss == "logistic" else r"$4/\lambda_0$")
                for name, (colour, marker) in LOOKS.items():
                    _band(axis, outcomes.edge(here, name), style.PALETTE[colour], marker, NAMES[name])
        _axes(axes, runs.width.values)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        four, name = (each[0] for each in axes[1, 0].get_legend_handles_labels())
        axes[1, 0].legend([four], [name], loc="upper left", fontsize="x-small")
        figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize="small")
        style.label_panels(figure)
    return figure


def depth() -> Figure:
    """Where the sharpness falls and where runs diverge against the width, for each depth, non-separable data."""
    runs = outcomes.table().sel(version="non-separable")
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.9, sharex=True, sharey="col")
        for row, loss in zip(axes, LOSSES, strict=True):
            for axis, name in zip(row, ("fall", "diverge"), strict=True):
                axis.set_title(f"{loss} loss: {NAMES[name]}", fontsize="small")
                for layers, (colour, marker) in zip(runs.hidden_layers.values, style.THREE, strict=True):
                    _band(axis, outcomes.edge(runs.sel(loss=loss, hidden_layers=layers), name), colour, marker,
                          f"hidden layers: {layers}")
        _axes(axes, runs.width.values)
        for axis in axes[:, 1]:
            axis.yaxis.set_major_locator(FixedLocator([2, 4, 8]))
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize="small")
        style.label_panels(figure)
    return figure
