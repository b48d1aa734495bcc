"""Checks of chapter 2: closed forms against iterated dynamics, with 256 bits where rounding matters.

The dynamics are written out here again, so that an error in :mod:`catapult.theory` can't confirm itself; its closed
forms are held to what is measured, beside the ones that the rows state.
"""

from __future__ import annotations

import itertools
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


def exponential_monotone(scale: str) -> Measurement:
    """Exponential loss, η < η_c: the largest ratio of |w|, or of L − 1, to what it was a step before.

    And above η_c the inverse. On orbits with 256 bits, while 10⁻¹⁵ < |w| < 60.
    """
    worst = 0.0
    with flint.ctx.workprec(BITS):
        for w0 in (0.3, 1.0, 2.5, 6.0):
            for factor in (0.1, 0.45, 0.9, 0.999, 1.001, 1.1, 2.0, 5.0):
                w = flint.arb(w0)
                rate = factor * 2 * w / w.sinh()
                while 1e-15 < abs(w) < 60:
                    after = (w - rate * w.sinh()).mid()
                    for ratio in (abs(after / w), ((after / 2).sinh() / (w / 2).sinh()) ** 2):
                        worst = np.maximum(worst, float(ratio if factor < 1 else 1 / ratio))
                    w = after
    return Measurement(worst)


def exponential_multiplier(scale: str) -> Measurement:
    """Exponential loss, η = η_c(w0): the largest relative gap of 2w0 coth w0 − 1 to the growth a step of |w_t| − w0.

    On orbits with 256 bits that start at w0 + 10⁻⁴⁰.
    """
    gaps = []
    for w0 in (0.3, 1.0, 2.5, 6.0):
        with flint.ctx.workprec(BITS):
            start = flint.arb(w0)
            rate, w, distance = 2 * start / start.sinh(), start + flint.arb("1e-40"), []
            for _ in range(8):
                distance.append(abs(w) - start)
                w = (w - rate * w.sinh()).mid()
            growth = [float(b / a) for a, b in itertools.pairwise(distance)]
        for stated in (2 * w0 / math.tanh(w0) - 1, float(theory.cycle_multiplier("exponential", w0))):
            gaps.extend(abs(measured / stated - 1) for measured in growth)
    return Measurement(np.max(gaps))


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


