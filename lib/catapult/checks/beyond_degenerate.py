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
    return ([p > 0 for p in products] == list(parts.separable) and all(p >= 0 for p in products) and not any(sums)
            and all(weight > 0 for weight in parts.weights))


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
    return Measurement(np.max(gaps), effect=np.min(drifts))


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
                ratios.append(np.maximum(first, rise) * rho**2 / (8.92 * rate * (1 + rho**2) ** 2))
                longest = np.maximum(longest, rise)
    return Measurement(np.max(ratios), effect=longest)


def phase_against_rate(scale: str) -> Measurement:
    """Opposing points, ρ = 0.1: exponent of η, from 64 to 4096, in the last rise (longest over five b)."""
    rates = 2.0 ** np.arange(6, 13)
    longest = [np.max([_phase(0.1, share, rate, 200)[2] for share in (0.2, 0.4, 0.6, 0.8, 0.95)]) for rate in rates]
    return Measurement(np.polyfit(np.log(rates), np.log(longest), 1)[0], effect=np.max(longest))


def perceptron_exit(scale: str) -> Measurement:
    """Separable data, η = 10⁸: on how many the exit is not the step T_p at which the batch perceptron stops.

    Counts also a T_p above nR²/ρ², ρ a margin of the data. Effect: the largest T_p.
    """
    rng, wrong, longest, rate = np.random.default_rng(65), 0, 0, 1e8
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
        wrong += t != stop or stop > len(Z) * square / rho**2
        longest = np.maximum(longest, stop)
    return Measurement(wrong, effect=longest)


def _batch_perceptron(Z: np.ndarray) -> int:
    """The first step at which u_{t+1} = u_t + (1/n) Σ z_i over z_i·u_t < 0 stops, from u_1 = (1/2n) Σ z_i."""
    u, t = Z.sum(0) / (2 * len(Z)), 1
    while np.min(Z @ u) < 0:
        u, t = u + Z[Z @ u < 0].sum(0) / len(Z), t + 1
    return t


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
        worst = np.maximum(worst, multiplier)
        gammas.append(proved)
    return Measurement(worst, interval=(np.min(gammas), np.max(gammas)))


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


@functools.cache
def _ends(scale: str) -> np.ndarray:
    """Networks on overlapping clouds, shape (seeds, 3, 3): at 0.5, 2 and 3 units of 2/sharpness at the start.

    Columns: η·sharpness/2 and the sharpness at the end, and the relative distance of v to v*.
    """
    rows = []
    for seed in range(_trials(scale, 5)):
        Z = datasets.overlapping_cloud(40, 4, 1.0, seed).Z
        unit = 2 / _sharpness(Z, *_two_layers(Z, 400, 0.0, 0, seed))
        best = _best(Z)
        for multiple in (0.5, 2.0, 3.0):
            first, second, s = _two_layers(Z, 400, multiple * unit, 2000, seed)
            sharpness = _sharpness(Z, first, second, s)
            gap = s * first.T @ second - best
            rows.append((multiple * unit * sharpness / 2, sharpness, np.linalg.norm(gap) / np.linalg.norm(best)))
    return np.array(rows).reshape(-1, 3, 3)


def one_predictor(scale: str) -> Measurement:
    """Non-separable clouds, one to three hidden layers: the largest relative distance of an end to v*.

    Effect: the largest ratio of sharpnesses with one hidden layer.
    """
    rows, gaps = _ends(scale), []
    for seed in range(_trials(scale, 2)):
        Z = datasets.overlapping_cloud(40, 4, 1.0, seed).Z
        best = _best(Z)
        for hidden in (2, 3):
            gaps.append(np.linalg.norm(_deep_product(Z, hidden, 20, 5.0, 500, seed) - best) / np.linalg.norm(best))
    return Measurement(np.max([rows[:, :, 2].max(), *gaps]),
                       effect=(rows[:, :, 1].max(1) / rows[:, :, 1].min(1)).max())


def edge_selection(scale: str) -> Measurement:
    """Non-separable clouds, 2 and 3 units: the mean over seeds of η·sharpness/2 at the end, with its 95 % interval."""
    rows = _ends(scale)
    mean, low, high = mean_interval(rows[:, 1:, 0].mean(axis=1))
    return Measurement(mean, interval=(low, high))


