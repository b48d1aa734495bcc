"""Checks: on the recorded runs on images, with a slice where they are at hand, and on the runs of the page."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from catapult.chapters.edge_of_stability import experiment, flows, outcomes
from catapult.chapters.edge_of_stability_images import experiment as images
from catapult.companion.measurement import Measurement
from catapult.datasets import DataMissing
from catapult.runs import recorded, results
from catapult.statistics import mean_interval

SLICE = {"part": "descent", "activation": "relu", "loss": "squared", "seed": 0}
SLICE_STEPS = 16
PART_SLICES = {
    "minibatches": ("batches", ("batch_loss", "whole_sharpness", "batch_sharpness"), {"steps": 51}),
    "eigenvalues": ("spectrum", ("eigenvalues",), {"steps": 8}),
}
"""Of a part, what its cells are called, what is computed again, and of how many steps."""
AGREE = 1e-3
"""How far a slice may be from what was recorded: single precision on another machine."""
ROUTES = np.linspace(0, 32, 17)
ROUTES_AGREE = 0.02
"""How far the two routes to the central flow may be apart at time 32, in the norm of the weights."""


@functools.cache
def table() -> xr.Dataset:
    """Return the recorded runs on images."""
    return recorded.load(images, images.Parameters())


@functools.cache
def part(name: str, **values: int) -> xr.Dataset:
    """Return what is recorded of a part: minibatches, eigenvalues, or descent with more steps or images."""
    return recorded.load(images, images.Parameters.checked({"parts": name, **values}))


@functools.cache
def slice_difference() -> float | None:
    """Return the largest relative difference of a cell's first losses, computed again; None without CIFAR-10."""
    try:
        return recorded.slice_difference(images, images.Parameters(), SLICE, ("loss",), steps=SLICE_STEPS)["loss"]
    except DataMissing:
        return None


@functools.cache
def part_slice_difference(name: str, **values: int) -> float | None:
    """Return the same of a part's first looks, seed 0: the largest of its quantities."""
    called, quantities, changes = PART_SLICES[name]
    cell = {"part": called, "activation": "tanh", "loss": "squared", "seed": 0}
    try:
        return float(np.max(list(recorded.slice_difference(
            images, images.Parameters.checked({"parts": name, **values}), cell, quantities, along="look",
            **changes).values())))
    except DataMissing:
        return None


def _slice(name: str | None = None, **values: int) -> dict[str, bool]:
    """Return the condition that what is recorded, or a part of it, is what is computed, where the images are."""
    found = part_slice_difference(name, **values) if name else slice_difference()
    return {} if found is None else {"a slice computed again is what was recorded": found <= AGREE}


def runs_of(values: experiment.Parameters) -> xr.Dataset:
    """Return the results of the experiment."""
    return results.compute(experiment, values)


def edge_on_images() -> Measurement:
    """The mean of η · sharpness/2 at the edge that is farthest from 1, of nine runs.

    Effect and interval, over seeds: log2 of the sharpness of gradient flow over that of descent at equal time, tanh and
    squared loss. Control: the same at the smallest rate.
    """
    found = outcomes.on_images(table())
    mean, *ends = mean_interval(outcomes.flow_over_descent(table(), images.EDGE["squared"]))
    below = np.max([outcomes.image_share(table(), *network, 0).max() for network in outcomes.NETWORKS])
    return Measurement(found.flat[np.abs(found - 1).argmax()], effect=mean, interval=tuple(ends),
                       control=outcomes.flow_over_descent(table(), 0).mean(), conditions={
        **_slice(), "the smallest rate stays below a quarter of 2/η": bool(below < 0.25),
        "gradient flow ends above 2 · 2/η on every seed": bool((outcomes.flow_share(table()) > 2).all())})


def loss_on_images() -> Measurement:
    """Largest share of steps after which the loss is higher 200 steps later, of nine runs at the edge.

    Effect and interval: the share of steps with a rise, mean over networks, over seeds. Control: the smallest rate.
    """
    short = outcomes.rises_on_images(table(), 1)
    mean, *ends = mean_interval(short.mean(1))
    below = np.mean([(np.diff(outcomes.image_losses(table(), *network, 0)) > 0).mean()
                     for network in outcomes.NETWORKS])
    return Measurement(outcomes.rises_on_images(table(), outcomes.LONG).max(), effect=mean, interval=tuple(ends),
                       control=below, conditions={**_slice(), "every run rises in a tenth of its steps or more":
                                                  bool((short >= 0.1).all())})


