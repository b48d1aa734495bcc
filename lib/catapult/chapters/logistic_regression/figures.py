"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from catapult import style
from catapult.style import KINDS, PALETTE, THREE


def mixed(results: xr.Dataset) -> Figure:
    """Draw the mixed example with its subspace E and direction v, and gradient descent along and across E."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=3.6)
        v = results.mixed_direction.values
        along = np.array([v[1], -v[0]])
        left.plot(*np.outer(along, [-7, 7]), color=PALETTE["muted"], linewidth=1, label="subspace E")
        left.annotate("", xy=1.6 * v, xytext=(0, 0), arrowprops={"arrowstyle": "->", "color": PALETTE["theory"]})
        left.text(*(1.75 * v), "v", ha="center")
        for member, marker, colour, name in ((True, "o", KINDS["separable"], "separable part"),
                                             (False, "^", KINDS["strictly non-separable"], "non-separable part")):
            left.plot(*results.mixed_input.values[results.mixed_separable.values == member].T, marker, color=colour,
                      markersize=7, label=name)
        left.set(xlabel="first coordinate of z", ylabel="second coordinate of z", xlim=(-3.5, 5), ylim=(-2.6, 3.4),
                 aspect="equal", title="signed inputs")
        left.legend(loc="upper left", fontsize="small", handletextpad=0.4)
        steps = np.unique(np.geomspace(1, results.sizes["mixed_step"] - 1, 300).astype(int))
        right.plot(steps, results.mixed_across[steps], color=KINDS["separable"], label="across E: $v\\cdot w_t/|v|$")
        right.plot(steps, results.mixed_along[steps], color=KINDS["strictly non-separable"], label="along E")
        right.axhline(results.mixed_minimiser.item(), color=PALETTE["theory"], linestyle="--", linewidth=1,
                      label="minimiser of the non-separable part")
        right.set(xlabel="step t", ylabel="coordinate of $w_t$", xscale="log", title="gradient descent, η = 1/β")
        right.legend(loc="upper left", fontsize="small")
        style.label_panels(figure)
    return figure


def separable(results: xr.Dataset) -> Figure:
    """Draw the length of the oscillating phase against η, and the last risk against η and against the budget."""
    with style.use():
        figure, (left, middle, right) = style.subplots(1, 3, width=10.5, height=3.6)
        rate = results.exit_rate
        for i, (colour, marker) in enumerate(THREE):
            one = results.isel(opposing_margin=i)
            left.plot(rate, np.maximum(one.last_rise.max("share"), 0.7), marker, color=colour, markersize=5,
                      label=f"ρ = {one.opposing_margin.item():.3g}")
            left.plot(rate, one.exit_bound, color=colour, linewidth=1)
        left.set(xlabel="learning rate η", ylabel="steps up to the last rise", xscale="log", yscale="log",
                 title="oscillating phase", ylim=(0.5, 3e8))
        left.legend(loc="upper left", fontsize="small")
        rates, budget = results.budget_rate, results.budget
        middle.plot(rates, results.rate_risk, "o", color=PALETTE["logistic"], markersize=4.5)
        middle.plot(rates, results.rate_risk[4].item() * rates[4].item() / rates, color=PALETTE["theory"], linewidth=1,
                    label="slope −1")
        middle.set(xlabel="learning rate η", xscale="log", yscale="log",
                   title=f"risk after {budget.values[-1]} steps")
        middle.legend(loc="lower left", fontsize="small")
        for (colour, marker), rule in zip(THREE, results.rule.values, strict=True):
            right.plot(budget, results.budget_risk.sel(rule=rule), marker, color=colour, markersize=4.5,
                       label=str(rule))
        last = results.budget_risk.sel(rule="η = ρ²T/10")[-1].item()
        right.plot(budget, last * (budget.values[-1] / budget) ** 2, color=PALETTE["theory"], linewidth=1,
                   label="slope −2")
        right.set(xlabel="budget T", xscale="log", yscale="log", title="risk after T steps", ylim=(1e-9, 5e3))
        right.legend(loc="upper right", fontsize="small", ncols=2, columnspacing=0.8, handletextpad=0.3)
        style.label_panels(figure)
    return figure


def four_points(results: xr.Dataset) -> Figure:
    """Draw the risk on Wu et al.'s four points against the step, and times ηt, at four learning rates."""
    colours = (PALETTE["catapult"], *(colour for colour, _ in THREE))
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=3.5)
        for colour, rate in zip(colours, results.four_rate.values, strict=True):
            one = results.sel(four_rate=rate)
            left.plot(one.four_step, one.four_risk, color=colour, linewidth=1.5,
                      label=f"η = {rate:g}, {int(one.four_rises)} rises")
            right.plot(one.four_step[1:], (rate * one.four_step * one.four_risk)[1:], color=colour, linewidth=1.5)
        right.axhline(25, color=PALETTE["theory"], linestyle="--", linewidth=1, label="1/γ²")
        left.set(xlabel="step t", ylabel="risk", xscale="symlog", yscale="log", title="four points, γ = 0.2")
        left.xaxis.set_major_locator(FixedLocator([0, 1, 10, 100, 1000]))
        left.xaxis.set_minor_locator(NullLocator())
        right.set(xlabel="step t", ylabel="ηt · risk", xscale="log", yscale="log", title="the same, times ηt")
        left.legend(loc="lower left", fontsize="small")
        right.legend(loc="lower right", fontsize="small")
        style.label_panels(figure)
    return figure


