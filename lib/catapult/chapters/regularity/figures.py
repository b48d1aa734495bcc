"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from catapult import style
from catapult.chapters.regularity import experiment, family, networks, outcomes
from catapult.statistics import mean_interval
from catapult.style import PALETTE

LABELS = {"lazy": "lazy: the loss never rises", "edge": "rises, ends at the edge (ηλ ≥ 1.8)",
          "catapult": "rises, ends flatter", "unsettled": "not settled", "divergent": "divergent"}
COLOURS = {**{name: PALETTE[name] for name in LABELS if name != "edge"}, "edge": PALETTE["logistic"]}
LOOKS = dict(zip(experiment.SHOWN, style.THREE, strict=True))


def phase_map(results: xr.Dataset, x0: float, y0: float, target: float) -> Figure:
    """Draw what runs from one start do, over growth order and learning rate, and what is left of x² − y²."""
    with style.use():
        figure, (phases, balance) = style.subplots(1, 2, height=4.2, sharey=True)
        names = list(LABELS)
        codes = np.vectorize(names.index)(results.label.values)
        phases.pcolormesh(results.order, results.rate, codes.T, cmap=ListedColormap([COLOURS[n] for n in names]),
                          norm=BoundaryNorm(np.arange(-0.5, len(names)), len(names)), alpha=0.75, shading="nearest",
                          rasterized=True)
        left = balance.pcolormesh(results.order, results.rate, np.log2(np.maximum(results.left, 2.0**-8)).T,
                                  cmap="viridis", vmin=-8, vmax=0, shading="nearest", rasterized=True)
        for axes in (phases, balance):
            _boundaries(axes, results, x0, y0, target)
            axes.set(xlabel="growth order p", yscale="log", xlim=(0.5, 4),
                     ylim=(results.rate.min(), results.rate.max()))
            axes.set_yticks([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4], ["1/16", "1/8", "1/4", "1/2", "1", "2", "4"])
            axes.minorticks_off()
        phases.set(title="what the loss does", ylabel="learning rate η")
        balance.set(title="how much of $x^2 - y^2$ is left")
        bar = figure.colorbar(left, ax=balance, ticks=[-8, -6, -4, -2, 0])
        bar.ax.set_yticklabels(["≤ 1/256", "1/64", "1/16", "1/4", "1"])
        figure.legend(handles=[Patch(color=COLOURS[n], alpha=0.75, label=text) for n, text in LABELS.items()],
                      loc="outside lower center", ncols=3)
        style.label_panels(figure)
    return figure


def _boundaries(axes, results: xr.Dataset, x0: float, y0: float, target: float) -> None:
    ink = PALETTE["theory"]
    orders = np.linspace(0.5, 4, 200)
    axes.plot(orders, 2 / family.sharpness(family.power(orders, target), x0, y0), color=ink, linewidth=1,
              linestyle=":")
    low = orders[orders <= 1]
    axes.plot(low, np.sqrt(2) / family.power(low, target).steepest, color=ink, linewidth=1.4)
    axes.axhline(1 / target, color=ink, linewidth=1, linestyle="--")
    axes.axvline(2, color=ink, linewidth=0.8, linestyle="-.")
    axes.plot(2, family.critical_step(target, x0 * y0, x0**2 + y0**2), marker="*", color=ink, markersize=11)


def paths(results: xr.Dataset) -> Figure:
    """Draw loss, ηλ and what is left of x² − y² of one start at one rate for three growth orders."""
    with style.use():
        figure, axes = style.subplots(1, 3, height=3.3)
        for order in results.shown.values:
            colour, _ = LOOKS[order]
            one = results.sel(shown=order)
            alive = np.isfinite(one.loss.values)
            for panel, name in zip(axes, ("loss", "edge", "gap"), strict=True):
                values = one[name].values[alive]
                panel.plot(1 + one.step.values[alive], values, color=colour, label=f"p = {order:g}")
                if not alive.all():
                    panel.plot(alive.sum(), values[-1], marker="x", color=colour, markersize=8)
        axes[0].set(title="loss F", yscale="log", ylim=(1e-9, 1e5))
        axes[1].set(title="ηλ, largest eigenvalue", ylim=(0, 6))
        axes[1].axhline(2, color=PALETTE["theory"], linestyle="--", linewidth=1)
        axes[2].set(title="$x^2 - y^2$, share left", ylim=(0, 1.1))
        for panel in axes:
            panel.set(xscale="log", xlabel="step + 1", xlim=(1, 1000))
        axes[0].legend(loc="lower left")
        style.label_panels(figure)
    return figure


