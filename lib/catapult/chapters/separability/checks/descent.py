"""Checks of when a step lowers or raises the risk: smoothness, the exponential loss, curvature on a segment."""

from __future__ import annotations

import flint
import numpy as np
import scipy.optimize
import scipy.special

from catapult.companion.measurement import Measurement
from catapult.oracles import bisection, predictor
from catapult.theory import linear_predictor as theory

BLOW_UP_RATE = "3"


def smooth_descent() -> Measurement:
    """Logistic risk, η < 2/β: the most by which a step misses the fall η(1 − ηβ/2)|∇L|², β as the library has it."""
    rng, worst, gap = np.random.default_rng(11), -np.inf, 0.0
    for _ in range(400):
        Z = rng.standard_normal((rng.integers(2, 12), rng.integers(1, 5))) * rng.uniform(0.3, 3)
        beta = theory.smoothness(Z)
        rate, w = rng.uniform(0, 2 / beta), rng.standard_normal(Z.shape[1]) * rng.uniform(0, 5)
        slope = predictor.gradient(Z, w)
        promised = rate * (1 - rate * beta / 2) * (slope @ slope)
        worst = np.maximum(worst, predictor.risk(Z, w - rate * slope) - predictor.risk(Z, w) + promised)
        gap = np.maximum(gap, abs(np.linalg.eigvalsh(predictor.hessian(Z, 0 * w))[-1] / beta - 1))
    return Measurement(worst, conditions={"β is the largest curvature at w = 0, to 1e-12": gap <= 1e-12})


def exponential_curvature() -> Measurement:
    """Exponential risk: the largest curvature at 50 times a random unit vector, over that at 0."""
    rng, ratios = np.random.default_rng(12), []
    for _ in range(50):
        Z, w = rng.standard_normal((10, 3)), rng.standard_normal(3)
        far, near = (np.linalg.eigvalsh(theory.hessian("exponential", Z, size * w / np.linalg.norm(w)))[-1]
                     for size in (50, 0))
        ratios.append(far / near)
    return Measurement(np.max(ratios))


def exponential_descent() -> Measurement:
    """Exponential risk, η = 0.999 · 2/(R² L(w0)): the largest rise of log L in any of 40 steps.

    Over random data, and over the degenerate pair, on which the bound is sharp as w0 → 0.
    """
    rng, worst = np.random.default_rng(13), -np.inf
    cases = [(np.array([[1.0], [-1.0]]), np.array([w0])) for w0 in (0.05, 0.3, 1.0)]
    for _ in range(60):
        Z = rng.standard_normal((rng.integers(2, 12), rng.integers(1, 5)))
        cases.append((Z, rng.standard_normal(Z.shape[1]) * rng.uniform(0, 4)))
    for Z, w in cases:
        rate = 0.999 * theory.descent_bound(Z, float(predictor.risk(Z, w, "exponential")))
        path = predictor.descend(Z, rate, 40, w, loss="exponential")[:, 0]
        if not np.isfinite(path).all():
            return Measurement(np.inf)
        log_risk = scipy.special.logsumexp(-path @ Z.T, axis=1)
        worst = np.maximum(worst, np.diff(log_risk).max())
    return Measurement(worst)


def exponential_blow_up() -> Measurement:
    """Exponential loss on the separable opposed points, η = 3 from (0, 1): log₁₀ of the risk after 3 steps.

    In ball arithmetic, whose exponents are unbounded.
    """
    with flint.ctx.workprec(256):
        first, second, rate = flint.arb(0), flint.arb(1), flint.arb(BLOW_UP_RATE)
        for _ in range(3):
            scale_factor = (-first / 10).exp()
            first, second = (first + rate / 10 * scale_factor * second.cosh(),
                             second - rate * scale_factor * second.sinh())
        log_risk = (-first / 10 + second.cosh().log()) / flint.arb(10).log()
        return Measurement(float(log_risk.lower()))


