"""Checks of cycles of one predictor on data that are not separable, and of where there are none."""

from __future__ import annotations

import itertools
import math

import flint
import numpy as np
import scipy.special

from catapult import datasets
from catapult.companion.measurement import Measurement
from catapult.oracles import balls, predictor
from catapult.oracles.predictor import SUBCRITICAL
from catapult.theory import outlier

SAFE = 1.0  # ηλ up to which gradient descent on the line converges from everywhere
MAGNITUDES = np.array([1.0, -1.0])  # signed inputs of equal magnitude
FLIP = 3.0  # of the flip criterion 3 gᵀH⁻¹g > ∇⁴L[v, v, v, v]


def global_convergence() -> Measurement:
    """Non-separable data on the line, η = 1/λ, starts as far as 100/R: the largest distance from the minimum.

    In the end, in units of 1/max|z|. Random data, and data with an outlier, which have a cycle at ηλ = 1.05.
    """
    rng, worst = np.random.default_rng(63), 0.0
    sets = []
    for _ in range(10):
        z = rng.standard_normal(rng.integers(2, 12)) * np.exp(rng.uniform(-1, 3, 1))
        z[:2] = abs(z[0]) * rng.uniform(1, 30), -abs(z[1])
        sets.append((z, np.full(len(z), 1 / len(z))))
    data = outlier.design(1.05)
    sets.append((np.array([1.0, -1.0, data.outlier]), np.array([data.positive, data.negative, 1]) / data.size))
    for z, share in sets:
        best, curvature = predictor.line_minimum(z, share)
        w = np.concatenate([np.linspace(-100, 100, 41) / np.abs(z).max(), np.linspace(-5, 5, 40)])
        for _ in range(20_000):
            before, w = w, predictor.line_step(z, share, SAFE / curvature, w)
            if np.abs(w - before).max() * np.abs(z).max() < 1e-13:
                break
        worst = np.maximum(worst, np.abs(w - best).max() * np.abs(z).max())
    return Measurement(worst)


def flip() -> Measurement:
    """Logistic data in one to three dimensions: how far 4ε/(b D²) is from 1, D the distance of the points of the cycle.

    The cycle is found by Newton's method at η = (2 ± ε)/λ, ε = 10⁻⁴, + where b > 0, − where b < 0, with
    3λb = 3 gᵀH⁻¹g − ∇⁴L[v, v, v, v], g = ∇³L[v, v]. Effect: the least |b|λ met.
    """
    rng, wrong, sizes, stable, signs = np.random.default_rng(68), [], [], True, set()
    sets = [(z[:, None], share) for z, share in (SUBCRITICAL, (MAGNITUDES, np.array([0.7, 0.3])),
                                                               (np.array([1.0, -1.0, 8.0]), np.array([10, 5, 1]) / 16))]
    sets += [(datasets.overlapping_cloud(30, d, 1.0, int(seed)).Z, np.full(30, 1 / 30))
             for d in (2, 3) for seed in rng.integers(100, size=3)]
    for Z, share in sets:
        gradient = lambda w, Z=Z, share=share: predictor.gradient(Z, w, share=share)  # noqa: E731
        hessian = lambda w, Z=Z, share=share: predictor.hessian(Z, w, share=share)  # noqa: E731
        best = predictor.minimiser(Z, share)
        H = hessian(best)
        values, vectors = np.linalg.eigh(H)
        top, v, p = values[-1], vectors[:, -1], scipy.special.expit(Z @ best)
        bend = share * p * (1 - p)
        g = (bend * (1 - 2 * p) * (Z @ v) ** 2) @ Z
        b = (FLIP * g @ np.linalg.solve(H, g) - (bend * (1 - 6 * p * (1 - p)) * (Z @ v) ** 4).sum()) / (3 * top)
        epsilon = 1e-4 * np.sign(b)
        rate, half = (2 + epsilon) / top, math.sqrt(abs(epsilon / b))
        first = best + half * v
        for _ in range(30):  # Newton's method for T(T(w)) = w
            second = first - rate * gradient(first)
            turn = (np.eye(len(v)) - rate * hessian(second)) @ (np.eye(len(v)) - rate * hessian(first))
            first = first - np.linalg.solve(turn - np.eye(len(v)), second - rate * gradient(second) - first)
        distance = np.linalg.norm(second - first)
        wrong.append(abs(4 * epsilon / (b * distance**2) - 1))
        stable &= bool((np.abs(np.linalg.eigvals(turn)).max() < 1) == (b > 0))
        signs.add(b > 0)
        sizes.append(abs(b) * top)
    return Measurement(np.max(wrong), effect=np.min(sizes), conditions={
        "the cycle attracts exactly where b > 0": stable, "both signs of b occur": len(signs) == 2})


def stable_cycle() -> Measurement:
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
    with flint.ctx.workprec(balls.BITS):
        eta = flint.arb(flint.fmpq(data.learning_rate.numerator, data.learning_rate.denominator))
        share = [(flint.arb(k) / data.size, flint.arb(z)) for k, z in points]

        def step(w):
            return w + eta * sum((p * z / (1 + (z * w).exp()) for p, z in share), flint.arb(0))

        def curvature(w):
            return sum((p * z**2 / (2 + 2 * (z * w).cosh()) for p, z in share), flint.arb(0))

        low = balls.root(lambda w: step(w) - w, 0, 8, 200)  # the minimiser, between the signs of a step
        high = low + flint.arb(8) / flint.arb(2) ** 200
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


def no_cycle() -> Measurement:
    """Degenerate pair, η = 7.99: a lower bound on |T²(w) − w|/w over 10⁻⁶ ≤ w ≤ 20, in balls.

    Effect: |w_302 − w_300| / |w_301 − w_300| of the orbit from 1, which a tolerance takes for 0.
    """
    with flint.ctx.workprec(balls.BITS):
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
