"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from catapult import style
from catapult.chapters.published_figures import experiment, outcomes, theirs
from catapult.style import PALETTE, THREE

COLOURS = (*(colour for colour, _ in THREE[::-1]), PALETTE["catapult"])
NAMES = {"toy": "four points", "digits": "digits 0 or 8"}


def wu(results: xr.Dataset) -> Figure:
    """Draw the long runs: the loss, and ηt times it, of the toy data and the digits; rings are the published ends."""
    draw = results.sel(pixels=outcomes.THEIR_PIXELS).isel(seed=0)
    margins = {"toy": experiment.margin(experiment.TOY), "digits": draw.margin.item()}
    with style.use():
        figure, axes = style.subplots(2, 2, height=3.3)
        for (left, right), part in zip(axes, theirs.WU_END, strict=True):
            last = int(results.step[-1])
            for colour, rate in zip(COLOURS, results[f"{part}_rate"].values, strict=True):
                one = results[f"{part}_loss"].sel({f"{part}_rate": rate})
                for panel, factor in ((left, np.ones(len(one))), (right, rate * one.step.values)):
                    panel.plot(one.step[1:], (factor * one)[1:], color=colour, linewidth=1.3,
                               label=f"η = {_power(rate)}")
                    if last == 2**20:
                        panel.plot(last, factor[-1] * 2 ** theirs.WU_END[part][rate], "o", color=colour,
                                   fillstyle="none", markersize=8)
            for panel, what in ((left, "loss"), (right, "ηt · loss")):
                panel.set(xscale="log", yscale="log", xlabel="step t", title=f"{NAMES[part]}: {what}")
                panel.set_xscale("log", base=2)
            right.axhline(margins[part] ** -2, color=PALETTE["theory"], linestyle="--", linewidth=1, label="1/γ²")
            left.legend(loc="lower left", fontsize="small")
            right.legend(handles=right.lines[-1:], loc="upper right", fontsize="small")
        style.label_panels(figure)
    return figure


def times(results: xr.Dataset, values: experiment.Parameters) -> Figure:
    """Draw when the phases end, against η: Wu et al.'s digits, and Crawshaw and Liu's, with the published times."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=4.2)
        for pixels, (colour, marker) in zip(experiment.PIXELS, THREE[1:], strict=True):
            one = results.sel(pixels=pixels)
            _spread(left, one.rate, one.exit, colour, marker, f"exit, pixels in {pixels}")
            if pixels == outcomes.THEIR_PIXELS:
                _spread(left, one.rate, one.last_rise, PALETTE["catapult"], "v", f"last rise, pixels in {pixels}")
        left.axvspan(2**-6, 1, color=PALETTE["muted"], alpha=0.12, linewidth=0)
        left.set(title=f"digits 0 or 8, n = {values.wu_samples}", xlabel="learning rate η",
                 ylabel="step", ylim=(1, 2e4))
        for way, (colour, marker) in zip(experiment.WAYS, (*THREE[1:], THREE[0]), strict=True):
            _spread(right, results.unit_rate, results.transition.sel(way=way), colour, marker, way)
        right.plot(*zip(*theirs.CRAWSHAW_TRANSITION.items(), strict=True), "o", color=PALETTE["catapult"],
                   fillstyle="none", markersize=8, label="published")
        right.set(title=f"all digits, n = {values.crawshaw_samples}, |x| ≤ 1",
                  xlabel="learning rate η", ylabel="first step with L ≤ 2/η")
        for panel in (left, right):
            panel.set(yscale="log")
            panel.set_xscale("log", base=2)
            panel.legend(loc="lower center" if panel is right else "upper left", fontsize="x-small")
        style.label_panels(figure)
    return figure


def right(results: xr.Dataset) -> Figure:
    """Draw the last rise and the step with all digits right at Wu et al.'s rates, every draw and as published."""
    with style.use():
        figure, panel = style.subplots(1, 1, width=6.5, height=3.6)
        for name, colour, marker in (("first_right", THREE[1][0], "s"), ("settled", PALETTE["catapult"], "v")):
            for seed in results.seed.values:
                panel.plot(results.digits_rate, np.maximum(results[name].sel(seed=seed), 0.7), marker, color=colour,
                           markersize=4, alpha=0.6)
        panel.plot(*zip(*theirs.WU_ALL_RIGHT.items(), strict=True), "o", color=PALETTE["ink"], fillstyle="none",
                   markersize=9)
        panel.legend(handles=[
            Line2D([], [], linestyle="", marker="s", color=THREE[1][0], label="all digits right, a draw each"),
            Line2D([], [], linestyle="", marker="o", color=PALETTE["ink"], fillstyle="none", markersize=9,
                   label="the same, published"),
            Line2D([], [], linestyle="", marker="v", color=PALETTE["catapult"],
                   label="last rise (none: drawn below 1)")], fontsize="small")
        panel.set(yscale="log", xlabel="learning rate η", ylabel="step", ylim=(0.5, 3e4))
        panel.set_xscale("log", base=2)
    return figure


def _spread(panel, rate, of: xr.DataArray, colour: str, marker: str, label: str) -> None:
    """The median over draws, and all draws as a band; zeros, which a logarithmic axis has not, are left out."""
    of = of.where(of > 0)
    panel.plot(rate, of.median("seed"), marker=marker, color=colour, markersize=4, linewidth=1.2, label=label)
    panel.fill_between(rate, of.min("seed"), of.max("seed"), color=colour, alpha=0.2, linewidth=0)


def _power(rate: float) -> str:
    return f"{rate:g}" if rate >= 1 else f"1/{1 / rate:g}"
