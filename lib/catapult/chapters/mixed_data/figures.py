"""Figures of mixed data, from the results of `three-points` and the recorded runs of `mixed-data`."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.mixed_data import outcomes
from catapult.chapters.mixed_data.experiment import NETWORKS
from catapult.chapters.mnist.figures import UNIT
from catapult.theory import three_points

LOOKS = {"equal steps": ("catapult", "o"), "equal time": ("lazy", "s"), "far": ("theory", "^")}
SHADES = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7")


def _ticks(panel: mpl.axes.Axes, scale: str, labels: Mapping[float, str], **options) -> None:
    """Give the horizontal axis a scale and these labelled ticks alone."""
    panel.set_xscale(scale, **options)
    panel.set_xticks(list(labels), labels.values())
    panel.xaxis.set_minor_locator(mpl.ticker.NullLocator())


def points(runs: xr.Dataset) -> Figure:
    """Three points: output outside E, oscillation within it, and the edge, against the step; the laws drawn in."""
    with style.use():
        figure, axes = style.subplots(1, 3, height=3.5)
        step = runs.step.values[1:]
        law = {"color": style.PALETTE["theory"], "linestyle": "--"}
        axes[0].plot(step, three_points.outside_law(step), label="log 4t", **law)
        axes[1].plot(step, three_points.square_law(step), label="log(4t) / 2t", **law)
        axes[2].axhline(1, **law)
        for colour, setting in zip(SHADES, range(runs.sizes["setting"]), strict=True):
            run = runs.isel(setting=setting, step=slice(1, None))
            look = {"color": colour, "linewidth": 1.2}
            axes[0].plot(step, run.outside, **look, label=f"m = {run.width.item()}, η = {run.learning_rate.item():g}")
            axes[1].plot(step, run.square, **look)
            axes[2].plot(step, run.highest, **look)
        axes[0].set(title="output outside E, p", ylim=(-2, None))
        axes[1].set(title="oscillation within E, u²", yscale="log", ylim=(1e-8, 1e2))
        axes[2].set(title="η · curvature of E / 2", ylim=(0, 2.5))
        for panel in axes:
            panel.set(xscale="log")
        figure.supxlabel("step t", fontsize="medium")
        figure.legend(loc="outside upper center", ncols=4, fontsize="small")
        style.label_panels(figure)
    return figure


def edges(tables: Mapping[str, xr.Dataset]) -> Figure:
    """η/2 times the curvature of either part of the loss, far: mean over seeds against the rate; a panel a data set."""
    with style.use():
        figure, axes = style.subplots(1, len(tables), height=3.5, sharey=True)
        for panel, (name, runs) in zip(axes, tables.items(), strict=True):
            far = runs.edge.sel(comparison="far").mean("seed", skipna=False)
            for colour, network in zip(("muted", "lazy", "logistic", "catapult"), NETWORKS, strict=True):
                for part, line in (("E", "-"), ("P", ":")):
                    panel.plot(far.multiple, far.sel(network=network, part=part), color=style.PALETTE[colour],
                               linestyle=line, marker="o" if part == "E" else None, markersize=3,
                               label=f"{network}" if part == "E" and panel is axes[0] else None)
            panel.axhline(1, color=style.PALETTE["theory"], linestyle="--", linewidth=1)
            panel.set(title=name, xlim=(0.2, 10), ylim=(0, 2))
            _ticks(panel, "log", {0.25: "1/4", 1: "1", 4: "4"})
        axes[0].set_ylabel("η · curvature of a part / 2")
        figure.supxlabel(UNIT, fontsize="medium")
        figure.legend(loc="outside upper center", ncols=4, fontsize="small")
        style.label_panels(figure)
    return figure


def accuracy(tables: Mapping[str, xr.Dataset]) -> Figure:
    """One predictor: accuracy on the images outside E of f and of its two parts, at equal time, and of f annealed."""
    with style.use():
        figure, axes = style.subplots(1, len(tables), height=3.5)
        for panel, (name, runs) in zip(axes, tables.items(), strict=True):
            read = 100 * runs.accuracy.sel(network="one predictor", images="outside E").mean(("seed", "tenth"))
            for at, reading, colour, line in (
                    ("equal time", "f", "theory", "-"), ("equal time", "f within E", "lazy", "-"),
                    ("equal time", "f outside E", "catapult", "-"), ("annealed", "f", "theory", ":")):
                panel.plot(read.multiple, read.sel(comparison=at, reading=reading), color=style.PALETTE[colour],
                           linestyle=line, marker="o", markersize=3,
                           label=f"{at}, {reading}" if panel is axes[0] else None)
            panel.axvline(1, color=style.PALETTE["ink"], linewidth=1, linestyle="--")
            panel.set(title=name)
            _ticks(panel, "log", {1: "1", 32: "32", 1024: "1024"})
        axes[0].set_ylabel("% right of images outside E")
        figure.supxlabel(UNIT, fontsize="medium")
        figure.legend(loc="outside upper center", ncols=4, fontsize="small")
        style.label_panels(figure)
    return figure


def gains() -> Figure:
    """The gain of large rates on images outside E with its interval: a panel a data set, a row a network."""
    found, control = outcomes.gains(), outcomes.gains("f within E", "all")
    with style.use():
        figure, axes = style.subplots(1, len(outcomes.RECORDED), height=4.2, sharey=True)
        for panel, name in zip(axes, outcomes.RECORDED, strict=True):
            for row, network in enumerate(NETWORKS):
                for shift, (at, (colour, marker)) in zip((-0.25, 0, 0.25), LOOKS.items(), strict=True):
                    for of, offset, filled in ((found, -0.05, True), (control, 0.05, False)):
                        if (name, network, at) not in of:
                            continue
                        look = {} if filled else {"linewidth": 0.9, "alpha": 0.5, "markerfacecolor": style.PAPER}
                        style.interval(panel, of[name, network, at], row + shift + offset, style.PALETTE[colour],
                                       marker=marker, markersize=4, **look,
                                       label=at if filled and row == 0 and panel is axes[0] else None)
            panel.axvline(0, color=style.PALETTE["ink"], linewidth=1)
            panel.set(title=name, ylim=(len(NETWORKS) - 0.5, -0.5))
            _ticks(panel, "symlog", {-10: "−10", -1: "−1", 0: "0", 1: "1", 10: "10"}, linthresh=1)
            panel.set_xlim(-12, 12)
        names = [network.replace(", ", "\n") for network in NETWORKS]
        axes[0].set_yticks(range(len(NETWORKS)), names, fontsize="small")
        figure.supxlabel(r"gain of rates above $\eta_{\mathrm{crit}}$, percentage points", fontsize="medium")
        figure.legend(loc="outside upper center", ncols=3)
        style.label_panels(figure)
    return figure


def table_of_gains() -> list[str]:
    """Return the lines of a table, in Markdown: the gains on images outside E, and of f within E on all."""
    found, control = outcomes.gains(), outcomes.gains("f within E", "all")

    def words(of, cell) -> str:
        return "{:+.2f} [{:+.2f}, {:+.2f}]".format(*of[cell]) if cell in of else "—"

    lines = [f"| data | network | {' | '.join(LOOKS)} | within E, far |",
             "| --- | --- |" + " ---: |" * (len(LOOKS) + 1)]
    for name in outcomes.RECORDED:
        for network in NETWORKS:
            row = [words(found, (name, network, at)) for at in LOOKS] + [words(control, (name, network, "far"))]
            lines.append(f"| {name} | {network} | " + " | ".join(row) + " |")
    return lines
