"""Figures, from the results of the experiment beside them and the recorded runs on images."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style
from catapult.chapters.edge_of_stability import outcomes
from catapult.chapters.edge_of_stability_images.experiment import EDGE, RATES
from catapult.style import PALETTE

COLOURS = (PALETTE["muted"], PALETTE["squared"], PALETTE["lazy"], PALETTE["catapult"])
FLOW, CENTRAL = PALETTE["theory"], PALETTE["logistic"]
NAMES = {"squared": "squared loss", "cross_entropy": "cross-entropy"}
KINDS = {"tanh": "tanh", "relu": "ReLU"}
EDGE_LABEL = "η · sharpness / 2"


def _edge(axes) -> None:
    axes.axhline(1, color=PALETTE["ink"], linewidth=1, linestyle="--")


def polynomial(runs: xr.Dataset, rate: float, seed: int = 0) -> Figure:
    """Draw sharpness and loss against time η · step on the Chebyshev task, four rates and gradient flow, one seed."""
    one = runs.sel(seed=seed)
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.8)
        middle = (one.time.values[1:] + one.time.values[:-1]) / 2
        for colour, factor in zip(COLOURS, one.factor.values, strict=True):
            at = one.sel(factor=factor)
            left.plot(one.time, at.sharpness, color=colour, label=f"η = {factor * rate:g}")
            left.axhline(2 / (factor * rate), color=colour, linewidth=1, linestyle=":")
            right.fill_between(middle, at.loss_low, at.loss_high, color=colour, alpha=0.25, linewidth=0)
            right.plot(middle, at.loss_mean, color=colour)
        left.plot(one.time, one.flow_sharpness, color=FLOW, linestyle="--", label="gradient flow")
        right.plot(one.time, one.flow_loss, color=FLOW, linestyle="--")
        left.set(title="sharpness", xlabel="time η · step", ylabel="sharpness",
                 ylim=(0, 1.45 * one.flow_sharpness.max()))
        right.set(title="loss", xlabel="time η · step", ylabel="loss", yscale="log")
        left.legend(loc="upper center", fontsize="small", ncols=2)
        style.label_panels(figure)
    return figure


def flows(runs: xr.Dataset, rate: float, seed: int = 0) -> Figure:
    """Draw descent, the central flow and gradient flow: sharpness, loss with the predicted mean, and distances."""
    one, middle = runs.sel(seed=seed), (runs.time.values[1:] + runs.time.values[:-1]) / 2
    at = one.sel(factor=1.0)
    with style.use():
        figure, (left, centre, right) = style.subplots(1, 3, height=3.6)
        left.plot(one.time, at.sharpness * rate / 2, color=PALETTE["lazy"], label="descent")
        left.plot(one.time, one.central_sharpness * rate / 2, color=CENTRAL, label="central flow")
        left.plot(one.time, one.flow_sharpness * rate / 2, color=FLOW, linestyle="--", label="gradient flow")
        left.set(title="sharpness", ylabel=EDGE_LABEL)
        centre.plot(middle, at.loss_mean, color=PALETTE["lazy"], label="descent, mean")
        centre.plot(one.time, one.central_loss + one.central_variance / rate, color=CENTRAL, label="predicted mean")
        centre.plot(one.time, one.flow_loss, color=FLOW, linestyle="--", label="gradient flow")
        centre.set(title="loss", ylabel="loss", yscale="log")
        right.plot(one.time, one.central_distance, color=CENTRAL, label="to the central flow")
        right.plot(one.time, one.flow_distance, color=FLOW, linestyle="--", label="to gradient flow")
        right.set(title="distance of descent", ylabel="norm")
        for axes in (left, centre, right):
            axes.set_xlabel("time η · step")
            axes.legend(loc="best", fontsize="x-small")
        style.label_panels(figure)
    return figure


def images(runs: xr.Dataset) -> Figure:
    """Draw η · sharpness/2 along the runs on images: a panel a network and loss, a line a seed, flow where it is."""
    with style.use():
        figure, axes = style.subplots(2, 2, height=3.0, sharex=True, sharey=True)
        for row, activation in zip(axes, KINDS, strict=True):
            for panel, loss in zip(row, NAMES, strict=True):
                for place, colour in enumerate((PALETTE["muted"], PALETTE["lazy"], PALETTE["catapult"])):
                    for number, run in enumerate(outcomes.image_share(runs, activation, loss, place)):
                        panel.plot(runs.look, run, color=colour, linewidth=1.2,
                                   label=f"η = {RATES[loss][place]:g}" if number == 0 else None)
                flow = runs.sel(activation=activation, loss_name=loss)
                rate = RATES[loss][EDGE[loss]]
                for run, times in zip(flow.flow_sharpness.values, flow.flow_time.values, strict=True):
                    panel.plot(times / rate, run * rate / 2, color=FLOW, linestyle="--", linewidth=1)
                _edge(panel)
                panel.set_title(f"{KINDS[activation]}, {NAMES[loss]}")
                panel.legend(loc="upper right", fontsize="x-small")
        for panel in axes[:, 0]:
            panel.set_ylabel(EDGE_LABEL)
        for panel in axes[-1]:
            panel.set_xlabel("step")
        style.label_panels(figure)
    return figure


def lags(runs: xr.Dataset) -> Figure:
    """Draw the share of steps after which the loss is higher, by the lag, for runs on images that stay at the edge."""
    steps = np.unique(np.round(2 ** (np.arange(0, 17) / 2)).astype(int))
    with style.use():
        figure, axes = style.subplots(1, 1, width=6.5, height=3.4)
        for number, (colour, network) in enumerate(zip(COLOURS[1:], outcomes.NETWORKS, strict=True)):
            found = np.array([outcomes.rises_on_images(runs, lag)[:, number] for lag in steps])
            axes.plot(steps, found.mean(1), "o-", color=colour, markersize=3,
                      label=f"{KINDS[network[0]]}, {NAMES[network[1]]}")
            axes.fill_between(steps, found.min(1), found.max(1), color=colour, alpha=0.2, linewidth=0)
        axes.axhline(0, color=PALETTE["muted"], linewidth=1, label="smallest rate")
        axes.set(xscale="log", xlabel="lag, steps", ylabel="share of rises")
        axes.legend(fontsize="small")
    return figure


def more(runs: xr.Dataset, steps: xr.Dataset, many: xr.Dataset) -> Figure:
    """Draw η · sharpness/2 of tanh, squared loss, at the middle and the largest rate: more steps, and more images."""
    sizes = ((runs, "1,000 images", PALETTE["lazy"]), (many, "5,000 images", PALETTE["catapult"]))
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.4, sharey=True)
        for place, colour in ((1, PALETTE["lazy"]), (2, PALETTE["catapult"])):
            for number, run in enumerate(outcomes.image_share(steps, *outcomes.TANH, place)):
                left.plot(steps.look, run, color=colour, linewidth=1.2,
                          label=f"η = {RATES['squared'][place]:g}" if number == 0 else None)
            for table, name, shade in sizes:
                for number, run in enumerate(outcomes.image_share(table, *outcomes.TANH, place)):
                    right.plot(table.look, run, color=shade, linewidth=1.2, linestyle="-" if place == 2 else "--",
                               label=name if (number, place) == (0, 2) else None)
        for panel, title in ((left, "more steps"), (right, "more images")):
            _edge(panel)
            panel.set(title=title, xlabel="step")
            panel.legend(loc="upper right", fontsize="small")
        left.set_ylabel(EDGE_LABEL)
        style.label_panels(figure)
    return figure


def beyond(minibatches: xr.Dataset, eigenvalues: xr.Dataset, runs: xr.Dataset) -> Figure:
    """Draw the four largest eigenvalues of two runs, and sharpness and batch sharpness by the size of the batches.

    ``runs``: descent with full batches, which the minibatches are beside. Means and ranges of seeds.
    """
    with style.use():
        figure, panels = style.subplots(2, 2, height=3.2, sharey=True)
        for panel, loss in zip(panels[0], NAMES, strict=True):
            shares = outcomes.eigenvalue_shares(eigenvalues, loss)
            steps = eigenvalues.look.values[::2][:len(shares)]
            for number, share in enumerate(shares.T, 1):
                panel.plot(steps, share, color=PALETTE["lazy"], alpha=1.15 - 0.16 * number, label=str(number))
            panel.set_title(f"four largest, {NAMES[loss]}")
            panel.legend(loc="upper right", fontsize="x-small", ncols=4)
        full = outcomes.image_share(runs, *outcomes.TANH)
        for panel, quantity, title in zip(panels[1], ("whole_sharpness", "batch_sharpness"),
                                          ("sharpness", "batch sharpness"), strict=True):
            shares = outcomes.batch_shares(minibatches, quantity)
            curves = [*zip(COLOURS[1:], minibatches.batch.values, np.swapaxes(shares, 0, 1), strict=True)]
            if quantity == "whole_sharpness":
                curves.append((PALETTE["muted"], "all", full))
            for colour, size, found in curves:
                looks = (runs if size == "all" else minibatches).look
                panel.plot(looks, found.mean(0), color=colour, label=str(size))
                panel.fill_between(looks, found.min(0), found.max(0), color=colour, alpha=0.2, linewidth=0)
            panel.set(title=f"{title}, batches of …", xlabel="step", ylim=(0, 2.2), xscale="log",
                      xlim=(minibatches.look[1], minibatches.look[-1]))
            panel.legend(loc="upper right", fontsize="x-small", ncols=4)
        for panel in panels.ravel():
            _edge(panel)
        for panel in panels[:, 0]:
            panel.set_ylabel("η / 2 times")
        style.label_panels(figure)
    return figure


def catapult(runs: xr.Dataset, rate: float) -> Figure:
    """Draw the largest rate on the Chebyshev task, all seeds: η · sharpness/2, and the largest loss between looks."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, height=3.4)
        at = runs.sel(factor=2.0)
        steps = at.time.values / (2 * rate)
        for colour, seed in zip(COLOURS[::-1] * len(at.seed), at.seed.values, strict=False):
            left.plot(steps, at.sharpness.sel(seed=seed) * rate, color=colour)
            right.plot(steps[1:], at.loss_high.sel(seed=seed), color=colour)
        _edge(left)
        left.set(title="sharpness", xlabel="step", ylabel=EDGE_LABEL)
        right.set(title="loss", xlabel="step", ylabel="largest loss of a span", yscale="log")
        style.label_panels(figure)
    return figure


def leaving(results: xr.Dataset) -> Figure:
    """Draw where the edge is left: η · sharpness/2 on separable against non-separable digits, logistic loss."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=6.5, height=3.4)
        for version, colour in (("non-separable", PALETTE["catapult"]), ("separable", PALETTE["lazy"])):
            axes.plot(results.digit_step, results.digit_share.sel(version=version).isel(multiple=-1), color=colour,
                      label=version)
        _edge(axes)
        axes.set(xlabel="step", ylabel=EDGE_LABEL)
        axes.legend(fontsize="small")
    return figure
