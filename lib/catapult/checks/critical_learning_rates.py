"""Checks of chapter 2: closed forms against iterated dynamics, with 256 bits where rounding matters.

The dynamics are written out here again, so that an error in :mod:`catapult.theory` can't confirm itself; its closed
forms are held to what is measured, beside the ones that the rows state.
"""

from __future__ import annotations

import math

import flint
import numpy as np

from catapult.checks import Measurement
from catapult.theory import linear_predictor as theory

BITS = 256


def _points(scale: str, quick: int) -> int:
    return quick if scale == "quick" else 10 * quick


def _sizes(w, rate) -> np.ndarray:
    """One step of |w| under the logistic loss, in float64."""
    return np.abs(rate / 2 * np.tanh(w / 2) - w)


def _bisect(is_above, low, high, steps: int = 50) -> float:
    """Return the float where ``is_above`` changes from False to True."""
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2


def exponential_critical_rate(scale: str) -> Measurement:
    """Exponential loss: the largest relative gap between 2w0/sinh w0 and the rate where orbits grow."""
    gaps = []
    for w0 in (0.5, 1.0, 2.5, 6.0):
        measured = _bisect(lambda rate, w0=w0: _blows_up(w0, rate), 0.0, 4.0)
        gaps.append(abs(measured * math.sinh(w0) / (2 * w0) - 1))
        gaps.append(abs(measured / theory.critical_learning_rate("exponential", w0) - 1))
    return Measurement(np.max(gaps))


def _blows_up(w0: float, rate: float) -> bool:
    """Iterate w − η sinh w with 256 bits until |w| is above 60 or below w0/4."""
    with flint.ctx.workprec(BITS):
        w, rate = flint.arb(w0), flint.arb(rate)
        for _ in range(5000):
            w = (w - rate * w.sinh()).mid()
            if abs(w) > 60:
                return True
            if abs(w) < w0 / 4:
                return False
    raise ArithmeticError(f"w0 = {w0}, η = {rate}: undecided after 5000 steps")


def logistic_critical_rate(scale: str) -> Measurement:
    """Logistic loss: the largest relative gap between 4w0/tanh(w0/2) and the rate where |w| tends to w0."""
    gaps = []
    for w0 in (0.5, 1.0, 2.0, 4.0):
        measured = _bisect(lambda rate, w0=w0: _limit_exceeds(w0, rate), 8.0, 40.0)
        gaps.append(abs(measured * math.tanh(w0 / 2) / (4 * w0) - 1))
        gaps.append(abs(measured / theory.critical_learning_rate("logistic", w0) - 1))
    return Measurement(np.max(gaps))


def _limit_exceeds(w0: float, rate: float, steps: int = 150) -> bool:
    """Compare the mean of the last two |w_t| with w0, with 256 bits."""
    with flint.ctx.workprec(BITS):
        w, rate = flint.arb(w0), flint.arb(rate)
        for _ in range(steps):
            before, w = w, (w - rate * (w / 2).tanh() / 2).mid()
        return bool(abs(w) + abs(before) > 2 * flint.arb(w0))


def phase_diagram(scale: str) -> Measurement:
    """Both losses: at how many (w0, η), over 3 % away from the curves, iteration and theory disagree."""
    n, wrong = (60 if scale == "quick" else 300), 0
    for loss, w0, rates in (("exponential", np.linspace(0.05, 6, n), np.geomspace(0.02, 4, n)[:, None]),
                            ("logistic", np.linspace(0.05, 14, n), np.geomspace(4, 64, n)[:, None])):
        observed = theory.observed_phase(loss, w0, rates, 1000)
        if loss == "exponential":
            curve = 2 * w0 / np.sinh(w0)
            expected = np.where(rates < curve, "converges", "diverges")
            near = np.abs(np.log(rates / curve)) < 0.03
        else:
            curve = 4 * w0 / np.tanh(w0 / 2)
            expected = np.select([rates < 8, rates < curve], theory.PHASES[:2], theory.PHASES[2])
            near = (np.abs(np.log(rates / curve)) < 0.03) | (np.abs(np.log(rates / 8)) < 0.03)
        library = theory.predicted_phase(loss, w0, rates)
        wrong += int((((observed != expected) | (observed != library)) & ~near).sum())
    return Measurement(wrong)


