"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from catapult import style
from catapult.chapters.catapult_logistic.figures import NETWORK, RATE_COLOURS, RECURSION, final_kernels, plane
from catapult.style import PALETTE
from catapult.theory import linear_predictor, two_layer


def maps(results: xr.Dataset, f0: float, ntk0: float) -> Figure:
    """Draw the phase maps of the three losses over ηλ0 and the width, with the edges of the theory."""
    colours = [PALETTE[label] for label in two_layer.LABELS]
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.4, sharey=True)
        for ax, loss in zip(axes, results.map_loss.values, strict=True):
            one = results.sel(map_loss=loss)
            ax.pcolormesh(one.map_multiple, one.map_width, one.map_phase, cmap=ListedColormap(colours), alpha=0.75,
                          norm=BoundaryNorm(np.arange(-0.5, 4), 4), shading="nearest", rasterized=True)
            _edges_of_map(ax, loss, one.map_width.values, f0, ntk0)
            ticks = [0.25, 0.5, 1, 2, 4] if loss != "logistic" else [0.5, 1, 2, 8, 32]
            ticks = [tick for tick in ticks if tick >= 0.99 * one.map_multiple.min()]
            ax.set(title=f"{loss} loss", xscale="log", yscale="log", xlabel="$\\eta\\lambda_0 h/2$", xticks=ticks,
                   xticklabels=[f"{tick:g}" for tick in ticks], xlim=(one.map_multiple.min(), one.map_multiple.max()))
            ax.minorticks_off()
        axes[0].set(ylabel="width m", ylim=(30, 3000))
        handles = [Patch(color=colour, alpha=0.75, label=label) for label, colour in
                   zip(two_layer.LABELS[:3], colours, strict=False)]
        figure.legend(handles=handles, loc="outside right upper")
        style.label_panels(figure)
    return figure


def _edges_of_map(ax, loss: str, widths: np.ndarray, f0: float, ntk0: float) -> None:
    """Draw the stability edge, the rate from which the first step raises the loss, and the edge of convergence."""
    unit = ntk0 / two_layer.stability_edge(loss, 1.0)
    rises = two_layer.critical_learning_rate(loss, f0, ntk0, widths)
    ax.axvline(1, color=PALETTE["theory"], linestyle=":", linewidth=1)
    ax.plot(unit * rises, widths, color=PALETTE["theory"], linewidth=1.2)
    edge = {"squared": 4 / ntk0 + 0 * widths, "logistic": np.sqrt(8 * widths)}.get(loss)
    if edge is None:  # the slow curve, to first order in 1/m
        leading = linear_predictor.critical_learning_rate(loss, f0) / ntk0
        edge = leading * two_layer.slow_ntk(loss, f0, widths, leading) / ntk0
    ax.plot(unit * edge, widths, color=PALETTE["theory"], linestyle="--", linewidth=1.6)


def windows(results: xr.Dataset) -> Figure:
    """Draw orbits around the window of the exponential loss: loss and ηλ, networks and recursion."""
    with style.use():
        figure, (loss, kernel) = style.subplots(1, 2, width=9, height=3.3)
        for name, colour in zip(results.window_orbit.values,
                                (PALETTE["lazy"], PALETTE["catapult"], PALETTE["divergent"]), strict=True):
            one = results.sel(window_orbit=name)
            one = one.where(one < 1e6)
            for ax, quantity in ((loss, "loss"), (kernel, "scaled")):
                ax.plot(one.window_step + 1, one[f"window_network_{quantity}"], color=colour, **NETWORK)
                ax.plot(one.window_step + 1, one[f"window_{quantity}"], color=colour, label=name, **RECURSION)
        loss.set(title="loss", xlabel="step t + 1", xscale="log", yscale="log", ylabel="loss minus its minimum",
                 ylim=(1e-5, 30), xlim=(0.9, 60))
        kernels = results.window_scaled.sel(window_orbit=["below the window", "inside"])
        kernel.set(title="sharpness, as ηλ", xlabel="step t + 1", xscale="log", ylabel="$\\eta\\lambda_t$",
                   ylim=(kernels.min() - 0.01, kernels.max() + 0.01), xlim=(0.9, 60))
        loss.legend(loc="lower left")
        style.label_panels(figure)
    return figure


