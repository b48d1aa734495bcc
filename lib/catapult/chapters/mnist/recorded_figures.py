"""Figures of the recorded tables."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.cifar10 import comparison
from catapult.chapters.mnist import outcomes
from catapult.chapters.mnist.figures import UNIT, mark_missing, multiples_axis

LOOKS = {"equal steps": ("catapult", "o"), "equal time": ("lazy", "s"), "annealed": ("theory", "^")}


def _panels(names, height: float, **options):
    """Yield name, version and axes of a grid, a row a table and a column a version, titled; then the figure."""
    figure, axes = style.subplots(len(names), len(outcomes.VERSIONS), height=height, squeeze=False, **options)
    panels = []
    for row, name in zip(axes, names, strict=True):
        for axis, version in zip(row, outcomes.VERSIONS, strict=True):
            axis.set_title(f"{name}: {version} data", fontsize="small")
            panels.append((name, version, axis))
    return figure, panels


def sharpness(names) -> Figure:
    """Sharpness after T steps over that at the start against the rate: every seed, their mean, and the edge 2/η."""
    with style.use():
        figure, panels = _panels(names, 2.8, sharex=True, sharey=True)
        for name, version, axis in panels:
            runs = outcomes.cell(name, version)
            start = runs.sharpness.sel(step=0, drop=True)
            values = (comparison.final_sharpness(runs) / start).transpose("multiple", "seed").values
            there = np.isfinite(values)
            mean = np.where(there, values, 0).sum(1) / np.maximum(there.sum(1), 1)
            mean[~there.any(1)] = np.nan
            axis.plot(runs.multiple, 1 / runs.multiple, color=style.PALETTE["theory"], linestyle="--", label="2/η")
            axis.plot(runs.multiple, values, linestyle="", marker="o", markersize=3, alpha=0.4,
                      color=style.PALETTE["catapult"])
            axis.plot(runs.multiple, mean, color=style.PALETTE["catapult"], label="mean over survivors")
            mark_missing(axis, runs.multiple.values, mean, there)
            axis.set(yscale="log", ylim=(0.03, 8))
            multiples_axis(axis, runs)
        for _, _, axis in panels[::2]:
            axis.set_ylabel("sharpness, end / start", fontsize="small")
        panels[0][2].legend(loc="lower left", fontsize="x-small")
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
    return figure


def accuracy(name: str) -> Figure:
    """Accuracy against the rate, a column a version: test images that choose nothing, three ways; training images."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.2, sharex=True, sharey="row",
                                      gridspec_kw={"height_ratios": [3, 2]})
        for column, version in zip(axes.T, outcomes.VERSIONS, strict=True):
            runs = outcomes.cell(name, version)
            judged = runs.accuracy.sel(tenth=slice(1, None)).mean("tenth", skipna=False)
            for way, (colour, marker) in LOOKS.items():
                _line(column[0], judged.sel(comparison=way), color=style.PALETTE[colour], marker=marker, markersize=4,
                      label=way)
            _line(column[1], runs.train_accuracy, color=style.PALETTE["catapult"], marker="o", markersize=4)
            for panel, images in zip(column, ("test", "training"), strict=True):
                panel.set_title(f"{images} images, {version} data", fontsize="small")
                panel.axvline(1, color=style.PALETTE["ink"], linewidth=0.8, linestyle="--")
                multiples_axis(panel, runs)
        for panel in axes[:, 0]:
            panel.set_ylabel("accuracy, %", fontsize="small")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        figure.supxlabel(UNIT, fontsize="medium")
        style.label_panels(figure)
    return figure


def gains(found: dict[tuple[str, str, str], outcomes.Interval]) -> Figure:
    """The gain of the large rates, a row a network and a column a version; hollow and below, at fresh seeds."""
    names = sorted((*outcomes.RECORDED, *outcomes.OTHERS, *outcomes.PREDICTED),
                   key=lambda name: name.startswith("ReLU"))
    with style.use():
        figure, axes = style.subplots(1, 2, height=6.2, sharex=True, sharey=True)
        for axis, version in zip(axes, outcomes.VERSIONS, strict=True):
            for row, name in enumerate(names):
                for shift, (way, (colour, marker)) in zip((-0.28, 0, 0.28), LOOKS.items(), strict=True):
                    for part, one in enumerate(outcomes.twice(name)):
                        look = {"alpha": 0.7, "markerfacecolor": style.PAPER} if part else {}
                        style.interval(axis, found[one, version, way], row + shift + 0.12 * part, style.PALETTE[colour],
                                       marker=marker, markersize=4.5, linewidth=1.2,
                                       label=way if (row, part) == (0, 0) else None, **look)
            axis.axvline(0, color=style.PALETTE["ink"], linewidth=0.8)
            axis.set_title(f"{version} data")
        axes[0].set_yticks(range(len(names)), [name.replace(", ", "\n", 1) for name in names], fontsize="small")
        axes[0].set(ylim=(len(names) - 0.4, -0.6))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        figure.supxlabel(r"gain of rates above $\eta_{\mathrm{crit}}$, percentage points of test accuracy",
                         fontsize="medium")
        style.label_panels(figure)
    return figure


def _line(panel, values, **look) -> None:
    """Draw the mean over seeds, in per cent, at the rates that all survive."""
    table = values.transpose("multiple", "seed").values
    complete = np.isfinite(table).all(1)
    panel.plot(values.multiple.values[complete], 100 * table[complete].mean(1), linewidth=1.2, **look)
