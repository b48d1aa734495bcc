"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from catapult import style
from catapult.style import PALETTE
from catapult.theory import squared_plane

FATES = {"only falls": PALETTE["lazy"], "rises once": PALETTE["catapult"], "rises again": PALETTE["unsettled"],
         "diverges": PALETTE["divergent"]}
ORBIT_COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#7F7F7F")
SCAN_COLOURS = ("#E69F00", "#D55E00", "#0072B2")
SCALED = "$\\eta\\lambda_0$"


def plane(results: xr.Dataset, f0: float, ntk0: float, width: int) -> Figure:
    """Draw the fates over (|a|, Λ) with the theory's lines and a network's ray."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=4.4)
        colours = ListedColormap(list(FATES.values()))
        codes = np.ma.masked_less(results.fate.values, 0)
        ax.pcolormesh(results.plane_a, results.plane_scaled, codes, cmap=colours, alpha=0.75,
                      norm=BoundaryNorm(np.arange(-0.5, 4), 4), shading="nearest", rasterized=True)
        curve = np.linspace(0, math.sqrt(2), 100)
        ax.plot(curve, 2 + curve**2, color=PALETTE["theory"], label="$\\Lambda = 2 + a^2$")
        for level, line in ((2, "--"), (4, "-.")):
            ax.plot([0, level / 2], [level, level], line, color=PALETTE["theory"], label=f"$\\Lambda = {level}$")
        ax.plot([0, 2.3], [0, 4.6], color=PALETTE["ink"], linewidth=1)
        ax.plot([0, abs(f0) / width**0.5 / ntk0 * 4.6], [0, 4.6], ":", color="white", linewidth=2, gid=style.AS_DRAWN)
        for words, x, y in (("diverges", 0.9, 4.3), ("rises once", 0.45, 3.2), ("only falls", 0.3, 1.3)):
            ax.text(x, y, words, ha="center", va="center")
        ax.text(1.5, 1.6, "no network", color=PALETTE["muted"])
        ax.set(xlabel="$|a| = \\eta|f|/\\sqrt{m}$", ylabel="$\\Lambda = \\eta\\lambda$", xlim=(0, 2.3), ylim=(0, 4.6))
        patches = [Patch(color=colour, alpha=0.75, label=name) for name, colour in FATES.items()]
        figure.legend(handles=[*patches, *ax.get_lines()[:3]], loc="outside right center")
    return figure


def stripes(results: xr.Dataset) -> Figure:
    """Draw Λ_∞ over (|a|, Λ) near the axis of wide networks."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.8)
        shown = ax.pcolormesh(results.stripe_a, results.stripe_scaled, results.stripe_final, cmap="cividis",
                              vmin=0, vmax=2, shading="nearest", rasterized=True)
        ax.set(xlabel="$|a|$ at the start", ylabel="$\\Lambda$ at the start", xscale="log", ylim=(2, 4))
        figure.colorbar(shown, ax=ax, label="$\\Lambda$ at the end")
    return figure


