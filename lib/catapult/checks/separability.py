"""Checks of chapter 1. Data are drawn here, not taken from the chapter, and constants are measured anew."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import scipy.optimize
import scipy.special

from catapult import datasets
from catapult.checks import Measurement
from catapult.theory import linear_predictor as theory

# Signed inputs with one point of each sign: separable by (1, 0) with the small margin 0.1.
OPPOSED = np.array([[0.1, 1.0], [0.1, -1.0]])


def _trials(scale: str, quick: int) -> int:
    return quick if scale == "quick" else 10 * quick


def _logistic(Z, w) -> float:
    return float(np.logaddexp(0, -(Z @ w)).mean())


def _gradient(Z, w) -> np.ndarray:
    return -(Z / (1 + np.exp(Z @ w))[:, None]).mean(axis=0)


def _hessian(Z, w) -> np.ndarray:
    u = Z @ w
    return (Z / (2 + 2 * np.cosh(u))[:, None]).T @ Z / len(Z)


def smooth_descent(scale: str) -> Measurement:
    """Logistic risk, η < 2/β: the most by which a step misses the fall η(1 − ηβ/2)|∇L|², β as the library has it.

    Or the largest relative gap of that β to the top eigenvalue of the Hessian at w = 0, if that is larger: a larger β
    promises a smaller fall.
    """
    rng, worst = np.random.default_rng(11), -np.inf
    for _ in range(_trials(scale, 400)):
        Z = rng.standard_normal((rng.integers(2, 12), rng.integers(1, 5))) * rng.uniform(0.3, 3)
        beta = theory.smoothness(Z)
        rate, w = rng.uniform(0, 2 / beta), rng.standard_normal(Z.shape[1]) * rng.uniform(0, 5)
        slope = _gradient(Z, w)
        promised = rate * (1 - rate * beta / 2) * (slope @ slope)
        worst = np.maximum(worst, _logistic(Z, w - rate * slope) - _logistic(Z, w) + promised)
        worst = np.maximum(worst, abs(np.linalg.eigvalsh(_hessian(Z, 0 * w))[-1] / beta - 1))
    return Measurement(worst)


def exponential_curvature(scale: str) -> Measurement:
    """Exponential risk: the largest curvature at 50 times a random unit vector, over that at 0."""
    rng, ratios = np.random.default_rng(12), []
    for _ in range(_trials(scale, 50)):
        Z = rng.standard_normal((10, 3))
        w = rng.standard_normal(3)
        w *= 50 / np.linalg.norm(w)
        far = (Z * np.exp(-(Z @ w))[:, None]).T @ Z
        ratios.append(np.linalg.eigvalsh(far)[-1] / np.linalg.eigvalsh(Z.T @ Z)[-1])
    return Measurement(np.max(ratios))


def exponential_descent(scale: str) -> Measurement:
    """Exponential risk, η = 0.999 · 2/(R² L(w0)): the largest rise of log L in any of 40 steps.

    Over random data, and over the degenerate pair, on which the bound is sharp as w0 → 0.
    """
    rng, worst = np.random.default_rng(13), -np.inf
    cases = [(np.array([[1.0], [-1.0]]), np.array([w0])) for w0 in (0.05, 0.3, 1.0)]
    for _ in range(_trials(scale, 60)):
        Z = rng.standard_normal((rng.integers(2, 12), rng.integers(1, 5)))
        cases.append((Z, rng.standard_normal(Z.shape[1]) * rng.uniform(0, 4)))
    for Z, w in cases:
        log_risk = [np.log(np.exp(-(Z @ w)).mean())]
        rate = 0.999 * theory.descent_bound(Z, np.exp(log_risk[0]))
        for _ in range(40):
            w = w + rate * (Z * np.exp(-(Z @ w))[:, None]).mean(axis=0)
            log_risk.append(np.log(np.exp(-(Z @ w)).mean()))
        worst = np.maximum(worst, np.diff(log_risk).max())  # NaN, after a blow-up, is passed on and refused
    return Measurement(worst)


def exponential_blow_up(scale: str) -> Measurement:
    """Exponential loss on the separable opposed points, η = 3 from (0, 1): log₁₀ of the risk after 3 steps.

    In ball arithmetic, whose exponents are unbounded.
    """
    with flint.ctx.workprec(256):
        first, second, rate = flint.arb(0), flint.arb(1), flint.arb(3)
        for _ in range(3):
            scale_factor = (-first / 10).exp()
            first, second = (first + rate / 10 * scale_factor * second.cosh(),
                             second - rate * scale_factor * second.sinh())
        log_risk = (-first / 10 + second.cosh().log()) / flint.arb(10).log()
        return Measurement(float(log_risk.lower()))


def any_learning_rate(scale: str) -> Measurement:
    """Logistic loss, separable data, η from 1 to 10⁴: the largest risk after the last step."""
    steps = _trials(scale, 2000)
    finals = [theory.risk("logistic", Z, theory.descend("logistic", Z, w0, rate, steps)[-1])
              for Z, w0 in _separable() for rate in (1.0, 10.0, 100.0, 1e4)]
    return Measurement(np.max(finals))  # NaN, should one blow up, is refused


def _separable():
    rng = np.random.default_rng(14)
    yield OPPOSED, np.array([0.0, 1.0])
    for dimension in (2, 5):
        Z = rng.standard_normal((20, dimension))
        Z[:, 0] = 0.3 + np.abs(Z[:, 0])
        yield Z, rng.standard_normal(dimension)


def average_risk(scale: str) -> Measurement:
    """Logistic loss, separable data: the largest ratio of the mean risk over N steps to its bound."""
    ratios = []
    for Z, w0 in _separable():
        margin, radius = Z[:, 0].min(), np.linalg.norm(Z, axis=1).max()  # (1, 0, …) separates
        for rate in (0.5, 5.0, 50.0, 5e3):
            for steps in (30, 300, _trials(scale, 1000)):
                w = theory.descend("logistic", Z, w0, rate, steps - 1)
                shift = -w0.copy()
                shift[0] += np.log(steps) / margin + rate * radius**2 / (2 * margin)
                bound = 1 / steps + shift @ shift / (2 * rate * steps)
                ratios.append(theory.risk("logistic", Z, w).mean() / bound)
    return Measurement(np.max(ratios))


def max_margin(scale: str) -> Measurement:
    """Logistic loss, separable data, η = 1, 10 and 100: the largest relative gap of (w_t − w_{t/2})/log 2 to ŵ/ρ.

    ρ is the largest margin and ŵ the direction that has it, over a grid of directions. The effect is the largest angle
    between w_t and ŵ. The data are the two opposed points, and three points of which two have the least margin. The
    start is (0, 1), but 4 ŵ/ρ farther on at η = 100: else its oscillation ends at margins where w hardly moves.
    """
    steps, rate = _trials(scale, 20_000), np.array([[1.0], [10.0], [100.0]])
    angles = np.linspace(-np.pi / 2, np.pi / 2, 200_001)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    gaps, turns = [], []
    for Z in (OPPOSED, np.array([[0.1, 1.0], [0.3, -1.0], [1.0, 0.5]])):
        margins = (directions @ Z.T).min(axis=1)
        best, margin = directions[margins.argmax()], margins.max()
        w = np.array([0.0, 1.0]) + np.outer([0, 0, 4], best / margin)
        for step in range(steps):
            if step == steps // 2:
                half = w
            w = w + rate / len(Z) * (1 / (1 + np.exp(w @ Z.T))) @ Z
        gaps.append(np.linalg.norm((w - half) / np.log(2) - best / margin, axis=1).max() * margin)
        turns.append(np.arccos(np.minimum(w @ best / np.linalg.norm(w, axis=1), 1)).max())
    return Measurement(np.max(gaps), effect=np.max(turns))


def flat_far_away(scale: str) -> Measurement:
    """Logistic risk: the largest λ_min of the Hessian at w, times |w|²."""
    rng, largest = np.random.default_rng(15), 0.0
    pair = np.array([[1.0], [-1.0]])
    for size in np.linspace(0.01, 12, 2000):
        largest = np.maximum(largest, size**2 * _hessian(pair, np.array([size]))[0, 0])
    for _ in range(_trials(scale, 500)):
        dimension = rng.integers(1, 4)
        Z, w = rng.standard_normal((12, dimension)), rng.standard_normal(dimension) * rng.uniform(0, 8)
        largest = np.maximum(largest, w @ w * np.linalg.eigvalsh(_hessian(Z, w))[0])
    return Measurement(largest)


def segment_ascent(scale: str) -> Measurement:
    """One weight, η > 2/α with α the least curvature on the segment: the most by which the proved rise fails.

    Every z_i² ℓ''(z_i w) falls with |w|, so α is the curvature at the end of the segment farther from 0.
    """
    rng, worst, met = np.random.default_rng(16), -np.inf, 0
    while met < _trials(scale, 200):
        Z = rng.standard_normal((8, 1))
        w = rng.standard_normal(1) * 0.5
        rate = rng.uniform(1, 30)
        slope = _gradient(Z, w)
        after = w - rate * slope
        alpha = np.minimum(_hessian(Z, w)[0, 0], _hessian(Z, after)[0, 0])
        if rate * alpha > 2:
            met += 1
            promised = rate * (alpha * rate / 2 - 1) * (slope @ slope)
            worst = np.maximum(worst, _logistic(Z, w) + promised - _logistic(Z, after))
    return Measurement(worst)


def thresholds_between(scale: str) -> Measurement:
    """Degenerate pair: the least relative gap in 8 < η_c(w0) < 8 cosh²(w0/2), η_c bisected on one step."""
    w0 = np.linspace(0.1, 10, _trials(scale, 100))
    low, high = np.full_like(w0, 1.0), np.full_like(w0, 100.0)
    for _ in range(60):
        middle = (low + high) / 2
        rises = np.abs(w0 - middle * np.tanh(w0 / 2) / 2) > w0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    return Measurement(np.min([low / 8 - 1, 8 * np.cosh(w0 / 2) ** 2 / low - 1]))


def clause_reach(scale: str) -> Measurement:
    """Degenerate pair: the largest w0 from which η > 8 cosh²(w/2) for some η, w the farther end of the step from 0.

    Bisected over w0, with 20,000 rates. The effect is the same number by Newton's method: where the condition and its
    derivative by η are equalities.
    """
    rates = np.geomspace(8, 200, _trials(scale, 20_000))
    low, high = 0.01, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        end = np.maximum(middle, np.abs(middle - rates / 2 * np.tanh(middle / 2)))
        low, high = (middle, high) if (rates > 8 * np.cosh(end / 2) ** 2).any() else (low, middle)

    def tangency(unknown):
        rate, w0 = unknown
        end, slope = rate / 2 * np.tanh(w0 / 2) - w0, np.tanh(w0 / 2) / 2
        return rate - 8 * np.cosh(end / 2) ** 2, 1 - 4 * np.sinh(end) * slope

    return Measurement(low, effect=scipy.optimize.fsolve(tangency, (10.0, 0.5), xtol=1e-12)[1])


def containment(scale: str) -> Measurement:
    """Logistic loss, strictly non-separable planar data: the largest |w_t|/R0, t ≥ 1, from |w0| ≤ R0.

    Or, if that is larger, after many steps from 3 R0 and 30 R0. R0 is computed anew, with the minimum over 4,000
    directions instead of the exact one. The effect is the largest |w_t|/R0 after 250 steps from inside: how much room
    the radius leaves.
    """
    rng, far, largest, late = np.random.default_rng(17), np.random.default_rng(20), 0.0, 0.0
    angles = np.linspace(0, 2 * np.pi, 4000)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for _ in range(_trials(scale, 8)):
        Z = rng.standard_normal((rng.integers(8, 20), 2)) + rng.standard_normal(2) * 0.2
        slope = np.maximum(0, -directions @ Z.T).mean(axis=1).min()
        if slope < 1e-3:
            continue
        for rate in (0.5, 5.0, 50.0, 5e3):
            radius = (0.27846455 + rate * np.linalg.norm(Z, axis=1).mean() ** 2 / 2) / slope
            start = directions[rng.integers(4000)] * radius * rng.choice([0.01, 1.0])
            norms = np.linalg.norm(theory.descend("logistic", Z, start, rate, 300), axis=1)
            largest, late = np.maximum((largest, late), (norms[1:].max() / radius, norms[250:].max() / radius))
        if slope > 0.05:  # so that it does not take long to come in
            largest = np.maximum(largest, _late_norm(Z, slope, directions[far.integers(4000, size=8)]))
    return Measurement(largest, effect=late)


def _late_norm(Z, slope: float, directions) -> float:
    """The largest |w|/R0 in 100 steps, after enough of them, from 3 R0 and 30 R0 at four learning rates.

    At |w| > R0 a step lowers |w|² by 2ηc(|w| − R0), so |w| needs about 30 R0/(ηc) steps to come in.
    """
    norm = np.linalg.norm(Z, axis=1).mean()
    rate = np.tile([0.5, 5.0, 50.0, 5e3], 2)
    radius = (0.27846455 + rate * norm**2 / 2) / slope
    w = directions * (radius * np.repeat([3, 30], 4))[:, None]
    steps, largest = int(40 * (radius / (rate * slope)).max()), 0.0
    for step in range(steps + 100):
        w = w + (rate / len(Z))[:, None] * scipy.special.expit(-w @ Z.T) @ Z
        if step >= steps:
            largest = np.maximum(largest, (np.linalg.norm(w, axis=1) / radius).max())
    return largest


def radius_constants(scale: str) -> Measurement:
    """The largest relative gap of the library's R0 to one whose q and c are minimised by brute force."""
    rng, gaps = np.random.default_rng(19), []
    u = np.linspace(0, 5, 100_001)
    q = (u / (1 + np.exp(u))).max()
    angles = np.linspace(0, 2 * np.pi, 20_000)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    while len(gaps) < _trials(scale, 20):
        Z = rng.standard_normal((rng.integers(6, 12), 2))
        c = np.maximum(0, -directions @ Z.T).mean(axis=1).min()
        if c > 0.02:
            rate = rng.uniform(0.1, 20)
            radius = (q + rate * np.linalg.norm(Z, axis=1).mean() ** 2 / 2) / c
            gaps.append(abs(theory.containment_radius(Z, rate) / radius - 1))
    return Measurement(np.max(gaps))


