"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.incremental_learning import outcomes, seconds
from catapult.style import PALETTE
from catapult.theory import incremental

OF_DEPTH = {2: ("lazy", "o"), 3: ("logistic", "s"), 4: ("catapult", "^"), 6: ("dead", "D")}
OF_CASE = {"deep": ("catapult", "o"), "depth 1": ("muted", "^"), "deep, from 1": ("lazy", "s")}


def toy(results: xr.Dataset) -> Figure:
    """Draw the threshold against the gap, with its laws; and the exponent of the second value against the rate."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.8)
        gap = results.r.values - 1
        for depth, (colour, marker) in OF_DEPTH.items():
            left.plot(gap, results.threshold.sel(depth=depth), marker, color=PALETTE[colour], markersize=4,
                      label=f"depth {depth}")
            left.plot(gap, results.law.sel(depth=depth), color=PALETTE[colour], linewidth=1)
        left.set(xscale="log", xlabel="r − 1", ylabel="log₁₀ σ₀ of the threshold", ylim=(-12, 0))
        left.set_title("from how small a start")
        left.legend(loc="lower right")
        for (colour, marker), r in zip(style.THREE, results.step_r.values[[0, 2, 3]], strict=True):
            right.plot(results.multiple, results.exponent.sel(step_r=r), marker, color=colour, markersize=5,
                       label=f"r = {r:g}")
            fine = np.linspace(0.005, 1, 100)
            right.plot(fine, [1 - 1 / incremental.ratio_of_steps(r, m) for m in fine], color=colour, linewidth=1)
            right.plot(0, 1 - 1 / r, marker="_", markersize=12, color=colour)
        right.set(xlabel="learning rate, in 2 / sharpness at the larger value", ylabel="κ: second value ∝ σ₀^κ",
                  ylim=(0, 1))
        right.set_title("depth 2: a large rate draws nearer")
        right.legend(loc="upper right", ncols=3, fontsize="small")
        style.label_panels(figure)
    return figure


def settings(results: xr.Dataset) -> Figure:
    """Draw the largest values of one draw over training, at depth 1 above and at the paper's below."""
    with style.use():
        figure, axes = style.subplots(2, 4, height=2.3)
        for column, name in enumerate(results.setting.values):
            for row, case in enumerate(("depth 1", "deep")):
                axis, curves = axes[row, column], results.curve.isel(draw=0).sel(setting=name, case=case)
                along = np.linspace(0, 1, curves.sizes["point"])
                for rank in range(curves.sizes["largest"]):
                    axis.plot(along, curves.isel(largest=rank), color=PALETTE["catapult" if row else "muted"],
                              linewidth=1.3, alpha=1 - 0.15 * rank)
                axis.set(xlim=(0, 1), ylim=(0, None))
                axis.tick_params(labelsize="small")
                if row == 0:
                    axis.set_title(str(name), fontsize="small")
        for axis, label in zip(axes[:, 0], ("depth 1", "deep"), strict=True):
            axis.set(ylabel=f"{label}: values")
        figure.supxlabel("part of the steps to the end", fontsize="medium")
    return figure


def lateness(results: xr.Dataset, found: dict[float, xr.DataArray]) -> Figure:
    """Draw the part of the values that come late, by setting and case, and how many times as large the second is.

    ``found``: :func:`.seconds.seconds` of two layers, by σ0.
    """
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.4, width_ratios=[1.5, 1])
        late, names = outcomes.late(results), results.setting.values.tolist()
        for shift, (case, (colour, marker)) in zip((-0.2, 0, 0.2), OF_CASE.items(), strict=True):
            for row, name in enumerate(names):
                style.interval(left, outcomes.interval(late.sel(case=case, pace="tuned", setting=name)), row + shift,
                               PALETTE[colour], marker=marker, markersize=5, label=case if row == 0 else None)
        above = seconds.above(results, seconds.TWO_LAYERS).values
        for row, each in enumerate(found.values()):
            for shift, pace, colour, marker, draws in ((-0.12, "large", "catapult", "o", above),
                                                       (0.12, "tuned", "lazy", "s", slice(None))):
                ends = seconds.geometric(seconds.factors(each, pace)[draws])
                style.interval(right, ends, row + shift, PALETTE[colour], marker=marker, markersize=5,
                               label=pace if row == 0 else None)
        left.set_yticks(range(len(names)), names)
        left.set(xlabel="part of the active values that come late", ylim=(len(names) - 0.5, -0.5), xlim=(-0.05, 1))
        left.set_title("tuned rate")
        left.axvline(0, color=PALETTE["theory"], linewidth=0.8)
        left.legend(loc="lower right", fontsize="small")
        right.set(xlabel="times that of the slow rate", ylabel="log₁₀ σ₀", xscale="log",
                  ylim=(len(found) - 0.5, -0.5))
        right.set_yticks(range(len(found)), [f"{np.log10(start):.0f}" for start in found])
        right.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        right.minorticks_off()
        right.axvline(1, color=PALETTE["theory"], linewidth=0.8)
        right.set_title("second value, quadratic")
        right.legend(loc="upper right", fontsize="small")
        style.label_panels(figure)
    return figure
