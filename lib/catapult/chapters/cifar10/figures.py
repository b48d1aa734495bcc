"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.cifar10 import comparison
from catapult.chapters.cifar10.experiment import ACTIVATIONS
from catapult.chapters.mnist.figures import NAMES, UNIT, multiples_axis

LOOKS = {"equal steps": ("catapult", "o"), "equal time": ("lazy", "s"), "annealed": ("theory", "^")}


def _panels(axes, results: xr.Dataset) -> Iterator[tuple[str, str, mpl.axes.Axes]]:
    """Yield version, activation and axes of a grid, a row a network and a column a version, titled."""
    for row, activation in enumerate(ACTIVATIONS):
        for column, version in enumerate(results.version.values):
            axes[row, column].set_title(f"{NAMES[activation]} network, {version} data")
            yield version, activation, axes[row, column]


def _survivors(axes, multiples, there) -> None:
    """Write k/n at the head of the axes, over rates that k of n seeds survive, k < n: there nothing else is."""
    for multiple, alive in zip(multiples, there, strict=True):
        if 0 < alive.sum() < len(alive):
            axes.text(multiple, 0.93, f"{alive.sum()}/{len(alive)}", transform=axes.get_xaxis_transform(), ha="center",
                      va="top", fontsize="x-small", color=style.PALETTE["ink"])


def sharpness(results: xr.Dataset) -> Figure:
    """Sharpness at the end at the rate itself, over that at the start, every seed, with the edge 2/η."""
    with style.use():
        figure, axes = style.subplots(2, results.sizes["version"], height=2.8, sharex=True, sharey=True, squeeze=False)
        ratio = comparison.final_sharpness(results) * results.learning_rate / 2 / results.multiple
        for version, activation, panel in _panels(axes, results):
            values = ratio.sel(version=version, activation=activation).transpose("multiple", "seed").values
            there = np.isfinite(values)
            mean = np.array([row[alive].mean() if alive.any() else np.nan
                             for row, alive in zip(values, there, strict=True)])
            panel.plot(results.multiple, 1 / results.multiple, color=style.PALETTE["theory"], linestyle="--",
                       label="2/η")
            panel.plot(results.multiple, values, linestyle="", marker="o", markersize=3, alpha=0.45,
                       color=style.PALETTE["catapult"])
            panel.plot(results.multiple, mean, color=style.PALETTE["catapult"], label="mean over survivors")
            _survivors(panel, results.multiple.values, there)
            panel.set(yscale="log")
            multiples_axis(panel, results)
        for panel in axes[:, 0]:
            panel.set_ylabel("sharpness, end / start")
        axes[0, 0].legend(loc="lower left")
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
    return figure


def accuracy(results: xr.Dataset) -> Figure:
    """Mean accuracy on the nine tenths of the test images that choose nothing, against the rate, three ways."""
    with style.use():
        figure, axes = style.subplots(2, results.sizes["version"], height=2.8, sharex=True, sharey="row",
                                      squeeze=False)
        judged = results.accuracy.sel(tenth=slice(1, None)).mean("tenth", skipna=False)
        for version, activation, panel in _panels(axes, results):
            for name, (colour, marker) in LOOKS.items():
                values = judged.sel(version=version, activation=activation, comparison=name)
                values = values.transpose("multiple", "seed").values
                complete = np.isfinite(values).all(1)
                panel.plot(results.multiple[complete], values[complete].mean(1), color=style.PALETTE[colour],
                           marker=marker, markersize=4, label=name)
            panel.axvline(1, color=style.PALETTE["ink"], linewidth=1, linestyle="--")
            multiples_axis(panel, results)
            panel.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=1))
        for panel in axes[:, 0]:
            panel.set_ylabel("test accuracy")
        axes[0, 0].legend(loc="best")
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
    return figure


def gains(tables: Mapping[str, xr.Dataset]) -> Figure:
    """The gain of the large rates with its interval: a row for each pair of classes, version and network."""
    rows = [(pair, version, activation) for pair, runs in tables.items() for activation in ACTIVATIONS
            for version in runs.version.values]
    with style.use():
        figure, axes = style.subplots(1, 1, height=0.55 * len(rows) + 1.2)
        for number, (pair, version, activation) in enumerate(rows):
            cell = tables[pair].sel(version=version, activation=activation)
            for shift, (name, (colour, marker)) in zip((-0.22, 0, 0.22), LOOKS.items(), strict=True):
                style.interval(axes, comparison.gain_interval(cell, name), number + shift, style.PALETTE[colour],
                               marker=marker, label=name if number == 0 else None)
        axes.axvline(0, color=style.PALETTE["ink"], linewidth=1)
        axes.set_yticks(range(len(rows)), [f"{pair}\n{NAMES[activation]}, {version}"
                                           for pair, version, activation in rows], fontsize="small")
        axes.set(xlabel=r"gain of rates above $\eta_{\mathrm{crit}}$, percentage points of test accuracy",
                 ylim=(len(rows) - 0.5, -0.5))
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def convolution(results: xr.Dataset) -> Figure:
    """The small convolutional network: sharpness at the end over that at the start, and the gain of the large rates."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=4.2)
        ratio = comparison.share_of_edge(results) / results.multiple
        left.plot(results.multiple, 1 / results.multiple, color=style.PALETTE["theory"], linestyle="--", label="2/η")
        rows = [(version, activation) for activation in ACTIVATIONS for version in results.version.values]
        colours = {"linear": style.PALETTE["logistic"], "relu": style.PALETTE["exponential"]}
        for version, activation in rows:
            cell = ratio.where(results.phase.isin(comparison.ALIVE)).sel(version=version, activation=activation)
            mean = np.exp2(np.log2(cell).mean("seed")).where(cell.notnull().sum("seed") > 1)
            left.plot(results.multiple, mean, color=colours[activation], marker="o", markersize=4,
                      linestyle="-" if version == "non-separable" else ":", label=f"{NAMES[activation]}, {version}")
        multiples_axis(left, results)
        left.set(yscale="log", xlabel="η, in units of 2 / sharpness at the start", ylabel="sharpness, end / start",
                 title="where a run ends")
        left.set_yticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
        left.yaxis.set_minor_locator(mpl.ticker.NullLocator())
        left.legend(loc="lower left", fontsize="small")
        for number, (version, activation) in enumerate(rows):
            cell = results.sel(version=version, activation=activation)
            for shift, (name, (colour, marker)) in zip((-0.22, 0, 0.22), LOOKS.items(), strict=True):
                style.interval(right, comparison.gain_interval(cell, name), number + shift, style.PALETTE[colour],
                               marker=marker, label=name if number == 0 else None)
        right.axvline(0, color=style.PALETTE["ink"], linewidth=1)
        right.set_yticks(range(len(rows)), [f"{NAMES[activation]},\n{version}" for version, activation in rows])
        right.set(xlabel="gain, percentage points", ylim=(len(rows) - 0.5, -0.5),
                  title=r"gain of rates above $\eta_{\mathrm{crit}}$")
        right.legend(loc="best", fontsize="small")
        style.label_panels(figure)
    return figure