def windows(results: xr.Dataset) -> Figure:
    """Draw the window of each growth order from drawn starts, and ηλ at the end against η with the law."""
    with style.use():
        figure, (octaves, ends) = style.subplots(1, 2, height=3.4)
        found = outcomes.window(results)
        for place, order in enumerate(results.growth.values):
            values = found.sel(growth=order).values
            spread = np.linspace(-0.16, 0.16, len(values))
            octaves.plot(place + spread, values, "o", markersize=3, alpha=0.4, color=PALETTE["catapult"])
            mean, low, high = mean_interval(values)
            octaves.errorbar(place, mean, [[mean - low], [high - mean]], color=PALETTE["ink"], marker="_", capsize=4)
        octaves.set_xticks(range(results.sizes["growth"]), [f"{order:g}" for order in results.growth.values])
        octaves.set(title="rises and converges", xlabel="growth order p", ylabel="octaves of η")
        rates = np.geomspace(0.04, 1, 120)
        for (name, member), colour in zip(family.MEMBERS.items(), ("logistic", "exponential", "lazy", "squared"),
                                          strict=True):
            measured = np.geomspace(0.05, 0.8, 9)
            x, y = starts_at_edge(member, measured)
            runs = family.follow(member, x, y, measured / member.second, 6000)
            ends.plot(measured, runs.edge(member, measured / member.second), "o", markersize=4, color=PALETTE[colour])
            ends.plot(rates, family.end(member, rates / member.second), color=PALETTE[colour], label=name)
        ends.set(title="where a slide along the edge ends", xlabel="$\\eta F''(s_*)$", ylabel="ηλ at the end",
                 ylim=(0.9, 2.05), xscale="log")
        ends.set_xticks([0.05, 0.1, 0.2, 0.4, 0.8], ["0.05", "0.1", "0.2", "0.4", "0.8"])
        ends.minorticks_off()
        ends.legend(loc="lower left")
        style.label_panels(figure)
    return figure


def starts_at_edge(member: family.Member, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return starts x, y with ηλ = 2.5 at the minimum and s off it by 0.3, at rates of these ηF''."""
    n, s = 2.5 / scaled, member.minimiser + 0.3
    plus, minus = np.sqrt(n + 2 * s), np.sqrt(np.maximum(n - 2 * s, 0))
    return (plus + minus) / 2, (plus - minus) / 2


NAMES = {"squared": "squared", "huber": "Huber", "relu": "ReLU", "tanh": "tanh", "relu3": "ReLU³", "none": "",
         "batch": ", batch norm.", "layer": ", layer norm."}


def network_runs(runs: xr.Dataset) -> Figure:
    """Draw what each rate did to each network, by growth order, and how many octaves above 2/sharpness it survives."""
    order = networks.experiment.growth_order
    rows = sorted(networks.combinations(), key=lambda names: (order(names), names))
    with style.use():
        figure, (fates, octaves) = style.subplots(1, 2, height=6.4, sharey=True,
                                                  gridspec_kw={"width_ratios": (1.6, 1)})
        for place, names in enumerate(rows):
            mine = networks.of(runs, names)
            for phase, text in (("lazy", "never rises"), ("catapult", "rises and settles"),
                                ("unsettled", "still bounces"), ("divergent", "lost")):
                rates = mine.rate.values[mine.phase.values == phase]
                fates.plot(rates, [place] * len(rates), "x" if phase == "divergent" else "o", color=COLOURS[phase],
                           markersize=6, linestyle="", label=text if place == 0 else None)
            fates.plot(networks.stable_rate(runs, names), place, marker="|", markersize=16, color=PALETTE["ink"],
                       linestyle="", label="2/sharpness at the start" if place == 0 else None)
            survived = runs.survived.sel(combination="-".join(names)).values
            octaves.plot(survived, place + 0.22 * np.linspace(-1, 1, len(survived)), "o", color=PALETTE["ink"],
                         markersize=4, linestyle="")
        labels = [f"{NAMES[names[0]]}, {NAMES[names[1]]}{NAMES[names[2]]} ({order(names)})" for names in rows]
        fates.set_yticks(range(len(rows)), labels, fontsize="small")
        fates.set(title="network (growth order), seed 0", xscale="log", xlabel="learning rate η")
        octaves.axvline(networks.RECORDED.octaves, color=PALETTE["muted"], linestyle=":")
        octaves.set(title="octaves survived", xlabel="above 2/sharpness, three seeds",
                    xlim=(-1.5, networks.RECORDED.octaves + 0.7))
        figure.legend(*fates.get_legend_handles_labels(), loc="outside lower center", ncols=5)
        style.label_panels(figure)
    return figure


def published(runs: xr.Dataset) -> Figure:
    """Draw ours against the published numbers, run by run: peak, loss and sharpness."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=5.5, height=4.2)
        for name, mark, colour in (("peak", "s", "catapult"), ("loss", "o", "lazy"), ("sharpness", "^", "logistic")):
            values = np.array([(getattr(run, name), float(mine.peak if name == "peak" else mine.loss.sel(step=400)
                                                          if name == "loss" else mine.sharpness.sel(end="last")))
                               for layer in (False, True) for _, run, mine in networks.pairs(runs, layer)
                               if getattr(run, name) is not None])
            axes.plot(*values.T, mark, color=PALETTE[colour], markersize=4, alpha=0.7, linestyle="",
                      label="peak of the loss" if name == "peak" else f"{name}, step 400")
        axes.plot([0.1, 2e5], [0.1, 2e5], color=PALETTE["theory"], linewidth=0.8)
        axes.set(xscale="log", yscale="log", xlabel="theirs", ylabel="ours")
        axes.legend(loc="upper left")
    return figure
