"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from catapult import style
from catapult.oracles.predictor import SLOPES
from catapult.style import PALETTE
from catapult.theory import two_layer

RATE_COLOURS = ("#56B4E9", "#0072B2", "#009E73", "#E69F00", "#D55E00")
NETWORK = {"linewidth": 3.6, "alpha": 0.45, "solid_capstyle": "butt"}
RECURSION = {"linewidth": 1.0}
BESIDE = [Line2D([], [], color=PALETTE["ink"], label="network", **NETWORK),
          Line2D([], [], color=PALETTE["ink"], label="recursion", **RECURSION)]


def orbits(results: xr.Dataset) -> Figure:
    """Draw the loss and ηλ against the step: network, recursion, and the slide as a differential equation."""
    step = results.orbit_step + 1
    with style.use():
        figure, (loss, kernel) = style.subplots(1, 2, width=9, height=3.7)
        for start, colour in zip(results.orbit.values, RATE_COLOURS, strict=True):
            one = _shown(results.sel(orbit=start))
            for ax, name in ((loss, "loss"), (kernel, "scaled")):
                ax.plot(step, one[f"network_{name}"], color=colour, **NETWORK)
                ax.plot(step, one[name], color=colour, **RECURSION)
            kernel.plot(step, one.predicted_slide, ":", color=PALETTE["theory"], linewidth=1.5)
        kernel.axhline(8, color=PALETTE["theory"], linewidth=0.9)
        loss.set(title="loss", ylabel="loss minus its minimum", yscale="log", ylim=(1e-6, 60))
        kernel.set(title="sharpness, as ηλ", ylabel="$\\eta\\lambda_t$", yscale="log", yticks=[4, 6, 8, 12, 24, 80],
                   yticklabels=["4", "6", "edge 8", "12", "24", "80"], ylim=(3, 110))
        kernel.minorticks_off()
        for ax in (loss, kernel):
            ax.set(xlabel="step t + 1", xscale="log")
        handles = [Line2D([], [], color=colour, linewidth=2.4, label=f"{start:g}")
                   for start, colour in zip(results.orbit.values, RATE_COLOURS, strict=True)]
        figure.legend(handles=handles, title="$\\eta\\lambda_0$", loc="outside right center")
        style.label_panels(figure)
    return figure


def passage(results: xr.Dataset) -> Figure:
    """Draw the loss on a linear axis of time, with dots where ηλ passes 8 and a fall at the rate ¾κ through each."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.2)
        for start, colour in zip(results.orbit.values, RATE_COLOURS, strict=True):
            one = _shown(results.sel(orbit=start))
            kappa, passes = one.orbit_kappa.item(), int(np.argmax(one.scaled.values < 8))
            if not passes or kappa > 0.5:  # 0: it starts below 8, or never gets there
                continue
            ax.plot(results.orbit_step, one.loss, color=colour, linewidth=2.4, label=f"$\\eta\\lambda_0$ = {start:g}")
            near = np.array([-1, 1]) / kappa
            ax.plot(passes + near, one.loss[passes].item() * np.exp(-0.75 * kappa * near), "--",
                    color=PALETTE["theory"], linewidth=1.5)
            ax.plot(passes, one.loss[passes], "o", color=PALETTE["ink"], markersize=7)
        ax.set(ylabel="loss minus its minimum", yscale="log", ylim=(1e-5, 20), xlabel="step t", xlim=(0, 400))
        shapes = [Line2D([], [], color=PALETTE["ink"], marker="o", linestyle="", label="ηλ passes the edge, 8"),
                  Line2D([], [], color=PALETTE["theory"], linestyle="--", label="rate ¾κ")]
        figure.legend(handles=[*ax.get_legend_handles_labels()[0], *shapes], loc="outside right center")
    return figure


def _shown(orbit: xr.Dataset) -> xr.Dataset:
    """Return an orbit with NaN for what has blown up."""
    return orbit.where(orbit < 1e6)


def planes(results: xr.Dataset) -> Figure:
    """Draw orbits in the plane of |f| and ηλ, with the curve on which a step only turns the sign."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=9, height=3.7)
        plane(axes, results, "logistic", 7.2, (7.5, 11.4))
        axes.text(1.25, 9.4, "slow curve", ha="right")
        axes.text(7.1, 8.07, "edge of stability", ha="right", color=PALETTE["muted"])
        axes.set(title="")
    return figure


