"""Checks: closed forms against iterated dynamics, with 256 bits where rounding matters.

The dynamics are written out here again, so that an error in :mod:`catapult.theory` can't confirm itself; its closed
forms are held to what is measured, beside the ones that the rows state. What the rows state is a function or a constant
of its own here, so that a test can falsify it.
"""

from __future__ import annotations

import itertools
import math

import flint
import numpy as np

from catapult.companion.measurement import Measurement
from catapult.theory import linear_predictor as theory

BITS = 256
EIGHT = 8.0  # 2/L''(0) of the logistic loss
LABEL_EDGE = 2.0  # the γ = η p(1 − p) of the stability edge, η = 2/λ, of one repeated input


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


def exponential_edge(w):
    """The critical rate 2w/sinh w, in balls."""
    return 2 * w / w.sinh()


def exponential_monotone(scale: str) -> Measurement:
    """Exponential loss, η < η_c: the largest ratio of |w|, or of L − 1, to what it was a step before.

    And above η_c the inverse. On orbits with 256 bits, while 10⁻¹⁵ < |w| < 60.
    """
    worst = 0.0
    with flint.ctx.workprec(BITS):
        for w0 in (0.3, 1.0, 2.5, 6.0):
            for factor in (0.1, 0.45, 0.9, 0.999, 1.001, 1.1, 2.0, 5.0):
                w = flint.arb(w0)
                rate = factor * exponential_edge(w)
                while 1e-15 < abs(w) < 60:
                    after = (w - rate * w.sinh()).mid()
                    ratios = [float(abs(after / w)), float(((after / 2).sinh() / (w / 2).sinh()) ** 2)]
                    worst = np.maximum(worst, np.max(ratios if factor < 1 else 1 / np.array(ratios)))
                    if (np.array(ratios) < 1).all() != (factor < 1):
                        break  # it would turn back
                    w = after
    return Measurement(worst)


def repulsion(w0: float) -> float:
    """The factor 2w0 coth w0 − 1 by which the cycle of the exponential loss repels."""
    return 2 * w0 / math.tanh(w0) - 1


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
        for stated in (repulsion(w0), float(theory.cycle_multiplier("exponential", w0))):
            gaps.extend(abs(measured / stated - 1) for measured in growth)
    return Measurement(np.max(gaps), conditions={"the factor is above 1": np.min(growth) > 1})


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


def logistic_edge(w):
    """The critical rate 4w/tanh(w/2)."""
    return 4 * w / np.tanh(w / 2)


def phase_diagram(scale: str) -> Measurement:
    """Both losses: at how many (w0, η), over 0.7 % away from the curves, iteration and theory disagree.

    On a grid, and on lines 1 % above and below each curve. The effect is the number of points.
    """
    n, wrong, seen = (40 if scale == "quick" else 200), 0, 0
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