def widths(results: xr.Dataset) -> Figure:
    """Draw the edge of convergence of the exponential loss, and the width of the window beside the spread of seeds."""
    with style.use():
        figure, (edge, narrow) = style.subplots(1, 2, width=9, height=3.4)
        fine = np.geomspace(1.5e-4, 0.04, 100)
        for f0, colour in zip(results.window_f0.values, RATE_COLOURS[::2], strict=True):
            start = linear_predictor.critical_learning_rate("exponential", f0)
            edge.plot(results.window_kappa, (results.window_edge.sel(window_f0=f0) - start) / results.window_kappa, "o",
                      color=colour, markersize=5, label=f"f₀ = {f0:g}")
            predicted = two_layer.slow_ntk("exponential", f0, 1 / fine, 1.0) - start
            edge.plot(fine, predicted / fine, color=PALETTE["theory"], linewidth=1)
        edge.set(title="edge of convergence", xlabel="κ = η²/m", xscale="log", ylim=(0, 20),
                 ylabel="$(\\Lambda_c - 2f_0/\\sinh f_0)\\,/\\,\\kappa$")
        edge.legend(loc="center left", bbox_to_anchor=(0.0, 0.47))
        narrow.plot(results.window_width, results.spread_relative, "o", color=PALETTE["ink"],
                    label="spread of λ₀ over seeds")
        narrow.plot(results.window_width, 1 / np.sqrt(results.window_width), color=PALETTE["theory"], linewidth=1,
                    label="$m^{-1/2}$")
        narrow.plot(results.window_width, results.window_relative, "s", color=PALETTE["catapult"],
                    label="width of the window")
        first = results.window_relative.values[0] * results.window_width.values[0]
        narrow.plot(results.window_width, first / results.window_width, color=PALETTE["theory"], linewidth=1,
                    linestyle=":", label="$\\propto 1/m$")
        narrow.set(title="relative to η and to λ₀", xlabel="width m", xscale="log", yscale="log", ylim=(2e-7, 0.3))
        narrow.legend(loc="lower left")
        style.label_panels(figure)
    return figure


def ends(results: xr.Dataset) -> Figure:
    """Draw ηλ_∞ against ηλ0, and orbits in the plane of |f| and ηλ, exponential loss."""
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.8)
        final_kernels(axes[0], results, "exponential", 4.4)
        plane(axes[1], results, "exponential", 2.6, (0.6, 2.35))
        axes[0].set(title="where runs end", xticks=[0.5, 1, 1.5, 2, 2.5])
        axes[1].text(1.95, 1.35, "slow curve", ha="left")
        axes[1].set(title="orbits, κ = 0.02")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=3)
        style.label_panels(figure)
    return figure


def exits(results: xr.Dataset) -> Figure:
    """Draw ηλ_∞ − 2/h against ηλ0 − 2/h, in units of κ, from tiny outputs, with the normal form's formula.

    Beside them, the plane of a loss with a jump that returns.
    """
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.5)
        for ax, loss in zip(axes[:2], ("logistic", "exponential"), strict=True):
            ax.plot(results[f"{loss}_fine"], results[f"predicted_{loss}_exit"], color=PALETTE["theory"],
                    label="normal form")
            ax.plot(results[f"{loss}_distance"], results[f"{loss}_exit"], "o", color=PALETTE[loss], markersize=5,
                    label="κ = 0.001")
            ax.set(title=f"{loss} loss", xlabel="$(\\eta\\lambda_0 - 2/h)\\,/\\,\\kappa$")
        axes[0].axhline(-1.5, color=PALETTE["muted"], linestyle=":", label="−3/2")
        axes[1].axvline(3, color=PALETTE["muted"], linestyle=":", label="no return: 3")
        axes[1].set(ylim=(-20, 0.5))
        axes[0].set_ylabel("$(\\eta\\lambda_\\infty - 2/h)\\,/\\,\\kappa$")
        for ax in axes[:2]:
            ax.legend()
        plane(axes[2], results, "tanh(f + f³)", 3.0, (1.6, 5.3))
        axes[2].set(title="$L'$ = tanh(f + f³)")
        style.label_panels(figure)
    return figure