def longer_and_larger() -> Measurement:
    """The mean of η · sharpness/2 at the edge, tanh, squared loss, farthest from 1: 2,142 steps, or 5,000 images.

    Of the largest rate, and with more steps of the middle one; three seeds each. Effect and interval: the middle rate's
    sharpness over 2/η at the end with 5,000 images less with 1,000. Control: the most of the smallest rate.
    """
    more, many = part("descent", steps=2142), part("descent", samples=5000)
    shares = [outcomes.image_share(more, *outcomes.TANH, place) for place in range(3)]
    large = outcomes.image_share(many, *outcomes.TANH)
    found = np.array([[outcomes.at_edge(run) for run in runs] for runs in (shares[1], shares[2], large)])
    ends = [outcomes.image_share(runs, *outcomes.TANH, 1)[:, -1] for runs in (many, table())]
    mean, *interval = mean_interval(ends[0] - ends[1])
    return Measurement(found.flat[np.abs(found - 1).argmax()], effect=mean, interval=tuple(interval),
                       control=shares[0].max(), conditions={
        "with more steps the middle rate crosses 2/η on every seed": bool((shares[1].max(1) > 1).all()),
        "and stays": bool((np.concatenate([run[outcomes.crossing(run):] for run in shares[1]]) > 0.95).all()),
        "with more images it is below at the end, as with 1,000, and flatter": bool(
            (ends[0] < ends[1]).all() and np.max(ends) < 1),
        "the largest rate is nearer to the edge with more images, on each seed": bool(
            (found[2] < outcomes.on_images(table())[:, 0]).all())})


