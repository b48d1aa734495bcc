"""Figures, from the results of the experiment beside them, and of kernels in closed form."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.rank_collapse import outcomes
from catapult.statistics import mean_interval
from catapult.style import PALETTE

OF_ARM = {"bootstrapped": ("catapult", "o"), "with penalty": ("logistic", "s"),
          "of another network": ("unsettled", "^"), "value iteration": ("lazy", "D"), "best values": ("muted", "v")}
NAMES = {"bootstrapped": "own targets", "with penalty": "own, with penalty", "of another network": "another network's",
         "value iteration": "exact iterates", "best values": "Q*"}
WIDTHS = (0.7, 1.0, 1.5)


def curves(axes, over_fits: xr.DataArray, arms: tuple[str, ...]) -> None:
    """Draw mean and 95 % interval over seeds against the fit."""
    for arm in arms:
        mean, low, high = mean_interval(over_fits.sel(arm=arm).transpose("fit", "seed").values)
        colour = PALETTE[OF_ARM[arm][0]]
        axes.plot(over_fits.fit, mean, color=colour, label=NAMES[arm])
        axes.fill_between(over_fits.fit, low, high, color=colour, alpha=0.15, linewidth=0)


def arms(results: xr.Dataset) -> Figure:
    """Draw srank over the fits by arm, all pairs, and how much of it each arm lost, on both data sets."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.8, width_ratios=[1.3, 1])
        curves(left, results.srank.sel(data="all pairs"), tuple(OF_ARM))
        left.set(xlabel="fit", ylabel="srank of the features", ylim=(0, None))
        left.set_title("rank, all pairs")
        left.legend(fontsize="small", ncols=2, loc="lower left")
        for row, (arm, (colour, marker)) in enumerate(OF_ARM.items()):
            for shift, data in ((-0.15, "all pairs"), (0.15, "nine tenths")):
                face = PALETTE[colour] if data == "all pairs" else style.PAPER
                lost = outcomes.lost(results.srank.sel(data=data, arm=arm))
                style.interval(right, outcomes.interval(lost), row + shift, PALETTE[colour], marker=marker,
                               markersize=6, markerfacecolor=face)
        right.set_yticks(range(len(OF_ARM)), list(NAMES.values()))
        right.axvline(0, color=PALETTE["theory"], linewidth=0.8)
        right.set(xlabel="srank lost, start to end", ylim=(len(OF_ARM) - 0.5, -0.5))
        right.set_title("full: all, open: nine tenths")
        style.label_panels(figure)
    return figure


def kernels(closed: xr.Dataset, iterated: xr.Dataset) -> Figure:
    """Draw srank against the number of fits, without rewards and with, in closed form and fit by fit."""
    with style.use():
        figure, axes = style.subplots(height=3.4)
        for name, colour, label in (("bare", "catapult", "no rewards: $S^k$"), ("rewarded", "lazy", "rewards: $M_k$")):
            axes.plot(closed.fits, closed[name], color=PALETTE[colour], label=label)
            axes.plot(iterated.fits, iterated[name], "o", color=PALETTE[colour], markersize=5)
        axes.set(xscale="log", xlabel="fits", ylabel="srank, of 64", ylim=(0, 68))
        axes.legend(loc="center right")
    return figure


