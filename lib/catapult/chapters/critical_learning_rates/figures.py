"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from catapult import style
from catapult.style import PALETTE
from catapult.theory import linear_predictor as theory

PHASE_COLOURS = dict(zip(theory.PHASES, (PALETTE["lazy"], PALETTE["unsettled"], PALETTE["catapult"],
                                         PALETTE["divergent"]), strict=True))
REGIME_COLOURS = ("#56B4E9", "#0072B2", "#009E73", "#000000", "#D55E00")


def one_step_rule(results: xr.Dataset, w0: float) -> Figure:
    """Draw the critical learning rate against |w| for the three losses, with the initial weight marked."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=4.0)
        for loss in results.loss.values:
            ax.plot(results["size"], results.predicted_critical.sel(loss=loss), color=PALETTE[loss],
                    linewidth=2.2, label=loss)
        ax.axvline(w0, color=PALETTE["muted"], linestyle=":")
        ax.text(w0, 62, " |w₀|", ha="left", va="top", color=PALETTE["muted"])
        for x, y, text in ((3.4, 33, "above the curve: away from 0"), (6.5, 13, "below it: towards 0"),
                           (3.6, 0.9, "above the curve: away from 0"), (0.35, 0.12, "below it: towards 0")):
            loss = "logistic" if y > 5 else "exponential"
            ax.text(x, y, text, color=_darker(PALETTE[loss]),
                    bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.5})
        ax.set(xlabel="size of the weight |w|", ylabel="critical learning rate $\\eta_c(w)$", yscale="log",
               xlim=(0, 12), ylim=(0.03, 70), yticks=[0.1, 1, 2, 8, 40],
               yticklabels=["0.1", "1", "2", "8", "40"])
        ax.minorticks_off()
        for loss, x, y in (("logistic", 1.0, 12), ("squared", 9.5, 2.3), ("exponential", 5.6, 0.18)):
            ax.text(x, y, loss, color=_darker(PALETTE[loss]), weight="bold")
    return figure


def _darker(colour: str) -> tuple[float, ...]:
    import matplotlib.colors

    return tuple(0.7 * channel for channel in matplotlib.colors.to_rgb(colour))


def orbits(results: xr.Dataset) -> Figure:
    """Draw |w_t| and the risk above its minimum against the step, at learning rates around the critical one."""
    early = np.abs(results.weight.values[:7])
    shown = min(1.15 * early[np.isfinite(early)].max(), 4 * early[0, 0])
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.6)
        for regime, colour in zip(results.regime.values, REGIME_COLOURS, strict=False):
            one = results.sel(regime=regime)
            finite = np.isfinite(one.weight.values)
            label = f"{regime}: η = {one.learning_rate.item():.3g}"
            axes[0].plot(one.step[finite], np.abs(one.weight[finite]), ".-", color=colour, linewidth=1.1)
            positive = np.isfinite(one.excess_risk.values) & (one.excess_risk.values > 0)
            axes[1].plot(one.step[positive], one.excess_risk[positive], ".-", color=colour, linewidth=1.1,
                         markersize=5, label=label)
        start = results.excess_risk[0, 0].item()
        axes[0].set(xlabel="step t", ylabel="$|w_t|$", ylim=(-0.03 * shown, shown), xlim=(-0.3, 12.3),
                    xticks=range(0, 13, 4), title="the first steps")
        axes[1].set(xlabel="step t", ylabel="risk minus its minimum", yscale="log", title="all steps",
                    ylim=(1e-6 * start, 1e3 * start))
        axes[1].axhline(start, color=PALETTE["muted"], linestyle=":")
        figure.legend(loc="outside right upper")
        style.label_panels(figure)
    return figure


def cobweb(results: xr.Dataset, loss: str) -> Figure:
    """Draw the map U of the size of the weight with its diagonal and an orbit, in three regimes."""
    regimes = ["below 8", "between", "above"] if loss == "logistic" else ["below", "critical", "above"]
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.4)
        for ax, regime in zip(axes, regimes, strict=True):
            one = results.sel(regime=regime)
            rate, sizes = one.learning_rate.item(), np.abs(one.weight.values)
            end = 1.15 * max(sizes[0], min(_extent(loss, rate, sizes), 3 * sizes[0] + 2))
            w = np.linspace(0, end, 500)
            image = -theory.update(loss, w, rate)
            ax.plot(w, np.abs(image), "--", color=PALETTE["muted"], linewidth=1.2)
            ax.plot(w, np.where(image >= 0, image, np.nan), color=PALETTE[loss], linewidth=2.2)
            ax.plot(w, w, color=PALETTE["muted"], linewidth=0.9)
            across, up = _staircase(sizes[sizes < 1e3][:30])
            ax.plot(across, up, color=PALETTE["ink"], linewidth=0.9)
            ax.plot(sizes[0], 0, "^", color=PALETTE["ink"], clip_on=False, markersize=6)
            ax.set(xlim=(0, end), ylim=(0, end), xlabel="$|w_t|$", aspect="equal",
                   title=f"{regime}: η = {rate:.3g}")
        axes[0].set_ylabel("$|w_{t+1}|$")
    return figure


def _extent(loss: str, rate: float, sizes: np.ndarray) -> float:
    """Return the largest size worth showing: of the orbit, and a little beyond the two-cycle."""
    cycle = np.nan_to_num(theory.two_cycle(loss, rate))
    return float(max(sizes[np.isfinite(sizes)].max(), 1.4 * cycle))


def _staircase(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across = np.repeat(sizes, 2)[:-1]
    up = np.concatenate([[0], np.repeat(sizes[1:], 2)])
    return across, up[: len(across)]


def phase_diagram(results: xr.Dataset, loss: str, w0: float) -> Figure:
    """Draw the phases found by iteration over (w0, η), with the theory's curves on them."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=4.6)
        colours = ListedColormap(list(PHASE_COLOURS.values()))
        ax.pcolormesh(results.map_w0, results.map_learning_rate, results.phase, cmap=colours, alpha=0.75,
                      norm=BoundaryNorm(np.arange(-0.5, 4), 4), shading="nearest", rasterized=True)
        line, = ax.plot(results.map_w0, theory.critical_learning_rate(loss, results.map_w0.values),
                        color=PALETTE["theory"], linewidth=2.2, label="theory: $\\eta_c(w_0)$")
        lines = [line]
        if loss == "logistic":
            lines.append(ax.axhline(8, color=PALETTE["theory"], linestyle="--", label="theory: η = 8"))
        ax.axvline(w0, color=PALETTE["ink"], linestyle=":", linewidth=1)
        present = [name for code, name in enumerate(theory.PHASES) if (results.phase == code).any()]
        patches = [Patch(color=PHASE_COLOURS[name], alpha=0.75, label=name) for name in present]
        lowest, highest = (results.map_learning_rate[end].item() for end in (0, -1))
        ticks = [1e-4, 1e-3, 0.01, 0.1, 0.5, 2, 4, 8, 16, 32, 64]
        ticks = [tick for tick in ticks if lowest <= tick <= highest]
        ax.set(xlabel="initial weight w₀", ylabel="learning rate η", yscale="log", yticks=ticks,
               yticklabels=[f"{tick:g}" for tick in ticks], ylim=(lowest, highest))
        ax.minorticks_off()
        ax.legend(handles=[*lines, *patches], loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def two_cycle(results: xr.Dataset, loss: str) -> Figure:
    """Draw the size of the two-cycle and its multiplier against η: closed form, and measured on orbits."""
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.4)
        for ax, name, symbol in ((axes[0], "cycle", "size $w^*$"), (axes[1], "multiplier", "$U'(w^*)$")):
            ax.plot(results.fine_rate, results[f"predicted_{name}"], color=PALETTE["theory"],
                    label="closed form")
            ax.plot(results.some_rate, results[f"measured_{name}"], "o", color=PALETTE[loss], markersize=5.5,
                    label="measured on orbits")
            ax.set(xlabel="learning rate η", ylabel=symbol, xscale="log", title=name)
            ticks = [8, 16, 32, 60] if loss == "logistic" else [0.01, 0.1, 1, 2]
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
        if loss == "logistic":
            axes[0].plot(results.fine_rate, results.fine_rate / 4, ":", color=PALETTE["muted"], label="η/4")
            for level in (-1, 0, 1):
                axes[1].axhline(level, color=PALETTE["muted"], linewidth=0.7, linestyle=":", zorder=0)
        else:
            axes[1].axhline(1, color=PALETTE["muted"], linewidth=0.7, linestyle=":", zorder=0)
        axes[0].legend()
        style.label_panels(figure)
    return figure


