"""Checks of the two-cycle of the logistic loss beyond η = 8, and of the risk on the way to it."""

from __future__ import annotations

import math

import flint
import numpy as np

from catapult.chapters.critical_learning_rates.checks.phases import EIGHT
from catapult.companion.measurement import Measurement
from catapult.oracles import balls, bisection, predictor
from catapult.theory import linear_predictor as theory

FALLING_RATE = 24.0  # above the critical rate at w0 = 1, and above the onset of overshooting
RISING_START = 10.0
RISING_RATE = 20.4  # in the middle phase of that start


def logistic_edge(w):
    """The critical rate 4w/tanh(w/2)."""
    return 4 * w / np.tanh(w / 2)


def cycle_balance(w, rate):
    """The ratio of η tanh(w/2) to 4w, 1 on the cycle."""
    return rate * np.tanh(w / 2) / (4 * w)


def global_cycle() -> Measurement:
    """Logistic loss, η > 8, random starts: how far the last |w_t| are from η tanh(w/2) = 4w, relatively.

    Or from the library's solution of that equation, if that is farther.
    """
    rng, n = np.random.default_rng(21), 200
    rate, w = rng.uniform(8.2, 38, n), rng.uniform(0.01, 30, n)
    for _ in range(15_000):
        w = np.abs(predictor.move("logistic", w, rate))
    gaps = np.abs([cycle_balance(w, rate) - 1, theory.two_cycle("logistic", rate) / w - 1])
    return Measurement(float(gaps.max()))


def attraction(w):
    """The multiplier 2w/sinh w − 1 of U at the cycle of the logistic loss."""
    return 2 * w / np.sinh(w) - 1


def cycle_multiplier() -> Measurement:
    """Logistic loss: the largest gap between 2w*/sinh w* − 1 and the measured contraction of orbits to w*."""
    gaps = []
    for rate in np.linspace(9, 30, 12):
        with flint.ctx.workprec(balls.BITS):
            orbit, eta = [flint.arb(3)], flint.arb(float(rate))
            for _ in range(6000):
                orbit.append(abs(predictor.move("logistic", orbit[-1], eta, flint.arb)).mid())
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


def large_rates() -> Measurement:
    """Logistic loss, η from 60 to 160: how far w* and U'(w*), found on the map, are from their forms at large η.

    That is the largest of |r − 1|, r the ratio of 1 − |U'(w*)| to η e^{−η/4}, and of η/4 − w* to (η/2) e^{−η/4}. The
    effect is the number of steps to come closer to w* by a factor e at η = 60.
    """
    gaps, rests = [], []
    with flint.ctx.workprec(2 * balls.BITS):
        gap = flint.arb(2) ** -balls.BITS
        for rate in (60, 90, 120, 160):
            eta = flint.arb(rate)
            low = balls.root(lambda w, eta=eta: eta * (w / 2).tanh() - 4 * w, eta / 8, eta / 4, 2 * balls.BITS)
            slope = eta / 2 * (((low + gap) / 2).tanh() - (low / 2).tanh()) / gap - 1
            rests.append(float(1 - abs(slope)))
            gaps += [float(abs(found / form - 1)) for found, form in
                     zip((eta / 4 - low, 1 - abs(slope)), large_rate_forms(eta), strict=True)]
    return Measurement(np.max(gaps), effect=1 / rests[0])


def _risk(w: np.ndarray) -> np.ndarray:
    return np.log(2 * np.cosh(np.asarray(w) / 2))


def _orbit(w0: float, rate: float, steps: int) -> np.ndarray:
    w = [w0]
    for _ in range(steps):
        w.append(float(abs(predictor.move("logistic", w[-1], rate))))
    return np.array(w)


def falls_above_critical() -> Measurement:
    """Logistic loss, w0 = 1, η = 24 > η_c: the largest fall of the risk in one step."""
    return Measurement(float(-np.diff(_risk(_orbit(1.0, FALLING_RATE, 30))).min()),
                       conditions={"η is above the critical rate": logistic_edge(1.0) < FALLING_RATE})


def stays_above() -> Measurement:
    """Logistic loss, η from 1.001 to 3 η_c(w0): the least L(w_t)/L(w0) − 1 over all t ≥ 1."""
    rng, n = np.random.default_rng(22), 300
    start = w = rng.uniform(0.1, 7, n)
    rate = rng.choice([1.001, 1.05, 1.5, 3.0], n) * logistic_edge(w)
    least = np.inf
    for _ in range(500):
        w = np.abs(predictor.move("logistic", w, rate))
        least = np.minimum(least, (_risk(w) / _risk(start)).min() - 1)
    return Measurement(least)