def cycle(results: xr.Dataset, gamma: float) -> Figure:
    """Draw the map of the outlier data as a cobweb with two orbits, the orbits, and the share of starts that cycle."""
    looks = ((PALETTE["catapult"], "ends on the cycle"), (PALETTE["lazy"], "ends at the minimum"))
    with style.use():
        figure, (left, middle, right) = style.subplots(1, 3, width=10.5, height=3.7)
        w, orbit = results.map_before.values, results.cycle_orbit.values
        left.plot(w, results.map_after, color=PALETTE["logistic"], linewidth=1.8)
        left.plot(w, w, color=PALETTE["muted"], linewidth=0.9)
        for k, (colour, _) in enumerate(looks):
            left.plot(np.repeat(orbit[:, k], 2)[:-1], np.append(0.0, np.repeat(orbit[1:, k], 2)), color=colour,
                      linewidth=0.9)
            left.plot(orbit[0, k], 0, "v", color=colour, markersize=6)
        left.plot(results.map_minimiser, results.map_minimiser, "o", color=PALETTE["ink"], markersize=5)
        low, high = orbit.min() - 0.3, orbit.max() + 0.3
        left.set(xlabel="$w_t$", ylabel="$w_{t+1}$", xlim=(low, high), ylim=(low, high), aspect="equal",
                 title=f"ηλ = {gamma:g}")
        for k, (colour, name) in enumerate(looks):
            middle.plot(orbit[:25, k], "o-", color=colour, markersize=3.5, linewidth=0.9, label=name)
        for level in results.map_cycle.values:
            middle.axhline(level, color=PALETTE["theory"], linestyle="--", linewidth=0.8)
        middle.set(xlabel="step t", ylabel="$w_t$", title="two orbits", ylim=(low, high + 0.8))
        middle.legend(loc="upper right", fontsize="small")
        right.plot(results.gamma, 100 * results.basin, "o-", color=PALETTE["catapult"], markersize=4)
        right.set(xlabel="ηλ", ylabel="starts in [−5, 5] that cycle (%)", ylim=(0, 100), xlim=(1, 2), title="basin")
        style.label_panels(figure)
    return figure


def slow(results: xr.Dataset) -> Figure:
    """Draw the change of w in one step and in two on the degenerate pair, just under the critical rate."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=6.5, height=3.2)
        ax.plot(results.slow_step, results.slow_jump, color=PALETTE["logistic"], label="$|w_{t+1} - w_t|$")
        ax.plot(results.slow_step, results.slow_return, color=PALETTE["catapult"], label="$|w_{t+2} - w_t|$")
        ax.set(xlabel="step t", xscale="log", yscale="log", ylim=(1e-12, 10))
        ax.legend(loc="lower left")
    return figure
