"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.cifar10.comparison import COMPARISONS
from catapult.chapters.mnist.figures import NAMES, multiples_axis
from catapult.chapters.mnist_noise import outcomes as noise
from catapult.chapters.separability_dial import outcomes
from catapult.chapters.separability_dial.experiment import ACTIVATIONS

COLOURS = {"linear": "theory", "relu": "catapult"}
SHIFTS = {"linear": -0.15, "relu": 0.15}


def dial(tables: Mapping[str, xr.Dataset]) -> Figure:
    """Three outcomes against the points of the dial: a row a data set; hollow where all seeds are separable."""
    shown = (*outcomes.DYNAMICS, "gain, annealed")
    with style.use():
        figure, axes = style.subplots(len(tables), 3, height=3.1, sharey="row", sharex="col", squeeze=False)
        for row, (name, runs) in zip(axes, tables.items(), strict=True):
            points = runs.point.values.tolist()
            for panel, outcome in zip(row, shown, strict=True):
                panel.set_title(f"{name}", fontsize="small")
                for activation in ACTIVATIONS:
                    for height, point in enumerate(points):
                        cell = runs.sel(point=point, activation=activation)
                        values = outcomes.of(cell, outcome)
                        if not len(values):
                            continue
                        separable = cell.certificate == "separable"
                        fill = "none" if separable.all() else "left" if separable.any() else "full"
                        style.interval(panel, outcomes.interval(values), height + SHIFTS[activation],
                                       style.PALETTE[COLOURS[activation]], fillstyle=fill, markerfacecoloralt="white")
                panel.axvline(0, color=style.PALETTE["ink"], linewidth=0.8, linestyle="--")
                panel.set_ylim(len(points) - 0.5, -0.5)
            row[0].set_yticks(range(len(points)), points, fontsize="small")
        for panel, outcome in zip(axes[-1], shown, strict=True):
            panel.set_xlabel(outcome + (", points" if outcome.startswith("gain") else ""), fontsize="small")
        _legend(figure)
        style.label_panels(figure)
    return figure


def matched(tables: Mapping[str, xr.Dataset]) -> Figure:
    """Errors dropped less random subset, every outcome, with its interval: a row a data set and network."""
    rows = [(name, activation) for name in tables for activation in ACTIVATIONS]
    groups = {"log2": outcomes.DYNAMICS, "percentage points": outcomes.OUTCOMES[2:]}
    with style.use():
        figure, axes = style.subplots(1, 2, height=0.75 * len(rows) + 1.3, sharey=True)
        for panel, (unit, names) in zip(axes, groups.items(), strict=True):
            for number, (name, activation) in enumerate(rows):
                shifts = np.linspace(-0.25, 0.25, len(names))
                for outcome, shift, marker in zip(names, shifts, "os^", strict=False):
                    style.interval(panel, outcomes.effect(tables[name], activation, outcome), number + shift,
                                   style.PALETTE[COLOURS[activation]], marker=marker)
            panel.axvline(0, color=style.PALETTE["ink"], linewidth=0.8, linestyle="--")
            panel.set(xlabel=f"difference, {unit}", ylim=(len(rows) - 0.5, -0.5))
            marks = [mpl.lines.Line2D([], [], marker=marker, linestyle="", color=style.PALETTE["ink"], label=outcome)
                     for outcome, marker in zip(names, "os^", strict=False)]
            panel.legend(handles=marks, fontsize="x-small", loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axes[0].set_yticks(range(len(rows)), [f"{name}\n{NAMES[activation]}" for name, activation in rows],
                           fontsize="small")
    return figure


def separable_or_noisy() -> Figure:
    """Two ReLU layers on four sets: accuracy at equal time less that at η_crit; the gains, at fresh seeds hollow."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=4.4)
        for row, (version, labels) in enumerate(noise.SETS):
            colour = style.PALETTE["catapult" if labels == "noisy" else "lazy"]
            runs = [noise.table(fresh).sel(version=version, labels=labels) for fresh in (False, True)]
            read = 100 * xr.concat([one.accuracy.sel(comparison="equal time", tenth=slice(1, None)) for one in runs],
                                   "seed").mean("tenth", skipna=False)
            there = read.where(read.notnull().all("seed"), drop=True)
            left.plot(there.multiple, (there - there.sel(multiple=1)).mean("seed"), color=colour, marker="o",
                      markersize=4, linestyle="-" if version == "separable" else ":", label=f"{version}, {labels}")
            for shift, marker, compared in zip((-0.27, 0, 0.27), "os^", COMPARISONS, strict=True):
                for fresh in (False, True):
                    look = {"alpha": 0.7, "markerfacecolor": style.PAPER} if fresh else {}
                    ends = noise.gain(version, labels, compared, fresh)
                    style.interval(right, ends, row + shift + 0.11 * fresh, colour, marker=marker,
                                   markersize=4.5, linewidth=1.2, **look)
        multiples_axis(left, runs[0])
        left.axhline(0, color=style.PALETTE["ink"], linewidth=0.8)
        left.set(title="at equal time", xlabel=r"$\eta/\eta_{\mathrm{crit}}$",
                 ylabel=r"accuracy less that at $\eta_{\mathrm{crit}}$, points")
        left.legend(fontsize="small")
        right.axvline(0, color=style.PALETTE["ink"], linewidth=0.8)
        right.set(title="gain of large rates", xlabel="percentage points", ylim=(len(noise.SETS) - 0.4, -0.6))
        right.set_yticks(range(len(noise.SETS)), ["\n".join(one) for one in noise.SETS], fontsize="small")
        marks = [mpl.lines.Line2D([], [], marker=marker, linestyle="", color=style.PALETTE["ink"], label=compared)
                 for marker, compared in zip("os^", COMPARISONS, strict=True)]
        right.legend(handles=marks, fontsize="small", loc="best")
        style.label_panels(figure)
    return figure


def _legend(figure: Figure) -> None:
    handles = [mpl.lines.Line2D([], [], marker="o", linestyle="", color=style.PALETTE[COLOURS[activation]],
                                label=f"{NAMES[activation]} network") for activation in ACTIVATIONS]
    for seeds, fill in (("no seed", "full"), ("some seeds", "left"), ("all seeds", "none")):
        handles.append(mpl.lines.Line2D([], [], marker="o", linestyle="", color=style.PALETTE["ink"], fillstyle=fill,
                                        markerfacecoloralt="white", label=f"{seeds} separable"))
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
