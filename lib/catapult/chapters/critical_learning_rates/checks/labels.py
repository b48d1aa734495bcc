"""Checks on one repeated input with any share of labels: convergence, chaos and its onset."""

from __future__ import annotations

import flint
import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import balls, predictor
from catapult.theory import linear_predictor as theory

LABEL_EDGE = 2.0  # the γ = η p(1 − p) of the stability edge, η = 2/λ, of one repeated input
BALANCED = 0.5  # the fraction of positive labels of the pair
ONSETS = {0.6: 4.99, 0.7: 2.99, 0.8: 2.80, 0.9: 2.73}
PERIOD_THREE_UNITS = 4  # γ = η p(1 − p)


def any_label_share() -> Measurement:
    """One repeated input, a fraction p of its labels positive, η < 2/λ: the largest distance from the minimum at last.

    p from 0.02 to 0.98, γ = ηp(1 − p) up to 1.99, starts up to 30 away. The control is the same at 1.01 times the edge.
    """
    rng, n = np.random.default_rng(25), 400
    fraction, start = rng.uniform(0.02, 0.98, n), rng.uniform(-30, 30, n)
    edge_units = rng.choice([0.3, 1.0, 1.7, 1.99], n)
    minimum, ends = np.log(fraction / (1 - fraction)), []
    for units in (edge_units * LABEL_EDGE / 2, np.full(n, 1.01 * LABEL_EDGE)):
        w = minimum + start
        for _ in range(6000):
            w = predictor.move_labels(fraction, w, units / (fraction * (1 - fraction)))
        ends.append(np.abs(w - minimum))
    return Measurement(np.max(ends[0]), control=np.min(ends[1]))


def lyapunov_exponent() -> Measurement:
    """Logistic loss on the balanced pair, 8.2 ≤ η ≤ 40: the largest Lyapunov exponent of an orbit."""
    rate = np.linspace(8.2, 40, 300)
    w, total, steps = np.full_like(rate, 1.7), np.zeros_like(rate), 6000
    for t in range(2 * steps):
        positive = 1 / (1 + np.exp(-w))
        if t >= steps:
            total += np.log(np.abs(1 - rate * positive * (1 - positive)))
        if t == 2 * steps - 2:
            two_ago = w
        w = predictor.move_labels(BALANCED, w, rate)
    period_two = np.abs(w - two_ago).max() < 1e-3
    return Measurement(float(total.max() / steps), conditions={"every orbit ends with period two, to 1e-3": period_two})


def chaos_onset() -> Measurement:
    """Imbalanced pair: how far the γ of the first doubling is from 2, or that of the onset of chaos from ``ONSETS``.

    The first doubling: late iterates differ. The onset: late iterates have none of the periods up to 64, on an orbit
    from a point where T' = 0, and by the library, a positive Lyapunov exponent. Grids of step 0.01 here, finer there.
    """
    gaps = []
    for fraction, onset in ONSETS.items():
        edge_units = np.arange(1.905, onset + 0.1, 0.01)
        rate = edge_units / (fraction * (1 - fraction))
        turn = 2 * np.arccosh(np.sqrt(rate) / 2)
        w = np.stack([turn, -turn])
        for _ in range(3000):
            w = predictor.move_labels(fraction, w, rate)
        last, nearest = w, np.full_like(w, np.inf)
        for period in range(1, 65):
            w = predictor.move_labels(fraction, w, rate)
            nearest = np.minimum(nearest, np.abs(w - last))
            if period == 1:
                gaps.append(abs(edge_units[(nearest.max(axis=0) > 1e-3).argmax()] - LABEL_EDGE))
        gaps.append(abs(edge_units[(nearest.max(axis=0) > 1e-3).argmax()] - onset))
        gaps.append(abs(theory.chaos_onset(fraction) - onset))
    return Measurement(np.max(gaps))


def flip_amplitude(edge_distance, fraction):
    """The leading size √(3ε/(2 − 6p(1 − p))) of the two-cycle at γ = 2 + ε."""
    return np.sqrt(3 * edge_distance / (2 - 6 * fraction * (1 - fraction)))


def flip() -> Measurement:
    """Imbalanced pair at γ = 2.001: the largest relative gap of half the two-cycle's width to its leading size.

    Orbits from two starts, p from 0.05 to 0.95. Third and fourth derivatives are differences of L''.
    """
    fraction = np.concatenate([np.linspace(0.05, 0.95, 11)] * 2)
    minimum, curvature = np.log(fraction / (1 - fraction)), fraction * (1 - fraction)
    w = minimum + np.repeat([0.01, 0.5], 11)
    for _ in range(8000):
        before, w = w, predictor.move_labels(fraction, w, (LABEL_EDGE + 1e-3) / curvature)
    gap = np.abs(np.abs(w - before) / 2 / flip_amplitude(1e-3, fraction) - 1)
    below, above = (1 / (2 + 2 * np.cosh(minimum + side)) for side in (-1e-3, 1e-3))
    third, fourth = (above - below) / 2e-3, (above + below - 2 * curvature) / 1e-6
    return Measurement(gap.max(), conditions={
        "3 L'''² exceeds L'' L'''' at the minimum for every p": (3 * third**2 > curvature * fourth).all()})


def period_three() -> Measurement:
    """Imbalanced pair, p = 9/10, γ = 4: the least gap between the points of a cycle of length three, in balls."""
    with flint.ctx.workprec(balls.BITS):
        low, high = flint.arb(flint.fmpq(8786, 10000)), flint.arb(flint.fmpq(8787, 10000))
        ends = [_imbalanced_orbit(w)[3] - w for w in (low, high)]
        points = _imbalanced_orbit(low.union(high))[:3]
        gaps = [float(abs(a - b).lower()) for a, b in zip(points, [*points[1:], points[0]], strict=True)]
        changes = bool(ends[0] * ends[1] < 0)
    return Measurement(np.min(gaps), conditions={"T³(w) − w certainly changes sign on the interval": changes})


def _imbalanced_orbit(w) -> list:
    fraction = flint.arb(flint.fmpq(9, 10))
    rate = flint.arb(PERIOD_THREE_UNITS) / (fraction * (1 - fraction))
    points = [w]
    for _ in range(3):
        points.append(predictor.move_labels(fraction, points[-1], rate, flint.arb))
    return points
