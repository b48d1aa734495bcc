"""Checks of bounds on any data and of the ball that holds gradient descent on strictly non-separable data."""

from __future__ import annotations

import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import predictor
from catapult.theory import linear_predictor as theory

LARGEST_STEP = 1.0  # of the theorem on any data


def any_data() -> Measurement:
    """Both losses from 0, |z_i| ≤ 1: the largest ratio of R(w_t) − inf R to Ji and Telgarsky's bound.

    At constant η = 0.1 and 1, and at η_t = 1/√(t + 1). One column holds 0.9 twice and −0.9 once, so that v̄ is known;
    beside it, or alone, there are two points of margin γ = 0.3. The control has η = 20 instead of 1.
    """
    steps, column = 200, [[0.0, 0.9], [0.0, 0.9], [0.0, -0.9]]
    pair = [[0.3, 0.5], [0.3, -0.5]]
    ratios, beyond = [], []
    for Z, share, margin in ((column, 1.0, np.inf), (column + pair, 0.6, 0.3), (pair, 0.0, 0.3)):
        for loss, offset, least in (("logistic", np.log(2) / 0.9, np.log(3) - 2 / 3 * np.log(2)),
                                    ("exponential", np.log(2) / 1.8, 2 * np.sqrt(2) / 3)):
            for factor in (0.1 * np.ones(steps), np.ones(steps), 1 / np.sqrt(np.arange(1, steps + 1))):
                ratios.append(_over_bound(loss, np.array(Z), factor * LARGEST_STEP, offset * (share > 0), margin,
                                          share * least))
        beyond.append(_over_bound("logistic", np.array(Z), 20 * np.ones(steps), np.log(2) / 0.9 * (share > 0), margin,
                                  share * (np.log(3) - 2 / 3 * np.log(2))))
    return Measurement(np.max(ratios), control=np.max(beyond))


def _over_bound(loss: str, Z, rates, offset: float, margin: float, infimum: float) -> float:
    """The largest (R(w_t) − inf R)/(e^|v̄|/t + (|v̄|² + ln² t/γ²)/(2 Σ_{j<t} η_j)), t ≥ 1, infinite after an overflow."""
    w, t = predictor.descend(Z, 1.0, len(rates), schedule=rates, loss=loss)[1:, 0], np.arange(1, len(rates) + 1)
    if not np.isfinite(w).all():
        return np.inf
    bound = np.exp(offset) / t + (offset**2 + np.log(t) ** 2 / margin**2) / (2 * np.cumsum(rates))
    return ((predictor.risk(Z, w, loss) - infimum) / bound).max()


def containment() -> Measurement:
    """Logistic loss, strictly non-separable data: the largest |w_t|/R0, t ≥ 1, from |w0| ≤ R0, R0 the library's.

    Or, if that is larger, after many steps from 3 R0 and 30 R0. The data are random, in the plane and on the line, and
    2,000 times (1, 0) with (−1, ±1): there a step from just inside R0 ends just inside. The effect is the largest
    |w_t|/R0 after 250 steps on random data from inside: how much room the radius leaves.
    """
    rng, far, inside, late, outside = np.random.default_rng(17), np.random.default_rng(20), [], [], []
    for trial in range(4):
        Z = rng.standard_normal((rng.integers(8, 20), 1 + (trial > 0))) + rng.standard_normal() * 0.2
        slope = theory.restoring_slope(Z)
        if slope < 1e-3:
            continue
        for rate in (0.5, 5.0, 50.0, 5e3):
            radius = theory.containment_radius(Z, rate)
            start = _directions(rng, 1, Z)[0] * radius * rng.choice([0.01, 1.0])
            norms = np.linalg.norm(predictor.descend(Z, rate, 300, start)[:, 0], axis=1) / radius
            inside.append(norms[1:].max())
            late.append(norms[250:].max())
        if slope > 0.05:  # so that it does not take long to come in
            outside.append(_late_norm(Z, slope, _directions(far, 8, Z)))
    Z, rate = np.array([[1.0, 0.0]] * 2000 + [[-1.0, 1.0], [-1.0, -1.0]]), 1e6
    radius = theory.containment_radius(Z, rate)
    start = np.array([-12.0, np.sqrt(radius**2 - 144)])
    inside.append(np.linalg.norm(predictor.descend(Z, rate, 1, start)[1]) / radius)
    return Measurement(np.nanmax(inside + outside), effect=np.nanmax(late),
                       conditions={"no orbit overflows": np.isfinite(inside).all()})


def _directions(rng, count: int, Z) -> np.ndarray:
    """Random unit vectors of the dimension of the data, one a row."""
    v = rng.standard_normal((count, Z.shape[1]))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def _late_norm(Z, slope: float, directions) -> float:
    """The largest |w|/R0 in 100 steps, after enough of them, from 3 R0 and 30 R0 at four learning rates.

    At |w| > R0 a step lowers |w|² by 2ηc(|w| − R0), so |w| needs about 30 R0/(ηc) steps to come in.
    """
    rate = np.tile([0.5, 5.0, 50.0, 5e3], 2)
    radius = np.array([theory.containment_radius(Z, one) for one in rate])
    w = directions * (radius * np.repeat([3, 30], 4))[:, None]
    steps, largest = int(40 * (radius / (rate * slope)).max()), 0.0
    for step in range(steps + 100):
        w = w - rate[:, None] * predictor.gradient(Z, w)
        if step >= steps:
            largest = np.maximum(largest, (np.linalg.norm(w, axis=1) / radius).max())
    return largest


def radius_constants() -> Measurement:
    """The largest relative gap of the library's R0 to one whose q and c are minimised by brute force."""
    rng, gaps = np.random.default_rng(19), []
    u = np.linspace(0, 5, 100_001)
    q = (u / (1 + np.exp(u))).max()
    angles = np.linspace(0, 2 * np.pi, 20_000)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    while len(gaps) < 20:
        Z = rng.standard_normal((rng.integers(6, 12), 2))
        c = np.maximum(0, -directions @ Z.T).mean(axis=1).min()
        if c > 0.02:
            rate = rng.uniform(0.1, 20)
            radius = (q + rate * np.linalg.norm(Z, axis=1).mean() ** 2 / 2) / c
            gaps.append(abs(theory.containment_radius(Z, rate) / radius - 1))
    return Measurement(np.max(gaps))
