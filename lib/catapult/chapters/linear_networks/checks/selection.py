"""Checks of one predictor and of edge selection: linear networks on strictly non-separable data.

Only where many wide networks are wanted does a check use the recursion of :mod:`catapult.theory.product_space`, which
:func:`recursion` compares with weights.
"""

from __future__ import annotations

import functools

import numpy as np

from catapult import datasets
from catapult.companion.measurement import Measurement
from catapult.oracles import predictor
from catapult.oracles.linear_networks import LinearNetworks
from catapult.theory import product_space

SEPARATION = 1.0  # of the clouds of `one_predictor`: they overlap
PAIR_GAP = 3 / 16  # on the degenerate pair η·sharpness/2 ends at 1 − (3/16)κ − (9/640)κ² (chapter catapult-logistic)
WIDE = 2000  # a width


def drawn(Z: np.ndarray, width: int, seed: int) -> LinearNetworks:
    """Return one network with Gaussian weights and one hidden layer of this width."""
    return LinearNetworks.drawn((Z.shape[1], width, 1), np.random.default_rng(seed))


def _state(networks: LinearNetworks) -> product_space.State:
    """Return networks with one hidden layer as the space of v sees them."""
    first, second = networks.matrices
    return product_space.start(first, second[:, 0], networks.scale)


@functools.cache
def _ends() -> np.ndarray:
    """Networks on overlapping clouds, shape (seeds, 3, 2): at 0.5, 1 and 2 units of 2/sharpness at the start, m = 100.

    Columns: the sharpness at the end, and the relative distance of v to v*.
    """
    rows = []
    for seed in range(3):
        Z = datasets.overlapping_cloud(40, 4, SEPARATION, seed).Z
        one, best = drawn(Z, 100, seed), predictor.minimiser(Z)
        ends = one.repeated(3).descend(Z, 2 / one.sharpness(Z) * np.array([0.5, 1.0, 2.0]), 1500)
        rows.append(np.c_[ends.sharpness(Z), np.linalg.norm(ends.product - best, axis=1) / np.linalg.norm(best)])
    return np.array(rows)


def one_predictor() -> Measurement:
    """Non-separable clouds, one to three hidden layers: the largest relative distance of an end to v*.

    Effect: the largest ratio of sharpnesses with one hidden layer.
    """
    rows, gaps = _ends(), []
    for seed in range(2):
        Z = datasets.overlapping_cloud(40, 4, SEPARATION, seed).Z
        best = predictor.minimiser(Z)
        for hidden in (2, 3):
            deep = LinearNetworks.drawn((4, *[20] * hidden, 1), np.random.default_rng(seed)).descend(Z, 5.0, 500)
            gaps.append(np.linalg.norm(deep.product - best) / np.linalg.norm(best))
    return Measurement(np.max([rows[:, :, 1].max(), *gaps]),
                       effect=(rows[:, :, 0].max(1) / rows[:, :, 0].min(1)).max())


def edge_selection() -> Measurement:
    """Clouds, κ₁ = η²s²‖ZᵀZ‖/n = 0.1, 0.2, 0.5: the largest (1 − η·sharpness/2)/(3κ₁/16 (1 + 3κ₁/40)).

    Over the runs at 1.5 times the edge of the small-rate end and more. Effect: the largest on the degenerate pair.
    """
    pair = _gaps(np.array([[1.0], [-1.0]]), 400)
    clouds = np.concatenate([_gaps(datasets.overlapping_cloud(40, d, separation, seed).Z, width)
                             for seed in range(1)
                             for d, separation, width in ((1, 0.0, 400), (2, 1.0, 1000), (4, 1.0, 4000),
                                                          (10, 0.5, 8000))])
    return Measurement(np.nanmax(clouds), effect=np.nanmax(pair), conditions={
        "every run converges": not np.isnan([*pair, *clouds]).any(),
        "every run ends inside the edge": bool(np.nanmin([*pair, *clouds]) > 0),
        "on the pair the ratio lies between 1 and 1.015": bool(np.nanmin(pair) >= 1 and np.nanmax(pair) <= 1.015)})


