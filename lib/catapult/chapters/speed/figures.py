"""Figures, from the results of the experiment beside them and the recorded bench."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from catapult import style
from catapult.style import PALETTE
from catapult.theory import linear_predictor, two_layer

ENGINES = {"reference": ("plain loop", PALETTE["ink"], "o"), "dense": ("dense engine", PALETTE["unsettled"], "s"),
           "linear": ("linear engine", PALETTE["lazy"], "^")}
AXES = {"samples": ("samples n", "a step of one run"), "width": ("width m of the hidden layers", "a step of one run"),
        "depth": ("hidden layers", "a step of one run"), "runs": ("runs R", "a step of all runs")}


def growth(results: xr.Dataset) -> Figure:
    """Draw the time of a step against samples, width, depth and runs, for the three engines."""
    with style.use():
        figure, axes = style.subplots(2, 2, width=9, height=3.1)
        for ax, (axis, (label, unit)) in zip(axes.flat, AXES.items(), strict=True):
            sizes = results[axis].values
            for engine, (name, colour, marker) in ENGINES.items():
                seconds = 1e3 * results[f"seconds_{axis}"].sel(engine=engine)
                ax.fill_between(sizes, seconds.min("repeat"), seconds.max("repeat"), color=colour, alpha=0.2,
                                linewidth=0)
                ax.plot(sizes, seconds.median("repeat"), marker=marker, markersize=5, color=colour, label=name)
            ax.set(xscale="log", yscale="log", xlabel=label, ylabel="milliseconds", title=unit)
            ax.set_xticks(sizes, [f"{size}" for size in sizes])
            ax.minorticks_off()
        axes[0, 0].legend(loc="upper left", fontsize="small")
        style.label_panels(figure)
    return figure


def ratios(rows: list) -> Figure:
    """Draw how many times faster each row of the bench is: median, range, and its target."""
    rows = [row for row in rows if row.unit == "times"][::-1]
    mark = {"color": PALETTE["ink"], "markeredgewidth": 2}
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=0.8 + 0.36 * len(rows))
        colours = {"training": PALETTE["lazy"], "headline": PALETTE["unsettled"], "phase maps": PALETTE["logistic"],
                   "sweeps": PALETTE["catapult"]}
        for place, row in enumerate(rows):
            ax.plot([row.low, row.high], [place, place], color=colours[row.group], linewidth=2.4, alpha=0.5)
            ax.plot(row.value, place, "o", color=colours[row.group], markersize=7)
            if row.target:
                ax.plot(float(row.target.split()[1]), place, "|", markersize=16, **mark)
        ax.axvline(1, color=PALETTE["muted"], linewidth=0.9, linestyle=":")
        ax.plot([], [], "|", markersize=12, **mark, label="target")
        ax.set(xscale="log", xlabel="times faster", ylim=(-0.7, len(rows) - 0.3))
        ax.set_yticks(range(len(rows)), [_short(row) for row in rows])
        ax.tick_params(axis="y", length=0)
        ax.legend(loc="lower right")
    return figure


def _short(row) -> str:
    against = {"phase maps": {"P": " / Python", "n": " / numpy"}}.get(row.group, {}).get(row.against[0], "")
    if "same exits" in row.against:
        against += ", same exits"
    return f"{row.what}{against}{'' if row.device == 'cpu' else ', ' + row.device}"


def maps(results: xr.Dataset, width: int) -> Figure:
    """Draw the phases of the two-layer network over (Λ0, f0) for the three losses."""
    names = ("lazy", "catapult", "divergent", "unsettled")
    colours = ListedColormap([PALETTE[name] for name in names])
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.5, sharey=True)
        for ax, loss in zip(axes, ("squared", "logistic", "exponential"), strict=True):
            one = results.sel(loss=loss)
            scaled = 2 * one.map_learning_rate.values
            ax.pcolormesh(scaled, one.map_f0, one.phase, cmap=colours, norm=BoundaryNorm(np.arange(-0.5, 4), 4),
                          shading="nearest", alpha=0.75, rasterized=True)
            edge = {"squared": 4, "logistic": 2 * (8 * width) ** 0.5}.get(loss)
            if edge:
                ax.axvline(edge, color=PALETTE["theory"], linewidth=1.6, linestyle="--")
            ax.plot(linear_predictor.critical_learning_rate(loss, one.map_f0.values), one.map_f0,
                    color=PALETTE["theory"], linewidth=1.6)
            ax.set(xscale="log", xlabel="ηλ₀", title=f"{loss} loss", xlim=(scaled[0], scaled[-1]))
            ticks = [0.5, 1, 2, 4, 8] if loss != "logistic" else [2, 4, 8, 16, 32, 64]
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
        axes[0].set_ylabel("initial output $f_0$")
        present = [name for code, name in enumerate(two_layer.LABELS) if (results.phase == code).any()]
        figure.legend(handles=[Patch(color=PALETTE[name], alpha=0.75, label=name) for name in present],
                      loc="outside lower center", ncols=len(present))
        style.label_panels(figure)
    return figure