def orbits(results: xr.Dataset) -> Figure:
    """Draw the loss and Λ against the step: networks (dots) and the recursion (lines)."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=3.8)
        for scaled, colour in zip(results.orbit.values, ORBIT_COLOURS, strict=True):
            one = results.sel(orbit=scaled)
            for ax, of_network, of_recursion in ((left, one.network_f**2 / 2, one.f**2 / 2),
                                                 (right, one.orbit_rate * one.network_ntk, one.orbit_rate * one.ntk)):
                ax.plot(one.step, of_network, "o", color=colour, markersize=4.5, alpha=0.65, markeredgewidth=0)
                ax.plot(one.step, of_recursion, color=colour, linewidth=1.2, label=f"{scaled:g}")
        left.set(xlabel="step t", ylabel="loss $f_t^2/2$", yscale="log", ylim=(1e-12, 1e6), title="loss")
        right.axhline(2, color=PALETTE["theory"], linestyle="--", linewidth=1)
        right.set(xlabel="step t", ylabel="$\\eta\\lambda_t$", ylim=(0, 5), title="sharpness, as ηλ",
                  yticks=[0, 1, 2, 3, 4, 5], yticklabels=["0", "1", "edge 2", "3", "4", "5"])
        figure.legend(*right.get_legend_handles_labels(), title=SCALED, loc="outside right center")
        style.label_panels(figure)
    return figure


def final_kernels(results: xr.Dataset, pair) -> Figure:
    """Draw ηλ_∞ and λ_∞ against ηλ0, with the envelope of wide networks; mark the certified pair of rates."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=4.0)
        left.fill_between(results.wide_scaled, results.lowest, results.highest, color=PALETTE["squared"], alpha=0.45,
                          linewidth=0, label="any wide network")
        left.plot(results.scaled, results.final, color=PALETTE["ink"], linewidth=0.8, label="recursion")
        left.plot(results.some_scaled, results.network_final, "o", color=PALETTE["catapult"], markersize=4,
                  label="network")
        left.plot([0, 4], [2, 2], "--", color=PALETTE["theory"], linewidth=1, label="edge of stability")
        left.plot([0, 2], [0, 2], ":", color=PALETTE["theory"], linewidth=1.4, label="$\\lambda_\\infty = \\lambda_0$")
        left.set(xlabel=f"learning rate, as {SCALED}", ylabel="$\\eta\\lambda_\\infty$", xlim=(0, 4), ylim=(0, 2.1),
                 title="in units of the edge")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=5,
                      columnspacing=1.2, handlelength=1.4)
        late = results.sel(scaled=slice(2.9, None))
        right.plot(late.scaled, late.final_ntk, color=PALETTE["ink"], linewidth=0.8)
        some = results.sel(some_scaled=slice(2.9, None))
        unit = results.attrs["ntk0"]
        right.plot(some.some_scaled, some.network_final * unit / some.some_scaled, "o", color=PALETTE["catapult"],
                   markersize=4)
        for scaled, (low, high) in pair:
            right.plot(scaled, (low + high) / 2, "D", color=PALETTE["lazy"], markersize=7)
        right.plot(late.scaled, 2 * unit / late.scaled, "--", color=PALETTE["theory"], linewidth=1)
        right.set(xlabel=f"learning rate, as {SCALED}", ylabel="$\\lambda_\\infty$", ylim=(0, None),
                  title="larger, and sharper again")
        style.label_panels(figure)
    return figure


def time_to_peak(results: xr.Dataset) -> Figure:
    """Draw the time of the first peak against the width, and the loss there per unit of width."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=3.6)
        for scaled, colour in zip(results.peak_scaled.values, SCAN_COLOURS, strict=True):
            one = results.sel(peak_scaled=scaled)
            left.step(one.peak_width, one.peak, color=colour, linewidth=1.1, where="mid")
            left.plot(one.some_width, one.network_peak, "o", color=colour, markersize=5, label=f"{scaled:g}")
            left.plot(one.peak_width, one.predicted_peak, "--", color=PALETTE["theory"], linewidth=1,
                      label=None if scaled != results.peak_scaled[-1] else "leading term")
            right.plot(one.some_width, one.network_peak_loss / one.some_width, "o-", color=colour, markersize=5,
                       linewidth=0.8)
        left.set(xlabel="width m", ylabel="step of the first peak", xscale="log", title="time to peak")
        left.legend(title=SCALED)
        right.set(xlabel="width m", ylabel="loss at the peak / m", xscale="log", yscale="log",
                  title="height of the peak")
        style.label_panels(figure)
    return figure


def profiles(results: xr.Dataset) -> Figure:
    """Draw ηλ_∞ against the width at two learning rates, and the amplitude of its oscillation against ηλ0."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=3.8, width_ratios=(3, 2))
        for scaled, colour in zip(results.wide_rate.values, ("#0072B2", "#D55E00"), strict=True):
            one = results.sel(wide_rate=scaled)
            left.plot(one.wide, one.wide_final, color=colour, linewidth=2.2, alpha=0.55, label=f"{SCALED} = {scaled:g}")
            left.plot(one.some_wide, one.network_wide, "o", color=colour, markersize=4.5)
            left.plot(one.wide, one.wide_profile, "--", color=PALETTE["theory"], linewidth=0.9)
        left.set(xlabel="width m", ylabel="$\\eta\\lambda_\\infty$", xscale="log", ylim=(0, 2), title="no limit")
        left.legend(loc="upper right")
        inverse = 1 / np.log(results.amplitude_scaled - 1)
        factors = squared_plane.amplitude_factor(results.amplitude_scaled, results.log_amplitude)
        law = results.log_amplitude - factors + factors[0].item()
        right.plot(inverse, results.log_amplitude / math.log(10), "o", color="#0072B2", label="computed")
        right.plot(inverse, law / math.log(10), color=PALETTE["theory"], label="law")
        right.set(xlabel="$1 / \\log(\\eta\\lambda_0 - 1)$", ylabel="$\\log_{10}$ of the amplitude",
                  title="how much it oscillates")
        right.legend()
        style.label_panels(figure)
    return figure