def _gaps(Z: np.ndarray, width: int) -> np.ndarray:
    """The ratios of :func:`edge_selection` of the runs on one data set; NaN if a run did not converge."""
    start = _state(drawn(Z, width, 0))
    sharpness = product_space.sharpness_at_minimum("logistic", Z[None], start)
    _, small = product_space.descend("logistic", Z[None], start, 0.8 / sharpness, 300, 300)
    edge = 2 / product_space.sharpness_at_minimum("logistic", Z[None], small)
    square = start.scale**2 * np.linalg.norm(Z, 2) ** 2 / len(Z)
    rates = np.sqrt(np.array([0.1, 0.2, 0.5]) / square)
    rates = rates[rates >= 1.5 * edge]
    data = np.repeat(Z[None], len(rates), axis=0)
    end, settled = product_space.repeated([start], len(rates)), np.zeros(len(rates), dtype=bool)
    for _ in range(8):
        _, end = product_space.descend("logistic", data, end, rates, 2500, 2500)
        settled = np.abs(product_space.gradient("logistic", data, end.product)).max(axis=1) < 1e-4
        if settled.all():
            break
    kappas = rates**2 * square
    ratio = rates * product_space.sharpness_at_minimum("logistic", data, end) / 2
    return np.where(settled, (1 - ratio) / (PAIR_GAP * kappas * (1 + 3 * kappas / 40)), np.nan)


@functools.cache
def _by_width(width: int, dimension: int = 4) -> np.ndarray:
    """Clouds, n = 40, at 3, 4 and 6 units of 2/sharpness: η·sharpness/2 of every run, NaN if not settled."""
    states, rates, data, best = [], [], [], []
    for seed in range(4):
        Z = datasets.overlapping_cloud(40, dimension, 1.0, seed).Z
        network = drawn(Z, width, seed)
        states.append(_state(network))
        rates.extend(2 / network.sharpness(Z) * np.array([3.0, 4.0, 6.0]))
        data.extend([Z] * 3)
        best.extend([predictor.minimiser(Z)] * 3)
    rates, data, best = np.array(rates), np.array(data), np.array(best)
    _, end = product_space.descend("logistic", data, product_space.repeated(states, 3), rates, 1500, 1500)
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.linalg.norm(end.product - best, axis=1) / np.linalg.norm(best, axis=1)
    return np.where(far < 1e-3, rates * product_space.sharpness_at_minimum("logistic", data, end) / 2, np.nan)


def edge_range() -> Measurement:
    """Clouds, d = 4, n = 40, at 3, 4 and 6 units, m = 2,000: the least η·sharpness/2 of a run. Effect: at m = 100."""
    wide, narrow, line = _by_width(WIDE), _by_width(100), _by_width(400, 1)
    return Measurement(np.nanmin(wide), effect=np.nanmin(narrow), conditions={
        "every wide network converges": not np.isnan(wide).any(),
        "at m = 100 some do not": bool(np.isnan(narrow).any()),
        "on the line, m = 400, some end below 0.5 and some above 0.95":
            bool(np.nanmin(line) < 0.5 and np.nanmax(line) > 0.95),
        "every run that converges ends inside the edge": bool(np.nanmax([wide, narrow, line]) < 1)})


def edge_fold() -> Measurement:
    """Subcritical data on the line, m = 10⁴, rates 1.2 and 2 times the edge of λ0 = 2: ηλ/2 at the end, over the fold.

    The fold is the least ηλ at which a linear predictor has a cycle of two. Value: the largest distance from 1 of
    that ratio. Effect: the fold, over 2.
    """
    z, share = predictor.SUBCRITICAL
    (best, curvature), fold = predictor.line_minimum(z, share), predictor.fold(z, share) / 2
    rates, square, v, kernel = np.array([1.2, 2.0]) / curvature, 1e-4, np.full(2, 0.5), np.full(2, 2.0)
    for _ in range(20_000):
        slope = predictor.gradient(z[:, None], v[:, None], share=share)[:, 0]
        v, kernel = (v - rates * kernel * slope + rates**2 * square * v * slope**2,
                     kernel - 4 * rates * square * v * slope + rates**2 * square * kernel * slope**2)
    return Measurement(np.abs(rates * kernel * curvature / 2 / fold - 1).max(), effect=fold, conditions={
        "the networks converge": bool((np.abs(v / best - 1) < 1e-6).all()),
        "the fold lies below the edge": bool(fold < 0.99)})


def recursion() -> Measurement:
    """The largest relative gap in v between the recursion in v, B, c and the weights, after 60 steps."""
    gaps = []
    for seed in range(10):
        Z = datasets.overlapping_cloud(30, 3, 1.0, seed).Z
        rate = np.random.default_rng(seed).uniform(1, 20)
        network = drawn(Z, 7, seed)
        _, end = product_space.descend("logistic", Z[None], _state(network), np.array([rate]), 60, 60)
        v = network.descend(Z, rate, 60).product[0]
        gaps.append(np.abs(end.product[0] - v).max() / np.abs(v).max())
    return Measurement(np.max(gaps))
