"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.stats
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.annealing import outcomes, surface
from catapult.chapters.mnist.figures import UNIT, multiples_axis

LOOKS = {"annealed, equal steps": ("catapult", "o"), "averaged, equal steps": ("logistic", "^"),
         "annealed, equal time": ("lazy", "s")}
POLICIES_OF = {"MNIST 3–5": ("lazy", "o"), "CIFAR-10 automobile–dog": ("catapult", "s")}
PATHS = {"FIX": ("catapult", "o"), "NSTEP": ("lazy", "s"), "TRIEXP": ("logistic", "^")}


def benefits(tables: Mapping[str, xr.Dataset]) -> Figure:
    """What each rate gains over tuned small ones throughout, with its interval: a row a data set, non-separable."""
    models = next(iter(tables.values())).model.values
    with style.use():
        figure, axes = style.subplots(len(tables), len(models), height=2.9, sharex=True, sharey="row", squeeze=False)
        for row, (name, runs) in zip(axes, tables.items(), strict=True):
            for panel, model in zip(row, models, strict=True):
                cell = runs.sel(version="non-separable", model=model)
                panel.set_title(f"{name.split()[0]}, {model}", fontsize="small")
                for comparison, (colour, marker) in LOOKS.items():
                    each = [outcomes.benefit(cell, comparison, multiple) for multiple in cell.multiple.values]
                    found = np.array([outcomes.interval(values if np.isfinite(values).all() else None)
                                      for values in each])
                    panel.fill_between(cell.multiple, found[:, 1], found[:, 2], color=style.PALETTE[colour], alpha=0.15,
                                       linewidth=0)
                    panel.plot(cell.multiple, found[:, 0], color=style.PALETTE[colour], marker=marker, markersize=4,
                               label=comparison)
                panel.axhline(0, color=style.PALETTE["ink"], linewidth=0.8)
                panel.axvline(1, color=style.PALETTE["ink"], linewidth=0.8, linestyle="--")
                panel.axvspan(outcomes.BAND[0] / 2**0.25, outcomes.BAND[1] * 2**0.25, color=style.PALETTE["muted"],
                              alpha=0.12, linewidth=0)
                multiples_axis(panel, cell)
                panel.set_xlim(0.22, 4.5)
            row[0].set_ylabel("gain, points")
        figure.supxlabel(UNIT, fontsize="medium")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
        style.label_panels(figure)
    return figure


def gains(tables: Mapping[str, xr.Dataset]) -> Figure:
    """The gain of tuned large rates over tuned small ones throughout: a row a data set, version and model."""
    rows = [(name, version, model) for name, runs in tables.items() for model in runs.model.values
            for version in runs.version.values]
    with style.use():
        figure, axes = style.subplots(1, 1, height=0.5 * len(rows) + 1.2)
        for number, (name, version, model) in enumerate(rows):
            cell = tables[name].sel(version=version, model=model)
            for shift, (comparison, (colour, marker)) in zip((-0.22, 0, 0.22), LOOKS.items(), strict=True):
                style.interval(axes, outcomes.interval(outcomes.gain(cell, comparison)), number + shift,
                               style.PALETTE[colour], marker=marker, markersize=5,
                               label=comparison if number == 0 else None)
        axes.axvline(0, color=style.PALETTE["ink"], linewidth=1)
        axes.set_yticks(range(len(rows)), [f"{name.split()[0]}, {model}, {version}" for name, version, model in rows],
                        fontsize="small")
        axes.set(xlabel="gain of large initial rates over small ones throughout, percentage points",
                 ylim=(len(rows) - 0.5, -0.5))
        figure.legend(loc="outside upper center", ncols=3)
    return figure


