"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import scipy.special
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.style import PALETTE


def three_losses(results: xr.Dataset) -> Figure:
    """Draw the losses against the margin, and on the degenerate pair the risk and its curvature."""
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.1)
        panels = [("loss_value", "margin u = y f(x)", "loss ℓ(u)", (0, 6)),
                  ("pair_excess", "weight w", "risk minus its minimum", (0, 6)),
                  ("pair_curvature", "weight w", "curvature L''(w)", (0, 3))]
        for ax, (name, across, up, limits) in zip(axes, panels, strict=True):
            for loss in results.loss.values:
                ax.plot(results.margin, results[name].sel(loss=loss), color=PALETTE[loss], label=loss)
            ax.set(xlabel=across, ylabel=up, ylim=limits)
        for ax, title in zip(axes, ("one point", "degenerate pair", "degenerate pair"), strict=True):
            ax.set_title(title)
        axes[0].legend(loc="upper right")
        style.label_panels(figure)
    return figure


def landscapes(results: xr.Dataset) -> Figure:
    """Draw the three clouds above the logistic risk over the plane of weights, with a descent from 0."""
    with style.use():
        figure, axes = style.subplots(2, 3, width=9, height=3.05, layout="compressed")
        levels = np.linspace(-2.5, 1.0, 15)
        for column, case in enumerate(results.case.values):
            one = results.sel(case=case)
            _scatter(axes[0, column], one)
            axes[0, column].set_title(str(case))
            ax = axes[1, column]
            filled = ax.contourf(one.w_1, one.w_2, np.log10(one.risk), levels=levels, cmap="cividis",
                                 extend="both")
            ax.plot(*one.orbit.values.T, color="white", linewidth=2.6, gid=style.AS_DRAWN)
            ax.plot(*one.orbit.values.T, color=PALETTE["ink"], linewidth=1.2, gid=style.AS_DRAWN)
            ax.plot(*one.orbit.values[-1], "o", color="white", markeredgecolor=PALETTE["ink"], markersize=6,
                    gid=style.AS_DRAWN)
            ax.set(xlabel="weight w₁", ylabel="weight w₂", xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
            ax.set_title("its logistic risk")
        axes[0, 0].legend(loc="lower right", ncols=2, handletextpad=0.1, columnspacing=0.8, borderpad=0.2,
                          borderaxespad=0.2, frameon=True, edgecolor=PALETTE["muted"])
        figure.colorbar(filled, ax=axes[1], label="log₁₀ of the risk", ticks=[-2, -1, 0, 1], pad=0.02)
        style.label_panels(figure)
    return figure


def _scatter(ax, one: xr.Dataset) -> None:
    for sign, name, marker in ((1, "positive", "o"), (-1, "negative", "^")):
        points = one.input.values[one.label.values == sign]
        ax.plot(*points.T, marker, color=PALETTE[name], markersize=4.5, alpha=0.85, label=f"y = {sign:+d}")
    bound = 1.4 * np.abs(one.input).max().item()  # leaves a strip without points, for the legend
    ax.set(xlabel="input x₁", ylabel="input x₂", xlim=(-bound, bound), ylim=(-bound, bound), aspect="equal")
    ax.axhline(0, color=PALETTE["muted"], linewidth=0.5, zorder=0)
    ax.axvline(0, color=PALETTE["muted"], linewidth=0.5, zorder=0)


def opposed_points(results: xr.Dataset) -> Figure:
    """Draw the risk against the step on the two opposed points, for both losses."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.6)
        widths = iter((1.2, 1.8, 2.6))
        shades = iter(("#7FCEB9", "#009E73", "#00533C"))
        for run, rate in zip(results.run.values, results.opposed_rate.values, strict=True):
            risk = results.opposed_risk.sel(run=run)
            loss = run.split()[0]
            if loss == "exponential":
                kept = np.isfinite(risk.values)
                ax.plot(risk.step[kept], risk[kept], "o-", color=PALETTE[loss], markersize=4, zorder=3,
                        label=f"exponential, η = {rate:g}")
                if not kept.all():
                    last = np.flatnonzero(kept)[-1]
                    ax.annotate("overflow", xy=(risk.step[last].item(), risk[last].item()), xytext=(0, 45),
                                textcoords="offset points", ha="center", color=PALETTE["ink"],
                                arrowprops={"arrowstyle": "<-", "color": PALETTE[loss]})
            else:
                ax.plot(risk.step, risk, color=next(shades), linewidth=next(widths),
                        label=f"logistic, η = {rate:g}")
        lowest = float(results.opposed_risk.where(results.opposed_risk > 0).min())
        highest = 1e13 if results.opposed_risk.isnull().any() else 3 * float(results.opposed_risk.max())
        ax.set(xlabel="step t", ylabel="risk", xscale="symlog", yscale="log",
               ylim=(max(lowest, 1e-20), highest))
        ax.set_xlim(0, None)
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def sideways(results: xr.Dataset) -> Figure:
    """Draw the weight at right angles to the largest margin against the step, with the law of its growth."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.4)
        step = results.sideways_step
        for support, colour in zip(results.support.values, (PALETTE["muted"], PALETTE["logistic"]), strict=True):
            weight = results.sideways_weight.sel(support=support)[:, 1]
            ax.plot(step, weight, "o", color=colour, markersize=4, label=support)
        a, b = results.sideways_weight.sel(support="one point carries").values.T
        grown = a - a[-1] + b[-1] + np.exp(b[-1])
        ax.plot(step, grown - scipy.special.lambertw(np.exp(grown)).real, color=PALETTE["theory"],
                label="$b + e^b = a$ + const.")
        ax.set(xlabel="step t", ylabel="weight b", xscale="log", ylim=(-0.1, None))
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def thresholds(results: xr.Dataset) -> Figure:
    """Draw 2/β, the critical rate and 2/α over the initial weight, with the region where a rise is proved."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=4.2)
        ax.contourf(results.start, results.rate, results.clause_margin, levels=[0, 100],
                    colors=[PALETTE["unsettled"]], alpha=0.45)
        ax.axhspan(results.rate.min().item(), 8, color=PALETTE["lazy"], alpha=0.2, linewidth=0)
        ax.plot(results.start, results.interval_bound, "--", color=PALETTE["muted"],
                label="2/α with α taken on [−w₀, w₀]")
        ax.plot(results.start, results.critical_rate, color=PALETTE["theory"],
                label="critical rate $\\eta_c(w_0)$")
        ax.axhline(8, color=PALETTE["lazy"], label="2/β = 8")
        ax.text(1.58, 6.9, "a fall is proved by smoothness", ha="right", va="center")
        ax.annotate("a rise is proved by\nlocal strong convexity", xy=(0.4, 18), xytext=(0.8, 19),
                    arrowprops={"arrowstyle": "-", "color": PALETTE["muted"]})
        ax.set(xlabel="initial weight w₀", ylabel="learning rate η", yscale="log", xlim=(0, 1.6),
               ylim=(6, 60), yticks=[8, 10, 20, 40], yticklabels=["8", "10", "20", "40"])
        ax.minorticks_off()
        ax.legend(loc="upper right")
    return figure


def norms(results: xr.Dataset) -> Figure:
    """Draw |w_t| against log-spaced steps, as a multiple of the radius R0, for four learning rates."""
    looks = (("#56B4E9", "o"), ("#0072B2", "s"), ("#D55E00", "^"), ("#222222", "."))
    last = results.norm_step.values[-1]
    steps = np.unique(np.append(0, np.geomspace(1, last, 160).astype(int)))
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.8)
        for rate, (colour, marker) in zip(results.norm_rate.values, looks, strict=True):
            one = results.sel(norm_rate=rate, norm_step=steps)
            ax.plot(one.norm_step, one.norm / one.radius, marker, color=colour, markersize=4, alpha=0.8,
                    label=f"η = {rate:g}")
        ax.axhline(1, color=PALETTE["theory"], label="radius $R_0(\\eta)$")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        ax.set(xlabel="step t", ylabel="$|w_t|\\,/\\,R_0(\\eta)$", xscale="symlog", yscale="log",
               xlim=(-0.1, None))
    return figure