def slow_orbit(results: xr.Dataset) -> Figure:
    """Draw t w_t² against t at η = 8, logistic loss, with its limit 3."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.2)
        ax.plot(results.slow_step, results.scaled_square, "o", color=PALETTE["logistic"], markersize=4)
        ax.axhline(3, color=PALETTE["theory"], label="theory: 3")
        ax.set(xlabel="step t", ylabel="$t\\,w_t^2$ at η = 8", xscale="log", ylim=(0, 3.3))
        ax.legend(loc="lower right")
    return figure


def counterexamples(results: xr.Dataset) -> Figure:
    """Draw |w_t| against the step in four orbits that break looser wordings, with the cycle's size."""
    with style.use():
        figure, axes = style.subplots(2, 2, width=9, height=2.9)
        for ax, name in zip(axes.flat, results.example.values, strict=True):
            one = results.sel(example=name)
            ax.axhline(one.example_cycle.item(), color=PALETTE["theory"], label="$w^*$")
            ax.axhline(abs(one.example_w0.item()), color=PALETTE["muted"], linestyle=":", label="$|w_0|$")
            ax.plot(one.example_step, np.abs(one.example_weight), "o-", color=PALETTE["logistic"],
                    markersize=4, linewidth=1)
            ax.set(title=f"{name}\n    w₀ = {one.example_w0.item():g}, η = {one.example_rate.item():.4g}",
                   ylim=(-0.05 * one.example_w0.item(), None))
        for ax in axes[1]:
            ax.set_xlabel("step t")
        for ax in axes[:, 0]:
            ax.set_ylabel("$|w_t|$")
        axes[0, 0].legend(loc="center right", bbox_to_anchor=(1.0, 0.35), ncols=2)
        style.label_panels(figure)
    return figure


