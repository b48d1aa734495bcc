"""Checks of the parts of any data set, and of the theorems of Ji and Telgarsky on gradient descent there."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import scipy.optimize

from catapult.companion.measurement import Measurement
from catapult.datasets.decomposition import decompose
from catapult.oracles import predictor

RATE = 1.0  # the largest learning rate of Theorem 3 of Ji & Telgarsky (2019)


def decomposition() -> Measurement:
    """Random whole-number data: at how many points the separable part differs from a linear program for each point.

    Effect: how many data sets are mixed.
    """
    rng, wrong, mixed, proved, dual = np.random.default_rng(61), 0, 0, True, 0.0
    for _ in range(30):
        n, d = rng.integers(3, 8), rng.integers(2, 5)
        Z = rng.integers(-1, 3, (n, d)).astype(float)
        Z[1] = -Z[0]
        parts = decompose(Z)
        wrong += sum(bool(parts.separable[i]) != _can_be_positive(Z, i) for i in range(n))
        proved &= _holds_in_fractions(Z, parts)
        mixed += parts.kind == "mixed"
        if parts.separable.any() and not parts.separable.all():
            dual = np.maximum(dual, _duality_gap(Z, parts.separable))
    return Measurement(wrong, effect=mixed, conditions={
        "every certificate holds in fractions": proved,
        "the largest margin off E is the distance of 0 from the convex hull of the separable part": dual < 1e-7})


def _can_be_positive(Z: np.ndarray, i: int) -> bool:
    """Whether some v has Zv ≥ 0 and z_i·v > 0."""
    best = scipy.optimize.linprog(-Z[i], A_ub=-Z, b_ub=np.zeros(len(Z)), bounds=[(-1, 1)] * Z.shape[1], method="highs")
    return -best.fun > 1e-6


def _holds_in_fractions(Z: np.ndarray, parts) -> bool:
    rows = [[Fraction(float(x)) for x in row] for row in Z]
    products = [sum(x * v for x, v in zip(row, parts.direction, strict=True)) for row in rows]
    rest = [row for row, separable in zip(rows, parts.separable, strict=True) if not separable]
    sums = [sum(weight * row[j] for weight, row in zip(parts.weights, rest, strict=True)) for j in range(Z.shape[1])]
    return ([p > 0 for p in products] == list(parts.separable) and all(p >= 0 for p in products) and not any(sums)
            and all(weight > 0 for weight in parts.weights))


def _off_span(Z: np.ndarray, separable: np.ndarray) -> np.ndarray:
    """Return the separable part projected off the span E of the other points."""
    _, lengths, frame = np.linalg.svd(Z[~separable])
    within = frame[:len(lengths)][lengths > 1e-9]
    return Z[separable] - Z[separable] @ within.T @ within


def _duality_gap(Z: np.ndarray, separable: np.ndarray) -> float:
    """Return how far the margin of the nearest point's direction is from that point's norm, relative to it."""
    points = _off_span(Z, separable)
    nearest = predictor.nearest_of_hull(points)
    return float(np.linalg.norm(nearest) - (points @ nearest).min() / np.linalg.norm(nearest)) / np.linalg.norm(nearest)


def _planar(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Return mixed data in the plane with |z| ≤ 1, unit vectors along and across E (rows), and the minimiser u*."""
    line = rng.uniform(0.5, 1, 8) * [1, -1, 1, -1, 1, -1, 1, 1]
    Z = np.concatenate([np.c_[line, np.zeros(8)], np.c_[rng.uniform(-0.5, 0.5, 3), rng.uniform(0.5, 1, 3)]])
    angle, longest = rng.uniform(0, np.pi), np.linalg.norm(Z, axis=1).max()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    best = predictor.minimiser(line[:, None] / longest)[0]
    return Z @ turn / longest, turn, best


def offset_of_the_ray() -> Measurement:
    """Mixed data, |z| ≤ 1, η_t = 1/√(t + 1): |Πw_T − u*|/|u*| after 10,000 steps.

    Effect: that over the same at the constant η = 1, the least.

    The conditions are the rate of Theorem 7 and, at both, the bound of Lemma 8.
    """
    rng, gaps, better, ratios, slower, steps = np.random.default_rng(62), [], [], [], [], 10_000
    t = np.arange(1, steps + 1)
    for _ in range(2):
        Z, (along, across), best = _planar(rng)
        separable = np.abs(Z @ across) > 1e-9
        gamma = np.linalg.norm(predictor.nearest_of_hull(_off_span(Z, separable)))
        modulus = _modulus(Z[~separable] @ along, len(Z))
        ends = []
        for schedule in (1 / np.sqrt(t), np.ones(steps)):
            square = (predictor.descend(Z, RATE, steps, schedule=schedule)[1:, 0] @ along - best) ** 2
            ratios.append((square * modulus / (2 * np.minimum(1, _bound(best, gamma, schedule)))).max())
            ends.append(square)
        gaps.append(math.sqrt(ends[0][-1]) / abs(best))
        better.append(math.sqrt(ends[0][-1] / ends[1][-1]))
        over = ends[0] / (np.log(t + 1) ** 2 / np.sqrt(t))
        slower.append(over[1000:].max() > over[:1000].max())
    return Measurement(np.max(gaps), effect=np.min(better), conditions={
        "the bound of Lemma 8 holds at every step": bool(np.max(ratios) <= 1),
        "at 1/√(t + 1) the square of the distance, over ln(t)²/√t, does not grow": not any(slower)})