def size_at_eight(scale: str) -> Measurement:
    """Logistic loss, η = 8, w0 = 2: |w_t| after 10⁵ steps."""
    return Measurement(_orbit_at_eight(2.0, 100_000))


def rate_at_eight(scale: str) -> Measurement:
    """Logistic loss, η = 8: t w_t² after many steps, the farthest from 3 among four starts."""
    steps = _points(scale, 100_000)
    values = [steps * _orbit_at_eight(w0, steps) ** 2 for w0 in (0.5, 2.0, 7.0, 20.0)]
    return Measurement(max(values, key=lambda value: abs(value - 3)), interval=(min(values), max(values)))


def _orbit_at_eight(w: float, steps: int) -> float:
    for _ in range(steps):
        w = abs(4 * math.tanh(w / 2) - w)
    return w


def global_cycle(scale: str) -> Measurement:
    """Logistic loss, η > 8, random starts: how far the last |w_t| are from η tanh(w/2) = 4w, relatively.

    Or from the library's solution of that equation, if that is farther.
    """
    rng, n = np.random.default_rng(21), _points(scale, 200)
    rate, w = rng.uniform(8.2, 38, n), rng.uniform(0.01, 30, n)
    for _ in range(15_000):
        w = _sizes(w, rate)
    gaps = np.abs([rate * np.tanh(w / 2) / (4 * w) - 1, theory.two_cycle("logistic", rate) / w - 1])
    return Measurement(float(gaps.max()))


def cycle_multiplier(scale: str) -> Measurement:
    """Logistic loss: the largest gap between 2w*/sinh w* − 1 and the measured contraction of orbits to w*."""
    gaps = []
    for rate in np.linspace(9, 30, _points(scale, 12)):
        with flint.ctx.workprec(BITS):
            orbit, eta = [flint.arb(3)], flint.arb(float(rate))
            for _ in range(6000):
                orbit.append((eta / 2 * (orbit[-1] / 2).tanh() - orbit[-1]).mid())
                if len(orbit) > 3 and abs(orbit[-1] - orbit[-2]) < 1e-25:
                    break
            measured = float((orbit[-1] - orbit[-2]) / (orbit[-2] - orbit[-3]))
            limit = float(orbit[-1])
        gaps.append(abs(measured - (2 * limit / math.sinh(limit) - 1)))
        gaps.append(abs(measured - float(theory.cycle_multiplier("logistic", limit))))
    return Measurement(np.max(gaps))


def lyapunov_exponent(scale: str) -> Measurement:
    """Logistic loss on the balanced pair, 8.2 ≤ η ≤ 40: the largest Lyapunov exponent of an orbit."""
    rate = np.linspace(8.2, 40, _points(scale, 300))
    w, total, steps = np.full_like(rate, 1.7), np.zeros_like(rate), 3000
    for t in range(2 * steps):
        if t >= steps:
            total += np.log(np.abs(rate / 4 / np.cosh(w / 2) ** 2 - 1))
        w = _sizes(w, rate)
    return Measurement(float(total.max() / steps))


def _risk(w: np.ndarray) -> np.ndarray:
    return np.log(2 * np.cosh(np.asarray(w) / 2))


def _orbit(w0: float, rate: float, steps: int) -> np.ndarray:
    w = [w0]
    for _ in range(steps):
        w.append(float(_sizes(w[-1], rate)))
    return np.array(w)


def falls_above_critical(scale: str) -> Measurement:
    """Logistic loss, w0 = 1, η = 24 > η_c: the largest fall of the risk in one step."""
    return Measurement(float(-np.diff(_risk(_orbit(1.0, 24.0, 30))).min()))


