"""Checks of critical rates and of the phases up to η = 8, with 256 bits where rounding matters."""

from __future__ import annotations

import itertools
import math

import flint
import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import balls, bisection, predictor
from catapult.theory import linear_predictor as theory

EIGHT = 8.0  # 2/L''(0) of the logistic loss
EIGHT_LIMITS = (3.0, 3 / 8)  # of t w_t² and of t (L(w_t) − log 2)


def exponential_critical_rate() -> Measurement:
    """Exponential loss: the largest relative gap between 2w0/sinh w0 and the rate where orbits grow."""
    gaps = []
    for w0 in (0.5, 1.0, 2.5, 6.0):
        measured = bisection.threshold(lambda rate, w0=w0: _blows_up(w0, rate), 0.0, 4.0)
        gaps.append(abs(measured * math.sinh(w0) / (2 * w0) - 1))
        gaps.append(abs(measured / theory.critical_learning_rate("exponential", w0) - 1))
    return Measurement(np.max(gaps))


def _blows_up(w0: float, rate: float) -> bool:
    """Iterate w − η sinh w with 256 bits until |w| is above 60 or below w0/4."""
    with flint.ctx.workprec(balls.BITS):
        w, rate = flint.arb(w0), flint.arb(rate)
        for _ in range(5000):
            w = predictor.move("exponential", w, rate, flint.arb).mid()
            if abs(w) > 60:
                return True
            if abs(w) < w0 / 4:
                return False
    raise ArithmeticError(f"w0 = {w0}, η = {rate}: undecided after 5000 steps")


def exponential_edge(w):
    """The critical rate 2w/sinh w, in balls."""
    return 2 * w / w.sinh()


def exponential_monotone() -> Measurement:
    """Exponential loss, η < η_c: the largest ratio of |w|, or of L − 1, to what it was a step before.

    And above η_c the inverse. On orbits with 256 bits, while 10⁻¹⁵ < |w| < 60.
    """
    worst = 0.0
    with flint.ctx.workprec(balls.BITS):
        for w0 in (0.3, 1.0, 2.5, 6.0):
            for factor in (0.1, 0.45, 0.9, 0.999, 1.001, 1.1, 2.0, 5.0):
                w = flint.arb(w0)
                rate = factor * exponential_edge(w)
                while 1e-15 < abs(w) < 60:
                    after = predictor.move("exponential", w, rate, flint.arb).mid()
                    ratios = [float(abs(after / w)), float(((after / 2).sinh() / (w / 2).sinh()) ** 2)]
                    worst = np.maximum(worst, np.max(ratios if factor < 1 else 1 / np.array(ratios)))
                    if (np.array(ratios) < 1).all() != (factor < 1):
                        break  # it would turn back
                    w = after
    return Measurement(worst)


def repulsion(w0: float) -> float:
    """The factor 2w0 coth w0 − 1 by which the cycle of the exponential loss repels."""
    return 2 * w0 / math.tanh(w0) - 1


def exponential_multiplier() -> Measurement:
    """Exponential loss, η = η_c(w0): the largest relative gap of 2w0 coth w0 − 1 to the growth a step of |w_t| − w0.

    On orbits with 256 bits that start at w0 + 10⁻⁴⁰.
    """
    gaps = []
    for w0 in (0.3, 1.0, 2.5, 6.0):
        with flint.ctx.workprec(balls.BITS):
            start = flint.arb(w0)
            rate, w, distance = 2 * start / start.sinh(), start + flint.arb("1e-40"), []
            for _ in range(8):
                distance.append(abs(w) - start)
                w = predictor.move("exponential", w, rate, flint.arb).mid()
            growth = [float(b / a) for a, b in itertools.pairwise(distance)]
        for stated in (repulsion(w0), float(theory.cycle_multiplier("exponential", w0))):
            gaps.extend(abs(measured / stated - 1) for measured in growth)
    return Measurement(np.max(gaps), conditions={"the factor is above 1": np.min(growth) > 1})


