"""Checks of chapter 6. Weights are iterated here in plain numpy, and the ball arithmetic is written out again."""

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
from catapult.checks import Measurement
from catapult.datasets.decomposition import decompose
from catapult.intervals import mean_interval
from catapult.theory import outlier, product_space

BITS = 256
LOG2 = math.log(2)


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

    Counts also data sets whose certificate fails in fractions.
    """
    rng, wrong, mixed = np.random.default_rng(61), 0, 0
    for _ in range(_trials(scale, 30)):
        n, d = rng.integers(3, 8), rng.integers(2, 5)
        Z = rng.integers(-1, 3, (n, d)).astype(float)
        Z[1] = -Z[0]
        parts = decompose(Z)
        wrong += sum(bool(parts.separable[i]) != _can_be_positive(Z, i) for i in range(n))
        wrong += not _holds_in_fractions(Z, parts)
        mixed += parts.kind == "mixed"
    return Measurement(wrong, effect=mixed)


def _can_be_positive(Z: np.ndarray, i: int) -> bool:
    """Whether some v has Zv ≥ 0 and z_i·v > 0."""
    best = scipy.optimize.linprog(-Z[i], A_ub=-Z, b_ub=np.zeros(len(Z)), bounds=[(-1, 1)] * Z.shape[1], method="highs")
    return -best.fun > 1e-6


def _holds_in_fractions(Z: np.ndarray, parts) -> bool:
    rows = [[Fraction(float(x)) for x in row] for row in Z]
    products = [sum(x * v for x, v in zip(row, parts.direction, strict=True)) for row in rows]
    rest = [row for row, separable in zip(rows, parts.separable, strict=True) if not separable]
    sums = [sum(weight * row[j] for weight, row in zip(parts.weights, rest, strict=True)) for j in range(Z.shape[1])]
    return ([p > 0 for p in products] == list(parts.separable) and min(products) >= 0 and not any(sums)
            and min(parts.weights, default=1) > 0)


def offset_of_the_ray(scale: str) -> Measurement:
    """Mixed data, η = 1/β: |Πw_T − u*| after many steps, u* by a scalar or Newton search within E. Effect: v·w_T."""
    rng, gaps, drifts = np.random.default_rng(62), [], []
    for _ in range(_trials(scale, 4)):
        line = np.array([2.0, -1.0, -0.5])
        Z = np.concatenate([np.c_[line, np.zeros(3)], np.c_[rng.standard_normal(4), rng.uniform(0.5, 2, 4)]])
        angle = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        best = scipy.optimize.brentq(lambda u, line=line: -(line * _pull(line * u)).sum(), -20, 20, xtol=1e-14)
        turned, rate = Z @ turn.T, 4 * len(Z) / np.linalg.norm(Z, 2) ** 2
        w = np.zeros(2)
        for _ in range(20_000):
            w = w + rate * _pull(turned @ w) @ turned / len(Z)
        along, across = turn.T @ w
        gaps.append(abs(along - best))
        drifts.append(across)
    return Measurement(np.max(gaps), effect=min(drifts))


# Separable data.


def _opposing(rho: float, share: float) -> np.ndarray:
    return np.array([[rho, 1.0], [rho, -share]])


def _phase(rho: float, share: float, rate: float, steps: int) -> tuple[np.ndarray, float, int]:
    """Return the risks from w0 = 0, the first step with L ≤ 1/(ηR²) (inf: none), and the step after the last rise."""
    Z, w, risk = _opposing(rho, share), np.zeros(2), np.empty(steps + 1)
    for t in range(steps + 1):
        u = Z @ w
        risk[t] = _loss(u).mean()
        w = w + rate * _pull(u) @ Z / 2
    below = risk * rate * (1 + rho**2) <= 1
    rises = np.flatnonzero(risk[1:] > risk[:-1] * (1 + 1e-9))
    return risk, int(below.argmax()) if below.any() else math.inf, int(rises[-1]) + 1 if len(rises) else 0


def oscillating_phase(scale: str) -> Measurement:
    """Opposing points: the largest ratio of last rise or exit to 8.92 ηR⁴/ρ². Effect: the longest phase."""
    ratios, longest = [], 0
    for rho in (0.3, 0.1):
        for share in (0.3, 0.9):
            for rate in (4.0, 32.0, 256.0, 2048.0):
                _, first, rise = _phase(rho, share, rate, int(4 / rho**2))
                ratios.append(max(first, rise) * rho**2 / (8.92 * rate * (1 + rho**2) ** 2))
                longest = max(longest, rise)
    return Measurement(np.max(ratios), effect=longest)


def phase_against_rate(scale: str) -> Measurement:
    """Opposing points, ρ = 0.1: exponent of η, from 64 to 4096, in the last rise (longest over five b)."""
    rates = 2.0 ** np.arange(6, 13)
    longest = [max(_phase(0.1, share, rate, 200)[2] for share in (0.2, 0.4, 0.6, 0.8, 0.95)) for rate in rates]
    return Measurement(np.polyfit(np.log(rates), np.log(longest), 1)[0], effect=max(longest))


def stable_phase(scale: str) -> Measurement:
    """Opposing points: the largest ratio of L(w_t) to 8 log²2/(ηρ²(t − t₁)) after the exit t₁."""
    ratios = []
    for rho, share in ((0.3, 0.5), (0.1, 0.5), (0.1, 0.9)):
        for rate in (4.0, 32.0, 256.0):
            risk, first, _ = _phase(rho, share, rate, 2000)
            if first > 1000:
                return Measurement(math.inf)
            t = np.arange(first + 1, 2001)
            ratios.append(risk[t] * rate * rho**2 * (t - first) / (8 * LOG2**2))
    return Measurement(np.concatenate(ratios).max())


def squared_budget(scale: str) -> Measurement:
    """Opposing points, ρ = 0.1, η = ρ²T/10: exponent of T, from 800 to 6400, in the last risk."""
    budgets = np.array([800, 1600, 3200, 6400])
    ends = [_phase(0.1, 0.5, 0.001 * T, T)[0][-1] for T in budgets]
    return Measurement(np.polyfit(np.log(budgets), np.log(ends), 1)[0])


# One dimension.


def global_convergence(scale: str) -> Measurement:
    """Random non-separable data on the line, η = 1/λ, starts as far as 100/R: the largest |L'(w)| after many steps."""
    rng, worst = np.random.default_rng(63), 0.0
    for _ in range(_trials(scale, 40)):
        z = rng.standard_normal(rng.integers(2, 12)) * np.exp(rng.uniform(-1, 3, 1))
        z[:2] = abs(z[0]), -abs(z[1])
        z[0] *= rng.uniform(1, 30)
        slope = lambda w, z=z: -(z * _pull(z * w)).mean()  # noqa: E731
        best = scipy.optimize.brentq(slope, -1e4, 1e4, xtol=1e-14)
        rate = 1 / (z**2 * _pull(z * best) * _pull(-z * best)).mean()
        w = np.linspace(-100, 100, 41)[:, None] / np.abs(z).max()
        for _ in range(1500):
            w = w + rate * (z * _pull(z * w)).mean(axis=1, keepdims=True)
        worst = np.maximum(worst, np.abs(w - best).max() * np.abs(z).max())
    return Measurement(worst)


