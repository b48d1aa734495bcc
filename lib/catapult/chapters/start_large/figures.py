"""Figures, from the results of the experiment beside them and of the one on photographs."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from catapult import style
from catapult.chapters.start_large import checks, experiment, outcomes
from catapult.chapters.start_large.patterns import KINDS, Sample
from catapult.chapters.start_large_patches import experiment as patches
from catapult.style import PALETTE

COLOURS = {"small": PALETTE["lazy"], "large": PALETTE["catapult"], "noise": PALETTE["logistic"]}
PATTERN_COLOURS = {"P alone": PALETTE["catapult"], "Q alone": PALETTE["lazy"]}
SHOWN = (checks.SMALL, checks.TWO, checks.LARGE, ("noise", 3))
"""The runs that are drawn: arm and candidate."""


def patterns(sample: Sample) -> Figure:
    """Draw inputs: Q in the plane of z and ζ, and P along the one direction that tells the label, beside another."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.2)
        has_q = np.abs(sample.x2).max(1) > 0
        for label, colour, marker in ((1, PALETTE["positive"], "o"), (-1, PALETTE["negative"], "s")):
            at = has_q & (sample.y == label)
            left.plot(*sample.x2[at].T, marker, color=colour, markersize=4, alpha=0.6, linestyle="",
                      label=f"y = {'+' if label > 0 else '−'}1")
        left.set(title="Q: x₂, easy to generalise", xlabel="along z", ylabel="along ζ")
        left.legend(loc="upper left")
        has_p = np.abs(sample.x1).max(1) > 0
        signed = sample.y[has_p, None] * sample.x1[has_p]
        bins = np.linspace(-0.4, 0.4, 33)
        for place, name, colour in ((1, "any other", PALETTE["muted"]), (0, "the one that tells", PALETTE["catapult"])):
            right.hist(signed[:, place], bins, histtype="step", linewidth=1.6, color=colour, label=name)
        right.set(title="P: y x₁, easy to fit", xlabel="along a direction", ylabel="inputs")
        right.legend(loc="upper left", title="direction")
        style.label_panels(figure)
    return figure