def limit_between() -> Measurement:
    """Logistic loss, 8.05 ≤ η ≤ 0.999 η_c(w0): the largest |2r − 1|, r the limit of the relative excess risk.

    Below 1 iff 0 < r < 1 throughout. A quarter of the rates are at 8.05, a quarter at 0.999 η_c.
    """
    rng, n = np.random.default_rng(23), 300
    start = w = rng.uniform(1.2, 9, n)
    rate = rng.uniform(8.05, 0.999 * logistic_edge(w))
    rate[: n // 4], rate[-n // 4 :] = 8.05, 0.999 * logistic_edge(w)[-n // 4 :]
    for _ in range(15_000):
        before, w = w, np.abs(predictor.move("logistic", w, rate))
    excess = _risk([w, before]) - math.log(2)
    return Measurement(float(np.abs(2 * excess / (_risk(start) - math.log(2)) - 1).max()))


def rise_below_critical() -> Measurement:
    """Logistic loss, w0 = 10, η = 20.4 between 8 and η_c: the largest rise of the risk in one step."""
    risk = _risk(_orbit(RISING_START, RISING_RATE, 30))
    return Measurement(float(np.diff(risk).max()), conditions={
        "η is in the middle phase": EIGHT < RISING_RATE < logistic_edge(RISING_START),
        "the first step leads to within 0.01 of the least risk": risk[1] - math.log(2) < 0.01})


def jump_rates():
    """Half the critical rates at w0 = 10, logistic, and at four w0, exponential: pairs (w0, rate) in balls."""
    w0, starts = flint.arb(10), [flint.arb(w) for w in (0.3, 1, 2.5, 6)]
    return (w0, 2 * w0 / (w0 / 2).tanh()), [(start, start / start.sinh()) for start in starts]


def jump_to_minimum() -> Measurement:
    """η = η_c(w0)/2: an upper bound on |w_1|, in balls, logistic loss at w0 = 10, η > 8, and exponential at four w0.

    The effect is the learning rate of the first.
    """
    with flint.ctx.workprec(balls.BITS):
        (w0, rate), others = jump_rates()
        sizes = [abs(predictor.move("logistic", w0, rate, flint.arb)),
                 *(abs(predictor.move("exponential", *other, flint.arb)) for other in others)]
        return Measurement(np.max([float(size.upper()) for size in sizes]), effect=float(rate.mid()),
                           conditions={"the first is in the middle phase": bool(rate > 8)})


def hitting_rates() -> Measurement:
    """Logistic loss: the rates in (8, η_c(w0)) with a hit, counted in two ways: the largest difference over five w0.

    As the changes of sign of w_60 along a grid of η, finer towards 8, and by the row's rule. The effect is the largest
    of these numbers.
    """
    differences, counts = [], []
    for w0 in (3.0, 6.0, 10.0, 25.0, 61.0):
        rate = 8 + (logistic_edge(w0) - 8) * np.linspace(0, 1, 5000 + 2)[1:-1] ** 2
        w = np.full_like(rate, w0)
        for _ in range(60):
            w = predictor.move("logistic", w, rate)
        counts.append(positive_steps(w0, EIGHT))
        differences.append(abs(int((np.diff(np.sign(w)) != 0).sum()) - counts[-1]))
    return Measurement(np.max(differences), effect=np.max(counts))


def positive_steps(w: float, rate: float) -> int:
    """How many of w_1, w_2, … are positive before the first that is not."""
    steps = 0
    while (w := predictor.move("logistic", w, rate, math)) > 0:
        steps += 1
    return steps


def overshoot_onset() -> Measurement:
    """Logistic loss: the learning rate from which orbits from 1 jump from one side of w* to the other.

    The conditions are about η = 24: from the w0 < w* that a step maps to w*, found in 256 bits, the risk rises once and
    rests; from 1e-6 beside it, it falls at last.
    """
    onset = bisection.threshold(_alternates, 9.0, 13.0, 30)
    with flint.ctx.workprec(balls.BITS):
        eta = flint.arb(24)
        cycle = balls.root(lambda w: eta * (w / 2).tanh() - 4 * w, 3, 6)
        start = balls.root(lambda w: cycle + predictor.move("logistic", w, eta, flint.arb), 1, 2)
        landed = abs(-predictor.move("logistic", start, eta, flint.arb) - cycle) < 1e-60
    beside = np.diff(_risk(_orbit(float(start) + 1e-6, 24.0, 500)))
    return Measurement(onset, effect=float(start), conditions={
        "from the preimage of w* the first step lands on w*, above w0": bool(landed) and start < cycle,
        "beside the preimage the risk falls at some step": beside.min() < 0})


def _alternates(rate: float) -> bool:
    """Whether |w_t| ends in steps of alternating direction, with 256 bits."""
    with flint.ctx.workprec(balls.BITS):
        w, eta, steps = flint.arb(1), flint.arb(rate), []
        for _ in range(2000):
            after = -predictor.move("logistic", w, eta, flint.arb).mid()
            steps.append(after - w)
            w = after
            if abs(steps[-1]) < 1e-40:
                break
        return bool(steps[-1] * steps[-2] < 0)