def offset_at_a_constant_rate() -> Measurement:
    """Mixed data, η = 1.9/β: |Πw_T − u*|/|u*| after 10,000 steps. Effect: the least v·w_T."""
    rng, gaps, drifts = np.random.default_rng(62), [], []
    for _ in range(2):
        Z, (along, across), best = _planar(rng)
        w = predictor.descend(Z, 1.9 * 4 * len(Z) / np.linalg.norm(Z, 2) ** 2, 10_000)[-1, 0]
        gaps.append(abs(w @ along / best - 1))
        drifts.append(w @ across)
    return Measurement(np.max(gaps), effect=np.min(drifts))


def _modulus(line: np.ndarray, size: int) -> float:
    """The least curvature of (1/size) Σ ℓ(z u) over the points of a line where that is at most 1."""
    Z, share = line[:, None], np.full(len(line), 1 / size)
    ends = [scipy.optimize.brentq(lambda u, sign=sign: predictor.risk(Z, np.array([sign * u]), share=share) - 1, 0, 1e6)
            for sign in (-1, 1)]
    return np.min([predictor.hessian(Z, np.array([u]), share=share) for u in (-ends[0], ends[1])])


def risk_on_mixed_data() -> Measurement:
    """Mixed data, |z| ≤ 1, η_t ≤ 1: the largest ratio of L(w_t) − inf L to the bound of Theorem 3.

    Rates 1, 1/10 and 1/√(t + 1), 1,000 steps.
    """
    rng, ratios = np.random.default_rng(66), []
    t = np.arange(1, 1001)
    for _ in range(2):
        Z, (along, across), best = _planar(rng)
        separable = np.abs(Z @ across) > 1e-9
        gamma = np.linalg.norm(predictor.nearest_of_hull(_off_span(Z, separable)))
        least = predictor.risk(Z[~separable], along * best).sum() * (~separable).mean()
        for schedule in (np.ones(1000), np.full(1000, 0.1), 1 / np.sqrt(t)):
            excess = predictor.risk(Z, predictor.descend(Z, RATE, 1000, schedule=schedule)[1:, 0]) - least
            ratios.append((excess / _bound(best, gamma, schedule)).max())
    return Measurement(np.max(ratios))


def _bound(best: float, gamma: float, schedule: np.ndarray) -> np.ndarray:
    """The bound of Theorem 3 on L(w_t) − inf L, t = 1, 2, …"""
    t = np.arange(1, len(schedule) + 1)
    return np.exp(abs(best)) / t + (best**2 + np.log(t) ** 2 / gamma**2) / (2 * RATE * np.cumsum(schedule))


def strong_convexity() -> Measurement:
    """Mixed data: the least eigenvalue of the Hessian of L_E within E at random u, over σ(Rr)σ(−Rr)μ, r = |u|.

    μ is the least non-zero eigenvalue of the mean of z_i z_iᵀ over the points outside P. Effect: the least
    eigenvalue that was met.
    """
    rng, ratios, least = np.random.default_rng(64), [], math.inf
    for _ in range(10):
        inner = rng.integers(-3, 4, (4, 2)).astype(float)
        inner = np.concatenate([inner, -inner[:2] - inner[2:]])  # they sum to 0
        shear = rng.integers(-2, 3, (2, 2))
        Z = np.concatenate([np.c_[inner, inner @ shear], rng.integers(-3, 4, (3, 4)) + 10 * np.r_[-shear.T[0], 1, 0]])
        parts = decompose(Z)
        rest = Z[~parts.separable]
        _, lengths, frame = np.linalg.svd(rest)
        rest = rest @ frame[lengths > 1e-9].T
        mu, R = np.linalg.eigvalsh(rest.T @ rest / len(Z))[0], np.linalg.norm(rest, axis=1).max()
        for r in np.geomspace(0.01, 2, 30):
            u = rng.standard_normal(rest.shape[1])
            u *= r / np.linalg.norm(u)
            lowest = np.linalg.eigvalsh(predictor.hessian(rest, u) * len(rest) / len(Z))[0]
            ratios.append(lowest * (2 + 2 * math.cosh(R * r)) / mu)
            least = np.minimum(least, lowest)
    return Measurement(np.min(ratios), effect=least)