def policies(tables: Mapping[str, xr.Dataset]) -> Figure:
    """Each policy less the constant rate, both tuned, with its interval; and its rank on every seed."""
    names = next(iter(tables.values())).policy.values.tolist()
    with style.use():
        figure, axes = style.subplots(1, 3, height=4.6, sharey=True, width_ratios=[1.3, 1, 1])
        shifts = np.linspace(-0.15, 0.15, len(tables))
        for number, (name, runs) in enumerate(tables.items()):
            colour, marker = POLICIES_OF[name]
            for height, policy in enumerate(names):
                ends = outcomes.interval(outcomes.over_fix(runs, policy)) if policy != "fix" else (0, 0, 0)
                style.interval(axes[0], ends, height + shifts[number], style.PALETTE[colour], marker=marker,
                               markersize=5, label=name if height == 0 else None)
            ranks = scipy.stats.rankdata(-outcomes.tuned(runs).mean(2), axis=1)
            for height in range(len(names)):
                axes[1 + number].plot(ranks[:, height], [height] * len(ranks), marker=marker, linestyle="", alpha=0.35,
                                      markersize=5, color=style.PALETTE[colour], markeredgewidth=0)
                axes[1 + number].plot(ranks[:, height].mean(), height, marker="|", markersize=13,
                                      color=style.PALETTE["ink"])
            axes[1 + number].set_title(name.split()[0], fontsize="small")
            axes[1 + number].set(xlabel="rank on each seed, 1 is best", xlim=(0, len(names) + 1))
        axes[0].axvline(0, color=style.PALETTE["ink"], linewidth=0.8)
        axes[0].set_yticks(range(len(names)), [policy.upper() for policy in names])
        axes[0].set(xlabel="accuracy less that of FIX, points", ylim=(len(names) - 0.5, -0.5))
        axes[0].set_title("each at its tuned rate", fontsize="small")
        figure.legend(loc="outside upper center", ncols=2)
        style.label_panels(figure)
    return figure


def trajectories(paths: xr.Dataset) -> Figure:
    """Three policies on the surface: their paths over contours of the loss, and the factors beside."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=4.0, width_ratios=[1.7, 1])
        u, v = np.meshgrid(np.linspace(-2.6, 3.7, 241), np.linspace(-2.4, 2.4, 181))
        left.contourf(u, v, surface.loss(u, v), levels=np.log(2) + np.linspace(0, 1.5, 13) ** 2, cmap="Greys",
                      alpha=0.7, extend="max")
        edge = float((8 / paths.rate) ** 0.5)
        left.plot([-edge, edge], [0, 0], color=style.PALETTE["theory"], linewidth=4, alpha=0.5, solid_capstyle="butt",
                  label="sharpness below 2/η")
        left.plot([0, 0], [-edge, edge], color=style.PALETTE["theory"], linewidth=4, alpha=0.5, solid_capstyle="butt")
        for policy, (colour, marker) in PATHS.items():
            path = paths.sel(policy=policy)
            left.plot(path.u, path.v, color=style.PALETTE[colour], linewidth=1, marker=marker, markersize=3,
                      label=policy)
            left.plot(path.u[-1], path.v[-1], color=style.PALETTE[colour], marker=marker, markersize=10,
                      markeredgecolor=style.PALETTE["ink"], linestyle="")
            right.plot(path.step, path.factor, color=style.PALETTE[colour], drawstyle="steps-post", label=policy)
        left.set(xlabel="u", ylabel="v", xlim=(-2.6, 3.7), ylim=(-2.4, 2.4))
        left.set_title("logistic loss of f = uv on the pair")
        right.set(xlabel="step", ylabel="η / k0")
        right.set_title("the policies")
        handles = [*left.get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside upper center", ncols=4)
        style.label_panels(figure)
    return figure


def policy_table(runs: xr.Dataset) -> list[list[str]]:
    """Return the rows of the policies' table of one data set: what is printed of each policy at its tuned rate."""
    places, accuracy = outcomes.tuned_k0(runs), outcomes.tuned(runs)
    rows = []
    for number, policy in enumerate(runs.policy.values):
        at = xr.DataArray(places[:, number], dims="seed")
        of = runs.policy_measure.sel(policy=policy, set="test").isel(k0=at).mean("seed")
        mean, low, high = outcomes.interval(outcomes.over_fix(runs, policy))
        lost = int(np.isnan(runs.policy_accuracy.sel(policy=policy)).any("tenth").sum())
        rows.append([policy.upper(), f"{float(runs.policy_rate.sel(policy=policy).mean()):.2f}",
                     f"{float(np.median(runs.k0.values[places[:, number]])):g}", f"{lost}",
                     f"{100 * accuracy[:, number].mean():.2f}",
                     "–" if policy == "fix" else f"{mean:+.2f}{'*' if low > 0 or high < 0 else ''}",
                     *(f"{float(of.sel(measure=name)):.3f}".lstrip("0") for name in runs.measure.values),
                     f"{-outcomes.chooser(runs, 'cost')[:, number].mean():.0f}"])
    return rows


POLICY_COLUMNS = ("policy", "mean η/k0", "k0", "lost", "acc., %", "less FIX", "AC", "CD", "CDAC", "gap", "cost")