def certificates(scale: str) -> Measurement:
    """Data whose kind is known: how many get another kind, or evidence that exact fractions refute."""
    rng, wrong = np.random.default_rng(18), 0
    for seed in range(_trials(scale, 6)):
        touching = np.c_[np.abs(rng.standard_normal(9)), rng.standard_normal(9)]
        touching[:2] = (0, 1), (0, -1)
        simplex = np.vstack([np.diag(rng.uniform(0.1, 9, 3)), -rng.uniform(0.1, 9, 3)])
        known = (("separable", datasets.separable_cloud(12, 3, 0.1, seed).Z), ("non-separable", touching),
                 ("non-separable", np.outer([1, -1], rng.uniform(0.1, 9, 2))),  # balanced, but of rank 1
                 ("strictly non-separable", np.array([[1.0], [-1.0]]) * rng.uniform(0.1, 9, (2, 1))),
                 ("strictly non-separable", simplex))
        for kind, Z in known:
            certificate = datasets.certify(Z)
            wrong += certificate.kind != kind or not _evidence_holds(certificate, Z)
    return Measurement(wrong)


def _evidence_holds(certificate, Z) -> bool:
    rows = [[Fraction(entry) for entry in row] for row in Z.tolist()]
    if certificate.kind == "separable":
        direction = [Fraction(entry) for entry in np.asarray(certificate.direction).tolist()]
        return all(sum(a * b for a, b in zip(row, direction, strict=True)) > 0 for row in rows)
    weights = [Fraction(int(weight)) for weight in certificate.weights]
    balanced = all(sum(weight * row[j] for weight, row in zip(weights, rows, strict=True)) == 0
                   for j in range(len(rows[0])))
    strict = all(weight > 0 for weight in weights) and _rank(rows) == len(rows[0])
    valid = balanced and any(weights) and all(weight >= 0 for weight in weights)
    return valid and strict == (certificate.kind != "non-separable")


def _rank(rows: list[list[Fraction]]) -> int:
    """Rank by elimination, in fractions."""
    rank, rows = 0, [row[:] for row in rows]
    for j in range(len(rows[0])):
        pivot = next((row for row in rows[rank:] if row[j]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(rank, pivot)
        rank += 1
        rows[rank:] = [[x - row[j] / pivot[j] * y for x, y in zip(row, pivot, strict=True)] for row in rows[rank:]]
    return rank