def order(runs: xr.Dataset, values: experiment.Parameters) -> Figure:
    """Draw accuracy on P alone and on Q alone over the steps: small, large, and small with noise; means and seeds."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=2.7, sharex=True, sharey=True)
        for panel, (arm, candidate) in zip(axes.flat, SHOWN, strict=True):
            for kind, colour in PATTERN_COLOURS.items():
                one = runs.accuracy.sel(arm=arm, candidate=candidate, kind=kind).transpose("step", "seed")
                panel.plot(one.step, one, color=colour, alpha=0.2, linewidth=0.8)
                panel.plot(one.step, one.mean("seed"), color=colour, linewidth=2, label=kind)
            _steps(panel, values)
            panel.set_title(_name(arm, candidate))
        for panel in axes[1]:
            panel.set_xlabel("step")
        for panel in axes[:, 0]:
            panel.set_ylabel("test accuracy")
            panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[0, 0].legend(loc="upper left")
        style.label_panels(figure)
    return figure


def _steps(panel, values: experiment.Parameters) -> None:
    """Make the axis of steps logarithmic from 4 on, with a line where the first phase ends."""
    panel.axvline(values.steps, color=PALETTE["ink"], linestyle="--", linewidth=1)
    panel.set_xscale("symlog", linthresh=4)
    panel.set_xticks([0, 4, 16, 64, 256], ["0", "4", "16", "64", "256"])
    panel.minorticks_off()
    panel.set_xlim(0, values.steps + values.settle)


def _name(arm: str, candidate: int) -> str:
    rate, noise = experiment.RATES[arm][candidate], experiment.NOISES[arm][candidate]
    return {"small": f"small: η = {rate:g}", "large": f"large: η = {rate:g}, then lower",
            "noise": f"η = {rate:g}, noise {noise:g}"}[arm]


def lead(runs: xr.Dataset, values: experiment.Parameters) -> Figure:
    """Draw accuracy on the whole of the tuned small and large rates over the steps, and the lead of the large one."""
    ways = {arm: outcomes.on_the_way(runs, arm, outcomes.WHOLE, values.shares).transpose("step", "seed")
            for arm in ("small", "large")}
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.4)
        for arm, way in ways.items():
            left.plot(way.step, 100 * way, color=COLOURS[arm], alpha=0.2, linewidth=0.8)
            left.plot(way.step, 100 * way.mean("seed"), color=COLOURS[arm], linewidth=2, label=arm)
        left.legend(loc="upper left")
        ends = np.array([outcomes.interval(row) for row in 100 * (ways["large"] - ways["small"]).values])
        right.fill_between(runs.step, ends[:, 1], ends[:, 2], color=COLOURS["large"], alpha=0.25, linewidth=0)
        right.plot(runs.step, ends[:, 0], color=COLOURS["large"])
        right.axhline(0, color=PALETTE["ink"], linewidth=1)
        for panel, title in ((left, "accuracy on all inputs, %"), (right, "large less small, points")):
            _steps(panel, values)
            panel.set(title=title, xlabel="step")
        style.label_panels(figure)
    return figure


def gains(table: xr.Dataset, shares: np.ndarray) -> Figure:
    """Draw what tuned large rates and tuned noise gain over small rates, by kind of input, with intervals."""
    rows = []
    runs = table.sel(data=outcomes.BOTH)
    for kind in (outcomes.WHOLE, *KINDS):
        rows.append((kind, {"large, equal steps": outcomes.gain(runs, "large", kind, shares),
                            "large, equal time": outcomes.gain_in_time(runs, "large", kind, shares),
                            "noise, equal steps": outcomes.gain(runs, "noise", kind, shares)}))
    if outcomes.CONTROL in table.data:
        control, own = table.sel(data=outcomes.CONTROL), outcomes.shares_of(outcomes.CONTROL, shares)
        rows.append(("control:\nno Q in the data", {
            "large, equal time": outcomes.gain_in_time(control, "large", "P alone", own)}))
    looks = {"large, equal steps": (COLOURS["large"], "o", -0.22), "large, equal time": (COLOURS["small"], "s", 0),
             "noise, equal steps": (COLOURS["noise"], "^", 0.22)}
    with style.use():
        figure, axes = style.subplots(1, 1, height=3.9)
        for place, (_, each) in enumerate(rows):
            for name, values in each.items():
                colour, marker, shift = looks[name]
                style.interval(axes, outcomes.interval(values), place + shift, colour, marker=marker,
                               label=name if place == 0 else None)
        axes.axvline(0, color=PALETTE["ink"], linewidth=1)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.set(xlabel="gain over small rates throughout, percentage points of test accuracy",
                 ylim=(len(rows) - 0.5, -0.5))
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def photographs(*tables: tuple[xr.Dataset, patches.Parameters]) -> Figure:
    """Draw accuracy on clean test images, on patched ones and on the patch alone over the epochs, a row a table."""
    names = {"clean": "clean images", "patched": "patched images", "patch": "the patch alone"}
    with style.use():
        figure, axes = style.subplots(len(tables), 3, height=2.2, sharex="row", sharey="row", squeeze=False)
        for row, (runs, values) in zip(axes, tables, strict=True):
            for panel, (variable, title) in zip(row, names.items(), strict=True):
                for arm in patches.ARMS:
                    one = runs[variable].sel(version="patched", arm=arm).dropna("step", how="all").mean("seed")
                    panel.plot(one.step / values.steps_per_epoch, one, "o-", markersize=3, color=COLOURS[arm],
                               label=f"{arm}: η = {getattr(values, arm):g}")
                panel.axvline(values.epochs // 2, color=PALETTE["ink"], linestyle="--", linewidth=1)
                panel.axhline(0.1, color=PALETTE["muted"], linestyle=":", linewidth=1)
                panel.set_title(f"{title}, ζ ≤ {values.mark:g}")
            row[0].set(ylabel=f"test accuracy\n{values.samples:,} images", ylim=(0, None))
            row[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for panel in axes[-1]:
            panel.set_xlabel("epoch")
        for row in axes:
            row[1].legend(loc="lower right", frameon=True, framealpha=1, edgecolor=style.PAPER)
        style.label_panels(figure)
    return figure
