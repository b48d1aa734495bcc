"""Checks. Weights are iterated here in plain numpy, and the ball arithmetic is written out again.

Only where many wide networks are wanted does a check use the recursion of :mod:`catapult.theory.product_space`, which
:func:`recursion` compares with weights. The constants below are those of the statements.
"""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction

import flint
import numpy as np
import scipy.optimize
import scipy.sparse.linalg

from catapult import datasets
from catapult.companion.measurement import Measurement
from catapult.datasets.decomposition import decompose
from catapult.theory import outlier, product_space

BITS = 256
LOG2 = math.log(2)
SEPARATION = 1.0  # of the clouds of `one_predictor`: they overlap
PAIR_GAP = 3 / 16  # on the degenerate pair η·sharpness/2 ends at 1 − (3/16)κ − (9/640)κ² (chapter catapult-logistic)
WIDE, NARROW = 2000, 50  # widths
ONSET, BOUNDARY = 8.0, 8.0  # κ up to which nothing diverges on points of small margin; η²/m on the pair
KERNEL = 2.0  # the largest eigenvalue of K is at least 2s|v|
AFTER = 600  # steps of networks on separable clouds
REACH = np.array([1.0, 4.0])  # learning rates on separable clouds, in units of 2/sharpness
TILT = 0.0  # how far points of `one_direction` lie off their line
STABLE = 1.98  # ηλ up to which it does if the inputs have equal magnitude, as near to 2 as is tried
SAFE = 1.0  # ηλ up to which gradient descent on the line converges from everywhere
MAGNITUDES = np.array([1.0, -1.0])  # signed inputs of equal magnitude
FLIP = 3.0  # of the flip criterion 3 gᵀH⁻¹g > ∇⁴L[v, v, v, v]
SUBCRITICAL = np.array([1.0, -1.0, 10.0]), np.array([12, 8, 1]) / 21  # signed inputs on the line and their shares
OVERSHOOT = 8.92  # 32 max u σ(−u), rounded up
RATE = 1.0  # the largest learning rate of Theorem 3 of Ji & Telgarsky (2019)


def _trials(scale: str, quick: int) -> int:
    return quick if scale == "quick" else 5 * quick


def _loss(u) -> np.ndarray:
    return np.logaddexp(0, -u)


def _pull(u) -> np.ndarray:
    """−ℓ'(u) = σ(−u)."""
    return 0.5 * (1 - np.tanh(u / 2))


# The decomposition.


def decomposition(scale: str) -> Measurement:
    """Random whole-number data: at how many points the separable part differs from a linear program for each point.

    Effect: how many data sets are mixed.
    """
    rng, wrong, mixed, proved, dual = np.random.default_rng(61), 0, 0, True, 0.0
    for _ in range(_trials(scale, 30)):
        n, d = rng.integers(3, 8), rng.integers(2, 5)
        Z = rng.integers(-1, 3, (n, d)).astype(float)
        Z[1] = -Z[0]
        parts = decompose(Z)
        wrong += sum(bool(parts.separable[i]) != _can_be_positive(Z, i) for i in range(n))
        proved &= _holds_in_fractions(Z, parts)
        mixed += parts.kind == "mixed"
        if parts.separable.any() and not parts.separable.all():
            dual = np.maximum(dual, _duality_gap(Z, parts.separable))
    return Measurement(wrong, effect=mixed, conditions={
        "every certificate holds in fractions": proved,
        "the largest margin off E is the distance of 0 from the convex hull of the separable part": dual < 1e-7})


def _can_be_positive(Z: np.ndarray, i: int) -> bool:
    """Whether some v has Zv ≥ 0 and z_i·v > 0."""
    best = scipy.optimize.linprog(-Z[i], A_ub=-Z, b_ub=np.zeros(len(Z)), bounds=[(-1, 1)] * Z.shape[1], method="highs")
    return -best.fun > 1e-6


def _holds_in_fractions(Z: np.ndarray, parts) -> bool:
    rows = [[Fraction(float(x)) for x in row] for row in Z]
    products = [sum(x * v for x, v in zip(row, parts.direction, strict=True)) for row in rows]
    rest = [row for row, separable in zip(rows, parts.separable, strict=True) if not separable]
    sums = [sum(weight * row[j] for weight, row in zip(parts.weights, rest, strict=True)) for j in range(Z.shape[1])]
    return ([p > 0 for p in products] == list(parts.separable) and all(p >= 0 for p in products) and not any(sums)
            and all(weight > 0 for weight in parts.weights))


def _off_span(Z: np.ndarray, separable: np.ndarray) -> np.ndarray:
    """Return the separable part projected off the span E of the other points."""
    _, lengths, frame = np.linalg.svd(Z[~separable])
    within = frame[:len(lengths)][lengths > 1e-9]
    return Z[separable] - Z[separable] @ within.T @ within


def _nearest(points: np.ndarray) -> np.ndarray:
    """Return the point of least norm in the convex hull: weights q ≥ 0 that minimise |qᵀA|² + (Σq − 1)², scaled."""
    weights, _ = scipy.optimize.nnls(np.vstack([points.T, np.ones(len(points))]), np.r_[np.zeros(points.shape[1]), 1.0])
    return weights @ points / weights.sum()


def _duality_gap(Z: np.ndarray, separable: np.ndarray) -> float:
    """Return how far the margin of the nearest point's direction is from that point's norm, relative to it."""
    points = _off_span(Z, separable)
    nearest = _nearest(points)
    return float(np.linalg.norm(nearest) - (points @ nearest).min() / np.linalg.norm(nearest)) / np.linalg.norm(nearest)