def plane(ax, results: xr.Dataset, name: str, widest: float, scaled: tuple[float, float]) -> None:
    """Draw the orbits of one loss: |f| up to ``widest``, ηλ within ``scaled``; the curve begins at the edge, 2/h."""
    size = np.linspace(1e-3, widest, 300)
    curve = 2 * size / SLOPES[name](size)
    ax.plot(size, curve, color=PALETTE["theory"], linewidth=1.8)
    ax.axhline(curve[0], color=PALETTE["muted"], linestyle=":")
    for j, colour in zip(range(results.sizes["plane_start"]), RATE_COLOURS[::2], strict=False):
        one = results.sel(plane=name).isel(plane_start=j)
        ax.plot(one.plane_network_size, one.plane_network_scaled, color=colour, **NETWORK)
        ax.plot(one.plane_size, one.plane_scaled, ".-", color=colour, markersize=2.5, linewidth=0.6)
        ax.plot(one.plane_size[0], one.plane_scaled[0], "^", color=PALETTE["ink"], markersize=6)
    ax.set(title=name, xlabel="$|f_t|$", ylabel="$\\eta\\lambda_t$", xlim=(-0.02 * widest, widest), ylim=scaled)


def finals(results: xr.Dataset) -> Figure:
    """Draw ηλ_∞ against ηλ0, with the stability edge and the bound at which λ turns."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=9, height=3.6)
        final_kernels(axes, results, "logistic", 18)
        axes.set(xscale="log", xticks=[4, 8, 16, 40, 100], xticklabels=["4", "8", "16", "40", "100"])
        axes.minorticks_off()
        axes.set(title="")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return figure


def final_kernels(ax, results: xr.Dataset, loss: str, high: float) -> None:
    """Draw ηλ_∞, up to ``high``, against ηλ0: recursion, networks, the edge and the bound."""
    edge = two_layer.stability_edge(loss, 1.0)
    ax.plot(results.start, results.start, color=PALETTE["muted"], linestyle=":", label="λ does not change")
    ax.plot(results.start, results.final, color=PALETTE[loss], linewidth=2.4, label="recursion")
    ax.plot(results.network_start, results.network_final, "o", color=PALETTE["ink"], markersize=5,
            markerfacecolor="none", label="network")
    ax.axhline(edge, color=PALETTE["theory"], linewidth=1, label="edge of stability, 2/h")
    ax.axhline(2 * edge, color=PALETTE["theory"], linewidth=1, linestyle="--", label="λ turns, 4/h")
    diverges = results.network_start.values[np.isnan(results.network_final)]
    if diverges.size:
        ax.plot(diverges, 0 * diverges + 0.04 * high, "x", color=PALETTE["ink"], label="network diverges")
    ax.set(title=f"{loss} loss", xlabel="$\\eta\\lambda_0$", ylabel="$\\eta\\lambda_\\infty$", ylim=(0, high))


def slides(results: xr.Dataset) -> Figure:
    """Draw how far below 8 the slides end, in units of κ, and how long they take, with the asymptotic laws."""
    kappa = results.slide_kappa
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.5)
        axes[0].axhline(1.5, color=PALETTE["muted"], linestyle=":", label="3/2")
        axes[0].plot(kappa, 1.5 + 9 / 80 * kappa, color=PALETTE["theory"], label="3/2 + (9/80) κ")
        slow = results.time_kappa
        for name, colour, marker in zip(results.slide.values, RATE_COLOURS[::2], "osv", strict=True):
            axes[0].plot(kappa, results.slide_below.sel(slide=name) / kappa, marker, color=colour, markersize=6,
                         markerfacecolor="none", label=name)
            steps = 0.75 * slow * results.slide_time.sel(slide=name)
            axes[1].plot(1 / slow, steps, marker, color=colour, markersize=5)
            axes[1].plot(1 / slow, steps[0] + np.log(slow[0] / slow), color=PALETTE["theory"], linewidth=1)
        axes[0].set(title="where a slide ends", xlabel="κ = η²/m", xscale="log", ylim=(1.49, 1.565),
                    ylabel="$(8 - \\eta\\lambda_\\infty)\\,/\\,\\kappa$")
        axes[1].set(title="how long it takes", xlabel="1/κ", xscale="log",
                    ylabel="$\\frac{3}{4}\\kappa\\,\\times$ steps")
        axes[0].legend()
        style.label_panels(figure)
    return figure


def cycles(results: xr.Dataset) -> Figure:
    """Draw the two-cycle beyond κ = 8: orbits that leave it, its place, its multiplier."""
    with style.use():
        figure, (leaving, place, factor) = style.subplots(1, 3, width=9, height=3.3)
        for sign, colour, fate, height in ((1, PALETTE["catapult"], "diverges", 6.5),
                                           (-1, PALETTE["lazy"], "converges", 0.3)):
            one = results.sel(beside=sign)
            leaving.plot(one.leaving_step, one.leaving_network, color=colour, **NETWORK)
            leaving.plot(one.leaving_step, one.leaving_size, color=colour, **RECURSION)
            leaving.text(14.5, height, fate, color=colour)
        leaving.axhline(results.leaving_cycle.item(), color=PALETTE["theory"], linewidth=0.8, linestyle=":")
        leaving.set(title="orbits leave it, κ = 12", xlabel="step t", ylabel="$|f_t|$", xlim=(0, 25),
                    ylim=(0, 3.4 * results.leaving_cycle.item()))
        place.plot(results.cycle_kappa, results.predicted_cycle_scaled, color=PALETTE["logistic"])
        place.axhline(16, color=PALETTE["muted"], linestyle=":")
        place.set(title="its ηλ falls to 16", xlabel="κ", ylabel="$\\eta\\lambda^*$", ylim=(0, 60))
        factor.plot(results.cycle_kappa, results.predicted_multiplier, color=PALETTE["theory"], label="closed form")
        factor.plot(results.some_kappa, results.measured_multiplier, "o", color=PALETTE["logistic"], markersize=5,
                    label="measured")
        factor.set(title="its multiplier", xlabel="κ", ylim=(0, 9.5))
        factor.legend()
        for ax in (place, factor):
            ax.set(xscale="log")
            ax.set_xticks([8, 50, 1000], ["8", "50", "1000"])
            ax.minorticks_off()
        style.label_panels(figure)
    return figure


def edges(results: xr.Dataset) -> Figure:
    """Draw the edge of convergence of random networks over √(8m) against the width."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.4)
        width = np.broadcast_to(results.edge_width.values[:, None], results.edge_lowest.shape)
        first, last = (results[name].values for name in ("edge_lowest", "edge_highest"))
        ax.plot((width * 1.04).T, last.T, "v", color=PALETTE["lazy"], markersize=6, alpha=0.6)
        ax.plot((width / 1.04).T, first.T, "^", color=PALETTE["catapult"], markersize=6, alpha=0.8)
        ax.plot(results.edge_width, results.sixteen.mean("network"), color=PALETTE["theory"], linestyle="--")
        ax.axhline(1, color=PALETTE["theory"])
        ax.text(1000, 0.96, "every start converges below", ha="center", va="top")
        ax.set(xlabel="width m", ylabel="$\\eta\\,/\\,\\sqrt{8m}$", xscale="log", ylim=(0, 1.4))
        figure.legend(handles=[
            Line2D([], [], marker="v", linestyle="", color=PALETTE["lazy"], label="highest that converges"),
            Line2D([], [], marker="^", linestyle="", color=PALETTE["catapult"], label="lowest that diverges"),
            Line2D([], [], color=PALETTE["theory"], label="√(8m)"),
            Line2D([], [], color=PALETTE["theory"], linestyle="--", label="as reconstructed: 16/λ₀")],
            loc="outside right center")
    return figure


def flatter(results: xr.Dataset) -> Figure:
    """Draw √m λ_∞ against κ up to 8, at three widths."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.8)
        for m, colour in zip(results.flatter_width.values, RATE_COLOURS[::2], strict=True):
            one = results.sel(flatter_width=m)
            ax.plot(one.flatter_kappa, one.flatter_final / np.sqrt(one.flatter_kappa), color=colour, linewidth=1.3,
                    label=f"m = {m:,}")
            ax.plot(one.flatter_some, one.flatter_network / np.sqrt(one.flatter_some), "o", color=colour,
                    markersize=5, markerfacecolor="none")
        kappa = results.flatter_kappa
        ax.plot(kappa, (8 - 1.5 * kappa) / np.sqrt(kappa), color=PALETTE["theory"], linestyle=":",
                label="slide law, (8 − 3κ/2)/√κ")
        ax.set(xlabel="κ = η²/m", ylabel="$\\sqrt{m}\\,\\lambda_\\infty$", ylim=(-0.2, 8), xlim=(0, 8))
        ax.legend(loc="upper right")
    return figure