def logistic_critical_rate() -> Measurement:
    """Logistic loss: the largest relative gap between 4w0/tanh(w0/2) and the rate where |w| tends to w0."""
    gaps = []
    for w0 in (0.5, 1.0, 2.0, 4.0):
        measured = bisection.threshold(lambda rate, w0=w0: _limit_exceeds(w0, rate), 8.0, 40.0)
        gaps.append(abs(measured * math.tanh(w0 / 2) / (4 * w0) - 1))
        gaps.append(abs(measured / theory.critical_learning_rate("logistic", w0) - 1))
    return Measurement(np.max(gaps))


def _limit_exceeds(w0: float, rate: float, steps: int = 150) -> bool:
    """Compare the mean of the last two |w_t| with w0, with 256 bits."""
    with flint.ctx.workprec(balls.BITS):
        w, rate = flint.arb(w0), flint.arb(rate)
        for _ in range(steps):
            before, w = w, predictor.move("logistic", w, rate, flint.arb).mid()
        return bool(abs(w) + abs(before) > 2 * flint.arb(w0))


def phase_diagram() -> Measurement:
    """Both losses: at how many (w0, η), over 0.7 % away from the curves, iteration and theory disagree.

    On a grid, and on lines 1 % above and below each curve. The effect is the number of points.
    """
    n, wrong, seen = 40, 0, 0
    for loss, w0, rates in (("exponential", np.linspace(0.05, 6, n), np.geomspace(0.02, 4, n)[:, None]),
                            ("logistic", np.linspace(0.05, 14, n), np.geomspace(4, 64, n)[:, None])):
        exponential = loss == "exponential"
        curve = 2 * w0 / np.sinh(w0) if exponential else 4 * w0 / np.tanh(w0 / 2)
        lines = [curve] if exponential else [curve, np.full(n, EIGHT)]
        rates = np.concatenate([np.broadcast_to(rates, (n, n)), *([[0.99 * line, 1.01 * line] for line in lines])])
        observed = theory.observed_phase(loss, w0, rates, 1500)
        if exponential:
            expected = np.where(rates < curve, "converges", "diverges")
        else:
            expected = np.select([rates < EIGHT, rates < curve], theory.PHASES[:2], theory.PHASES[2])
        near = np.any([np.abs(np.log(rates / line)) < 0.007 for line in lines], axis=0)
        library = theory.predicted_phase(loss, w0, rates)
        wrong += int((((observed != expected) | (observed != library)) & ~near).sum())
        seen += int((~near).sum())
    return Measurement(wrong, effect=seen)


def falls_up_to_eight() -> Measurement:
    """Logistic loss, 0.1 ≤ η ≤ 8 and η = 8 itself: the largest t w_t² after 3,000 steps, t the steps.

    At η = 8 it tends to 3; at smaller rates orbits come to 0 faster.
    """
    rng, n, largest, steps = np.random.default_rng(24), 300, 0.0, 3000
    rate, w = rng.uniform(0.1, EIGHT, n), rng.uniform(0.05, 40, n)
    rate[: n // 3] = EIGHT
    for _ in range(steps):
        before, w = w, np.abs(predictor.move("logistic", w, rate))
        large = before > 1e-3
        largest = np.maximum(largest, (w[large] / before[large]).max(initial=0))
    return Measurement(steps * np.max(w) ** 2, effect=largest,
                       conditions={"|w| falls at every step from above 0.001": largest < 1})


def size_at_eight() -> Measurement:
    """Logistic loss, η = 8, w0 = 2: |w_t| after 10⁵ steps."""
    return Measurement(_orbit_at_eight(2.0, 100_000))


def rate_at_eight() -> Measurement:
    """Logistic loss, η = 8: t w_t² or t (L(w_t) − log 2) over its limit after many steps.

    The farthest from 1 of four starts.
    """
    steps, values = 100_000, []
    for w0 in (0.5, 2.0, 7.0, 20.0):
        w = _orbit_at_eight(w0, steps)
        excess = math.log1p(2 * math.sinh(w / 4) ** 2)  # log cosh(w/2), without cancellation
        values += [steps * w**2 / EIGHT_LIMITS[0], steps * excess / EIGHT_LIMITS[1]]
    return Measurement(values[np.argmax(np.abs(np.array(values) - 1))], interval=(np.min(values), np.max(values)))


def _orbit_at_eight(w: float, steps: int) -> float:
    for _ in range(steps):
        w = abs(predictor.move("logistic", w, EIGHT, math))
    return w