def stays_above(scale: str) -> Measurement:
    """Logistic loss, η from 1.05 to 3 η_c(w0): the least L(w_t)/L(w0) − 1 over all t ≥ 1."""
    rng, n = np.random.default_rng(22), _points(scale, 300)
    start = w = rng.uniform(0.1, 7, n)
    rate = rng.uniform(1.05, 3, n) * 4 * w / np.tanh(w / 2)
    least = np.inf
    for _ in range(500):
        w = _sizes(w, rate)
        least = np.minimum(least, (_risk(w) / _risk(start)).min() - 1)
    return Measurement(least)


def limit_between(scale: str) -> Measurement:
    """Logistic loss, 8.2 ≤ η ≤ 0.98 η_c(w0): the largest |2r − 1|, r the limit of the relative excess risk.

    Below 1 iff 0 < r < 1 throughout.
    """
    rng, n = np.random.default_rng(23), _points(scale, 300)
    start = w = rng.uniform(1.2, 9, n)
    critical = 4 * w / np.tanh(w / 2)
    rate = rng.uniform(8.2, 0.98 * critical)
    for _ in range(15_000):
        before, w = w, _sizes(w, rate)
    excess = _risk([w, before]) - math.log(2)
    return Measurement(float(np.abs(2 * excess / (_risk(start) - math.log(2)) - 1).max()))


def rise_below_critical(scale: str) -> Measurement:
    """Logistic loss, w0 = 10, η = 20.4 between 8 and η_c: the largest rise of the risk in one step."""
    return Measurement(float(np.diff(_risk(_orbit(10.0, 20.4, 30))).max()))


def jump_to_minimum(scale: str) -> Measurement:
    """Logistic loss, w0 = 10, η = η_c(w0)/2 > 8: an upper bound on |w_1|, in balls."""
    with flint.ctx.workprec(BITS):
        w0 = flint.arb(10)
        rate = 2 * w0 / (w0 / 2).tanh()
        return Measurement(float(abs(w0 - rate * (w0 / 2).tanh() / 2).upper()), effect=float(rate.mid()))


def overshoot_onset(scale: str) -> Measurement:
    """Logistic loss: the learning rate from which orbits jump from one side of w* to the other."""
    return Measurement(_bisect(_alternates, 9.0, 13.0, 30))


def _alternates(rate: float) -> bool:
    """Whether |w_t| ends in steps of alternating direction, with 256 bits."""
    with flint.ctx.workprec(BITS):
        w, eta, steps = flint.arb(1), flint.arb(rate), []
        for _ in range(2000):
            after = (eta / 2 * (w / 2).tanh() - w).mid()
            steps.append(after - w)
            w = after
            if abs(steps[-1]) < 1e-40:
                break
        return bool(steps[-1] * steps[-2] < 0)


def period_three(scale: str) -> Measurement:
    """Imbalanced pair, p = 9/10, γ = 4: the least gap between the points of a cycle of length three.

    0 unless T³(w) − w certainly changes sign on the interval, on which both images stay off the interval.
    """
    with flint.ctx.workprec(BITS):
        low, high = flint.arb(flint.fmpq(8786, 10000)), flint.arb(flint.fmpq(8787, 10000))
        ends = [_imbalanced_orbit(w)[3] - w for w in (low, high)]
        points = _imbalanced_orbit(low.union(high))[:3]
        gaps = [float(abs(a - b).lower()) for a, b in zip(points, [*points[1:], points[0]], strict=True)]
        changes = bool(ends[0] * ends[1] < 0)
    return Measurement(min(gaps) if changes else 0.0)


def _imbalanced_orbit(w) -> list:
    fraction = flint.arb(flint.fmpq(9, 10))
    rate = 4 / (fraction * (1 - fraction))
    points = [w]
    for _ in range(3):
        points.append(points[-1] - rate * (1 / (1 + (-points[-1]).exp()) - fraction))
    return points