def edge_range(scale: str) -> Measurement:
    """Clouds, d = 20, n = 100, m = 200: the mean of η·sharpness/2 at the end over runs at 2 and 4 units that converge.

    Its 95 % interval over runs. Effect: the mean at 0.8 units. The value is 2 if a run at 8 units converges.
    """
    return _edge_range(scale, False, (2.0, 4.0), 8.0)


def edge_range_standard(scale: str) -> Measurement:
    """As :func:`edge_range`, in the standard parametrisation, at 2, 4 and 8 units; 2 if a run at 16 units converges."""
    return _edge_range(scale, True, (2.0, 4.0, 8.0), 16.0)


def _edge_range(scale: str, standard: bool, within: tuple[float, ...], beyond: float) -> Measurement:
    rows = {multiple: [] for multiple in (0.8, *within, beyond)}
    for seed in range(_trials(scale, 3)):
        Z = datasets.overlapping_cloud(100, 20, 1.5, seed).Z
        best, unit = _best(Z), 2 / _sharpness(Z, *_two_layers(Z, 200, 0.0, 0, seed, standard))
        for multiple, ratios in rows.items():
            first, second, s = _two_layers(Z, 200, multiple * unit, 800, seed, standard)
            if np.linalg.norm(s * first.T @ second - best) < 1e-3 * np.linalg.norm(best):  # false for NaN
                ratios.append(multiple * unit * _sharpness(Z, first, second, s) / 2)
    mean, low, high = mean_interval(np.concatenate([rows[multiple] for multiple in within]))
    return Measurement(2.0 if rows[beyond] else mean, effect=np.mean(rows[0.8]), interval=(low, high))


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
    """Points (0.03, ±1), m = 50: the share of seeds that diverge at κ = 10, less that at κ = 8. Effect: at κ = 8."""
    Z, seeds, shares = _opposing(0.03, 1.0), _trials(scale, 10), []
    for kappa in (8, 10):
        rate = math.sqrt(kappa / 1.0009 * 2 * 50)
        shares.append(np.mean([not np.abs(_two_layers(Z, 50, rate, 800, seed)[1]).max() < 1e30
                               for seed in range(seeds)]))
    return Measurement(shares[1] - shares[0], effect=shares[0])


@functools.cache
def _separable_ends(scale: str) -> np.ndarray:
    """Networks on separable clouds, m = 200, at 1 and 4 units of 2/sharpness (κ to 100), after 600 steps.

    Shape (runs, 4). Columns: η·sharpness/2, the risk, the largest eigenvalue of Θ over that at the start, the least
    Θ_ii/(2s|x_i||f(x_i)|).
    """
    rows = []
    for seed in range(_trials(scale, 3)):
        Z = datasets.separable_cloud(100, 20, 0.5, seed).Z
        first, second, s = _two_layers(Z, 200, 0.0, 0, seed)
        unit, before = 2 / _sharpness(Z, first, second, s), _kernel(Z, first, second, s)
        for multiple in (1.0, 4.0):
            first, second, s = _two_layers(Z, 200, multiple * unit, 600, seed)
            u, after = Z @ (s * first.T @ second), _kernel(Z, first, second, s)
            rows.append((multiple * unit * _sharpness(Z, first, second, s) / 2, _loss(u).mean(),
                         np.linalg.eigvalsh(after)[-1] / np.linalg.eigvalsh(before)[-1],
                         (np.diag(after) / (2 * s * np.linalg.norm(Z, axis=1) * np.abs(u))).min()))
    return np.array(rows)


def _kernel(Z: np.ndarray, first: np.ndarray, second: np.ndarray, s: float) -> np.ndarray:
    hidden = Z @ first.T
    return s**2 * (hidden @ hidden.T + second @ second * Z @ Z.T)


def separable_edge(scale: str) -> Measurement:
    """Separable clouds: the largest η·sharpness/2 at the end. Effect: the largest risk there."""
    rows = _separable_ends(scale)
    return Measurement(rows[:, 0].max(), effect=rows[:, 1].max())