def stable_cycle(scale: str) -> Measurement:
    """Data with an outlier, γ from 1.05 to 1.98: the largest |multiplier| of a proved cycle, from above.

    2 if a proof fails. Interval: encloses all γ = ηλ that were proved.
    """
    worst, gammas = 0.0, []
    for gamma in (1.05, 1.2, 1.5, 1.8, 1.98):
        multiplier, proved = _cycle_in_balls(outlier.design(gamma))
        worst = max(worst, multiplier)
        gammas.append(proved)
    return Measurement(worst, interval=(min(g[0] for g in gammas), max(g[1] for g in gammas)))


def _cycle_in_balls(data) -> tuple[float, tuple[float, float]]:
    """Return an upper bound on |multiplier| (2 without a proof) and an enclosure of γ; every point its own term."""
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
        proved = inside and not box.overlaps(after) and 1 < gamma < 2 and abs(multiplier) < 1
        ends = float(gamma.lower()), float(gamma.upper())
        return (float(abs(multiplier).upper()) if proved else 2.0), ends


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


def _two_layers(Z: np.ndarray, width: int, rate: float, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return W1, w2 and s after gradient descent from standard Gaussian weights, in the NTK parametrisation."""
    rng, n, d = np.random.default_rng(seed), *Z.shape
    first, second, s = rng.standard_normal((width, d)), rng.standard_normal(width), (width * d) ** -0.5
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


@functools.cache
def _ends(scale: str) -> np.ndarray:
    """Networks on overlapping clouds, shape (seeds, 3, 3): at 0.5, 2 and 3 units of 2/sharpness at the start.

    Columns: η·sharpness/2 and the sharpness at the end, and the relative distance of v to v*.
    """
    rows = []
    for seed in range(_trials(scale, 5)):
        Z = datasets.overlapping_cloud(40, 4, 1.0, seed).Z
        unit = 2 / _sharpness(Z, *_two_layers(Z, 400, 0.0, 0, seed))
        best = scipy.optimize.minimize(lambda v, Z=Z: _loss(Z @ v).mean(), np.zeros(4), method="BFGS",
                                       jac=lambda v, Z=Z: -_pull(Z @ v) @ Z / len(Z), options={"gtol": 1e-12}).x
        for multiple in (0.5, 2.0, 3.0):
            first, second, s = _two_layers(Z, 400, multiple * unit, 2000, seed)
            sharpness = _sharpness(Z, first, second, s)
            gap = s * first.T @ second - best
            rows.append((multiple * unit * sharpness / 2, sharpness, np.linalg.norm(gap) / np.linalg.norm(best)))
    return np.array(rows).reshape(-1, 3, 3)


def one_predictor(scale: str) -> Measurement:
    """Non-separable clouds: the largest relative distance of an end to v*. Effect: the largest ratio of sharpnesses."""
    rows = _ends(scale)
    return Measurement(rows[:, :, 2].max(), effect=(rows[:, :, 1].max(1) / rows[:, :, 1].min(1)).max())


def edge_selection(scale: str) -> Measurement:
    """Non-separable clouds, 2 and 3 units: the mean over seeds of η·sharpness/2 at the end, with its 95 % interval."""
    rows = _ends(scale)
    mean, low, high = mean_interval(rows[:, 1:, 0].mean(axis=1))
    return Measurement(mean, interval=(low, high))


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


def depth_edge(scale: str) -> Measurement:
    """Squared loss, degenerate pair, m = 50: median over seeds of the edge of divergence with 3 hidden layers.

    In units of 2/λ0, on a grid of spacing 0.1. Effect: the same with one hidden layer.
    """
    return Measurement(_median_edge(3, _trials(scale, 5)), effect=_median_edge(1, _trials(scale, 5)))


def _median_edge(hidden: int, seeds: int) -> float:
    edges = []
    for seed in range(seeds):
        edges.append(next(multiple for multiple in np.arange(1.75, 4, 0.1) if _diverges(hidden, multiple, seed)))
    return float(np.median(edges))


def _diverges(hidden: int, multiple: float, seed: int, width: int = 50) -> bool:
    """Iterate W ← W − η f ∂f/∂W on a deep linear network with f = Π V_l, V_l = W_l/√(fan in)."""
    rng, sizes = np.random.default_rng(seed), [1, *[width] * hidden, 1]
    scales = [fan**-0.5 for fan in sizes[:-1]]
    V = [s * rng.standard_normal((b, a)) for s, a, b in zip(scales, sizes[:-1], sizes[1:], strict=True)]
    rate = None
    for _ in range(250):
        below, above = [np.ones((1, 1))], [np.ones((1, 1))]
        for matrix in V:
            below.append(matrix @ below[-1])
        for matrix in reversed(V):
            above.insert(0, above[0] @ matrix)
        f = float(below[-1][0, 0])
        if not abs(f) < 1e6:
            return True
        slopes = [np.outer(above[k + 1], below[k]) for k in range(len(V))]
        if rate is None:
            rate = multiple * 2 / sum(s**2 * (g**2).sum() for s, g in zip(scales, slopes, strict=True))
        V = [matrix - rate * s**2 * f * g for matrix, s, g in zip(V, scales, slopes, strict=True)]
    return False