def imbalance(results: xr.Dataset) -> Figure:
    """Draw late iterates and Lyapunov exponents against γ for balanced and imbalanced labels."""
    with style.use():
        figure, axes = style.subplots(2, 2, width=9, height=2.8, sharex=True, height_ratios=(3, 2))
        for column, fraction in enumerate(results.label_fraction.values):
            one = results.sel(label_fraction=fraction)
            ax = axes[0, column]
            across = np.broadcast_to(one.edge_units.values, one.attractor.shape)
            ax.plot(across.ravel(), one.attractor.values.ravel(), ".", color=PALETTE["logistic"], alpha=0.7,
                    markersize=1.2, markeredgewidth=0, rasterized=True)
            ax.axvline(2, color=PALETTE["ink"], linestyle="--", linewidth=1)
            ax.set_title(f"fraction of positive labels p = {fraction:g}")
            ax = axes[1, column]
            ax.axhline(0, color=PALETTE["muted"], linewidth=0.8)
            ax.axvline(2, color=PALETTE["ink"], linestyle="--", linewidth=1)
            exponent = one.lyapunov.values
            ax.plot(one.edge_units, exponent, color=PALETTE["muted"], linewidth=0.8)
            ax.plot(one.edge_units, np.where(exponent > 0, exponent, np.nan), color=PALETTE["catapult"],
                    linewidth=1.4)
            ax.set(xlabel="γ = η p (1 − p)", ylim=(-2, 1))
        axes[0, 0].set_ylabel("late iterates $w_t$")
        axes[1, 0].set_ylabel("Lyapunov exponent")
        style.label_panels(figure)
    return figure


def period_three(results: xr.Dataset, label_fraction: float, edge_units: float) -> Figure:
    """Draw the cycle of length three as a cobweb of the imbalanced pair's map."""
    rate = edge_units / (label_fraction * (1 - label_fraction))
    points = results.three_cycle.values
    with style.use():
        figure, ax = style.subplots(1, 1, width=4.9, height=4.2)
        w = np.linspace(points.min() - 1.5, points.max() + 1.5, 600)
        ax.plot(w, theory.imbalanced_update(w, rate, label_fraction), color=PALETTE["logistic"])
        ax.plot(w, w, color=PALETTE["muted"], linewidth=0.9)
        corners = np.append(points, points[0])
        ax.plot(np.repeat(corners, 2)[:-1], np.repeat(corners, 2)[1:], color=PALETTE["ink"], linewidth=1)
        ax.plot(points, np.roll(points, -1), "o", color=PALETTE["catapult"])
        ax.set(xlabel="$w_t$", ylabel="$w_{t+1}$", xlim=(w[0], w[-1]), ylim=(w[0], w[-1]), aspect="equal")
    return figure