def separable_kernel(scale: str) -> Measurement:
    """Separable clouds: the least Θ_ii/(2s|x_i||f(x_i)|) at the end. Effect: the least growth of the kernel."""
    rows = _separable_ends(scale)
    return Measurement(rows[:, 3].min(), effect=rows[:, 2].min())


def one_direction(scale: str) -> Measurement:
    """Separable data on a line, m = 20, κ = 1, 14, 1,000: the largest risk after 1,000 steps. Effect: the first one."""
    first, last = [], []
    for seed, kappa in itertools.product(range(_trials(scale, 5)), (1.0, 14.0, 1000.0)):
        rng = np.random.default_rng(seed)
        Z = np.outer(rng.uniform(0.2, 2, 5), rng.standard_normal(3))
        for steps, risks in ((0, first), (1000, last)):
            W, w, s = _two_layers(Z, 20, math.sqrt(kappa * 20 * 3 / (Z**2).sum(1).mean()), steps, seed)
            risks.append(_loss(Z @ (s * W.T @ w)).mean())
    return Measurement(np.max(last), effect=np.max(first))


def depth_edge(scale: str) -> Measurement:
    """Squared loss, degenerate pair, m = 50: median over seeds of the edge of divergence with 3 hidden layers.

    In units of 2/λ0, on a grid of spacing 0.1. Effect: the same with one hidden layer. The value is infinite if that is
    not the first of the grid above 2.
    """
    shallow = _median_edge(1, _trials(scale, 5))
    return Measurement(_median_edge(3, _trials(scale, 5)) if 2 < shallow < 2.1 else math.inf, effect=shallow)


def depth_edge_two(scale: str) -> Measurement:
    """As :func:`depth_edge`, with two hidden layers. Effect: the same with one."""
    return Measurement(_median_edge(2, _trials(scale, 5)), effect=_median_edge(1, _trials(scale, 5)))


def logistic_one_layer(scale: str) -> Measurement:
    """Logistic loss, degenerate pair, one hidden layer, m = 100: the share of seeds that diverge at 14 units.

    Effect: the share at 8 units. The value is −1 if a run with η² ≤ 8m diverges, at 7 units.
    """
    seeds = _trials(scale, 200)
    safe, gone = _deep_divergence(1, 7.0, seeds)
    at_14, at_8 = (_deep_divergence(1, multiple, seeds)[1].mean() for multiple in (14.0, 8.0))
    return Measurement(-1.0 if (safe & gone).any() else at_14, effect=at_8)


def logistic_depth(scale: str) -> Measurement:
    """Logistic loss, degenerate pair, m = 100, at 6 units: the smaller share of seeds, of 2 and 3 hidden layers, that
    diverge though η² ≤ 8m. Effect: that share with one hidden layer.
    """
    shares = []
    for hidden, seeds in ((1, 200), (2, 30), (3, 30)):
        safe, gone = _deep_divergence(hidden, 6.0, _trials(scale, seeds))
        shares.append((safe & gone).mean())
    return Measurement(np.min(shares[1:]), effect=shares[0])


def _deep_divergence(hidden: int, multiple: float, seeds: int, width: int = 100, steps: int = 400) -> np.ndarray:
    """Deep linear networks on the degenerate pair, logistic loss, all seeds at once: is η² ≤ 8m, and do they diverge?

    At ``multiple`` units of 8/λ0. Shape (2, seeds).
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
            rate = 8 * multiple / sum(s**2 * (above[k + 1] ** 2).sum(1) * (below[k] ** 2).sum(1)
                                      for k, s in enumerate(scales))
            safe = rate**2 <= 8 * width
        small = np.abs(f) < 1e6
        gone[alive[~small]] = True
        if not small.all():
            alive, rate, V = alive[small], rate[small], [matrix[small] for matrix in V]
            below, above, f = [x[small] for x in below], [x[small] for x in above], f[small]
        pull = rate / 2 * np.tanh(f / 2)
        V = [matrix - (s**2 * pull)[:, None, None] * above[k + 1][:, :, None] * below[k][:, None]
             for k, (s, matrix) in enumerate(zip(scales, V, strict=True))]
    return np.stack([safe, gone])


@functools.cache
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
