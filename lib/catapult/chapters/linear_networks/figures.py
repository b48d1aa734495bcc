"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from catapult import style
from catapult.style import KINDS, PALETTE, THREE


def selection(results: xr.Dataset) -> Figure:
    """Draw where two-layer networks end on overlapping clouds, run by run: edge ratio, sharpness, test accuracy."""
    with style.use():
        figure, (left, middle, right) = style.subplots(1, 3, width=9, height=3.7)
        multiple = results.multiple.values
        left.plot(multiple, np.where(multiple <= 1, multiple, np.nan), ":", color=PALETTE["muted"], linewidth=1)
        left.axhline(1, color=PALETTE["theory"], linewidth=1)
        for (colour, marker), width in zip(THREE, results.width.values, strict=True):
            for ax, values in ((left, results.edge_ratio), (middle, results.end_sharpness)):
                runs = values.sel(width=width).transpose("multiple", "seed").values
                ax.plot(np.repeat(multiple, runs.shape[1]), runs.ravel(), marker, color=colour, markersize=3.5,
                        alpha=0.7, label=f"m = {width}")
        left.plot(results.trained_multiple, results.trained_edge_ratio, "o", markerfacecolor="none",
                  markeredgecolor=PALETTE["catapult"], markersize=9, label="trained weights")
        left.set(ylabel="η · sharpness / 2 at the end", ylim=(0, 1.1), title="edge selection")
        left.legend(loc="lower right")
        middle.set(ylabel="sharpness at the end", yscale="log", title="flatter")
        gain = 100 * (results.test_accuracy - results.test_accuracy.isel(multiple=0))
        for (colour, marker), width in zip(THREE, results.width.values, strict=True):
            runs = gain.sel(width=width).transpose("multiple", "seed").values
            right.plot(np.repeat(multiple, runs.shape[1]), runs.ravel(), marker, color=colour, markersize=3.5,
                       alpha=0.7)
        right.set(ylabel="test accuracy, points gained", ylim=(-2, 2), title="not better")
        for ax in (left, middle, right):
            ax.set_xscale("log")
            ax.set_xlim(0.45, multiple[-1])
            ax.xaxis.set_major_locator(FixedLocator([0.5, 1, 2, 4, 8, 16]))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        figure.supxlabel("learning rate η, in units of 2 / sharpness at the start", fontsize="medium")
        style.label_panels(figure)
    return figure


def kinds(results: xr.Dataset) -> Figure:
    """Draw risk, edge ratio and kernel against the step for data of each kind, at two learning rates."""
    panels = (("kind_edge_ratio", "η · sharpness / 2", "linear", "sharpness"), ("kind_loss", "risk", "log", "risk"),
              ("kind_kernel", "largest eigenvalue of Θ/n", "log", "kernel"))
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.6)
        for ax, (name, label, scale, title) in zip(axes, panels, strict=True):
            for kind, colour in KINDS.items():
                for multiple, line in zip(results.kind_multiple.values, ("--", "-"), strict=True):
                    ax.plot(results.kind_step, results[name].sel(kind=kind, kind_multiple=multiple), line, color=colour,
                            linewidth=1.5, label=kind if line == "-" else None)
            ax.set(xlabel="step t", ylabel=label, xscale="symlog", yscale=scale, title=title)
            ax.set_xlim(0, None)
            ax.xaxis.set_major_locator(FixedLocator([0, 1, 10, 100, 1000, 10_000, 100_000]))
            ax.xaxis.set_minor_locator(NullLocator())
        axes[0].axhline(1, color=PALETTE["theory"], linewidth=1)
        figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        style.label_panels(figure)
    return figure


def divergence(results: xr.Dataset) -> Figure:
    """Draw the share of runs that diverge: on separable points with two layers, on the degenerate pair with more."""
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.5)
        for (colour, marker), margin in zip(THREE[1:], results.pair_margin.values, strict=True):
            share = 100 * results.pair_diverged.sel(pair_margin=margin).mean("draw")
            axes[0].plot(results.kappa, share, marker + "-", color=colour, markersize=4.5, label=f"ρ = {margin:.3g}")
        axes[0].axvline(8, color=PALETTE["theory"], linestyle="--", linewidth=1)
        axes[0].set(xlabel="κ = η²R²/(2m)", ylabel="runs that diverge (%)", title="separable points")
        axes[0].legend(loc="lower right")
        for ax, loss, i in ((axes[1], "squared", 0), (axes[2], "logistic", 1)):
            for (colour, marker), hidden in zip(THREE, results.hidden.values, strict=True):
                share = 100 * results[f"{loss}_diverged"].sel(hidden=hidden).mean("seed")
                ax.plot(results[f"{loss}_multiple"], share, marker + "-", color=colour, markersize=4.5,
                        label=f"{hidden}")
            low, high = (float(reduced(results.depth_edge[i])) for reduced in (np.min, np.max))
            ax.axvspan(low - 0.004, high + 0.004, color=PALETTE["unsettled"], alpha=0.4, linewidth=0)
            ax.set(xlabel="η, in units of 2 / (hλ₀)", title=f"pair, {loss} loss")
        axes[2].legend(loc="lower right", title="hidden layers")
        for ax in axes:
            ax.set_ylim(-3, 105)
        style.label_panels(figure)
    return figure
