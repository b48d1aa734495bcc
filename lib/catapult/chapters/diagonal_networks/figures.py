"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.diagonal_networks import outcomes
from catapult.statistics import mean_interval
from catapult.style import PALETTE

OF_DEPTH = {1: ("muted", "^"), 2: ("lazy", "o"), 3: ("catapult", "s")}


def _colours(scales: np.ndarray) -> list:
    return list(mpl.colormaps["viridis"](np.linspace(0, 0.92, len(scales))))


def transition(results: xr.Dataset) -> Figure:
    """Draw the l1 excess against the loss reached, by scale, at both depths; and both norms at depth 2."""
    with style.use():
        figure, axes = style.subplots(1, 3, height=3.9)
        scales, l1 = results.scale.values, outcomes.l1(results).median("draw")
        for axis, depth in zip(axes[:2], results.depth.values, strict=True):
            for scale, colour in zip(scales, _colours(scales), strict=True):
                axis.plot(results.decades, l1.sel(depth=depth, scale=scale), color=colour, label=f"α = {scale:.3g}")
            axis.axhline(1, color=PALETTE["theory"], linewidth=0.8, linestyle=":")
            axis.axhline(0.1, color=PALETTE["theory"], linewidth=0.8, linestyle="--")
            axis.axvline(100, color=PALETTE["muted"], linewidth=0.8)
            axis.set(xscale="log", yscale="log", ylim=(4e-3, 30), xlim=(0.3, None), xlabel="log₁₀(1 / loss)",
                     ylabel="l1 excess, l2 solution = 1")
            axis.set_title(f"depth {depth}")
        plane, l2 = axes[2], outcomes.l2(results).median("draw")
        for scale, colour in zip(scales, _colours(scales), strict=True):
            plane.plot(l2.sel(depth=2, scale=scale), l1.sel(depth=2, scale=scale), color=colour, marker=".",
                       markersize=3, linewidth=1)
        path = [(results[f"program_{norm}"] / results[unit]).sel(depth=2).median("draw")
                for norm, unit in (("l2", "rich_l2"), ("l1", "kernel_l1"))]
        plane.plot(*path, color=PALETTE["theory"], linewidth=3.5, alpha=0.35, label="program")
        plane.set(xlim=(-0.05, 2.05), ylim=(-0.05, 2.05), xlabel="l2 excess, l1 solution = 1", ylabel="l1 excess")
        plane.set_title("depth 2")
        plane.legend(loc="upper right")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=7, fontsize="small",
                      columnspacing=1, handlelength=1.2)
        style.label_panels(figure)
    return figure


def tenths(results: xr.Dataset) -> Figure:
    """Draw the loss at which the l1 excess is a tenth against the scale, draw by draw, and what the program says."""
    with style.use():
        figure, axes = style.subplots(1, 2, height=3.7, sharey=True)
        for axis, depth in zip(axes, results.depth.values, strict=True):
            colour, marker = OF_DEPTH[int(depth)]
            found = results.decades_to_tenth.sel(depth=depth).transpose("scale", "draw")
            axis.plot(np.repeat(results.scale.values, found.sizes["draw"]), found.values.ravel(), marker, markersize=4,
                      color=PALETTE[colour], alpha=0.4, markeredgewidth=0, label="draws")
            line = outcomes.law(results, int(depth)).median("draw")
            axis.plot(results.scale, line, "--", color=PALETTE["theory"], linewidth=1, label=f"program: slope {depth}")
            axis.plot(results.scale, [outcomes.middle(each)[0] for each in found], "-", color=PALETTE[colour],
                      label="median, where half get there")
            axis.axhline(100, color=PALETTE["muted"], linewidth=0.8)
            axis.set(xscale="log", yscale="log", xlabel="initialisation scale α", ylim=(0.5, 1e8))
            axis.set_title(f"depth {depth}")
            axis.legend(loc="upper left", fontsize="small")
        axes[0].set(ylabel="log₁₀(1 / loss) at a tenth")
        style.label_panels(figure)
    return figure


def rates(results: xr.Dataset, scale: float) -> Figure:
    """Draw what a rate adds to the l1 excess over an eighth of 2/sharpness, when handed over and far below."""
    with style.use():
        figure, axes = style.subplots(1, 2, height=3.7)
        for axis, after in zip(axes, results.after.values[:2], strict=True):
            for depth, (colour, marker) in OF_DEPTH.items():
                added = outcomes.added(results, depth, scale, float(after))
                all_there = added.notnull().all("draw")
                mean, low, high = (np.where(all_there, each, np.nan) for each in mean_interval(
                    added.transpose("multiple", "draw").values))
                axis.plot(results.multiple, mean, color=PALETTE[colour], marker=marker, markersize=4,
                          label=f"depth {depth}" + (" (control)" if depth == 1 else ""))
                axis.fill_between(results.multiple, low, high, color=PALETTE[colour], alpha=0.2, linewidth=0)
            axis.axhline(0, color=PALETTE["theory"], linewidth=0.8)
            axis.set_xscale("log", base=2)
            axis.set(xlabel="learning rate, in 2 / sharpness at the start")
            axis.set_title(f"at a loss of 1e−{after:.0f}")
        axes[0].set(ylabel="l1 excess added, over that of l2's", ylim=(-0.02, 0.4))
        axes[1].set(ylim=(-0.02, 0.12))
        axes[0].legend(loc="upper left")
        style.label_panels(figure)
    return figure