def falls_up_to_eight(scale: str) -> Measurement:
    """Logistic loss, 0.1 ≤ η ≤ 8 and η = 8 itself: the largest t w_t² after 3,000 steps, t the steps.

    At η = 8 it tends to 3; at smaller rates orbits come to 0 faster.
    """
    rng, n, largest, steps = np.random.default_rng(24), _points(scale, 300), 0.0, 3000
    rate, w = rng.uniform(0.1, EIGHT, n), rng.uniform(0.05, 40, n)
    rate[: n // 3] = EIGHT
    for _ in range(steps):
        before, w = w, _sizes(w, rate)
        large = before > 1e-3
        largest = np.maximum(largest, (w[large] / before[large]).max(initial=0))
    return Measurement(steps * np.max(w) ** 2, effect=largest,
                       conditions={"|w| falls at every step from above 0.001": largest < 1})


def any_label_share(scale: str) -> Measurement:
    """One repeated input, a fraction p of its labels positive, η < 2/λ: the largest distance from the minimum at last.

    p from 0.02 to 0.98, γ = ηp(1 − p) up to 1.99, starts up to 30 away. The control is the same at 1.01 times the edge.
    """
    rng, n = np.random.default_rng(25), _points(scale, 400)
    fraction, start = rng.uniform(0.02, 0.98, n), rng.uniform(-30, 30, n)
    edge_units = rng.choice([0.3, 1.0, 1.7, 1.99], n)
    minimum, ends = np.log(fraction / (1 - fraction)), []
    for units in (edge_units * LABEL_EDGE / 2, np.full(n, 1.01 * LABEL_EDGE)):
        w = minimum + start
        for _ in range(6000):
            w = w - units / (fraction * (1 - fraction)) * (1 / (1 + np.exp(-w)) - fraction)
        ends.append(np.abs(w - minimum))
    return Measurement(np.max(ends[0]), control=np.min(ends[1]))


def size_at_eight(scale: str) -> Measurement:
    """Logistic loss, η = 8, w0 = 2: |w_t| after 10⁵ steps."""
    return Measurement(_orbit_at_eight(2.0, 100_000))


EIGHT_LIMITS = (3.0, 3 / 8)  # of t w_t² and of t (L(w_t) − log 2)


def rate_at_eight(scale: str) -> Measurement:
    """Logistic loss, η = 8: t w_t² or t (L(w_t) − log 2) over its limit after many steps.

    The farthest from 1 of four starts.
    """
    steps, values = _points(scale, 100_000), []
    for w0 in (0.5, 2.0, 7.0, 20.0):
        w = _orbit_at_eight(w0, steps)
        excess = math.log1p(2 * math.sinh(w / 4) ** 2)  # log cosh(w/2), without cancellation
        values += [steps * w**2 / EIGHT_LIMITS[0], steps * excess / EIGHT_LIMITS[1]]
    return Measurement(values[np.argmax(np.abs(np.array(values) - 1))], interval=(np.min(values), np.max(values)))


def _orbit_at_eight(w: float, steps: int) -> float:
    for _ in range(steps):
        w = abs(EIGHT / 2 * math.tanh(w / 2) - w)
    return w


def cycle_balance(w, rate):
    """The ratio of η tanh(w/2) to 4w, 1 on the cycle."""
    return rate * np.tanh(w / 2) / (4 * w)


def global_cycle(scale: str) -> Measurement:
    """Logistic loss, η > 8, random starts: how far the last |w_t| are from η tanh(w/2) = 4w, relatively.

    Or from the library's solution of that equation, if that is farther.
    """
    rng, n = np.random.default_rng(21), _points(scale, 200)
    rate, w = rng.uniform(8.2, 38, n), rng.uniform(0.01, 30, n)
    for _ in range(15_000):
        w = _sizes(w, rate)
    gaps = np.abs([cycle_balance(w, rate) - 1, theory.two_cycle("logistic", rate) / w - 1])
    return Measurement(float(gaps.max()))


def attraction(w):
    """The multiplier 2w/sinh w − 1 of U at the cycle of the logistic loss."""
    return 2 * w / np.sinh(w) - 1


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
        gaps.append(abs(measured - attraction(limit)))
        gaps.append(abs(measured - float(theory.cycle_multiplier("logistic", limit))))
    return Measurement(np.max(gaps))


def large_rate_forms(rate):
    """η/4 − w* and 1 − |U'(w*)| at large η, in balls: (η/2) e^{−η/4} and η e^{−η/4}."""
    decay = (-rate / 4).exp()
    return rate / 2 * decay, rate * decay


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
            low, high = eta / 8, eta / 4
            for _ in range(2 * BITS):
                middle = ((low + high) / 2).mid()
                low, high = (middle, high) if eta / 2 * (middle / 2).tanh() > 2 * middle else (low, middle)
            slope = eta / 2 * (((low + gap) / 2).tanh() - (low / 2).tanh()) / gap - 1
            rests.append(float(1 - abs(slope)))
            gaps += [float(abs(found / form - 1)) for found, form in
                     zip((eta / 4 - low, 1 - abs(slope)), large_rate_forms(eta), strict=True)]
    return Measurement(np.max(gaps), effect=1 / rests[0])


BALANCED = 0.5  # the fraction of positive labels of the pair


def lyapunov_exponent(scale: str) -> Measurement:
    """Logistic loss on the balanced pair, 8.2 ≤ η ≤ 40: the largest Lyapunov exponent of an orbit."""
    rate = np.linspace(8.2, 40, _points(scale, 300))
    w, total, steps = np.full_like(rate, 1.7), np.zeros_like(rate), 6000
    for t in range(2 * steps):
        positive = 1 / (1 + np.exp(-w))
        if t >= steps:
            total += np.log(np.abs(1 - rate * positive * (1 - positive)))
        if t == 2 * steps - 2:
            two_ago = w
        w = w - rate * (positive - BALANCED)
    period_two = np.abs(w - two_ago).max() < 1e-3
    return Measurement(float(total.max() / steps), conditions={"every orbit ends with period two, to 1e-3": period_two})


def _risk(w: np.ndarray) -> np.ndarray:
    return np.log(2 * np.cosh(np.asarray(w) / 2))


def _orbit(w0: float, rate: float, steps: int) -> np.ndarray:
    w = [w0]
    for _ in range(steps):
        w.append(float(_sizes(w[-1], rate)))
    return np.array(w)


FALLING_RATE = 24.0  # above the critical rate at w0 = 1, and above the onset of overshooting


def falls_above_critical(scale: str) -> Measurement:
    """Logistic loss, w0 = 1, η = 24 > η_c: the largest fall of the risk in one step."""
    return Measurement(float(-np.diff(_risk(_orbit(1.0, FALLING_RATE, 30))).min()),
                       conditions={"η is above the critical rate": logistic_edge(1.0) < FALLING_RATE})


def stays_above(scale: str) -> Measurement:
    """Logistic loss, η from 1.001 to 3 η_c(w0): the least L(w_t)/L(w0) − 1 over all t ≥ 1."""
    rng, n = np.random.default_rng(22), _points(scale, 300)
    start = w = rng.uniform(0.1, 7, n)
    rate = rng.choice([1.001, 1.05, 1.5, 3.0], n) * logistic_edge(w)
    least = np.inf
    for _ in range(500):
        w = _sizes(w, rate)
        least = np.minimum(least, (_risk(w) / _risk(start)).min() - 1)
    return Measurement(least)


def limit_between(scale: str) -> Measurement:
    """Logistic loss, 8.05 ≤ η ≤ 0.999 η_c(w0): the largest |2r − 1|, r the limit of the relative excess risk.

    Below 1 iff 0 < r < 1 throughout. A quarter of the rates are at 8.05, a quarter at 0.999 η_c.
    """
    rng, n = np.random.default_rng(23), _points(scale, 300)
    start = w = rng.uniform(1.2, 9, n)
    rate = rng.uniform(8.05, 0.999 * logistic_edge(w))
    rate[: n // 4], rate[-n // 4 :] = 8.05, 0.999 * logistic_edge(w)[-n // 4 :]
    for _ in range(15_000):
        before, w = w, _sizes(w, rate)
    excess = _risk([w, before]) - math.log(2)
    return Measurement(float(np.abs(2 * excess / (_risk(start) - math.log(2)) - 1).max()))


RISING_START = 10.0
RISING_RATE = 20.4  # in the middle phase of that start


def rise_below_critical(scale: str) -> Measurement:
    """Logistic loss, w0 = 10, η = 20.4 between 8 and η_c: the largest rise of the risk in one step."""
    risk = _risk(_orbit(RISING_START, RISING_RATE, 30))
    return Measurement(float(np.diff(risk).max()), conditions={
        "η is in the middle phase": EIGHT < RISING_RATE < logistic_edge(RISING_START),
        "the first step leads to within 0.01 of the least risk": risk[1] - math.log(2) < 0.01})


def jump_rates():
    """Half the critical rates at w0 = 10, logistic, and at four w0, exponential: pairs (w0, rate) in balls."""
    w0, starts = flint.arb(10), [flint.arb(w) for w in (0.3, 1, 2.5, 6)]
    return (w0, 2 * w0 / (w0 / 2).tanh()), [(start, start / start.sinh()) for start in starts]


def jump_to_minimum(scale: str) -> Measurement:
    """η = η_c(w0)/2: an upper bound on |w_1|, in balls, logistic loss at w0 = 10, η > 8, and exponential at four w0.

    The effect is the learning rate of the first.
    """
    with flint.ctx.workprec(BITS):
        (w0, rate), others = jump_rates()
        sizes = [abs(w0 - rate * (w0 / 2).tanh() / 2), *(abs(start - other * start.sinh()) for start, other in others)]
        return Measurement(np.max([float(size.upper()) for size in sizes]), effect=float(rate.mid()),
                           conditions={"the first is in the middle phase": bool(rate > 8)})


def hitting_rates(scale: str) -> Measurement:
    """Logistic loss: the rates in (8, η_c(w0)) with a hit, counted in two ways: the largest difference over five w0.

    As the changes of sign of w_60 along a grid of η, finer towards 8, and by the row's rule. The effect is the largest
    of these numbers.
    """
    differences, counts = [], []
    for w0 in (3.0, 6.0, 10.0, 25.0, 61.0):
        rate = 8 + (logistic_edge(w0) - 8) * np.linspace(0, 1, _points(scale, 5000) + 2)[1:-1] ** 2
        w = np.full_like(rate, w0)
        for _ in range(60):
            w = w - rate / 2 * np.tanh(w / 2)
        counts.append(positive_steps(w0, EIGHT))
        differences.append(abs(int((np.diff(np.sign(w)) != 0).sum()) - counts[-1]))
    return Measurement(np.max(differences), effect=np.max(counts))


def positive_steps(w: float, rate: float) -> int:
    """How many of w_1, w_2, … are positive before the first that is not."""
    steps = 0
    while (w := w - rate / 2 * math.tanh(w / 2)) > 0:
        steps += 1
    return steps


def overshoot_onset(scale: str) -> Measurement:
    """Logistic loss: the learning rate from which orbits from 1 jump from one side of w* to the other.

    The conditions are about η = 24: from the w0 < w* that a step maps to w*, found in 256 bits, the risk rises once and
    rests; from 1e-6 beside it, it falls at last.
    """
    onset = _bisect(_alternates, 9.0, 13.0, 30)
    with flint.ctx.workprec(BITS):
        eta = flint.arb(24)
        cycle = _root(lambda w: eta * (w / 2).tanh() - 4 * w, 3, 6)
        start = _root(lambda w: cycle - (eta / 2 * (w / 2).tanh() - w), 1, 2)
        landed = abs(eta / 2 * (start / 2).tanh() - start - cycle) < 1e-60
    beside = np.diff(_risk(_orbit(float(start) + 1e-6, 24.0, 500)))
    return Measurement(onset, effect=float(start), conditions={
        "from the preimage of w* the first step lands on w*, above w0": bool(landed) and start < cycle,
        "beside the preimage the risk falls at some step": beside.min() < 0})


def _root(falls, low, high):
    """Bisect in balls for where a function turns from positive to negative."""
    low, high = flint.arb(low), flint.arb(high)
    for _ in range(BITS):
        middle = ((low + high) / 2).mid()
        low, high = (middle, high) if falls(middle) > 0 else (low, middle)
    return low


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
                gaps.append(abs(edge_units[(nearest.max(axis=0) > 1e-3).argmax()] - LABEL_EDGE))
        gaps.append(abs(edge_units[(nearest.max(axis=0) > 1e-3).argmax()] - onset))
        gaps.append(abs(theory.chaos_onset(fraction) - onset))
    return Measurement(np.max(gaps))


def flip_amplitude(edge_distance, fraction):
    """The leading size √(3ε/(2 − 6p(1 − p))) of the two-cycle at γ = 2 + ε."""
    return np.sqrt(3 * edge_distance / (2 - 6 * fraction * (1 - fraction)))


def flip(scale: str) -> Measurement:
    """Imbalanced pair at γ = 2.001: the largest relative gap of half the two-cycle's width to its leading size.

    Orbits from two starts, p from 0.05 to 0.95. Third and fourth derivatives are differences of L''.
    """
    fraction = np.concatenate([np.linspace(0.05, 0.95, 11)] * 2)
    minimum, curvature = np.log(fraction / (1 - fraction)), fraction * (1 - fraction)
    w = minimum + np.repeat([0.01, 0.5], 11)
    for _ in range(_points(scale, 8000)):
        before, w = w, w - (LABEL_EDGE + 1e-3) / curvature * (1 / (1 + np.exp(-w)) - fraction)
    gap = np.abs(np.abs(w - before) / 2 / flip_amplitude(1e-3, fraction) - 1)
    below, above = (1 / (2 + 2 * np.cosh(minimum + side)) for side in (-1e-3, 1e-3))
    third, fourth = (above - below) / 2e-3, (above + below - 2 * curvature) / 1e-6
    return Measurement(gap.max(), conditions={
        "3 L'''² exceeds L'' L'''' at the minimum for every p": (3 * third**2 > curvature * fourth).all()})


PERIOD_THREE_UNITS = 4  # γ = η p(1 − p)


def period_three(scale: str) -> Measurement:
    """Imbalanced pair, p = 9/10, γ = 4: the least gap between the points of a cycle of length three, in balls."""
    with flint.ctx.workprec(BITS):
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
        points.append(points[-1] - rate * (1 / (1 + (-points[-1]).exp()) - fraction))
    return points
