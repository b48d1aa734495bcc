"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from catapult import style
from catapult.chapters.mnist.experiment import ACTIVATIONS, VERSIONS, accuracy_at_equal_time
from catapult.phases import LABELS
from catapult.statistics import mean_interval

UNIT = "learning rate η, in units of 2 / sharpness at the start"
NAMES = {"linear": "linear", "relu": "ReLU"}


def _cells(axes):
    """Yield version, activation and axes of a 2 × 2 grid, titled."""
    for row, activation in enumerate(ACTIVATIONS):
        for column, version in enumerate(VERSIONS):
            cell = axes[row, column]
            cell.set_title(f"{NAMES[activation]} network, {version} data")
            yield version, activation, cell


def multiples_axis(axes, results: xr.Dataset) -> None:
    """Draw the learning rates of the results, in units of 2/sharpness, on a logarithmic axis with powers of 4."""
    low, high = results.multiple.values[[0, -1]]
    ticks = [4.0**power for power in range(-4, 5) if low * 0.99 <= 4.0**power <= high * 1.01]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else f"1/{1 / value:g}"))


def losses(results: xr.Dataset, seed: int = 0) -> Figure:
    """Training loss against the step at every learning rate, for one seed; one panel a cell."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=3.0, sharex=True)
        norm = mpl.colors.LogNorm(*results.multiple.values[[0, -1]])
        colours = mpl.colormaps["cividis"]
        for version, activation, cell in _cells(axes):
            runs = results.loss.sel(version=version, activation=activation, seed=seed)
            for multiple in results.multiple.values:
                run = runs.sel(multiple=multiple)
                cell.plot(run.step + 1, run, color=colours(norm(multiple)), linewidth=1.2)
            cell.set(xscale="log", yscale="log", ylim=(0.7 * float(runs.min()), 30 * float(runs.isel(step=0).max())))
        for cell in axes[1]:
            cell.set_xlabel("step + 1")
        for cell in axes[:, 0]:
            cell.set_ylabel("training loss")
        scale = figure.colorbar(mpl.cm.ScalarMappable(norm, colours), ax=axes, pad=0.02, fraction=0.05)
        scale.ax.set_ylabel(UNIT)
        style.label_panels(figure)
    return figure


def phases(results: xr.Dataset) -> Figure:
    """The phase of every run: one strip a cell, a row a seed, a column a learning rate."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=1.5, sharex=True)
        colours = ListedColormap([style.PALETTE[label] for label in LABELS])
        for version, activation, cell in _cells(axes):
            labels = results.phase.sel(version=version, activation=activation).transpose("seed", "multiple")
            codes = np.vectorize(LABELS.index)(labels.values)
            cell.pcolormesh(results.multiple, np.arange(results.sizes["seed"]), codes, cmap=colours, shading="nearest",
                            norm=BoundaryNorm(np.arange(len(LABELS) + 1) - 0.5, len(LABELS)), edgecolors="white",
                            linewidth=0.8)
            cell.axvline(1, color=style.PALETTE["ink"], linewidth=1.2, linestyle="--")
            multiples_axis(cell, results)
            cell.set_yticks(np.arange(results.sizes["seed"]) if results.sizes["seed"] <= 6 else [])
            cell.tick_params(axis="y", labelsize="small")
            cell.set_ylabel("seed")
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
        shown = [label for label in LABELS if (results.phase == label).any()]
        handles = [mpl.patches.Patch(color=style.PALETTE[label], label=label) for label in shown]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(shown))
    return figure


def sharpness(results: xr.Dataset) -> Figure:
    """Sharpness at the end over sharpness at the start against the learning rate, with the stability edge 2/η."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.9, sharex=True, sharey=True)
        ratio = results.sharpness_end / results.sharpness_start
        for version, activation, cell in _cells(axes):
            values = ratio.sel(version=version, activation=activation).transpose("multiple", "seed").values
            edge = results.multiple.values
            cell.plot(edge, 1 / edge, color=style.PALETTE["theory"], linestyle="--", label="2/η")
            cell.plot(edge, values, linestyle="", marker="o", markersize=3, alpha=0.45, color=style.PALETTE["catapult"])
            mean = mean_interval(values)[0]
            cell.plot(edge, mean, color=style.PALETTE["catapult"], label="mean over the seeds that did not diverge")
            mark_missing(cell, edge, mean, np.isfinite(values))
            cell.set(yscale="log", ylim=(np.nanmin(ratio) / 2, 8))
            multiples_axis(cell, results)
        for cell in axes[:, 0]:
            cell.set_ylabel("sharpness, end / start")
        axes[0, 0].legend(loc="lower left")
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
    return figure


def mark_missing(axes, multiples, mean, there) -> None:
    """Write k/n beside the first mean over k of n seeds."""
    before = there.shape[1]
    for multiple, height, seeds in zip(multiples, mean, there.sum(axis=1), strict=True):
        if 0 < seeds != before:
            axes.annotate(f"{seeds}/{there.shape[1]}", (multiple, height), xytext=(5, 4), textcoords="offset points",
                          fontsize="x-small", color=style.PALETTE["ink"])
        before = seeds


def accuracy(results: xr.Dataset) -> Figure:
    """Test accuracy against the learning rate, at equal steps and at equal physical time, with 95 % intervals."""
    compared = {"equal steps": results.test_accuracy.isel(step=-1), "equal time": accuracy_at_equal_time(results)}
    looks = {"equal steps": ("catapult", "o"), "equal time": ("lazy", "s")}
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.9, sharex=True, sharey=True)
        for version, activation, cell in _cells(axes):
            for name, values in compared.items():
                cells = values.sel(version=version, activation=activation).transpose("multiple", "seed").values
                mean, low, high = mean_interval(cells)
                complete = np.isfinite(cells).all(axis=1)
                colour, marker = looks[name]
                cell.fill_between(results.multiple, low, high, where=complete, color=style.PALETTE[colour], alpha=0.18,
                                  linewidth=0)
                cell.plot(results.multiple[complete], mean[complete], color=style.PALETTE[colour], marker=marker,
                          markersize=4, label=name)
            cell.axvline(1, color=style.PALETTE["ink"], linewidth=1, linestyle="--")
            multiples_axis(cell, results)
            cell.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        for cell in axes[:, 0]:
            cell.set_ylabel("test accuracy")
        axes[0, 0].legend(loc="lower left")
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
    return figure