def _planar(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Return mixed data in the plane with |z| ≤ 1, unit vectors along and across E (rows), and the minimiser u*."""
    line = rng.uniform(0.5, 1, 8) * [1, -1, 1, -1, 1, -1, 1, 1]
    Z = np.concatenate([np.c_[line, np.zeros(8)], np.c_[rng.uniform(-0.5, 0.5, 3), rng.uniform(0.5, 1, 3)]])
    angle, longest = rng.uniform(0, np.pi), np.linalg.norm(Z, axis=1).max()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    best = scipy.optimize.brentq(lambda u: -(line * _pull(line * u / longest)).sum(), -60, 60, xtol=1e-14)
    return Z @ turn / longest, turn, best


def _follow(Z: np.ndarray, rates, steps: int, start=None, schedule=None) -> np.ndarray:
    """Return w, shape (steps + 1, R, d), of gradient descent on the logistic risk at R learning rates side by side.

    ``schedule``: factors of the rates, one a step; 1 if not given.
    """
    rates = np.atleast_1d(np.asarray(rates, dtype=float))[:, None]
    w = np.empty((steps + 1, len(rates), Z.shape[1]))
    w[0] = 0.0 if start is None else start
    for t in range(steps):
        factor = 1.0 if schedule is None else schedule[t]
        w[t + 1] = w[t] + factor * rates * (_pull(w[t] @ Z.T) @ Z) / len(Z)
    return w


def _risk(Z: np.ndarray, w: np.ndarray) -> np.ndarray:
    return _loss(w @ Z.T).mean(-1)


def offset_of_the_ray(scale: str) -> Measurement:
    """Mixed data, |z| ≤ 1, η_t = 1/√(t + 1): |Πw_T − u*|/|u*| after 10,000 steps.

    Effect: that over the same at the constant η = 1, the least.

    The conditions are the rate of Theorem 7 and, at both, the bound of Lemma 8.
    """
    rng, gaps, better, ratios, slower, steps = np.random.default_rng(62), [], [], [], [], 10_000
    t = np.arange(1, steps + 1)
    for _ in range(_trials(scale, 2)):
        Z, (along, across), best = _planar(rng)
        separable = np.abs(Z @ across) > 1e-9
        gamma, modulus = np.linalg.norm(_nearest(_off_span(Z, separable))), _modulus(Z[~separable] @ along, len(Z))
        ends = []
        for schedule in (1 / np.sqrt(t), np.ones(steps)):
            square = (_follow(Z, RATE, steps, schedule=schedule)[1:, 0] @ along - best) ** 2
            risk = np.exp(abs(best)) / t + (best**2 + np.log(t) ** 2 / gamma**2) / (2 * RATE * np.cumsum(schedule))
            ratios.append((square * modulus / (2 * np.minimum(1, risk))).max())
            ends.append(square)
        gaps.append(math.sqrt(ends[0][-1]) / abs(best))
        better.append(math.sqrt(ends[0][-1] / ends[1][-1]))
        over = ends[0] / (np.log(t + 1) ** 2 / np.sqrt(t))
        slower.append(over[1000:].max() > over[:1000].max())
    return Measurement(np.max(gaps), effect=np.min(better), conditions={
        "the bound of Lemma 8 holds at every step": bool(np.max(ratios) <= 1),
        "at 1/√(t + 1) the square of the distance, over ln(t)²/√t, does not grow": not any(slower)})


def offset_at_a_constant_rate(scale: str) -> Measurement:
    """Mixed data, η = 1.9/β: |Πw_T − u*|/|u*| after 10,000 steps. Effect: the least v·w_T."""
    rng, gaps, drifts = np.random.default_rng(62), [], []
    for _ in range(_trials(scale, 2)):
        Z, (along, across), best = _planar(rng)
        w = _follow(Z, 1.9 * 4 * len(Z) / np.linalg.norm(Z, 2) ** 2, 10_000)[-1, 0]
        gaps.append(abs(w @ along / best - 1))
        drifts.append(w @ across)
    return Measurement(np.max(gaps), effect=np.min(drifts))


def _modulus(line: np.ndarray, size: int) -> float:
    """The least curvature of (1/size) Σ ℓ(z u) over the points of a line where that is at most 1."""
    risk = lambda u: _loss(line * u).sum() / size  # noqa: E731
    ends = [scipy.optimize.brentq(lambda u, sign=sign: risk(sign * u) - 1, 0, 1e6) for sign in (-1, 1)]
    return np.min([(line**2 * _pull(line * u) * _pull(-line * u)).sum() / size for u in (-ends[0], ends[1])])


def risk_on_mixed_data(scale: str) -> Measurement:
    """Mixed data, |z| ≤ 1, η_t ≤ 1: the largest ratio of L(w_t) − inf L to the bound of Theorem 3.

    Rates 1, 1/10 and 1/√(t + 1), 1,000 steps.
    """
    rng, ratios = np.random.default_rng(66), []
    t = np.arange(1, 1001)
    for _ in range(_trials(scale, 2)):
        Z, (along, across), best = _planar(rng)
        separable = np.abs(Z @ across) > 1e-9
        gamma = np.linalg.norm(_nearest(_off_span(Z, separable)))
        least = _loss(Z[~separable] @ along * best).sum() / len(Z)
        for schedule in (np.ones(1000), np.full(1000, 0.1), 1 / np.sqrt(t)):
            excess = _risk(Z, _follow(Z, RATE, 1000, schedule=schedule)[1:, 0]) - least
            bound = np.exp(abs(best)) / t + (best**2 + np.log(t) ** 2 / gamma**2) / (2 * RATE * np.cumsum(schedule))
            ratios.append((excess / bound).max())
    return Measurement(np.max(ratios))


def strong_convexity(scale: str) -> Measurement:
    """Mixed data: the least eigenvalue of the Hessian of L_E within E at random u, over σ(Rr)σ(−Rr)μ, r = |u|.

    μ is the least non-zero eigenvalue of the mean of z_i z_iᵀ over the points outside P. Effect: the least
    eigenvalue that was met.
    """
    rng, ratios, least = np.random.default_rng(64), [], math.inf
    for _ in range(_trials(scale, 10)):
        inner = rng.integers(-3, 4, (4, 2)).astype(float)
        inner = np.concatenate([inner, -inner[:2] - inner[2:]])  # they sum to 0
        shear = rng.integers(-2, 3, (2, 2))
        Z = np.concatenate([np.c_[inner, inner @ shear], rng.integers(-3, 4, (3, 4)) + 10 * np.r_[-shear.T[0], 1, 0]])
        parts = decompose(Z)
        rest = Z[~parts.separable]
        _, lengths, frame = np.linalg.svd(rest)
        rest = rest @ frame[lengths > 1e-9].T
        mu, R = np.linalg.eigvalsh(rest.T @ rest / len(Z))[0], np.linalg.norm(rest, axis=1).max()
        for r in np.geomspace(0.01, 2, 30):
            u = rng.standard_normal(rest.shape[1])
            u *= r / np.linalg.norm(u)
            bend = _pull(rest @ u) * _pull(-rest @ u)
            lowest = np.linalg.eigvalsh((rest * bend[:, None]).T @ rest / len(Z))[0]
            ratios.append(lowest * (2 + 2 * math.cosh(R * r)) / mu)
            least = np.minimum(least, lowest)
    return Measurement(np.min(ratios), effect=least)


# Separable data. Z is scaled to max|z| = 1 where a theorem asks for it.


def _opposing(rho: float, share: float) -> np.ndarray:
    return np.array([[rho, 1.0], [rho, -share]])


def _unit(Z: np.ndarray, rho: float) -> tuple[np.ndarray, float]:
    """Scale to max|z| = 1; return the data and their margin."""
    longest = np.linalg.norm(Z, axis=1).max()
    return Z / longest, rho / longest


def _hard(points: int, gamma: float) -> np.ndarray:
    """The hard data of Crawshaw & Liu: (γ, −γ), and the others (γ, √(1 − γ²))."""
    return np.array([[gamma, -gamma], *[[gamma, math.sqrt(1 - gamma**2)]] * (points - 1)])


def _last_rise(risk: np.ndarray) -> np.ndarray:
    """Return the step after the last rise by more than 10⁻⁹ of it, 0 if there is none; risk of shape (steps + 1, R)."""
    rises = risk[1:] > risk[:-1] * (1 + 1e-9)
    return np.where(rises.any(0), len(rises) - rises[::-1].argmax(0), 0)


def _first(true: np.ndarray) -> np.ndarray:
    """Return the first row in which each column is true; len(true) if there is none."""
    return np.where(true.any(0), true.argmax(0), len(true))


def split_optimisation(scale: str) -> Measurement:
    """Separable data, |z| ≤ 1: the largest excess of the left side of Lemma 7 over its right side, relative to that.

    u = u₁ + (η/2γ)ŵ with random u₁, from w0 = 0 and from starts far on the wrong side, where both sides are equal.
    """
    rng, worst = np.random.default_rng(67), -math.inf
    line = np.array([[1.0, 0.0]])  # one point of margin 1: the case of equality
    for Z, gamma in [(line, 1.0), *[_unit(_opposing(rho, 0.5), rho) for rho in (0.3, 0.1)]]:
        direction, rates = np.array([1.0, 0.0]), np.geomspace(0.5, 512, 6)
        for _ in range(_trials(scale, 6)):
            start = rng.choice([0.0, -2000.0]) * direction
            w = _follow(Z, rates, 30, start)
            u1 = start + rng.standard_normal(2) * rng.choice([1e-3, 1.0, 30.0])
            u = u1 + rates[:, None] / (2 * gamma) * direction
            t = np.arange(1, 31)[:, None]
            square = ((w - u) ** 2).sum(-1) / (2 * rates)
            left = square[1:] / t + np.cumsum(_risk(Z, w[:-1]), axis=0) / t
            right = _risk(Z, u1) + square[0] / t
            worst = np.maximum(worst, ((left - right) / right).max())
    return Measurement(worst)


@functools.cache
def _two_phases() -> list[tuple]:
    """Opposing and hard data, |z| ≤ 1: margin, n, rates, risks and exponential risks (steps + 1, R)."""
    rates, out = 4.0 ** np.arange(-1, 7), []
    for Z, gamma in [(_hard(16, 0.2), 0.2), *[_unit(_opposing(rho, share), rho) for rho in (0.3, 0.1)
                                             for share in (0.5, 0.9)]]:
        w = _follow(Z, rates, 1500)
        out.append((gamma, len(Z), rates, _risk(Z, w), np.exp(np.minimum(-w @ Z.T, 700)).mean(-1)))
    return out


def average_risk(scale: str) -> Measurement:
    """Opposing points, η from 1/4 to 4,096: the largest ratio of the mean risk of the first t steps to Theorem 1's."""
    ratios = []
    for gamma, _, rates, risk, _ in _two_phases():
        t = np.arange(1, len(risk))[:, None]
        bound = (1 + np.log(gamma**2 * rates * t) ** 2 + rates**2 / 4) / (gamma**2 * rates * t)
        ratios.append((np.cumsum(risk[:-1], axis=0) / t / bound).max())
    return Measurement(np.max(ratios))


def oscillating_phase(scale: str) -> Measurement:
    """Opposing and hard data, η from n to 4,096: the least ratio of 8.92 η/γ² to the exit or last rise, the later one.

    Effect: the same of Wu et al.'s τ, with F ≤ 1 at the exit.
    """
    ours, theirs = [], []
    for gamma, n, rates, risk, exponential in _two_phases():
        tau = 60 / gamma**2 * np.max([rates, np.full(rates.shape, np.maximum(n, math.e)),
                                      (rates + n) / rates * np.log((rates + n) / rates)], axis=0)
        late, rise = rates >= n, _last_rise(risk)
        step = np.maximum(1, np.maximum(_first(risk * rates <= 1), rise))
        ours.append((OVERSHOOT * rates / gamma**2 / step)[late].min())
        theirs.append((tau / np.maximum(1, np.maximum(rise, _first((risk * rates <= 1) & (exponential <= 1))))).min())
    return Measurement(np.min(ours), effect=np.min(theirs))


def stable_phase(scale: str) -> Measurement:
    """Opposing points, after the first s with L(w_s) ≤ 1/η: the largest ratio of the risk to Theorem 1's bound.

    Effect: the same of 8 log²2/(ηγ²(t − t₁)), where η ≥ n or all is right at once.
    """
    theirs, ours, falling = [], [], True
    for gamma, _, rates, risk, exponential in _two_phases():
        for i, rate in enumerate(rates):
            s = int(_first(risk[:, i:i + 1] * rate <= 1)[0])
            t = gamma**2 * rate * np.arange(1, len(risk) - s)
            theirs.append((risk[s + 1:, i] * t / (2 * exponential[s, i] + np.log(t) ** 2)).max())
            ours.append((risk[s + 1:, i] * t / (8 * LOG2**2)).max())
            falling &= bool((np.diff(risk[s:, i]) <= 0).all())
    return Measurement(np.max(theirs), effect=np.max(ours), conditions={"from s on the risk falls": falling})


def squared_budget(scale: str) -> Measurement:
    """Opposing points, ρ = 0.1, η = ρ²T/10: exponent of T, from 800 to 6400, in the last risk."""
    budgets = np.array([800, 1600, 3200, 6400])
    Z, gamma = _opposing(0.1, 0.5), 0.3
    w = _follow(Z, 0.001 * budgets, 6400)
    ends = [_risk(Z, w[T, i]) for i, T in enumerate(budgets)]
    Z, gamma = _unit(_opposing(0.3, 0.5), 0.3)
    T = math.ceil(120 * math.e / gamma**2)
    risk = _risk(Z, _follow(Z, gamma**2 * T / 120, T)[:, 0])
    return Measurement(np.polyfit(np.log(budgets), np.log(ends), 1)[0], conditions={
        "Corollary 2 holds at its least budget": bool(risk[-1] <= 480 * math.log(gamma**4 * T**2) ** 2
                                                      / (gamma**4 * T**2)),
        "half of that budget suffices for L ≤ 1/η": bool((risk[:T // 2] <= 120 / (gamma**2 * T)).any())})


def never_rising(scale: str) -> Measurement:
    """Theorem 3's points, γ = 0.03 and 0.09: the least t·L(w_t), t ≤ 3,000, over the rates at which L never rises.

    Effect: over those at which it does, for the γ for which that is larger.
    """
    monotone, rising = [], []
    for gamma in (0.03, 0.09):
        side = math.sqrt(1 - gamma**2)
        Z = np.array([[gamma, side], [gamma, -side / 2]])
        risk = _risk(Z, _follow(Z, np.geomspace(1, 4096, 25), 3000))
        least, never = (risk[1:] * np.arange(1, 3001)[:, None]).min(0), _last_rise(risk) == 0
        monotone.append(least[never].min())
        rising.append(least[~never].min())
    return Measurement(np.min(monotone), effect=np.max(rising), conditions={
        "at both γ some rate at which the risk rises takes it below a hundredth of that":
            bool(np.max(rising) < np.min(monotone) / 100)})


def four_points(scale: str) -> Measurement:
    """Wu et al.'s toy data, γ = 0.2: the largest relative distance of ηt·L(w_t) from 1/γ² at t = 2¹³, η = 4, 8, 16."""
    Z, rates = np.array([(1, 0.2), (-2, 0.2), (1, 0.2), (-2, 0.2)]), np.array([4.0, 8.0, 16.0, 32.0])
    risk = _risk(Z, _follow(Z, rates, 2**13))
    rises = (risk[1:] > risk[:-1]).sum(0)
    level = (risk[-1] * rates * 2**13 * 0.2**2)[:3]
    return Measurement(np.abs(level - 1).max(), conditions={
        "the risk rises 0, 10, 8 and 9 times": rises.tolist() == [0, 10, 8, 9],
        "the larger the rate, the smaller the risk at 2⁶ … 2¹³ steps":
            bool((np.diff(risk[2 ** np.arange(6, 14)], axis=1) < 0).all())})


def phase_against_rate(scale: str) -> Measurement:
    """Opposing points, 12 b, η from 1 to 2¹⁴: the last rise, longest over b and η, times ρ²: the largest over ρ.

    Effect: that of ρ = 0.1 in steps.
    """
    rates, worst = 2.0 ** np.arange(0, 14.5, 0.5), {}
    for rho in (0.3, 0.1, 0.05):
        longest = [_last_rise(_risk(Z, _follow(Z, rates, int(1.2 / rho**2)))).max()
                   for Z in (_opposing(rho, share) for share in np.linspace(0.05, 0.98, 12))]
        worst[rho] = np.max(longest)
    return Measurement(np.max([rho**2 * steps for rho, steps in worst.items()]), effect=worst[0.1])


def transition_in_the_plane(scale: str) -> Measurement:
    """Planar data, η ≥ max(n, (32/γ²) log(256/γ²)): the first step with L ≤ 1/(8η), over n/γ + log(1/γ)/γ².

    The largest ratio over opposing and hard data and over η up to 10⁴ times that. Effect: the smallest.
    """
    ratios, after = [], []
    sets = [_unit(_opposing(rho, share), rho) for rho in (0.3, 0.1) for share in (0.3, 0.6, 0.9, 0.95)]
    for Z, gamma in [*sets, *[(_hard(n, 0.1), 0.1) for n in (2, 8, 32)]]:
        order = len(Z) / gamma + math.log(1 / gamma) / gamma**2
        rates = np.maximum(len(Z), 32 / gamma**2 * math.log(256 / gamma**2)) * np.array([1, 1.5, 2, 4, 100, 1e4])
        steps = int(1.1 * order)
        risk = _risk(Z, _follow(Z, rates, steps))
        first = _first(8 * risk * rates <= 1)
        ratios.append(first / order)
        t = np.arange(steps + 1)[:, None]
        after.append((np.where(t > first, risk * rates * gamma**2 * (t - first), 0)).max())
    return Measurement(np.max(ratios), effect=np.min(ratios), conditions={
        "afterwards ηγ²(t − τ) L stays below 1": bool(np.max(after) <= 1)})


def wrong_for_long(scale: str) -> Measurement:
    """Hard data, n = 16 and 128, γ = 0.3 and 0.1, η from n to 10⁶ n: the first step with all right, over n/(16γ).

    The smallest, the step T_p of the batch perceptron included; effect: the largest.
    """
    ratios = []
    for n in (16, 128):
        for gamma in (0.3, 0.1):
            Z = _hard(n, gamma)
            w = _follow(Z, n * np.array([1.0, 10.0, 1e3, 1e6]), int(1.2 * n / gamma) + 5)
            right = (w @ Z.T > 0).all(-1)
            ratios.append(np.append(_first(right), _batch_perceptron(Z)) * 16 * gamma / n)
    return Measurement(np.min(ratios), effect=np.max(ratios))


def perceptron_exit(scale: str) -> Measurement:
    """Separable data, η = 10⁸: on how many the exit is not the step T_p at which the batch perceptron stops.

    Effect: the largest T_p.
    """
    rng, wrong, longest, rate, within = np.random.default_rng(65), 0, 0, 1e8, []
    sets = [(_opposing(rho, share), rho) for rho in (0.3, 0.1, 1 / 30) for share in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)]
    for _ in range(_trials(scale, 30)):
        Z = rng.standard_normal((rng.integers(3, 8), 3))
        Z[:, 0] = rng.uniform(0.05, 0.2) + 0.1 * np.abs(Z[:, 0])
        sets.append((Z, Z[:, 0].min()))
    for Z, rho in sets:
        stop = _batch_perceptron(Z)
        w, t = rate * Z.sum(0) / (2 * len(Z)), 1
        square = (Z**2).sum(1).max()
        while t <= stop and (np.min(Z @ w) <= 0 or _loss(Z @ w).mean() * rate * square > 1):
            w, t = w + rate * _pull(Z @ w) @ Z / len(Z), t + 1
        wrong += t != stop
        within.append(stop <= len(Z) * square / rho**2)
        longest = np.maximum(longest, stop)
    return Measurement(wrong, effect=longest, conditions={"no perceptron needs more than nR²/ρ² steps": all(within)})


def _batch_perceptron(Z: np.ndarray) -> int:
    """The first step at which u_{t+1} = u_t + (1/n) Σ z_i over z_i·u_t < 0 stops, from u_1 = (1/2n) Σ z_i."""
    u, t = Z.sum(0) / (2 * len(Z)), 1
    while np.min(Z @ u) < 0:
        u, t = u + Z[Z @ u < 0].sum(0) / len(Z), t + 1
    return t


# Cycles.


def _line_minimum(z: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """Return the minimiser of Σ p_i ℓ(z_i w) on the line, and the curvature there."""
    best = scipy.optimize.brentq(lambda w: -(share * z * _pull(z * w)).sum(), -1e3, 1e3, xtol=1e-15)
    return best, float((share * z**2 * _pull(z * best) * _pull(-z * best)).sum())


def _line_step(z: np.ndarray, share: np.ndarray, rate: float, w: np.ndarray) -> np.ndarray:
    return w + rate * _pull(w[..., None] * z) @ (share * z)


def global_convergence(scale: str) -> Measurement:
    """Non-separable data on the line, η = 1/λ, starts as far as 100/R: the largest distance from the minimum.

    In the end, in units of 1/max|z|. Random data, and data with an outlier, which have a cycle at ηλ = 1.05.
    """
    rng, worst = np.random.default_rng(63), 0.0
    sets = []
    for _ in range(_trials(scale, 10)):
        z = rng.standard_normal(rng.integers(2, 12)) * np.exp(rng.uniform(-1, 3, 1))
        z[:2] = abs(z[0]) * rng.uniform(1, 30), -abs(z[1])
        sets.append((z, np.full(len(z), 1 / len(z))))
    data = outlier.design(1.05)
    sets.append((np.array([1.0, -1.0, data.outlier]), np.array([data.positive, data.negative, 1]) / data.size))
    for z, share in sets:
        best, curvature = _line_minimum(z, share)
        w = np.concatenate([np.linspace(-100, 100, 41) / np.abs(z).max(), np.linspace(-5, 5, 40)])
        for _ in range(20_000):
            before, w = w, _line_step(z, share, SAFE / curvature, w)
            if np.abs(w - before).max() * np.abs(z).max() < 1e-13:
                break
        worst = np.maximum(worst, np.abs(w - best).max() * np.abs(z).max())
    return Measurement(worst)


def equal_magnitude(scale: str) -> Measurement:
    """Inputs ±1, a share p of label 1 from 0.5 to 0.98, ηλ from 1.05 to 1.98: the largest |w − w*| after 1,000 steps.

    81 starts in [−20, 20]. Effect: the same with an outlier of magnitude 10 in place of some points.
    """
    def farthest(z, share, gamma):
        best, curvature = _line_minimum(z, share)
        w = np.linspace(-20, 20, 81)
        for _ in range(1000):
            w = _line_step(z, share, gamma / curvature, w)
        return np.abs(w - best).max()

    shares = [np.array([p, 1 - p]) for p in (0.5, 0.6, 0.8, 0.95)]
    away = [farthest(MAGNITUDES, share, gamma) for share in shares for gamma in (1.05, 1.5, STABLE)]
    outlier_away = farthest(*SUBCRITICAL, 1.96)
    return Measurement(np.max(away), effect=outlier_away, conditions={
        "with an outlier of magnitude 10 some start stays away": bool(outlier_away > 0.1)})


def flip(scale: str) -> Measurement:
    """Logistic data in one to three dimensions: how far 4ε/(b D²) is from 1, D the distance of the points of the cycle.

    The cycle is found by Newton's method at η = (2 ± ε)/λ, ε = 10⁻⁴, + where b > 0, − where b < 0, with
    3λb = 3 gᵀH⁻¹g − ∇⁴L[v, v, v, v], g = ∇³L[v, v]. Effect: the least |b|λ met.
    """
    rng, wrong, sizes, stable, signs = np.random.default_rng(68), [], [], True, set()
    sets = [(z[:, None], share) for z, share in (SUBCRITICAL, (MAGNITUDES, np.array([0.7, 0.3])),
                                                               (np.array([1.0, -1.0, 8.0]), np.array([10, 5, 1]) / 16))]
    sets += [(datasets.overlapping_cloud(30, d, 1.0, int(seed)).Z, np.full(30, 1 / 30))
             for d in (2, 3) for seed in rng.integers(100, size=_trials(scale, 3))]
    for Z, share in sets:
        gradient = lambda w, Z=Z, share=share: -(share * _pull(Z @ w)) @ Z  # noqa: E731
        best = np.zeros(Z.shape[1])
        for _ in range(60):
            best = best - np.linalg.solve(_hessian(Z, share, best), gradient(best))
        H = _hessian(Z, share, best)
        values, vectors = np.linalg.eigh(H)
        top, v, p = values[-1], vectors[:, -1], _pull(-Z @ best)
        bend = share * p * (1 - p)
        g = (bend * (1 - 2 * p) * (Z @ v) ** 2) @ Z
        b = (FLIP * g @ np.linalg.solve(H, g) - (bend * (1 - 6 * p * (1 - p)) * (Z @ v) ** 4).sum()) / (3 * top)
        epsilon = 1e-4 * np.sign(b)
        rate, half = (2 + epsilon) / top, math.sqrt(abs(epsilon / b))
        first = best + half * v
        for _ in range(30):  # Newton's method for T(T(w)) = w
            second = first - rate * gradient(first)
            turn = (np.eye(len(v)) - rate * _hessian(Z, share, second)) @ (np.eye(len(v))
                                                                          - rate * _hessian(Z, share, first))
            first = first - np.linalg.solve(turn - np.eye(len(v)), second - rate * gradient(second) - first)
        distance = np.linalg.norm(second - first)
        wrong.append(abs(4 * epsilon / (b * distance**2) - 1))
        stable &= bool((np.abs(np.linalg.eigvals(turn)).max() < 1) == (b > 0))
        signs.add(b > 0)
        sizes.append(abs(b) * top)
    return Measurement(np.max(wrong), effect=np.min(sizes), conditions={
        "the cycle attracts exactly where b > 0": stable, "both signs of b occur": len(signs) == 2})


def _hessian(Z: np.ndarray, share: np.ndarray, w: np.ndarray) -> np.ndarray:
    p = _pull(Z @ w)
    return (Z * (share * p * (1 - p))[:, None]).T @ Z


def stable_cycle(scale: str) -> Measurement:
    """Data with an outlier, γ from 1.05 to 1.98: the largest |multiplier| of a proved cycle, from above.

    Interval: encloses all γ = ηλ that were proved.
    """
    worst, gammas, proofs = 0.0, [], {}
    for gamma in (1.05, 1.2, 1.5, 1.8, 1.98):
        multiplier, proved, ends = _cycle_in_balls(outlier.design(gamma))
        worst = np.maximum(worst, multiplier)
        gammas.append(ends)
        proofs[f"the cycle at ηλ = {gamma} is proved, and 1 < ηλ < 2"] = proved and ends[0] > 1 and ends[1] < 2
    return Measurement(worst, interval=(np.min(gammas), np.max(gammas)), conditions=proofs)


def _cycle_in_balls(data) -> tuple[float, bool, tuple[float, float]]:
    """Return an upper bound on |multiplier|, whether a cycle is proved, and an enclosure of γ."""
    points = [(data.positive, 1), (data.negative, -1), (1, data.outlier)]
    with flint.ctx.workprec(BITS):
        eta = flint.arb(flint.fmpq(data.learning_rate.numerator, data.learning_rate.denominator))
        share = [(flint.arb(k) / data.size, flint.arb(z)) for k, z in points]

        def step(w):
            return w + eta * sum((p * z / (1 + (z * w).exp()) for p, z in share), flint.arb(0))

        def curvature(w):
            return sum((p * z**2 / (2 + 2 * (z * w).cosh()) for p, z in share), flint.arb(0))

        low, high = flint.arb(0), flint.arb(8)
        for _ in range(200):  # bisect for the minimiser, between the signs of a step
            middle = ((low + high) / 2).mid()
            low, high = (middle, high) if step(middle) > middle else (low, middle)
        gamma = eta * curvature(low.union(high)) if step(low) > low and step(high) < high else flint.arb(0)
        w = flint.arb(2 * math.acosh(math.sqrt(float(data.learning_rate) / 4)))
        for _ in range(120):
            w = step(step(w)).mid()
        box = w + flint.arb(0, 1e-40)
        after = step(w) + (1 - eta * curvature(box)) * (box - w)
        multiplier = (1 - eta * curvature(box)) * (1 - eta * curvature(after))
        inside = box.contains_interior(step(step(w)) + multiplier * (box - w))
        proved = bool(inside and not box.overlaps(after) and abs(multiplier) < 1)
        return float(abs(multiplier).upper()), proved, (float(gamma.lower()), float(gamma.upper()))


def no_cycle(scale: str) -> Measurement:
    """Degenerate pair, η = 7.99: a lower bound on |T²(w) − w|/w over 10⁻⁶ ≤ w ≤ 20, in balls.

    Effect: |w_302 − w_300| / |w_301 − w_300| of the orbit from 1, which a tolerance takes for 0.
    """
    with flint.ctx.workprec(BITS):
        eta, least = flint.arb("7.99"), math.inf
        edges = np.concatenate([np.geomspace(1e-6, 0.1, 800), np.linspace(0.1, 20, 20_000)[1:]])
        for a, b in itertools.pairwise(edges):
            half = flint.arb(float(a)).union(flint.arb(float(b)))
            least = float(np.minimum(least, float(abs(_twice_over_w(half, eta) - 1).lower())))
    w = [1.0]
    for _ in range(302):
        w.append(w[-1] - 7.99 / 2 * math.tanh(w[-1] / 2))
    return Measurement(least, effect=abs(w[302] - w[300]) / abs(w[301] - w[300]))


def _twice_over_w(w, eta):
    """T(T(w))/w by factors 1 − (η/4) tanhc(w/2), tanhc(x) = tanh(x)/x, decreasing: its ends suffice."""
    def factor(x):
        ends = [1 - eta / 4 * _tanhc(end / 2) for end in (x.abs_lower(), x.abs_upper())]
        return ends[0].union(ends[1])

    first = factor(w)
    return first * factor(w * first)


def _tanhc(x):
    """tanh(x)/x of a ball x ≥ 0: near 0 between 1 − x²/3 and 1."""
    return x.tanh() / x if x > 1e-30 else flint.arb(1).union(1 - x.abs_upper() ** 2 / 3)


# Networks.


def _two_layers(Z: np.ndarray, width: int, rate: float, steps: int, seed: int,
                standard: bool = False) -> tuple[np.ndarray, np.ndarray, float]:
    """Return W1, w2 and s after gradient descent from Gaussian weights: the NTK or the standard parametrisation."""
    rng, n, d = np.random.default_rng(seed), *Z.shape
    first, second, s = rng.standard_normal((width, d)), rng.standard_normal(width), (width * d) ** -0.5
    if standard:
        first, second, s = first * d**-0.5, second * width**-0.5, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            slope = -_pull(Z @ (s * first.T @ second)) @ Z / n
            first, second = (first - rate * s * np.outer(second, slope), second - rate * s * first @ slope)
            if not np.abs(second).max() < 1e30:
                break
    return first, second, s


def _sharpness(Z: np.ndarray, first: np.ndarray, second: np.ndarray, s: float) -> float:
    """The largest eigenvalue of the whole Hessian in the weights, from its products with vectors."""
    (m, d), n = first.shape, len(Z)
    u = Z @ (s * first.T @ second)
    H, G = (Z * (_pull(u) * _pull(-u))[:, None]).T @ Z / n, -_pull(u) @ Z / n

    def product(vector):
        A, b = vector[:m * d].reshape(m, d), vector[m * d:]
        change = H @ (s * (A.T @ second + first.T @ b))  # of G, along the change of v
        return np.concatenate([(s * (np.outer(second, change) + np.outer(b, G))).ravel(),
                               s * (first @ change + A @ G)])

    size, start = m * d + m, np.random.default_rng(0)
    operator = scipy.sparse.linalg.LinearOperator((size, size), matvec=product, dtype=float)
    return float(scipy.sparse.linalg.eigsh(operator, k=1, which="LA", tol=1e-8, v0=start.standard_normal(size))[0][0])


def _deep_product(Z: np.ndarray, hidden: int, width: int, rate: float, steps: int, seed: int) -> np.ndarray:
    """Return the product vector of a deep linear network after gradient descent; as :func:`_two_layers`, any depth."""
    rng, d = np.random.default_rng(seed), Z.shape[1]
    sizes = [d, *[width] * hidden, 1]
    W = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(sizes)]
    s = math.prod(sizes[:-1]) ** -0.5
    for t in range(steps + 1):
        below, above = [np.eye(d)], [np.eye(1)]
        for matrix in W:
            below.append(matrix @ below[-1])
        if t == steps:
            return s * below[-1][0]
        for matrix in reversed(W):
            above.insert(0, above[0] @ matrix)
        slope = -_pull(Z @ (s * below[-1][0])) @ Z / len(Z)
        W = [matrix - rate * s * np.outer(above[k + 1], below[k] @ slope) for k, matrix in enumerate(W)]


def _best(Z: np.ndarray) -> np.ndarray:
    """The minimiser v* of the risk."""
    return scipy.optimize.minimize(lambda v: _loss(Z @ v).mean(), np.zeros(Z.shape[1]), method="BFGS",
                                   jac=lambda v: -_pull(Z @ v) @ Z / len(Z), options={"gtol": 1e-12}).x


def _batch(Z: np.ndarray, first: np.ndarray, second: np.ndarray, s: float, rates,
           steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return W1, shape (R, m, d), and w2, shape (R, m), of R networks after gradient descent, one rate each."""
    push = s * np.asarray(rates, dtype=float)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            product = s * (second[:, None] @ first)[:, 0]
            slope = -_pull(product @ Z.T) @ Z / len(Z)
            hidden = (first @ slope[:, :, None])[:, :, 0]
            first, second = (first - push[:, :, None] * second[:, :, None] * slope[:, None], second - push * hidden)
    return first, second


@functools.cache
def _ends(scale: str) -> np.ndarray:
    """Networks on overlapping clouds, shape (seeds, 3, 2): at 0.5, 1 and 2 units of 2/sharpness at the start, m = 100.

    Columns: the sharpness at the end, and the relative distance of v to v*.
    """
    rows = []
    for seed in range(_trials(scale, 3)):
        Z = datasets.overlapping_cloud(40, 4, SEPARATION, seed).Z
        first, second, s = _two_layers(Z, 100, 0.0, 0, seed)
        rates, best = 2 / _sharpness(Z, first, second, s) * np.array([0.5, 1.0, 2.0]), _best(Z)
        for W, w in zip(*_batch(Z, np.stack([first] * 3), np.stack([second] * 3), s, rates, 1500), strict=True):
            rows.append((_sharpness(Z, W, w, s), np.linalg.norm(s * W.T @ w - best) / np.linalg.norm(best)))
    return np.array(rows).reshape(-1, 3, 2)


def one_predictor(scale: str) -> Measurement:
    """Non-separable clouds, one to three hidden layers: the largest relative distance of an end to v*.

    Effect: the largest ratio of sharpnesses with one hidden layer.
    """
    rows, gaps = _ends(scale), []
    for seed in range(_trials(scale, 2)):
        Z = datasets.overlapping_cloud(40, 4, SEPARATION, seed).Z
        best = _best(Z)
        for hidden in (2, 3):
            gaps.append(np.linalg.norm(_deep_product(Z, hidden, 20, 5.0, 500, seed) - best) / np.linalg.norm(best))
    return Measurement(np.max([rows[:, :, 1].max(), *gaps]),
                       effect=(rows[:, :, 0].max(1) / rows[:, :, 0].min(1)).max())


def edge_selection(scale: str) -> Measurement:
    """Clouds, κ₁ = η²s²‖ZᵀZ‖/n = 0.1, 0.2, 0.5: the largest (1 − η·sharpness/2)/(3κ₁/16 (1 + 3κ₁/40)).

    Over the runs at 1.5 times the edge of the small-rate end and more. Effect: the largest on the degenerate pair.
    """
    pair = _gaps(np.array([[1.0], [-1.0]]), 400)
    clouds = np.concatenate([_gaps(datasets.overlapping_cloud(40, d, separation, seed).Z, width)
                             for seed in range(_trials(scale, 1))
                             for d, separation, width in ((1, 0.0, 400), (2, 1.0, 1000), (4, 1.0, 4000),
                                                          (10, 0.5, 8000))])
    return Measurement(np.nanmax(clouds), effect=np.nanmax(pair), conditions={
        "every run converges": not np.isnan([*pair, *clouds]).any(),
        "every run ends inside the edge": bool(np.nanmin([*pair, *clouds]) > 0),
        "on the pair the ratio lies between 1 and 1.015": bool(np.nanmin(pair) >= 1 and np.nanmax(pair) <= 1.015)})


def _gaps(Z: np.ndarray, width: int) -> np.ndarray:
    """The ratios of :func:`edge_selection` of the runs on one data set; NaN if a run did not converge."""
    first, second, s = _two_layers(Z, width, 0.0, 0, 0)
    start = product_space.start(first[None], second[None], s)
    sharpness = product_space.sharpness_at_minimum("logistic", Z[None], start)
    _, small = product_space.descend("logistic", Z[None], start, 0.8 / sharpness, 300, 300)
    edge = 2 / product_space.sharpness_at_minimum("logistic", Z[None], small)
    square = s**2 * np.linalg.norm(Z, 2) ** 2 / len(Z)
    rates = np.sqrt(np.array([0.1, 0.2, 0.5]) / square)
    rates = rates[rates >= 1.5 * edge]
    data = np.repeat(Z[None], len(rates), axis=0)
    end, settled = product_space.repeated([start], len(rates)), np.zeros(len(rates), dtype=bool)
    for _ in range(8):
        _, end = product_space.descend("logistic", data, end, rates, 2500, 2500)
        settled = np.abs(product_space.gradient("logistic", data, end.product)).max(axis=1) < 1e-4
        if settled.all():
            break
    kappas = rates**2 * square
    ratio = rates * product_space.sharpness_at_minimum("logistic", data, end) / 2
    return np.where(settled, (1 - ratio) / (PAIR_GAP * kappas * (1 + 3 * kappas / 40)), np.nan)


@functools.cache
def _by_width(width: int, scale: str, dimension: int = 4) -> np.ndarray:
    """Clouds, n = 40, at 3, 4 and 6 units of 2/sharpness: η·sharpness/2 of every run, NaN if not settled."""
    states, rates, data, best = [], [], [], []
    for seed in range(_trials(scale, 4)):
        Z = datasets.overlapping_cloud(40, dimension, 1.0, seed).Z
        first, second, s = _two_layers(Z, width, 0.0, 0, seed)
        states.append(product_space.start(first[None], second[None], s))
        rates.extend(2 / _sharpness(Z, first, second, s) * np.array([3.0, 4.0, 6.0]))
        data.extend([Z] * 3)
        best.extend([_best(Z)] * 3)
    rates, data, best = np.array(rates), np.array(data), np.array(best)
    _, end = product_space.descend("logistic", data, product_space.repeated(states, 3), rates, 1500, 1500)
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.linalg.norm(end.product - best, axis=1) / np.linalg.norm(best, axis=1)
    return np.where(far < 1e-3, rates * product_space.sharpness_at_minimum("logistic", data, end) / 2, np.nan)


def edge_range(scale: str) -> Measurement:
    """Clouds, d = 4, n = 40, at 3, 4 and 6 units, m = 2,000: the least η·sharpness/2 of a run. Effect: at m = 100."""
    wide, narrow, line = _by_width(WIDE, scale), _by_width(100, scale), _by_width(400, scale, 1)
    return Measurement(np.nanmin(wide), effect=np.nanmin(narrow), conditions={
        "every wide network converges": not np.isnan(wide).any(),
        "at m = 100 some do not": bool(np.isnan(narrow).any()),
        "on the line, m = 400, some end below 0.5 and some above 0.95":
            bool(np.nanmin(line) < 0.5 and np.nanmax(line) > 0.95),
        "every run that converges ends inside the edge": bool(np.nanmax([wide, narrow, line]) < 1)})


def edge_fold(scale: str) -> Measurement:
    """Subcritical data on the line, m = 10⁴, rates 1.2 and 2 times the edge of λ0 = 2: ηλ/2 at the end, over the fold.

    The fold is the least ηλ at which a linear predictor has a cycle of two. Value: the largest distance from 1 of
    that ratio. Effect: the fold, over 2.
    """
    z, share = SUBCRITICAL
    best, curvature = _line_minimum(z, share)
    fold, points = _fold(z, share, curvature, best) / 2, list(zip(z.tolist(), share.tolist(), strict=True))
    ratios = []
    for multiple in (1.2, 2.0):
        rate, v, kernel, square = multiple / curvature, 0.5, 2.0, 1e-4
        for _ in range(20_000):
            slope = -sum(p * x / (1 + math.exp(x * v)) for x, p in points)
            v, kernel = (v - rate * kernel * slope + rate**2 * square * v * slope**2,
                         kernel - 4 * rate * square * v * slope + rate**2 * square * kernel * slope**2)
        settled = abs(v / best - 1) < 1e-6
        ratios.append(rate * kernel * curvature / 2 / fold)
    return Measurement(np.abs(np.array(ratios) - 1).max(), effect=fold, conditions={
        "the network converges": bool(settled), "the fold lies below the edge": bool(fold < 0.99)})


def _fold(z: np.ndarray, share: np.ndarray, curvature: float, best: float) -> float:
    """Return the ηλ at which the cycle of two of the linear predictor has the multiplier 1 (Newton, from ηλ = 1.92)."""
    def bend(w):
        return float((share * z**2 * _pull(z * w) * _pull(-z * w)).sum())

    def equations(x):
        a, b, gamma = x
        step = [float(_line_step(z, share, gamma / curvature, np.array(w))) for w in (a, b)]
        return step[0] - b, step[1] - a, (1 - gamma / curvature * bend(a)) * (1 - gamma / curvature * bend(b)) - 1

    w = np.array(best + 1.0)
    for _ in range(2000):
        w = _line_step(z, share, 1.92 / curvature, w)
    other = _line_step(z, share, 1.92 / curvature, w)
    return float(scipy.optimize.fsolve(equations, [float(w), float(other), 1.92])[2])


def recursion(scale: str) -> Measurement:
    """The largest relative gap in v between the recursion in v, B, c and the weights, after 60 steps."""
    gaps = []
    for seed in range(_trials(scale, 10)):
        Z = datasets.overlapping_cloud(30, 3, 1.0, seed).Z
        rate = np.random.default_rng(seed).uniform(1, 20)
        first, second, s = _two_layers(Z, 7, 0.0, 0, seed)
        _, end = product_space.descend("logistic", Z[None], product_space.start(first[None], second[None], s),
                                       np.array([rate]), 60, 60)
        first, second, s = _two_layers(Z, 7, rate, 60, seed)
        v = s * first.T @ second
        gaps.append(np.abs(end.product[0] - v).max() / np.abs(v).max())
    return Measurement(np.max(gaps))


def separable_divergence(scale: str) -> Measurement:
    """Points (0.1, ±1), κ = 14, m = 50: the share of seeds whose weights pass 10³⁰ while a linear predictor fits.

    The linear predictor starts at the network's product vector. Effect: its largest risk after 2,000 steps.
    """
    Z, seeds = _opposing(0.1, 1.0), _trials(scale, 10)
    rate = math.sqrt(14 / 1.01 * 2 * 50)
    blown, risks = [], []
    for seed in range(seeds):
        first, second, s = _two_layers(Z, 50, 0.0, 0, seed)
        w = s * first.T @ second
        for _ in range(2000):
            w = w + rate * _pull(Z @ w) @ Z / 2
        risks.append(_loss(Z @ w).mean())
        blown.append(risks[-1] < 0.01 and not np.abs(_two_layers(Z, 50, rate, 2000, seed)[1]).max() < 1e30)
    return Measurement(float(np.mean(blown)), effect=np.max(risks))


def separable_onset(scale: str) -> Measurement:
    """Points (0.03, ±1), m = 20 and 2,000: the larger share of seeds that diverge at κ = 8.

    Effect: the share at κ = 8.2 and m = 2,000.
    """
    narrow, wide = (_share_gone(0.03, width, np.array([ONSET, 8.2, 10.0]), _trials(scale, 20)) for width in (20, 2000))
    return Measurement(np.maximum(narrow[0], wide[0]), effect=wide[1], conditions={
        "at κ = 8.2 and m = 2,000 more than half diverge": bool(wide[1] > 0.5),
        "at κ = 10 nine of ten diverge at both widths": bool(np.minimum(narrow[2], wide[2]) >= 0.9)})


def _share_gone(rho: float, width: int, kappas: np.ndarray, seeds: int) -> np.ndarray:
    """The share of networks on (ρ, ±1) whose c passes 10²⁰ within 1,500 steps, in the space of v, for each κ."""
    Z, states = _opposing(rho, 1.0), []
    for seed in range(seeds):
        first, second, s = _two_layers(Z, width, 0.0, 0, seed)
        states.append(product_space.start(first[None], second[None], s))
    rates = np.tile(np.sqrt(kappas / (1 + rho**2)) / s, seeds)
    data = np.repeat(Z[None], len(rates), axis=0)
    _, end = product_space.descend("logistic", data, product_space.repeated(states, len(kappas)), rates, 1500, 1500)
    return (~(end.outer < 1e20)).reshape(seeds, -1).mean(axis=0)


@functools.cache
def _separable_ends(scale: str) -> np.ndarray:
    """Networks on separable clouds, m = 200, at 1 and 4 units of 2/sharpness (κ to 100), after 600 steps.

    Shape (runs, 4). Columns: η·sharpness/2, the risk, the largest eigenvalue of K over the first one, and over 2s|v|.
    """
    rows = []
    for seed in range(_trials(scale, 3)):
        Z = datasets.separable_cloud(100, 20, 0.5, seed).Z
        first, second, s = _two_layers(Z, 200, 0.0, 0, seed)
        rates, before = 2 / _sharpness(Z, first, second, s) * REACH, _kernel(first, second, s)
        W, w = _batch(Z, np.stack([first] * len(rates)), np.stack([second] * len(rates)), s, rates, AFTER)
        for i, rate in enumerate(rates):
            if not np.abs(w[i]).max() < 1e30:
                rows.append((math.inf, math.inf, 0.0, 0.0))
                continue
            rows.append((rate * _sharpness(Z, W[i], w[i], s) / 2, _loss(Z @ (s * W[i].T @ w[i])).mean(),
                         _kernel(W[i], w[i], s) / before, _over_product(W[i], w[i], s)))
    return np.array(rows)


def _kernel(first: np.ndarray, second: np.ndarray, s: float) -> float:
    """The largest eigenvalue of K = s² W1ᵀW1 + s²|w2|² I."""
    return s**2 * (np.linalg.norm(first, 2) ** 2 + second @ second)


def separable_edge(scale: str) -> Measurement:
    """Separable clouds: the largest η·sharpness/2 at the end. Effect: the largest risk there."""
    rows = _separable_ends(scale)
    return Measurement(rows[:, 0].max(), effect=rows[:, 1].max(), conditions={
        "no run diverges": bool(np.isfinite(rows).all()), "the risk falls below 0.001": bool(rows[:, 1].max() < 1e-3)})


def separable_kernel(scale: str) -> Measurement:
    """Separable data: the largest ratio of the largest eigenvalue of K to 2s|v| after 600 steps.

    On clouds, and on one point at η = 50, m = 50. Effect: the least at the start.
    """
    rows, one = _separable_ends(scale), (np.array([[1.0, 0.5]]), 50)
    clouds = [(datasets.separable_cloud(100, 20, 0.5, seed).Z, 200, seed) for seed in range(_trials(scale, 3))]
    first = [_over_product(*_two_layers(Z, width, 0.0, 0, seed)) for Z, width, seed in [*clouds, (*one, 0)]]
    last = np.append(rows[:, 3], _over_product(*_two_layers(*one, 50.0, AFTER, 0)))
    return Measurement(last.max(), effect=np.min(first), conditions={
        "the ratio is never below 1": bool(last.min() >= 1),
        "on the clouds the kernel has grown": bool(rows[:, 2].min() > 1.1)})


def _over_product(first: np.ndarray, second: np.ndarray, s: float) -> float:
    """The largest eigenvalue of K over 2s|v|."""
    return _kernel(first, second, s) / (KERNEL * s * np.linalg.norm(s * first.T @ second))


def one_direction(scale: str) -> Measurement:
    """Separable data on a line, m = 20, κ = 1, 14, 1,000: the largest risk after 1,000 steps. Effect: the first one."""
    first, last = [], []
    for seed in range(_trials(scale, 4)):
        rng, kappas = np.random.default_rng(seed), np.array([1.0, 14.0, 1000.0])
        line = rng.standard_normal(3)
        across = np.outer([1, -1, 1, -1, 0], [line[1], -line[0], 0.0])
        Z = (1 - TILT) * rng.uniform(0.2, 2, 5)[:, None] * line + TILT * across
        W, w, s = _two_layers(Z, 20, 0.0, 0, seed)
        first.append(_loss(Z @ (s * W.T @ w)).mean())
        rates = np.sqrt(kappas / (Z**2).sum(1).mean()) / s
        W, w = _batch(Z, np.stack([W] * 3), np.stack([w] * 3), s, rates, 1000)
        with np.errstate(invalid="ignore"):
            risks = _loss((s * (w[:, None] @ W)[:, 0]) @ Z.T).mean(1)
        last.append(np.where(np.isnan(risks), math.inf, risks).max())
    return Measurement(np.max(last), effect=np.max(first))


def depth_edge(scale: str) -> Measurement:
    """Squared loss, degenerate pair, m = 50, at 2.04 units of 2/λ0: the share of deeper networks that diverge.

    Two or three hidden layers, the larger share. Effect: that of one hidden layer.
    """
    seeds = _trials(scale, 20)
    at = {(hidden, multiple): _deep_divergence(hidden, multiple, seeds, NARROW, 120, squared=True)[1].mean()
          for hidden in (1, 2, 3) for multiple in (2.04, 3.2)}
    below = [_deep_divergence(hidden, 1.96, seeds, NARROW, 120, squared=True)[1].mean() for hidden in (1, 2, 3)]
    return Measurement(np.maximum(at[2, 2.04], at[3, 2.04]), effect=at[1, 2.04], conditions={
        "at 2.04 units every network with one hidden layer diverges": at[1, 2.04] == 1,
        "at 1.96 units none does with one, and of the deeper ones at most one in twenty":
            bool(below[0] == 0 and np.max(below) <= 0.05),
        "at 3.2 units all do": all(at[hidden, 3.2] == 1 for hidden in (1, 2, 3))})


def logistic_one_layer(scale: str) -> Measurement:
    """Logistic loss, degenerate pair, one hidden layer, m = 100: the share of seeds that diverge at 14 units.

    Effect: the share at 8 units.
    """
    seeds = _trials(scale, 200)
    safe, gone = np.hstack([_deep_divergence(1, multiple, seeds) for multiple in (6.6, 6.8, 7.0, 7.2)])
    at_14, at_8 = (_deep_divergence(1, multiple, seeds)[1].mean() for multiple in (14.0, 8.0))
    return Measurement(at_14, effect=at_8, conditions={
        "none with η² ≤ 8m diverges": not (safe & gone).any(),
        "some with η² ≤ 8m are near it": bool(safe.any() and (~safe).any())})


def logistic_depth(scale: str) -> Measurement:
    """Logistic loss, degenerate pair, m = 100, at 6 units: how many of 40 deeper networks diverge though η² ≤ 8m.

    With 2 or with 3 hidden layers, whichever are fewer. Effect: how many of 200 with one.
    """
    counts = []
    for hidden, seeds in ((1, 200), (2, 40), (3, 40)):
        safe, gone = _deep_divergence(hidden, 6.0, seeds, steps=150)
        counts.append((safe & gone).sum())
    return Measurement(np.min(counts[1:]), effect=counts[0],
                       conditions={"with one hidden layer none does": counts[0] == 0})


def _deep_divergence(hidden: int, multiple: float, seeds: int, width: int = 100, steps: int = 400,
                     squared: bool = False) -> np.ndarray:
    """Deep linear networks on the degenerate pair, all seeds at once: is η² ≤ 8m, and do they diverge?

    At ``multiple`` units of 8/λ0 with the logistic loss, of 2/λ0 with the squared loss f²/2. Shape (2, seeds).
    """
    sizes = [1, *[width] * hidden, 1]
    scales, rng = [fan**-0.5 for fan in sizes[:-1]], np.random.default_rng(hidden)
    V = [s * rng.standard_normal((seeds, b, a)) for s, (a, b) in zip(scales, itertools.pairwise(sizes), strict=True)]
    gone, alive, rate, safe = np.zeros(seeds, dtype=bool), np.arange(seeds), None, None
    for _ in range(steps):
        below, above = [np.ones((len(alive), 1))], [np.ones((len(alive), 1))]
        for matrix in V:
            below.append((matrix @ below[-1][:, :, None])[:, :, 0])
        for matrix in reversed(V):
            above.insert(0, (above[0][:, None] @ matrix)[:, 0])
        f = below[-1][:, 0]
        if rate is None:
            rate = (2 if squared else 8) * multiple / sum(s**2 * (above[k + 1] ** 2).sum(1) * (below[k] ** 2).sum(1)
                                      for k, s in enumerate(scales))
            safe = rate**2 <= BOUNDARY * width
        small = np.abs(f) < 1e6
        gone[alive[~small]] = True
        if not small.all():
            alive, rate, V = alive[small], rate[small], [matrix[small] for matrix in V]
            below, above, f = [x[small] for x in below], [x[small] for x in above], f[small]
        pull = rate * f if squared else rate / 2 * np.tanh(f / 2)
        V = [matrix - (s**2 * pull)[:, None, None] * above[k + 1][:, :, None] * below[k][:, None]
             for k, (s, matrix) in enumerate(zip(scales, V, strict=True))]
    return np.stack([safe, gone])