def falls_up_to_eight(scale: str) -> Measurement:
    """Logistic loss, 0.1 ≤ η ≤ 8 and η = 8 itself: the largest |w_{t+1}/w_t| while |w_t| > 0.001.

    The effect is the largest |w| at the end.
    """
    rng, n, largest = np.random.default_rng(24), _points(scale, 300), 0.0
    rate, w = rng.uniform(0.1, 8, n), rng.uniform(0.05, 40, n)
    rate[: n // 3] = 8
    for _ in range(3000):
        before, w = w, _sizes(w, rate)
        large = before > 1e-3
        largest = np.maximum(largest, (w[large] / before[large]).max())
    return Measurement(largest, effect=w.max())


def size_at_eight(scale: str) -> Measurement:
    """Logistic loss, η = 8, w0 = 2: |w_t| after 10⁵ steps."""
    return Measurement(_orbit_at_eight(2.0, 100_000))


def rate_at_eight(scale: str) -> Measurement:
    """Logistic loss, η = 8: t w_t²/3 or 8t (L(w_t) − log 2)/3 after many steps, the farthest from 1 of four starts."""
    steps, values = _points(scale, 100_000), []
    for w0 in (0.5, 2.0, 7.0, 20.0):
        w = _orbit_at_eight(w0, steps)
        excess = math.log1p(2 * math.sinh(w / 4) ** 2)  # log cosh(w/2), without cancellation
        values += [steps * w**2 / 3, 8 * steps * excess / 3]
    return Measurement(values[np.argmax(np.abs(np.array(values) - 1))], interval=(np.min(values), np.max(values)))


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


def large_rates(scale: str) -> Measurement:
    """Logistic loss, η from 60 to 160: how far w* and U'(w*), found on the map, are from their forms at large η.

    That is the largest of |r − 1|, r the ratio of 1 − |U'(w*)| to η e^{−η/4}, and of η/4 − w* to (η/2) e^{−η/4}. The
    effect is the number of steps to come closer to w* by a factor e at η = 60.
    """
    gaps, rests = [], []
    with flint.ctx.workprec(2 * BITS):
        gap = flint.arb(2) ** -BITS
        for rate in (60, 90, 120, 160):
            eta = flint.arb(rate)
            decay, low, high = (-eta / 4).exp(), eta / 8, eta / 4
            for _ in range(2 * BITS):
                middle = ((low + high) / 2).mid()
                low, high = (middle, high) if eta / 2 * (middle / 2).tanh() > 2 * middle else (low, middle)
            slope = eta / 2 * (((low + gap) / 2).tanh() - (low / 2).tanh()) / gap - 1
            rests.append(float(1 - abs(slope)))
            gaps += [float(abs((1 - abs(slope)) / (eta * decay) - 1)),
                     float(abs((eta / 4 - low) / (eta / 2 * decay) - 1))]
    return Measurement(np.max(gaps), effect=1 / rests[0])


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
    """η = η_c(w0)/2: an upper bound on |w_1|, in balls, logistic loss at w0 = 10, η > 8, and exponential at four w0.

    The effect is the learning rate of the first.
    """
    with flint.ctx.workprec(BITS):
        w0 = flint.arb(10)
        rate = 2 * w0 / (w0 / 2).tanh()
        sizes = [abs(w0 - rate * (w0 / 2).tanh() / 2)]
        for start in map(flint.arb, (0.3, 1, 2.5, 6)):
            sizes.append(abs(start - start / start.sinh() * start.sinh()))
        return Measurement(np.max([float(size.upper()) for size in sizes]), effect=float(rate.mid()))


def hitting_rates(scale: str) -> Measurement:
    """Logistic loss: the rates in (8, η_c(w0)) with a hit, counted in two ways: the largest difference over five w0.

    As the changes of sign of w_60 along a grid of η, finer towards 8, and as the steps of the orbit at η = 8 before the
    first that changes its sign. The effect is the largest of these numbers.
    """
    differences, counts = [], []
    for w0 in (3.0, 6.0, 10.0, 25.0, 60.0):
        rate = 8 + (4 * w0 / math.tanh(w0 / 2) - 8) * np.linspace(0, 1, _points(scale, 5000) + 2)[1:-1] ** 2
        w, at_eight, steps = np.full_like(rate, w0), w0 - 4 * math.tanh(w0 / 2), 0
        for _ in range(60):
            w = w - rate / 2 * np.tanh(w / 2)
        while at_eight > 0:
            at_eight, steps = at_eight - 4 * math.tanh(at_eight / 2), steps + 1
        counts.append(steps)
        differences.append(abs(int((np.diff(np.sign(w)) != 0).sum()) - steps))
    return Measurement(np.max(differences), effect=np.max(counts))


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


ONSETS = {0.6: 4.99, 0.7: 2.99, 0.8: 2.80, 0.9: 2.73}


def chaos_onset(scale: str) -> Measurement:
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
        for _ in range(_points(scale, 3000)):
            w = w - rate * (1 / (1 + np.exp(-w)) - fraction)
        last, nearest = w, np.full_like(w, np.inf)
        for period in range(1, 65):
            w = w - rate * (1 / (1 + np.exp(-w)) - fraction)
            nearest = np.minimum(nearest, np.abs(w - last))
            if period == 1:
                gaps.append(abs(edge_units[(nearest.max(axis=0) > 1e-3).argmax()] - 2))
        gaps.append(abs(edge_units[(nearest.max(axis=0) > 1e-3).argmax()] - onset))
        gaps.append(abs(theory.chaos_onset(fraction) - onset))
    return Measurement(np.max(gaps))


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
    return Measurement(np.min(gaps) if changes else 0.0)


def _imbalanced_orbit(w) -> list:
    fraction = flint.arb(flint.fmpq(9, 10))
    rate = 4 / (fraction * (1 - fraction))
    points = [w]
    for _ in range(3):
        points.append(points[-1] - rate * (1 / (1 + (-points[-1]).exp()) - fraction))
    return points