def batch_sharpness() -> Measurement:
    """Batch sharpness over 2/η, second half of the looks, 8,007 steps, farthest from 1: three sizes, three seeds.

    Effect and interval: with batches of 32, over seeds. Control: the same with 714 steps.
    """
    runs = part("minibatches", steps=8007)
    late, sharp = (outcomes.late(outcomes.batch_shares(runs, name)) for name in ("batch_sharpness", "whole_sharpness"))
    short, longer = (outcomes.late(outcomes.batch_shares(part("minibatches", **steps), "batch_sharpness"))
                     for steps in ({}, {"steps": 2142}))
    mean, *ends = mean_interval(late[:, 0])
    above = outcomes.batch_shares(runs, "whole_sharpness") - outcomes.batch_shares(runs, "batch_sharpness")
    quarter = outcomes.late(above[..., :above.shape[-1] // 2])
    losses = runs.batch_loss
    return Measurement(late.flat[np.abs(late - 1).argmax()], effect=mean, interval=tuple(ends),
                       control=short[:, 0].mean(), conditions={
        **_slice("minibatches", steps=8007),
        "predicted: the sharpness with batches of 32 is below 2/η on each seed": bool((sharp[:, 0] < 1).all()),
        "by two per cent at most": bool((sharp[:, 0] > 0.98).all()),
        "there it is below the batch sharpness on each seed": bool((sharp < late)[:, 0].all()),
        "with 128 within two per cent of it": bool((np.abs(sharp - late)[:, 1] < 0.02).all()),
        "with 512 above it, by four per cent and more": bool((sharp - late > 0.04)[:, 2].all()),
        "with 128 and 512 above 2/η": bool((sharp > 1)[:, 1:].all()),
        "it is within a tenth of 2/η, too": bool((np.abs(sharp - 1) < 0.1).all()),
        "against the batch sharpness it is lower in the second half than in the quarter before": bool(
            (outcomes.late(above) < quarter).all()),
        "earlier predictions failed": bool((short < 0.8)[:, :2].any(0).all() and (longer < 0.8)[:, 0].any()
                                           and (short > 0.8)[:, 2].all() and (longer > 0.8)[:, 1:].all()),
        "the loss ends at a fiftieth": bool((losses.isel(look=-1) < losses.isel(look=0) / 50).all())})


def eigenvalues_at_edge() -> Measurement:
    """Smallest share of 2/η of the fourth eigenvalue in the second half of the looks, tanh, squared loss, seed 0.

    Effect: how far the four are apart in the end, in the same units. Control: at the start.
    """
    shares = outcomes.eigenvalue_shares(part("eigenvalues"), "squared")
    other = outcomes.eigenvalue_shares(part("eigenvalues"), "cross_entropy")
    apart = shares[:, 0] - shares[:, -1]
    return Measurement(shares[len(shares) // 2:, -1].min(), effect=apart[-1], control=apart[0], conditions={
        **_slice("eigenvalues"), "predicted: with the squared loss two or more end above .9": bool(shares[-1, 1] > 0.9),
        "predicted: with the cross-entropy one ends there": bool(other[-1, 0] > 0.9 > other[-1, 1]),
        "three of the cross-entropy have been there": bool((other[:, 2] > 0.9).any()),
        "the four are within a tenth in the end, far apart at the start": bool(apart[-1] < 0.1 and apart[0] > 0.5)})


def minibatches_below() -> Measurement:
    """Sharpness with batches of 32 over 2/η, 714 steps, second half of the looks, the largest of three seeds.

    Effect and interval: the same with 2,142 steps less full batches, over seeds. Control: batches of 512 less full.
    """
    shares = [outcomes.batch_shares(part("minibatches", **steps), "whole_sharpness") for steps in ({}, {"steps": 2142})]
    late = [outcomes.late(share) for share in shares]
    full = [outcomes.late(outcomes.image_share(runs, *outcomes.TANH))
            for runs in (table(), part("descent", steps=2142))]
    mean, *ends = mean_interval(late[1][:, 0] - full[1])
    apart = [of[:, -1] - whole for of, whole in zip(late, full, strict=True)]
    return Measurement(late[0][:, 0].max(), effect=mean, interval=tuple(ends), control=np.mean(apart), conditions={
        **_slice("minibatches", steps=2142),
        "the smaller the batch the flatter, on each seed": bool(np.min([np.diff(each).min() for each in late]) > 0),
        "batches of 32 stay below 2/η in 714 steps, after the first look": bool((shares[0][:, 0, 1:] < 1).all()),
        "with 2,142 they are above at moments, below on the mean": bool(
            (shares[1][:, 0, 1:] > 1).any() and (late[1][:, 0] < 1).all()),
        "batches of 512 are within .1 of full ones on each seed": bool(np.max(np.abs(apart)) < 0.1)})


def edge_on_polynomial(values: experiment.Parameters) -> Measurement:
    """Mean of η · sharpness/2 at the edge, Chebyshev task, over rates η and 2η and seeds; control: gradient flow at η.

    Effect: the largest at a quarter of η, which never gets there.
    """
    runs = runs_of(values)
    rate, seeds = values.learning_rate, outcomes.crossed(runs, values.learning_rate)
    found = [outcomes.at_edge(run) for factor in (1.0, 2.0)
             for run in outcomes.polynomial_share(runs, factor, rate)[seeds]]
    flow = runs.flow_sharpness[-1].values[seeds] * rate / 2
    return Measurement(np.mean(found), effect=outcomes.polynomial_share(runs, 0.25, rate).max(), control=flow.mean(),
                       conditions={"gradient flow ends beyond 2/η": bool((flow > 1.1).all()),
                                   "at a quarter of η the loss never rises":
                                   bool((runs.rises.sel(factor=0.25, lag=1) == 0).all())})


def central_flow(values: experiment.Parameters) -> Measurement:
    """How far descent is from the central flow over how far from gradient flow, mean over seeds that crossed 2/η.

    Effect: the largest of a seed. Control: 1, where the central flow is gradient flow.
    """
    runs = runs_of(values)
    found = outcomes.distance_ratio(runs, values.learning_rate)
    return Measurement(found.mean(), effect=found.max(), control=1.0, conditions={
        "the two routes to it agree": routes_apart() <= ROUTES_AGREE})


@functools.cache
def routes_apart() -> float:
    """Return how far the two routes to the central flow are apart in the end, seed 0, relative to 1."""
    values = experiment.Parameters()
    fit, rate = values.fit, values.learning_rate
    ends = [route(fit, fit.start([0]), rate, ROUTES, experiment.FLOW_STEP * rate)[0][-1, 0]
            for route in (flows.central, flows.projected)]
    return float(np.linalg.norm(ends[0] - ends[1]))


def separable_leaves(values: experiment.Parameters) -> Measurement:
    """η · sharpness/2 in the end on separable digits, logistic loss, at 2.83 times the stable rate.

    Control: on non-separable ones.
    """
    runs = runs_of(values)
    end = runs.digit_share.sel(multiple=experiment.MULTIPLES[1]).isel(digit_step=-1)
    kinds = {"separable": "separable", "non-separable": "strictly non-separable"}
    return Measurement(end.sel(version="separable"), control=end.sel(version="non-separable"), conditions={
        **{f"the {version} version is certified so": runs.certificate.sel(version=version).item() == kind
           for version, kind in kinds.items()},
        "non-separable digits stay near the edge": bool(end.sel(version="non-separable") > 0.8)})
