"""Figures: what is certified, in the colours of the phases, and what is left undecided."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from catapult import style
from catapult.style import PALETTE
from catapult.theory import linear_predictor as theory
from catapult.theory import two_layer

VERDICTS = {"below": PALETTE["lazy"], "above": PALETTE["catapult"], "undecided": PALETTE["unsettled"],
            "converges": PALETTE["lazy"], "diverges": PALETTE["divergent"],
            "diverges off a countable set": PALETTE["dead"]}
MARKS = {"ends": "o-", "quotient": "s--", "difference": "^:", "mean value": "o-", "naive": "s--"}


def boxes(results: xr.Dataset) -> Figure:
    """Draw the certified and the undecided boxes of (w0, η) for both losses, with the critical curve."""
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.8)
        for ax, loss in zip(axes, results.box_loss.values, strict=True):
            found, verdict = results[f"box_{loss}"].values, results[f"box_verdict_{loss}"].values
            corners = np.stack([found[:, [0, 2]], found[:, [1, 2]], found[:, [1, 3]], found[:, [0, 3]]], axis=1)
            for name in ("below", "above", "undecided"):
                ax.add_collection(PolyCollection(corners[verdict == name], facecolor=VERDICTS[name], alpha=0.8,
                                                 edgecolor=style.PAPER, linewidth=0.25))
            w = np.linspace(found[:, 0].min(), found[:, 1].max(), 400)
            line, = ax.plot(w, theory.critical_learning_rate(loss, w), color=PALETTE["theory"], linewidth=1.1)
            ax.set(xlim=(w[0], w[-1]), ylim=(found[:, 2].min(), found[:, 3].max()), xlabel="initial weight w₀",
                   title=f"{loss} loss")
        axes[0].set_ylabel("learning rate η")
        handles = [Patch(color=VERDICTS[name], alpha=0.8, label=text) for name, text in
                   (("below", "certified $\\eta < \\eta_c$"), ("above", "certified $\\eta > \\eta_c$"),
                    ("undecided", "undecided"))]
        line.set_label("theory: $\\eta_c(w_0)$")
        figure.legend(handles=[line, *handles], loc="outside lower center", ncols=4)
        style.label_panels(figure)
    return figure


def undecided(results: xr.Dataset) -> Figure:
    """Draw the undecided share against the number of cuts: boxes of both losses, and intervals of η."""
    with style.use():
        figure, axes = style.subplots(1, 3, width=9, height=3.4, sharey=True)
        for ax, loss in zip(axes, results.box_loss.values, strict=False):
            for form in results.form.values:
                ax.plot(results.box_depth, results.box_undecided.sel(box_loss=loss, form=form), MARKS[form],
                        color=PALETTE[loss], markersize=5, label=form)
            depth = results.box_depth.values
            ax.plot(depth, 2.0**-depth, color=PALETTE["theory"], linewidth=1, label="halving")
            ax.set(xlabel="cuts in four", title=f"boxes, {loss}", yscale="log")
            ax.legend()
        for form in results.rate_form.values:
            axes[2].plot(results.halvings, results.piece_undecided.sel(rate_form=form), MARKS[form],
                         color=PALETTE["ink"], markersize=5, label=form)
        axes[2].plot(results.halvings, 2.0**-results.halvings, color=PALETTE["theory"], linewidth=1, label="halving")
        axes[2].set(xlabel="halvings", title="intervals of η")
        axes[2].legend()
        axes[0].set_ylabel("share that is undecided")
        style.label_panels(figure)
    return figure


def two_cycle(results: xr.Dataset) -> Figure:
    """Draw the enclosures of the two-cycle and of its multiplier, piece by piece, and the undecided rest."""
    rate = results.cycle_rate.values
    certified = np.isfinite(results.cycle.values[:, 0])
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.4)
        fine = np.geomspace(max(rate[0, 0], 8 + 1e-6), rate[-1, 1], 500)
        closed = theory.two_cycle("logistic", fine)
        curves = closed, theory.cycle_multiplier("logistic", closed)
        for ax, name, curve, symbol in zip(axes, ("cycle", "cycle_multiplier"), curves,
                                           ("size $w^*$", "multiplier $U'(w^*)$"), strict=True):
            found = results[name].values
            corners = np.stack([np.stack([rate[:, i], found[:, j]], axis=-1) for i, j in
                                ((0, 0), (1, 0), (1, 1), (0, 1))], axis=1)
            ax.add_collection(PolyCollection(corners[certified], facecolor=PALETTE["logistic"], alpha=0.5,
                                             edgecolor=PALETTE["logistic"], linewidth=0.8, label="enclosure"))
            ax.plot(fine, curve, color=PALETTE["theory"], linewidth=1, label="closed form")
            for low, high in rate[~certified]:
                ax.axvspan(low, high, color=PALETTE["unsettled"], linewidth=1.5)
            ax.set(xlabel="learning rate η", ylabel=symbol, xscale="log", xlim=(rate[0, 0] * 0.99, rate[-1, 1]),
                   title="the cycle" if name == "cycle" else "its multiplier")
            ticks = [tick for tick in (8, 10, 16, 32, 64, 100) if rate[0, 0] * 0.99 <= tick <= rate[-1, 1]]
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
        axes[0].set_ylim(0, None)
        axes[1].set_ylim(-1.05, 1.05)
        for level in (-1, 1):
            axes[1].axhline(level, color=PALETTE["muted"], linewidth=0.8, linestyle=":")
        axes[0].legend(loc="upper left")
        style.label_panels(figure)
    return figure


def pieces(results: xr.Dataset) -> Figure:
    """Draw the pieces of η, coloured by what is proved on them: all of the interval, and around the edge."""
    rate, verdict = results.piece_rate.values, results.piece_verdict.values
    edge = rate[verdict == "undecided"] if (verdict == "undecided").any() else rate
    span = max(edge.max() - edge.min(), 0.02 * (rate[-1, 1] - rate[0, 0]))
    views = [(rate[0, 0], rate[-1, 1]), (edge.min() - span, edge.max() + 3 * span)]
    with style.use():
        figure, axes = style.subplots(2, 1, width=9, height=1.9)
        for ax, (low, high), title in zip(axes, views, ("the interval", "around the undecided rest"), strict=True):
            for name in ("converges", "diverges", "diverges off a countable set", "undecided"):
                chosen = rate[(verdict == name) & (rate[:, 1] >= low) & (rate[:, 0] <= high)]
                steps = results.piece_steps.values[(verdict == name) & (rate[:, 1] >= low) & (rate[:, 0] <= high)]
                height = np.maximum(steps, 1)
                ax.bar(chosen[:, 0], height, width=chosen[:, 1] - chosen[:, 0], align="edge", color=VERDICTS[name],
                       edgecolor=VERDICTS[name], linewidth=0.3)
            ax.set(xlim=(low, high), yscale="log", ylabel="steps", title=title)
        axes[1].set_xlabel("learning rate η")
        handles = [Patch(color=VERDICTS[name], label=name) for name in
                   ("converges", "diverges", "diverges off a countable set", "undecided")]
        figure.legend(handles=handles, loc="outside lower center", ncols=4)
        style.label_panels(figure)
    return figure


def final_kernels(results: xr.Dataset) -> Figure:
    """Draw λ_∞ of the squared loss against η with the certified pair; the error of floats against its estimate."""
    with style.use():
        figure, axes = style.subplots(1, 2, width=9, height=3.6)
        axes[0].plot(results.squared_rate, results.squared_final.mean("end"), ".-", color=PALETTE["squared"],
                     linewidth=0.8, markersize=4, label="enclosures")
        axes[0].plot(results.squared_rate, 2 / results.squared_rate, color=PALETTE["theory"], label="2/η")
        axes[0].plot(results.pair_rate, results.pair_final.mean("end"), "o", color=PALETTE["catapult"],
                     markersize=7, label="the pair")
        axes[0].set(xlabel="learning rate η", ylabel="$\\lambda_\\infty$", yscale="log",
                    title="squared loss, catapult phase")
        axes[0].legend(loc="lower left")
        colours = {**PALETTE, "near chaos": PALETTE["unsettled"]}
        for name in results.networks.values:
            one = results.sel(networks=name)
            axes[1].plot(np.maximum(one.float_error, 1e-17), np.maximum(one.float_distance, 1e-17), "o",
                         color=colours[name], markersize=4, alpha=0.7, label=name)
        ends = np.array([1e-16, 1.0])
        axes[1].plot(ends, ends, color=PALETTE["theory"], linewidth=1)
        axes[1].axvline(two_layer.TRUSTED, color=PALETTE["theory"], linewidth=1, linestyle="--")
        axes[1].set(xlabel="its own estimate of its error", ylabel="distance from the enclosure", xscale="log",
                    yscale="log", title="$\\lambda_\\infty$ in float64", ylim=(5e-18, None))
        axes[1].legend(loc="lower right")
        style.label_panels(figure)
    return figure


def bits(results: xr.Dataset) -> Figure:
    """Draw the bits lost by ball orbits against the step, in mean value form and operation by operation."""
    with style.use():
        figure, ax = style.subplots(1, 1, width=9, height=3.6)
        for loss in results.loss.values:
            for form in results.rate_form.values:
                lost = results.bits_lost.sel(loss=loss, rate_form=form)
                ax.plot(results.bits_step, lost, "-" if form == "mean value" else "--", color=PALETTE[loss],
                        label=f"{loss}, {form}")
        ax.set(xlabel="step t", ylabel="bits lost", ylim=(0, None), xlim=(0, results.bits_step.values[-1]))
        ax.legend()
    return figure


def escape(results: xr.Dataset) -> Figure:
    """Draw |log p/q| and |f| along an orbit that escapes, with the levels and the band of the theorem."""
    with style.use():
        figure, (ratio, output) = style.subplots(1, 2, width=9, height=3.3)
        step, room, turn = results.escape_step, results.escape_room.item(), results.escape_turn.item()
        ratio.axhspan(room, turn - room, color=PALETTE["logistic"], alpha=0.15, linewidth=0)
        first = results.escape_ratio.values[0]
        for level in (first, turn - first):
            ratio.axhline(level, color=PALETTE["theory"], linestyle="--", linewidth=1)
        ratio.plot(step, results.escape_ratio, "o-", color=PALETTE["logistic"], markersize=5, linewidth=0.8)
        ratio.set(xlabel="step t", ylabel="$r$", ylim=(0, turn), yticks=[0, room, turn - room, turn],
                  yticklabels=["0", "δ", "τ(A) − δ", "τ(A)"], title="the ratio alternates")
        output.plot(step, results.escape_size, "o-", color=PALETTE["logistic"], markersize=5, linewidth=0.8)
        output.set(xlabel="step t", ylabel="$|f_t|$", yscale="log", title="the output grows")
        style.label_panels(figure)
    return figure
