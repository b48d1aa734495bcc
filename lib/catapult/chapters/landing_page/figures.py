"""The pictures on the landing page, from the results of its experiment and of the chapter on digits."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style

SHOWN_STEPS = 8
"""Steps in which each of the three runs shows what it does; the curves go on beyond."""
EVERY_LABEL = ("lazy", "catapult", "divergent")


def phenomenon(results: xr.Dataset) -> Figure:
    """Left: the loss against the step in three phases. Right: the sharpness at the end against the learning rate."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=9, height=3.4)
        _losses(left, results)
        _sharpness(right, results)
        style.label_panels(figure)
    return figure


def chosen(results: xr.Dataset, label: str) -> float:
    """Return the rate that stands for a phase: the middle one; of divergence the largest, which never returns."""
    rates = results.learning_rate[(results.phase == label).values].values
    return float(rates[-1] if label == "divergent" else rates[len(rates) // 2])


def _losses(axes, results: xr.Dataset) -> None:
    top = 40 * results.loss.isel(learning_rate=0, step=0).item()
    for label in EVERY_LABEL:
        if not (results.phase == label).any():
            continue
        rate = chosen(results, label)
        loss = results.loss.sel(learning_rate=rate).isel(step=slice(SHOWN_STEPS + 1)).dropna("step")
        axes.plot(loss.step, loss, color=style.PALETTE[label], marker="o", markersize=3.5)
        place = int(np.abs(loss.values - min(top / 2, float(loss.max()))).argmin())
        axes.annotate(f"{label}, η = {rate:.2g}", (place, min(float(loss[place]), top / 2)), xytext=(8, 3),
                      textcoords="offset points", color=style.PALETTE[label], fontweight="bold")
    axes.axhline(np.log(2), color=style.PALETTE["theory"], linestyle=":", linewidth=1.2)
    axes.annotate("log 2, the minimum", (SHOWN_STEPS, np.log(2)), xytext=(0, -13), textcoords="offset points",
                  ha="right", color=style.PALETTE["ink"])
    axes.set(yscale="log", xlim=(-0.3, SHOWN_STEPS + 0.3), ylim=(0.5, top), xlabel="step", ylabel="training loss",
             title="Three learning rates, one start")


def _sharpness(axes, results: xr.Dataset) -> None:
    """On the pair the sharpness at a minimum is a quarter of the kernel's eigenvalue."""
    rates = results.learning_rate.values
    fine = np.geomspace(rates[0], rates[-1], 200)
    axes.plot(fine, 2 / fine, color=style.PALETTE["theory"], linestyle="--", linewidth=1.4)
    axes.annotate("2/η, the edge", (rates[0] * 1.3, 2 / rates[0] / 1.3), xytext=(6, 2), textcoords="offset points",
                  color=style.PALETTE["ink"])
    low = 1e-4
    for label in EVERY_LABEL:
        here = rates[(results.phase == label).values]
        if not len(here):
            continue
        middle = float(np.sqrt(here[0] * here[-1]))
        axes.annotate(label, (middle, low), xytext=(0, 5), textcoords="offset points", ha="center", fontweight="bold",
                      color=style.PALETTE[label])
        axes.axvspan(here[0], here[-1], color=style.PALETTE[label], alpha=0.12, linewidth=0)
        axes.plot(here, results.last_ntk.sel(learning_rate=here) / 4, linestyle="", marker="o", markersize=4.5,
                  color=style.PALETTE[label])
    axes.set(xscale="log", yscale="log", ylim=(low, 4), xlabel="learning rate η", ylabel="sharpness at the end",
             title="Where each run comes to rest")


def digits(results: xr.Dataset) -> Figure:
    """Sharpness at the end over that at the start, linear networks on digits, separable and not; the edge 2/η."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=9, height=3.2)
        linear = (results.sharpness_end / results.sharpness_start).sel(activation="linear")
        linear = linear.dropna("multiple", how="all")
        edge = linear.multiple.values
        axes.plot(edge, 1 / edge, color=style.PALETTE["theory"], linestyle="--", linewidth=1.4)
        axes.annotate("2/η, the edge of stability", (edge[0] * 1.2, 1 / edge[0] / 1.2), xytext=(8, 4),
                      textcoords="offset points", color=style.PALETTE["ink"])
        for version, kind, shift in (("non-separable", "strictly non-separable", 8), ("separable", "separable", -34)):
            values = linear.sel(version=version).transpose("multiple", "seed")
            there = values.dropna("multiple")  # where every seed survives
            axes.plot(edge, values, linestyle="", marker="o", markersize=3, alpha=0.5, color=style.KINDS[kind])
            axes.plot(there.multiple, there.mean("seed"), color=style.KINDS[kind])
            axes.annotate(f"{kind} digits", (edge[0], float(values[0].mean())), xytext=(0, shift), fontweight="bold",
                          textcoords="offset points", color=style.KINDS[kind])
        axes.set(xscale="log", yscale="log", xlabel="learning rate η, in units of 2/sharpness at the start",
                 ylabel="sharpness, end / start")
        ticks = [multiple for multiple in (0.25, 0.5, 1, 2, 4, 8, 16) if edge[0] <= multiple <= edge[-1]]
        axes.set_xticks(ticks, [f"{multiple:g}" for multiple in ticks])
        axes.minorticks_off()
    return figure
