"""Checks of one linear predictor on mixed data: the tube that holds it, its direction outside E, its limit within."""

from __future__ import annotations

import numpy as np

from catapult.chapters.mixed_edge.experiment import mixed
from catapult.companion.measurement import Measurement
from catapult.oracles import predictor
from catapult.theory import linear_predictor as theory

SETTLED = 0.1
"""Relative distance from v* above which an orbit is said not to have come there."""
APART = 0.1
"""Angle beyond which two directions are two."""

# Weights .679, .291, .009 and .021, in thousandths, of the points 1, −1, −15 and 2.5 of a line.
CYCLE = np.repeat([1.0, -1.0, -15.0, 2.5], [679, 291, 9, 21])


def tube() -> Measurement:
    """The largest distance from the cone {z_i·v ≥ 0}, in units of R0, of orbits that start at most R0 away.

    Points within E and across it, so that Hoffman's constant is the lesser of two slopes: random ones, and 2,000 times
    (1, 0, 0) with (−1, ±1, 0) and 2 (0, 0, 1), where a step from just inside ends just inside. Effect: the least
    ∇L(w)·(w − w̄) − Λ(w) + q over random data and w, w̄ the nearest point of the cone, and at the worst w of one point.
    """
    rng, farthest = np.random.default_rng(71), []
    slacks = [_slack(np.array([[1.0], [-1.0]]), np.array([1 + theory.OVERSHOOT]))]  # e^u (u − 1) = 1 at u = 1 + q
    for _ in range(6):
        E = rng.standard_normal((rng.integers(8, 20), 2)) + rng.standard_normal() * 0.2
        slope = theory.restoring_slope(E)
        if slope < 1e-3:
            continue
        Z, k = _across(E, rng.integers(1, 6), rng.uniform(0.3, 2), slope)
        for rate in (0.5, 50.0, 5e3):
            radius = theory.containment_radius(Z, rate, k)
            start = rng.standard_normal(3)
            start *= radius / predictor.cone_distance(Z, start)
            path = predictor.descend(Z, rate, 200, start)[1:, 0]
            farthest += [predictor.cone_distance(Z, w) / radius for w in path[::10]]
        slacks += [_slack(Z, w) for w in 3 * rng.standard_normal((20, 3))]
    Z, k = _across(np.array([[1.0, 0.0]] * 2000 + [[-1.0, 1.0], [-1.0, -1.0]]), 2, 1.0)
    radius = theory.containment_radius(Z, 1e6, k)
    start = np.array([-12.0, np.sqrt(radius**2 - 144), 5.0])
    farthest.append(predictor.cone_distance(Z, predictor.descend(Z, 1e6, 1, start)[1, 0]) / radius)
    return Measurement(np.max(farthest), effect=np.min(slacks), conditions={
        "the slope of the risk is what the proof says": np.min(slacks) >= -1e-12})


def _across(E: np.ndarray, count: int, length: float, slope: float | None = None) -> tuple[np.ndarray, float]:
    """Return E's points (n, 2) and ``count`` points of a length across them, and Hoffman's constant of all."""
    Z = np.vstack([np.c_[E, np.zeros(len(E))], np.tile([0.0, 0.0, length], (count, 1))])
    within = theory.restoring_slope(E) if slope is None else slope
    return Z, np.minimum(within * len(E), length * count) / len(Z)


def _slack(Z: np.ndarray, w: np.ndarray) -> float:
    import scipy.optimize

    nearest = w + Z.T @ scipy.optimize.nnls(Z.T, -w)[0]
    return predictor.gradient(Z, w) @ (w - nearest) - np.maximum(0, -Z @ w).mean() + theory.OVERSHOOT


def direction() -> Measurement:
    """The largest angle of w − Πw at log t = 2,000 to the direction ŵ of the largest margin outside E.

    Random data in 6 dimensions, E of 3, rates from a twentieth to 8 times 2/λ_E: steps of gradient descent first, then,
    in the time log t, the gradient flow outside E, w within E at rest. Effect: the largest angle after the steps.
    Control: the least angle to the direction of the largest margin of P itself, not of its part outside E.
    """
    rng, angles, soon, others = np.random.default_rng(72), [], [], []
    steps = 5_000
    for _ in range(2):
        Z, frame, separable = mixed(rng)
        outside = np.eye(6) - frame.T @ frame
        P, within = Z[separable], Z[~separable] @ frame.T
        edge = 2 / np.linalg.eigvalsh(predictor.hessian(within, predictor.minimiser(within)) * len(within) / len(Z))[-1]
        rates = edge * np.array([0.05, 0.5, 0.95, 2, 8])
        best, other = predictor.max_margin(P @ outside), predictor.max_margin(P)
        for rate, w in zip(rates, predictor.descend(Z, rates, steps)[-1], strict=True):
            at_last = _flow(P @ outside, P @ frame.T @ frame @ w, rate / len(Z), outside @ w, np.log(steps), 2000.0)
            soon.append(_angle(outside @ w, best))
            angles.append(_angle(at_last, best))
            others.append(_angle(at_last, other))
    return Measurement(np.max(angles), effect=np.max(soon), control=np.min(others), conditions={
        "the direction of the largest margin of the points themselves is another": np.min(others) > APART})


def _flow(X: np.ndarray, offsets: np.ndarray, rate: float, w: np.ndarray, start: float, end: float) -> np.ndarray:
    """Return w at log t = ``end`` of w' = rate Σ σ(−x_i·w − offset_i) x_i, from w at log t = ``start``."""
    from scipy.integrate import solve_ivp

    def velocity(s, w):  # t σ(−u) = exp(s − log(1 + e^u)), of trial steps far off no more than e¹⁰⁰
        return rate * np.exp(np.minimum(s - np.logaddexp(0, X @ w + offsets), 100)) @ X

    return solve_ivp(velocity, (start, end), w, method="LSODA", rtol=1e-8, atol=1e-8).y[:, -1]


def _angle(v: np.ndarray, w: np.ndarray) -> float:
    return float(np.arccos(np.minimum(v @ w / np.linalg.norm(v) / np.linalg.norm(w), 1)))


def within() -> Measurement:
    """|Πw_t − v*|/|v*| after t steps, the largest over random data and rates .5 and .95 times 2/β_E, 3 starts each.

    Control: the least distance from v*, over its size, in the last 100 steps, at 1.9/λ_E on four points of a line with
    weights, and two points across, from 0: there is a cycle.
    """
    rng, gaps, steps = np.random.default_rng(73), [], 20_000
    for _ in range(2):
        Z, frame, separable = mixed(rng)
        E = Z[~separable] @ frame.T
        best = predictor.minimiser(E)
        rate = 2 / (np.linalg.norm(E, 2) ** 2 / (4 * len(Z)))
        for share in (0.5, 0.95):
            for start in 5 * rng.standard_normal((3, 6)):
                w = predictor.descend(Z, share * rate, steps, start)[-1, 0]
                gaps.append(np.linalg.norm(frame @ w - best) / np.linalg.norm(best))
    line = CYCLE[:, None]
    best = predictor.minimiser(line)[0]
    Z = np.vstack([np.c_[line, np.zeros(len(line))], [[0.2, 1.0], [-0.3, 1.5]]])
    curvature = predictor.hessian(line, np.array([best]))[0, 0] * len(line) / len(Z)
    orbit = predictor.descend(Z, 1.9 / curvature, steps)[-100:, 0, 0]
    least = np.min(np.abs(orbit / best - 1))
    return Measurement(np.max(gaps), control=least, conditions={"below 2/λ_E there is a cycle": bool(least > SETTLED)})