def flat_far_away() -> Measurement:
    """Logistic risk: the largest λ_min of the Hessian at w, times |w|²."""
    rng, largest = np.random.default_rng(15), 0.0
    pair = np.array([[1.0], [-1.0]])
    for size in np.linspace(0.01, 12, 2000):
        largest = np.maximum(largest, size**2 * predictor.hessian(pair, np.array([size]))[0, 0])
    for _ in range(500):
        dimension = rng.integers(1, 4)
        Z, w = rng.standard_normal((12, dimension)), rng.standard_normal(dimension) * rng.uniform(0, 8)
        largest = np.maximum(largest, w @ w * np.linalg.eigvalsh(predictor.hessian(Z, w))[0])
    return Measurement(largest)


def promised_rise(rate: float, alpha: float, slope) -> float:
    """The rise η(αη/2 − 1)|∇L|²."""
    return rate * (alpha * rate / 2 - 1) * (slope @ slope)


def segment_ascent() -> Measurement:
    """Logistic risk, η > 2/α with α a bound below on the segment: the most by which a step misses the proved rise.

    Every ℓ''(z_i·w) is least at an end of the segment, so α is taken of the Hessian with each at its least. Half of the
    data hold every input with both labels, with weights near 0, their minimiser: there the bound is nearly reached.
    """
    rng, worst, met = np.random.default_rng(16), -np.inf, 0
    while met < 300:
        Z = rng.standard_normal((8, rng.integers(1, 4)))
        w = rng.standard_normal(Z.shape[1]) * 0.5
        if met % 2:
            Z, w = np.concatenate([Z, -Z]), w * 10 ** rng.uniform(-3, 0)
        rate = rng.uniform(1, 30)
        slope = predictor.gradient(Z, w)
        after = w - rate * slope
        least = np.minimum(*(1 / (2 + 2 * np.cosh(Z @ end)) for end in (w, after)))
        alpha = np.linalg.eigvalsh((Z * least[:, None]).T @ Z / len(Z))[0]
        if rate * alpha > 2:
            met += 1
            rise = predictor.risk(Z, after) - predictor.risk(Z, w)
            worst = np.maximum(worst, promised_rise(rate, alpha, slope) - rise)
    return Measurement(worst)


def smooth_bound(w0):
    """2/β on the degenerate pair."""
    return 8.0 + 0 * w0


def convex_bound(w):
    """2/α on the degenerate pair, α the least curvature on [−w, w]."""
    return 8 * np.cosh(w / 2) ** 2


def thresholds_between() -> Measurement:
    """Degenerate pair: the least relative gap in 8 < η_c(w0) < 8 cosh²(w0/2), η_c bisected on one step."""
    w0 = np.linspace(0.1, 10, 100)
    low = bisection.threshold(lambda rate: np.abs(predictor.move("logistic", w0, rate)) > w0, 0 * w0 + 1, 100, 60)
    return Measurement(np.min([low / smooth_bound(w0) - 1, convex_bound(w0) / low - 1]))


def clause_reach() -> Measurement:
    """Degenerate pair: the largest w0 from which η > 8 cosh²(w/2) for some η, w the farther end of the step from 0.

    Bisected over w0, with 20,000 rates. The effect is the same number by Newton's method: where the condition and its
    derivative by η are equalities.
    """
    rates = np.geomspace(8, 200, 20_000)

    def beyond(w0):
        return not (rates > convex_bound(np.maximum(w0, np.abs(predictor.move("logistic", w0, rates))))).any()

    low = bisection.threshold(beyond, 0.01, 5)

    def tangency(unknown):
        rate, w0 = unknown
        end, slope = rate / 2 * np.tanh(w0 / 2) - w0, np.tanh(w0 / 2) / 2
        return rate - convex_bound(end), 1 - 4 * np.sinh(end) * slope

    newton = scipy.optimize.fsolve(tangency, (10.0, 0.5), xtol=1e-12)[1]
    agree = abs(low - newton) < 1e-6
    return Measurement(low, effect=newton, conditions={"Newton's method finds the same, to 1e-6": agree})