def four(results: xr.Dataset) -> Figure:
    """Draw the cubic with an orbit, the density of its late iterates, and how the network leaves ηλ = 4."""
    with style.use():
        figure, (left, middle, right) = style.subplots(1, 3, width=9, height=3.4)
        a = np.linspace(-2, 2, 400)
        left.plot(a, a**3 - 3 * a, color=PALETTE["squared"], linewidth=2)
        left.plot(a, a, color=PALETTE["muted"], linewidth=0.8)
        early, network = results.early.values, results.network_early.values
        left.plot(np.repeat(early, 2)[:-1], np.repeat(early, 2)[1:], color=PALETTE["ink"], linewidth=0.6)
        left.plot(network[:-1], network[1:], "o", color=PALETTE["catapult"], markersize=4)
        left.plot(early[0], early[0], "^", color=PALETTE["ink"], markersize=6)
        left.set(xlabel="$a_t$", ylabel="$a_{t+1}$", xticks=(-2, 0, 2), yticks=(-2, 0, 2), title="the cubic")
        middle.fill_between(results.a, results.density, step="mid", color=PALETTE["squared"], linewidth=0)
        inner = np.linspace(-1.995, 1.995, 400)
        middle.plot(inner, 1 / (math.pi * np.sqrt(4 - inner**2)), color=PALETTE["theory"], linewidth=1.2,
                    label="arcsine law")
        middle.legend(loc="upper center")
        middle.set(xlabel="$a$", ylabel="density", ylim=(0, 0.9), title="late iterates")
        gap = np.maximum(results.network_gap.values, 2e-17)
        steps = results.four_step.values
        right.plot(steps, gap, "o", color=PALETTE["catapult"], markersize=4)
        golden = 2 * math.log((1 + math.sqrt(5)) / 2)
        last = int(np.argmax(gap > 1e-3))
        right.plot(steps[: last + 1], gap[last] * np.exp(golden * (steps[: last + 1] - last)), color=PALETTE["theory"],
                   linewidth=1.2, label="golden rate")
        right.legend()
        right.set(xlabel="step t", ylabel="$|\\eta\\lambda_t - 4|$", yscale="log", ylim=(1e-17, 1e2),
                  title="a network leaves")
        style.label_panels(figure)
    return figure


def lazy(results: xr.Dataset) -> Figure:
    """Draw what λ loses in the lazy phase, scaled by the width, with the leading order of wide networks."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.5)
        for width, colour in zip(results.lazy_width.values, ("#E69F00", "#D55E00", "#0072B2"), strict=True):
            ax.plot(results.lazy_scaled, results.lazy_loss.sel(lazy_width=width), color=colour, label=f"m = {width}")
        scaled = results.lazy_scaled.values
        ax.plot(scaled, (4 - scaled) / (2 - scaled), "--", color=PALETTE["theory"], label="leading order")
        ax.set(xlabel=f"learning rate, as {SCALED}", ylabel="$(\\lambda_0 - \\lambda_\\infty)\\, m\\lambda_0/f_0^2$",
               ylim=(0, 16))
        ax.legend()
    return figure
