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
    """Draw the loss and ηλ against the step: network, recursion, and the slide as a differential equation.

    Panel c is the loss on a linear axis, with dots where ηλ passes 8 and a fall at the rate ¾κ through each.
    """
    step = results.orbit_step + 1
    with style.use():
        figure, axes = style.subplots(2, 2, width=9, height=3.3)
        (loss, kernel), (linear, empty) = axes
        handles = []
        for start, colour in zip(results.orbit.values, RATE_COLOURS, strict=True):
            one = _shown(results.sel(orbit=start))
            for ax, name, time in ((loss, "loss", step), (kernel, "scaled", step), (linear, "loss", step - 1)):
                ax.plot(time, one[f"network_{name}"], color=colour, **NETWORK)
                ax.plot(time, one[name], color=colour, **RECURSION)
            kernel.plot(step, one.predicted_slide, ":", color=PALETTE["theory"], linewidth=1.5)
            kappa, passes = one.orbit_kappa.item(), int(np.argmax(one.scaled.values < 8))
            if passes and kappa < 0.5:  # 0: it starts below 8, or never gets there
                near = np.array([-1, 1]) / kappa
                linear.plot(passes + near, one.loss[passes].item() * np.exp(-0.75 * kappa * near), "--",
                            color=PALETTE["theory"], linewidth=1.5)
                linear.plot(passes, one.loss[passes], "o", color=PALETTE["ink"], markersize=6)
            handles.append(Line2D([], [], color=colour, label=f"ηλ₀ = {start:g}, κ = {kappa:.2g}"))
        kernel.axhline(8, color=PALETTE["theory"], linewidth=0.9)
        loss.set(title="loss", ylabel="loss minus its minimum", yscale="log", ylim=(1e-6, 60))
        kernel.set(title="kernel", ylabel="$\\eta\\lambda_t$", yscale="log", yticks=[4, 6, 8, 12, 24, 80],
                   yticklabels=["4", "6", "8", "12", "24", "80"], ylim=(3, 95))
        kernel.minorticks_off()
        for ax in (loss, kernel):
            ax.set(xlabel="step t + 1", xscale="log")
        linear.set(title="loss, linear time", ylabel="loss minus its minimum", yscale="log", ylim=(1e-5, 20),
                   xlabel="step t", xlim=(0, 400))
        empty.set_axis_off()
        handles += [*BESIDE, Line2D([], [], color=PALETTE["theory"], linestyle=":", label="slide, as an ODE"),
                    Line2D([], [], color=PALETTE["theory"], linestyle="--", label="rate ¾κ"),
                    Line2D([], [], color=PALETTE["ink"], marker="o", linestyle="", label="ηλ passes 8")]
        empty.legend(handles=handles, loc="center left")
        style.label_panels(figure)
    return figure


def _shown(orbit: xr.Dataset) -> xr.Dataset:
    """Return an orbit with NaN for what has blown up."""
    return orbit.where(orbit < 1e6)


