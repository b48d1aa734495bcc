"""Checks of linear networks with one hidden layer on separable data: where they diverge, and where they end."""

from __future__ import annotations

import functools
import math

import numpy as np

from catapult import datasets
from catapult.chapters.linear_networks.checks.selection import drawn
from catapult.chapters.linear_networks.experiment import pushed
from catapult.companion.measurement import Measurement
from catapult.oracles import predictor
from catapult.oracles.linear_networks import LinearNetworks

ONSET = 8.0  # κ up to which nothing diverges on points of small margin
KERNEL = 2.0  # the largest eigenvalue of K is at least 2s|v|
AFTER = 600  # steps of networks on separable clouds
REACH = np.array([1.0, 4.0])  # learning rates on separable clouds, in units of 2/sharpness
TILT = 0.0  # how far points of `one_direction` lie off their line


def separable_divergence() -> Measurement:
    """Points (0.1, ±1), κ = 14, m = 50: the share of seeds whose weights pass 10³⁰ while a linear predictor fits.

    The linear predictor starts at the network's product vector. Effect: its largest risk after 2,000 steps.
    """
    Z, seeds = datasets.opposing(0.1, 1.0), 10
    rate = math.sqrt(14 / 1.01 * 2 * 50)
    blown, risks = [], []
    for seed in range(seeds):
        network = drawn(Z, 50, seed)
        w = predictor.descend(Z, rate, 2000, network.product)[-1]
        risks.append(predictor.risk(Z, w)[0])
        blown.append(risks[-1] < 0.01 and not np.abs(network.descend(Z, rate, 2000).matrices[1]).max() < 1e30)
    return Measurement(float(np.mean(blown)), effect=np.max(risks))


def separable_onset() -> Measurement:
    """Points (0.03, ±1), m = 20 and 2,000: the larger share of seeds that diverge at κ = 8.

    Effect: the share at κ = 8.2 and m = 2,000.
    """
    Z = np.repeat(datasets.opposing(0.03, [1.0]), 20, axis=0)
    narrow, wide = (pushed(Z, width, (ONSET, 8.2, 10.0), 1500)[0].mean(axis=0) for width in (20, 2000))
    return Measurement(np.maximum(narrow[0], wide[0]), effect=wide[1], conditions={
        "at κ = 8.2 and m = 2,000 more than half diverge": bool(wide[1] > 0.5),
        "at κ = 10 nine of ten diverge at both widths": bool(np.minimum(narrow[2], wide[2]) >= 0.9)})


@functools.cache
def _separable_ends() -> np.ndarray:
    """Networks on separable clouds, m = 200, at 1 and 4 units of 2/sharpness (κ to 100), after 600 steps.

    Shape (runs, 4). Columns: η·sharpness/2, the risk, the largest eigenvalue of K over the first one, and over 2s|v|.
    """
    rows = []
    for seed in range(3):
        Z = datasets.separable_cloud(100, 20, 0.5, seed).Z
        one = drawn(Z, 200, seed)
        before, rates = _kernel(one), 2 / one.sharpness(Z) * REACH
        for rate in rates:
            end = LinearNetworks(one.matrices, one.scale).descend(Z, rate, AFTER)
            if not np.abs(end.matrices[1]).max() < 1e30:
                rows.append((math.inf, math.inf, 0.0, 0.0))
                continue
            rows.append([column[0] for column in (rate * end.sharpness(Z) / 2, predictor.risk(Z, end.product),
                                                  _kernel(end) / before, _over_product(end))])
    return np.array(rows)


def _kernel(networks: LinearNetworks) -> np.ndarray:
    """The largest eigenvalue of K = s² W1ᵀW1 + s²|w2|² I."""
    first, second = networks.matrices
    return networks.scale**2 * (np.linalg.norm(first, 2, axis=(1, 2)) ** 2 + (second**2).sum((1, 2)))


def separable_edge() -> Measurement:
    """Separable clouds: the largest η·sharpness/2 at the end. Effect: the largest risk there."""
    rows = _separable_ends()
    return Measurement(rows[:, 0].max(), effect=rows[:, 1].max(), conditions={
        "no run diverges": bool(np.isfinite(rows).all()), "the risk falls below 0.001": bool(rows[:, 1].max() < 1e-3)})


def separable_kernel() -> Measurement:
    """Separable data: the largest ratio of the largest eigenvalue of K to 2s|v| after 600 steps.

    On clouds, and on one point at η = 50, m = 50. Effect: the least at the start.
    """
    rows, Z = _separable_ends(), np.array([[1.0, 0.5]])
    clouds = [(datasets.separable_cloud(100, 20, 0.5, seed).Z, 200, seed) for seed in range(3)]
    first = [_over_product(drawn(*one)) for one in [*clouds, (Z, 50, 0)]]
    last = np.append(rows[:, 3], _over_product(drawn(Z, 50, 0).descend(Z, 50.0, AFTER)))
    return Measurement(last.max(), effect=np.min(first), conditions={
        "the ratio is never below 1": bool(last.min() >= 1),
        "on the clouds the kernel has grown": bool(rows[:, 2].min() > 1.1)})


def _over_product(networks: LinearNetworks) -> np.ndarray:
    """The largest eigenvalue of K over 2s|v|."""
    return _kernel(networks) / (KERNEL * networks.scale * np.linalg.norm(networks.product, axis=1))


def one_direction() -> Measurement:
    """Separable data on a line, m = 20, κ = 1, 14, 1,000: the largest risk after 1,000 steps. Effect: the first one."""
    first, last = [], []
    for seed in range(4):
        rng, kappas = np.random.default_rng(seed), np.array([1.0, 14.0, 1000.0])
        line = rng.standard_normal(3)
        across = np.outer([1, -1, 1, -1, 0], [line[1], -line[0], 0.0])
        Z = (1 - TILT) * rng.uniform(0.2, 2, 5)[:, None] * line + TILT * across
        network = drawn(Z, 20, seed)
        first.append(predictor.risk(Z, network.product))
        rates = np.sqrt(kappas / (Z**2).sum(1).mean()) / network.scale
        risks = predictor.risk(Z, network.repeated(3).descend(Z, rates, 1000).product)
        last.append(np.where(np.isnan(risks), math.inf, risks).max())
    return Measurement(np.max(last), effect=np.max(first))
