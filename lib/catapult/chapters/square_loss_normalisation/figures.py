"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.square_loss_batches import outcomes as of_batches
from catapult.chapters.square_loss_normalisation import outcomes
from catapult.style import PALETTE

OF_CASE = {"neither": ("muted", "^"), "decay": ("lazy", "s"), "normalisation": ("unsettled", "D"),
           "both": ("catapult", "o")}
MEASURES = {"nc1": "NC1: within / between", "nc2": "NC2: angles", "nc3": "NC3: weights ≠ means"}


def linear(results: xr.Dataset) -> Figure:
    """Draw what is left of the start in a linear predictor, and the length at the end, against |w| at the start."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.6)
        cases = {"neither": ("plain", 0), "decay": ("plain", 1), "normalisation": ("normalised", 0),
                 "both": ("normalised", 1)}
        for name, (kind, decay) in cases.items():
            colour, marker = OF_CASE[name]
            ends = results.sel(kind=kind).isel(linear_decay=decay)
            for axis, quantity in ((left, "unseen"), (right, "length")):
                for seed in range(results.sizes["seed"]):
                    axis.plot(results.start, ends[quantity].isel(seed=seed), color=PALETTE[colour], marker=marker,
                              markersize=9 if name == "decay" else 5, linewidth=1,
                              fillstyle="none" if name == "decay" else "full", label=name if seed == 0 else None)
        left.set(xscale="log", xlabel="|w| at the start", ylabel="|w outside of the data| / |shortest w|")
        left.set_title("what is left of the start")
        left.legend(loc="upper left", fontsize="small")
        right.set(xscale="log", xlabel="|w| at the start", ylabel="|w| / |shortest w|")
        right.set_title("length at the end")
        style.label_panels(figure)
    return figure


def collapse(results: xr.Dataset) -> Figure:
    """Draw three measures of collapse and the test error, by case and scale of the start, with intervals over seeds."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=3.1, sharey=True)
        scales = results.scale.values
        for axis, (name, title) in zip(axes.flat, {**MEASURES, "test_error": "test error"}.items(), strict=True):
            for row, (case, where) in enumerate(outcomes.CASES.items()):
                colour, marker = OF_CASE[case]
                for shift, scale in zip((-0.22, 0, 0.22), scales, strict=True):
                    size = 5.5 + 2.5 * np.log2(scale / scales[0])
                    style.interval(axis, outcomes.interval(outcomes.of(results, name, where, scale)), row + shift,
                                   PALETTE[colour], marker=marker, markersize=size)
            axis.set_title(title)
            axis.set_yticks(range(len(outcomes.CASES)), list(outcomes.CASES))
            axis.set(ylim=(len(outcomes.CASES) - 0.5, -0.5), xscale="log" if name == "nc1" else "linear")
            axis.margins(x=0.06)
        style.label_panels(figure)
    return figure


def batches(results: xr.Dataset) -> Figure:
    """Draw the last layer's norm over the least against the size of batches, and NC1 of full ones by case and start."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.3)
        shifts = np.linspace(-0.2, 0.2, results.sizes["seed"])
        for i, size in enumerate(of_batches.SIZES):
            left.plot(i + shifts, of_batches.excess(size, kept=results), color=PALETTE["catapult"], linestyle="",
                      marker="o", markersize=4)
        left.axhline(of_batches.can_be_had(32, 10), color=PALETTE["theory"], linestyle="--", linewidth=1)
        left.set_xticks(range(len(of_batches.SIZES)), [*map(str, of_batches.SIZES[:-1]), "all 200"])
        left.set(ylim=(0.95, None), xlabel="images a batch", ylabel="|last layer| / least")
        left.set_title("norm, with both")
        for row, (case, where) in enumerate(outcomes.CASES.items()):
            colour, marker = OF_CASE[case]
            for shift, scale in zip(np.linspace(-0.3, 0.3, results.sizes["scale"]), results.scale.values, strict=True):
                values = results.nc1.sel(**where, scale=scale).values
                right.plot(values, np.full(len(values), row + shift), color=PALETTE[colour], marker=marker,
                           linestyle="", markersize=3 + 2.5 * scale)
        right.set_yticks(range(len(outcomes.CASES)), list(outcomes.CASES))
        right.set(ylim=(len(outcomes.CASES) - 0.5, -0.5), xscale="log", xlabel="NC1")
        right.set_title("collapse, full batches")
        style.label_panels(figure)
    return figure


def edge(results: xr.Dataset) -> Figure:
    """Draw η times sharpness over training, by case and learning rate, one seed a line."""
    with style.use():
        figure, axes = style.subplots(1, 4, height=2.9, sharey=True)
        decays = results.edge_decay.values
        cases = {"neither": ("none", decays[0]), "decay": ("none", decays[-1]),
                 "normalisation": ("batch", decays[0]), "both": ("batch", decays[-1])}
        along = (1 + np.arange(results.sizes["time"])) / results.sizes["time"]
        for axis, (name, (network, decay)) in zip(axes, cases.items(), strict=True):
            for (colour, marker), rate in zip(style.THREE, results.rate.values, strict=True):
                kept = results.edge.sel(network=network, edge_decay=decay, rate=rate)
                for seed in range(results.sizes["seed"]):
                    axis.plot(along, kept.isel(seed=seed), color=colour, marker=marker, markersize=2.5, linewidth=0.8,
                              label=f"η = {rate:g}" if seed == 0 else None)
            axis.axhline(2, color=PALETTE["theory"], linestyle="--", linewidth=1)
            axis.set_title(name)
            axis.set(ylim=(0, 2.7), xlim=(0, 1.03))
            axis.set_xticks([0, 0.5, 1], ["0", "½", "1"])
        axes[0].set(ylabel="η × sharpness")
        axes[1].legend(loc="center left", fontsize="small")
        figure.supxlabel("part of the steps", fontsize="medium")
        style.label_panels(figure)
    return figure
