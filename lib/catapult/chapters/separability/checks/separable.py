"""Checks of gradient descent on separable data at any learning rate."""

from __future__ import annotations

import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import predictor

OPPOSED = np.array([[0.1, 1.0], [0.1, -1.0]])
SUPPORTED = (np.array([[0.5, 1.0], [0.5, -1.0]]), np.array([[0.5, 1.0], [1.0, -1.0], [2.0, 0.5]]))
# Two points of largest margin that span the plane, too, but (1, 0) is the first of them alone.
UNSUPPORTED = np.array([[1.0, 0.0], [1.0, 1.0]])


def slowest_growth(rate: float, margin: float) -> float:
    """What 1/L gains in a step at least, once L is small; just that, in the end, on data that are not degenerate."""
    return rate * margin**2


def any_learning_rate() -> Measurement:
    """Logistic loss, separable data, η from 1 to 10⁴: the least growth of 1/L over the last half of the steps.

    In units of ηρ²Δt, ρ the margin of (1, 0, …), of the orbits with 10⁻¹² < L < 0.02 at the end: above, L is not small,
    and below, a step is too short for float64 to follow. The effect is the largest ηρ²t L at the end, of all.
    """
    steps, growth, finals = 1000, [], []
    for Z, w0 in _separable():
        for rate in (1.0, 10.0, 100.0, 1e4):
            half, end = predictor.risk(Z, predictor.descend(Z, rate, steps, w0)[[steps // 2, -1], 0])
            unit = slowest_growth(rate, Z[:, 0].min())
            finals.append(end * unit * steps)
            if 1e-12 < end < 0.02:
                growth.append((1 / end - 1 / half) / (unit * (steps - steps // 2)))
    return Measurement(np.min(growth, initial=np.inf), effect=np.nanmax(finals), conditions={
        "no orbit overflows": np.isfinite(finals).all(),
        "every risk ends below 1.1/(ηρ²t)": (np.array(finals) < 1.1).all()})


def _separable():
    rng = np.random.default_rng(14)
    yield OPPOSED, np.array([0.0, 1.0])
    yield SUPPORTED[0], np.array([0.0, 1.0])
    for dimension in (2, 5):
        Z = rng.standard_normal((20, dimension))
        Z[:, 0] = 0.3 + np.abs(Z[:, 0])
        yield Z, rng.standard_normal(dimension)


def comparison_shift(rate: float, margin: float, radius: float) -> float:
    """The part of the comparison point w̄ that grows with η, over ŵ."""
    return rate * radius**2 / (2 * margin)


def average_risk() -> Measurement:
    """Logistic loss, separable data: the largest ratio of the mean risk over N steps to its bound.

    Over four data sets, and over one point that is classified wrongly for N steps of a large η: there the bound is
    nearly reached.
    """
    cases = [(Z, w0, rate, steps) for Z, w0 in _separable() for rate in (0.5, 5.0, 50.0, 5e3)
             for steps in (30, 300)]
    cases += [(np.array([[2.0]]), np.array([-2.0 * rate * steps]), rate, steps)
              for rate in (5e3, 1e5) for steps in (1, 20, 200)]
    ratios = []
    for Z, w0, rate, steps in cases:
        margin, radius = Z[:, 0].min(), np.linalg.norm(Z, axis=1).max()  # (1, 0, …) separates
        w = predictor.descend(Z, rate, steps - 1, w0)[:, 0]
        shift = -w0
        shift[0] += np.log(steps) / margin + comparison_shift(rate, margin, radius)
        bound = 1 / steps + shift @ shift / (2 * rate * steps)
        ratios.append(predictor.risk(Z, w).mean() / bound)
    return Measurement(np.max(ratios))


def drift(direction, margin: float) -> np.ndarray:
    """What w_t gains from t/2 to t in the limit."""
    return np.log(2) / margin * direction


def max_margin() -> Measurement:
    """Logistic loss, separable data, η = 4, 10 and 100: the largest relative gap of w_t − w_{t/2} to its limit.

    ρ is the largest margin and ŵ the direction that has it, over a grid of directions. The effect is the largest angle
    between w_t and ŵ. The start is (0, 1), but 4 ŵ/ρ farther on at η = 100: else its oscillation ends at margins where
    w hardly moves. The control is the gap where a point of least margin has no part in ŵ.
    """
    gaps, sideways, turns = zip(*(_drifts(Z, 4000) for Z in (*SUPPORTED, UNSUPPORTED)), strict=True)
    return Measurement(np.max(gaps[:-1]), effect=np.max(turns[:-1]), control=gaps[-1], conditions={
        "at right angles to ŵ the weight rests, to 1e-3": np.max(sideways[:-1]) < 1e-3})


def _drifts(Z, steps: int) -> tuple[float, float, float]:
    """Return the relative gap of the drift to its limit, its part at right angles to ŵ, and the angle of w_t to ŵ."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, 200_001)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    margins = (directions @ Z.T).min(axis=1)
    best, margin = directions[margins.argmax()], margins.max()
    path = predictor.descend(Z, [4.0, 10.0, 100.0], steps, np.array([0.0, 1.0]) + np.outer([0, 0, 4], best / margin))
    half, w = path[steps // 2], path[-1]
    expected = drift(best, margin)
    gap = np.linalg.norm(w - half - expected, axis=1).max() / np.linalg.norm(expected)
    turn = np.arccos(np.minimum(w @ best / np.linalg.norm(w, axis=1), 1)).max()
    return gap, np.abs((w - half) @ [-best[1], best[0]]).max(), turn


def log_log_drift() -> Measurement:
    """Logistic loss on (1, 0) and (1, 1) from 0: the gain of b + e^b over that of a, w = (a, b), from t/2 to t.

    The farthest from 1 of η = 0.1, 1 and 10. The effect is the least gain of b alone.
    """
    steps = 20_000
    (a, b), (c, d) = predictor.descend(UNSUPPORTED, [0.1, 1.0, 10.0], steps)[[steps // 2, -1]].swapaxes(1, 2)
    ratios, gains = (sideways_law(d) - sideways_law(b)) / (c - a), d - b
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], effect=np.min(gains),
                       conditions={"b goes on growing": np.min(gains) > 0.02})


def sideways_law(b):
    """What grows as a does."""
    return b + np.exp(b)