def planes(results: xr.Dataset) -> Figure:
    """Draw orbits in the plane of |f| and ηλ, with the curve on which a step only turns the sign."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=9, height=3.7)
        plane(axes, results, "logistic", 7.2, (7.5, 11.4))
        axes.set(title="orbits, κ = 0.02")
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
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return figure


def final_kernels(ax, results: xr.Dataset, loss: str, high: float) -> None:
    """Draw ηλ_∞, up to ``high``, against ηλ0: recursion, networks, the edge and the bound."""
    edge = two_layer.stability_edge(loss, 1.0)
    ax.plot(results.start, results.start, color=PALETTE["muted"], linestyle=":", label="λ does not change")
    ax.plot(results.start, results.final, color=PALETTE[loss], linewidth=2.4, label="recursion")
    ax.plot(results.network_start, results.network_final, "o", color=PALETTE["ink"], markersize=5,
            markerfacecolor="none", label="network")
    ax.axhline(edge, color=PALETTE["theory"], linewidth=1, label="stability, 2/h")
    ax.axhline(2 * edge, color=PALETTE["theory"], linewidth=1, linestyle="--", label="where λ turns, 4/h")
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
    """Draw the two-cycle beyond κ = 8: place, multiplier, orbits that leave it, and an orbit float64 keeps on one."""
    with style.use():
        figure, axes = style.subplots(2, 2, width=9, height=2.9)
        place, factor, leaving, false = axes.flat
        place.plot(results.cycle_kappa, results.predicted_cycle_scaled, color=PALETTE["logistic"],
                   label="$\\eta\\lambda^*$")
        place.plot(results.cycle_kappa, results.predicted_cycle, color=PALETTE["catapult"], label="$f^*$")
        place.axhline(16, color=PALETTE["muted"], linestyle=":", label="16")
        place.set(title="where it is", xlabel="κ", xscale="log", yscale="log")
        factor.plot(results.cycle_kappa, results.predicted_multiplier, color=PALETTE["theory"], label="closed form")
        factor.plot(results.some_kappa, results.measured_multiplier, "o", color=PALETTE["logistic"], markersize=5,
                    label="measured")
        factor.set(title="its multiplier", xlabel="κ", xscale="log", ylim=(0, 9.5))
        for sign, colour in ((-1, PALETTE["lazy"]), (1, PALETTE["divergent"])):
            one = results.sel(beside=sign)
            leaving.plot(one.leaving_step, one.leaving_network, color=colour, **NETWORK)
            leaving.plot(one.leaving_step, one.leaving_size, color=colour, **RECURSION)
        leaving.axhline(results.leaving_cycle.item(), color=PALETTE["theory"], linewidth=0.8, linestyle=":")
        leaving.set(title="orbits leave it (κ = 12)", xlabel="step t", ylabel="$|f_t|$",
                      ylim=(0, 3.4 * results.leaving_cycle.item()))
        leaving.legend(handles=BESIDE, loc="upper left")
        for start, colour in zip(results.false_start.values, (PALETTE["logistic"], PALETTE["catapult"]), strict=True):
            false.plot(results.false_step, results.false_size.sel(false_start=start), color=colour,
                       label=f"f₀ = {start:g}")
        false.set(title="κ = 8: float64 keeps a false cycle", xlabel="step t", xscale="log", ylabel="$|f_t|$",
                  ylim=(-1, 50))
        for ax in (place, factor, false):
            ax.legend()
        for ax in (place, factor):
            ax.set_xticks([8, 20, 100, 1000], ["8", "20", "100", "1000"])
            ax.minorticks_off()
        place.set_yticks([1, 4, 16, 64], ["1", "4", "16", "64"])
        style.label_panels(figure)
    return figure


def edges(results: xr.Dataset) -> Figure:
    """Draw the edge of convergence over √(8m) against the width, and ηλ_∞ against κ up to it."""
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.7)
        width = np.broadcast_to(results.edge_width.values[:, None], results.edge_lowest.shape)
        first, last = (results[name].values for name in ("edge_lowest", "edge_highest"))
        axes[0].plot((width * 1.06).T, last.T, "v", color=PALETTE["lazy"], markersize=5, alpha=0.6)
        axes[0].plot((width / 1.06).T, first.T, "^", color=PALETTE["divergent"], markersize=5, alpha=0.8)
        axes[0].plot(results.edge_width, results.sixteen.mean("network"), color=PALETTE["theory"], linestyle="--")
        axes[0].axhline(1, color=PALETTE["theory"])
        axes[0].set(title="edge of convergence", xlabel="width m", ylabel="$\\eta\\,/\\,\\sqrt{8m}$", xscale="log",
                    ylim=(0, 1.6))
        axes[0].legend(handles=[
            Line2D([], [], marker="v", linestyle="", color=PALETTE["lazy"], label="highest η that converges"),
            Line2D([], [], marker="^", linestyle="", color=PALETTE["divergent"], label="lowest that diverges"),
            Line2D([], [], color=PALETTE["theory"], label="√(8m)"),
            Line2D([], [], color=PALETTE["theory"], linestyle="--", label="16/λ₀")],
            loc="upper left", bbox_to_anchor=(0.0, 0.62))
        for m, colour in zip(results.flatter_width.values, RATE_COLOURS[::2], strict=True):
            one = results.sel(flatter_width=m)
            sharpest = one.flatter_final / np.sqrt(one.flatter_kappa)
            axes[1].plot(one.flatter_kappa, sharpest, color=colour, linewidth=1.3, label=f"m = {m:,}")
            axes[1].plot(one.flatter_some, one.flatter_network / np.sqrt(one.flatter_some), "o", color=colour,
                         markersize=5, markerfacecolor="none")
        kappa = results.flatter_kappa
        axes[1].plot(kappa, (8 - 1.5 * kappa) / np.sqrt(kappa), color=PALETTE["theory"], linestyle=":",
                     label="(8 − 3κ/2)/√κ")
        axes[1].axvline(4, color=PALETTE["muted"], linewidth=0.8)
        axes[1].set(title="final kernel", xlabel="κ = η²/m", ylabel="$\\sqrt{m}\\,\\lambda_\\infty$", ylim=(-0.2, 12))
        axes[1].legend(loc="upper right")
        style.label_panels(figure)
    return figure