def performance(results: xr.Dataset) -> Figure:
    """Draw performance over the fits on nine tenths of the pairs, and at the end against srank, by network."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.8, width_ratios=[1.3, 1])
        curves(left, results.returned.sel(data="nine tenths"), tuple(OF_ARM))
        left.set(xlabel="fit", ylabel="return, of the best policy's", ylim=(0, 1.35))
        left.set_title("performance, nine tenths")
        left.legend(fontsize="small", ncols=2, loc="upper left")
        last = results.isel(fit=-1).sel(data="nine tenths")
        for arm, (colour, marker) in OF_ARM.items():
            right.plot(last.srank.sel(arm=arm), last.returned.sel(arm=arm), marker, color=PALETTE[colour], markersize=5,
                       alpha=0.8)
        right.set(xlabel="srank at the end", ylim=(0, 1.35))
        right.set_title("at the end, by network")
        style.label_panels(figure)
    return figure


def sizes(results: xr.Dataset) -> Figure:
    """Draw srank lost on all pairs against the width of the layers, and against the number of states."""
    lost = outcomes.by_size(results)
    with style.use():
        figure, each = style.subplots(1, 2, height=3.4, sharey=True)
        for axes, sizes, label in zip(each, (outcomes.WIDTHS, outcomes.STATES), ("width of the layers", "states"),
                                      strict=True):
            for shift, arm in zip((0.95, 1.0, 1.05), lost.arm.values, strict=True):
                mean, low, high = mean_interval(lost.sel(arm=arm, size=list(sizes)).transpose("size", "seed").values)
                colour, marker = OF_ARM[arm]
                axes.errorbar([shift * size for size in sizes.values()], mean, [mean - low, high - mean], linewidth=1,
                              color=PALETTE[colour], marker=marker, markersize=6, label=NAMES[arm])
            axes.axhline(0, color=PALETTE["theory"], linewidth=0.8)
            axes.set(xscale="log", xlabel=label)
            axes.set_xticks(list(sizes.values()), [str(size) for size in sizes.values()])
            axes.minorticks_off()
        each[0].set(ylabel="srank lost, start to end")
        each[0].set_title("50 states")
        each[1].set_title("layers of 64")
        each[0].legend(fontsize="small", loc="upper left")
        style.label_panels(figure)
    return figure


def repeated(results: xr.Dataset) -> Figure:
    """Draw what the first ten seeds showed beside what ten new ones show."""
    found = outcomes.findings(results)
    with style.use():
        figure, each = style.subplots(2, 1, height=4.4, height_ratios=[len(values) for values in found.values()])
        for axes, (kind, values) in zip(each, found.items(), strict=True):
            for row, one in enumerate(values.values()):
                for shift, seeds, face, label in ((-0.16, outcomes.FIRST_TEN, style.PAPER, "first ten seeds"),
                                                  (0.16, outcomes.NEW_TEN, PALETTE["lazy"], "ten new ones")):
                    style.interval(axes, outcomes.interval(one.sel(seed=seeds)), row + shift, PALETTE["lazy"],
                                   markersize=6, markerfacecolor=face, label=label if row == 0 else None)
            axes.set_yticks(range(len(values)), list(values))
            axes.axvline(0, color=PALETTE["theory"], linewidth=0.8)
            axes.set(ylim=(len(values) - 0.5, -0.5))
            axes.set_title({"rank": "srank lost", "return": "return"}[kind])
        each[0].legend(fontsize="small")
        style.label_panels(figure)
    return figure


def settings(results: xr.Dataset) -> Figure:
    """Draw srank lost and the return at the end over the map of settings, own targets beside exact iterates."""
    every = outcomes.settings(results)
    plans = every.plan.values.tolist()
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=4.6, sharey=True)
        for shift, arm in ((-0.15, "bootstrapped"), (0.15, "value iteration")):
            colour, marker = OF_ARM[arm]
            for row, plan in enumerate(plans):
                one = every.sel(arm=arm, plan=plan)
                for axes, values in ((left, outcomes.lost(one.srank)), (right, one.returned.isel(fit=-1))):
                    style.interval(axes, outcomes.interval(values), row + shift, PALETTE[colour], marker=marker,
                                   markersize=5, label=NAMES[arm] if row == 0 else None)
        left.set_yticks(range(len(plans)), plans)
        left.axvline(0, color=PALETTE["theory"], linewidth=0.8)
        left.set(xlabel="srank lost, start to end", ylim=(len(plans) - 0.5, -0.5))
        right.set(xlabel="return at the end, of the best policy's")
        left.set_title("rank")
        right.set_title("performance")
        left.legend(fontsize="small", loc="upper right")
        style.label_panels(figure)
    return figure
