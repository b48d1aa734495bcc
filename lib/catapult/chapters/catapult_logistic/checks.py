"""Checks: gradient descent on the weights against the closed forms of :mod:`catapult.theory.two_layer`.

The weights are iterated here as weights, never by the two-number recursion. They stay in the plane that they span at
the start, so two coordinates of each suffice, whatever the width. The constants of the statements stand at the top.
"""

from __future__ import annotations

import math

import flint
import numpy as np

from catapult.companion.measurement import Measurement
from catapult.theory import linear_predictor, two_layer

SLOPES = {"exponential": np.sinh, "logistic": lambda f: np.tanh(f / 2) / 2, "squared": lambda f: f,
          "tanh(f + f³)": lambda f: np.tanh(f + f**3)}
BITS = 256
TURNS = 4.0  # of s = Λg/f: the kernel rises above it
TRAP = 2.0  # of s0, exponential loss: up to it everything falls
RUNAWAY = 4.0  # of Λ0, exponential loss: from it on the kernel rises for ever
LEADING = 3 / 2  # of η², where gradient descent on log cosh(xy) ends below 2
SECOND = 9 / 80  # of κ², where slides end
HIGHEST = math.sqrt(2)  # of √(8m): up to it f → 0 from |a0| = 1
SLIDE_RATE = 3 / 4  # of κ: the rate at which the loss falls near the end of a slide
FALLS = 4.0  # of e⁻⁴⁰: the relative fall of λ where float64 sees a cycle
BESIDE = 1e-5  # relative distance of starts from the two-cycle, outwards
PAIR = (50, 54)  # learning rates of the certified pair, m = 1000
SHARPER = (1196.746, 1216.553)  # the same with m = 10⁶
OFF_HITS = 0.02  # of the period of log m, at κ = 7: widths nearer than this to hits are left out
BOUNDED = 2.0  # of κ, for |L'| < 1: up to it every start converges
SILENT = (0.3, 1.0, 1.5, 1.76)  # f0 from which the loss never rises below the critical rate
WIDE = (1000, 3000, 10_000)  # widths that count as wide


def _count(scale: str, quick: int) -> int:
    return quick if scale == "quick" else 10 * quick


class Networks:
    """Two-layer linear networks, each with its width and learning rate: weights (2, *S, 2), in the plane they span."""

    def __init__(self, f0, ntk0, width, rate):
        f0, ntk0, self.width, self.rate = np.broadcast_arrays(*(np.asarray(x, float) for x in (f0, ntk0, width, rate)))
        plus, minus = (np.sqrt(np.maximum(self.width * ntk0 + sign * 2 * f0 * np.sqrt(self.width), 0))
                       for sign in (1, -1))
        self.w = np.stack([np.stack([plus, minus], -1), np.stack([plus, -minus], -1)]) / 2

    @property
    def f(self) -> np.ndarray:
        return (self.w[0] * self.w[1]).sum(-1) / np.sqrt(self.width)

    @property
    def ntk(self) -> np.ndarray:
        return (self.w**2).sum((0, -1)) / self.width

    def root(self) -> np.ndarray:
        """Return √D/η: |w1 + w2| |w1 − w2|/m."""
        lengths = [((self.w[0] + sign * self.w[1]) ** 2).sum(-1) / self.width for sign in (1, -1)]
        return np.sqrt(lengths[0] * lengths[1])

    def descend(self, loss: str, steps: int = 1) -> Networks:
        """Make steps of gradient descent; a network that blows up is kept at NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(steps):
                change = self.rate / np.sqrt(self.width) * SLOPES[loss](self.f)
                self.w = self.w - change[..., None] * self.w[::-1]
        return self

    def diverged(self) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return ~(np.abs(self.f) < 1e5)


def _drawn(width: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return f0 and λ0 of random networks, (count,)."""
    w1, w2 = np.random.default_rng([seed, width]).standard_normal((2, count, width))
    return (w1 * w2).sum(1) / math.sqrt(width), (w1**2 + w2**2).sum(1) / width


def kernel_turns(scale: str) -> Measurement:
    """Two losses: steps of random feasible networks that raise the kernel where s < 4 or lower it where s > 4.

    States within 10⁻⁶ of s = 4 are left out. Effect: the least share of states with s > 4.
    """
    rng, n, wrong, shares = np.random.default_rng(50), _count(scale, 20_000), 0, []
    width, kappa = rng.integers(1, 1000, n), np.exp(rng.uniform(-7, 4, n))
    f0 = rng.uniform(0.1, 5, n) * rng.choice([-1, 1], n)
    ntk0 = 2 * np.abs(f0) / np.sqrt(width) * np.exp(rng.exponential(1, n))
    for loss in ("logistic", "exponential"):
        s = np.sqrt(kappa * width) * ntk0 * SLOPES[loss](f0) / f0
        rises = Networks(f0, ntk0, width, np.sqrt(kappa * width)).descend(loss).ntk > ntk0
        wrong += int(((rises != (s > TURNS)) & (np.abs(s / TURNS - 1) > 1e-6)).sum())
        shares.append((s > TURNS).mean())
    return Measurement(wrong, effect=np.min(shares), conditions={"both sides are seen": 0.05 < np.min(shares) < 0.95})


def logistic_catapult(scale: str) -> Measurement:
    """Logistic loss, m = 500: share of runs beyond the critical rate that rise, converge and lose over 1 % of λ."""
    f0, ntk0 = _drawn(500, _count(scale, 10), 51)
    critical = two_layer.critical_learning_rate("logistic", f0, ntk0, 500)
    rates = np.array([1.02, 1.5, 3.0, 6.0])[:, None] * critical
    networks = Networks(f0, ntk0, 500, rates)
    rises = np.abs(networks.descend("logistic").f) > np.abs(f0)
    networks.descend("logistic", 4000)
    ends = (np.abs(networks.f) < 1e-3) & (networks.ntk < 0.99 * ntk0)
    return Measurement((rises & ends).mean())


def final_kernel(scale: str) -> Measurement:
    """Both losses, m = 500: the largest λ_∞ of a convergent network over the stability edge (effect: exponential)."""
    f0, ntk0 = _drawn(500, _count(scale, 10), 52)
    largest = {}
    for loss, scaled in (("logistic", np.linspace(6, 30, 25)), ("exponential", np.linspace(1.5, 2.2, 71))):
        rates = scaled[:, None] / ntk0
        networks = Networks(f0, ntk0, 500, rates).descend(loss, 4000)
        converges = np.abs(networks.f) < 1e-3
        largest[loss] = (networks.ntk / two_layer.stability_edge(loss, rates))[converges].max()
    values = np.array([*largest.values()])
    return Measurement(values.max(), effect=largest["exponential"], conditions={
        "with either loss some network comes within two per cent of the edge": values.min() > 0.98})


def kernel_after_a_hit(scale: str) -> Measurement:
    """Logistic loss: a lower bound on ηλ after a step from f0 = 10 onto f = 0, in balls. Effect: η."""
    with flint.ctx.workprec(BITS):
        f0, width, kappa = flint.arb(10), flint.arb(4), flint.arb(1) / 100
        rate = (kappa * width).sqrt()
        w1, w2 = _moved(*_pair(f0, _hitting(f0, kappa) / rate, width), width, rate)
        f = sum(a * b for a, b in zip(w1, w2, strict=True)) / width.sqrt()
        scaled = rate * sum(a * a for a in (*w1, *w2)) / width
        on_zero = bool(abs(f) < flint.arb(10) ** -60)
    return Measurement(float(scaled.lower()), effect=float(rate.mid()), conditions={"f = 0 within 10⁻⁶⁰": on_zero})


def _hitting(f, kappa):
    """Return the Λ0 from which a step lands on f = 0, in balls, logistic loss."""
    g = (f / 2).tanh() / 2
    return f / g * (1 + kappa * g * g)


def _edges(scale: str, widths) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return widths; by (width, network) the lowest η that diverges and the highest that converges, over √(8m); λ0."""
    widths, ratios = np.array(widths), np.arange(0.95, 1.35, 0.01) + 0.005
    f0, ntk0 = np.swapaxes([_drawn(int(width), _count(scale, 6), 53) for width in widths], 0, 1)
    rates = ratios * np.sqrt(8 * widths)[:, None, None]
    networks = Networks(f0[..., None], ntk0[..., None], widths[:, None, None], rates).descend("logistic", 1500)
    converges = np.abs(networks.f) < 1e-3
    return (widths, np.where(networks.diverged(), ratios, np.inf).min(-1), np.where(converges, ratios, 0).max(-1),
            ntk0)


def upper_edge(scale: str) -> Measurement:
    """Logistic loss, m ≥ 1000: the lowest learning rate that diverges, times λ0/16, over random networks."""
    widths, lowest, _, ntk0 = _edges(scale, WIDE)
    return Measurement((lowest * np.sqrt(8 * widths)[:, None] * ntk0 / 16).min())


def wide_edge(scale: str) -> Measurement:
    """Logistic loss, m = 10⁴: the lowest η that diverges over the proved edge, the farthest from 1 of random networks.

    Interval: of random networks with m = 100, 1000 and 10⁴. Effect: the highest η that converges, over √(8m). And
    m = 100, λ0 = 2, |a0| = 1, in balls: at 0.9 and 0.99 of √(16m) f → 0.
    """
    widths, lowest, highest, ntk0 = _edges(scale, (100, 1000, 10_000))
    ratios = lowest * np.sqrt(8 * widths)[:, None] / two_layer.convergence_edge("logistic", 0.0, ntk0, widths[:, None])
    wide = ratios[-1]
    return Measurement(wide[np.argmax(np.abs(wide - 1))], effect=highest.max(), interval=(ratios.min(), ratios.max()),
                       conditions={"none diverges at or below the proved edge": ratios.min() > 1,
                                   "some networks converge at a higher rate than one that diverges":
                                   (highest > lowest).any(), "from |a0| = 1 f → 0 at 0.9 and 0.99 of √(16m)":
                                   all(_ends_at_zero(share * HIGHEST) for share in (0.9, 0.99))})


def _ends_at_zero(ratio: float) -> bool:
    """Logistic loss, m = 100, λ0 = 2, |a0| = 1: whether |f| < 1/50 after 400 steps at η = ratio √(8m), in balls."""
    with flint.ctx.workprec(8 * BITS):
        width = flint.arb(100)
        rate = ratio * (8 * width).sqrt()
        w1, w2 = _pair(_annihilated(rate**2 / width), 2, width)
        for _ in range(400):
            w1, w2 = _moved(w1, w2, width, rate)
        return bool(abs(sum(a * b for a, b in zip(w1, w2, strict=True)) / width.sqrt()) < 0.02)


def exponential_window(scale: str) -> Measurement:
    """Exponential loss, m = 10⁴ and 10⁵: m Δη/η over its limit, the farthest from 1, f0 = 0.5, 1, 2, λ0 = 1 and 3.

    Effect: the exponent of m in Δη/η.
    """
    width, f0, ntk0 = np.array([10_000, 100_000]), np.array([0.5, 1.0, 2.0])[:, None], np.array([1.0, 3, 2])[:, None]
    ends = []
    for beyond in (lambda nets: np.abs(nets.descend("exponential").f) > f0, lambda nets: nets.descend(
            "exponential", 600).diverged()):
        low, high = np.full((2, 3, 2), (2 * f0 / np.sinh(f0) / ntk0 * [0.99, 1.01])[:, :, None].swapaxes(0, 1))
        for _ in range(24):
            middle = (low + high) / 2
            outside = beyond(Networks(f0, ntk0, width, middle))
            low, high = np.where(outside, low, middle), np.where(outside, middle, high)
        ends.append(low)
    relative = ends[1] / ends[0] - 1
    ratios = width * relative / _window(f0, ntk0)
    inside = Networks(f0, ntk0, width, (ends[0] + ends[1]) / 2).descend("exponential", 600)
    exponents = np.log(relative[:, 1] / relative[:, 0]) / math.log(10)
    return Measurement(ratios.flat[np.argmax(np.abs(ratios - 1))], effect=exponents.mean(), conditions={
        "in the middle of the window gradient descent converges": (np.abs(inside.f) < 1e-3).all(),
        "there λ_∞ is within one per cent of λ0": (np.abs(inside.ntk / ntk0 - 1) < 0.01).all()})


def _window(f0, ntk0):
    """Return the limit of m Δη/η, Δη the width of the window of the exponential loss."""
    return 2 * f0**2 / ntk0**2 / (f0 / np.tanh(f0) - 1)


def window_moves(scale: str) -> Measurement:
    """Exponential loss: the relative spread of the rate of the first rise, over that with normal outputs.

    At m = 10⁴ and 10⁵, the farther from 1; |w1 ± w2|² of random weights are drawn, which are twice chi-squared.
    Effect: the spread at m = 10⁴ with every f0 put to 1, times √m.
    """
    ratios, count, rng = [], _count(scale, 60_000), np.random.default_rng(57)
    for width in (10**4, 10**5):
        plus, minus = 2 * rng.chisquare(width, (2, count))
        f0, ntk0 = (plus - minus) / 4 / math.sqrt(width), (plus + minus) / 2 / width
        rates = [_first_rise(outputs, ntk0, width) for outputs in (f0, np.ones_like(f0))]
        spreads = [one.std() / one.mean() for one in rates]
        ratios.append(spreads[0] / _spread_of_outputs())
        if width == 10**4:
            alone = spreads[1] * math.sqrt(width)
    return Measurement(ratios[np.argmax(np.abs(np.array(ratios) - 1))], effect=alone,
                       interval=(np.min(ratios), np.max(ratios)),
                       conditions={"at fixed f0 the spread is m^(−1/2) within 2 %": 0.98 < alone < 1.02})


def _spread_of_outputs() -> float:
    """Return the standard deviation over the mean of f/sinh f, f normal with variance 1: 0.1654…."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    values, weights = points / np.sinh(points), weights / weights.sum()
    mean = weights @ values
    return float(np.sqrt(weights @ (values - mean) ** 2) / mean)


def _first_rise(f0: np.ndarray, ntk0: np.ndarray, width: int) -> np.ndarray:
    """Return for each network the least η with which a step raises the exponential loss, by bisection on weights."""
    low, high = np.zeros_like(f0), np.full_like(f0, 4.0)
    for _ in range(16):
        middle = (low + high) / 2
        rises = np.abs(Networks(f0, ntk0, width, middle).descend("exponential").f) > np.abs(f0)
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    return low


def exponential_edge(scale: str) -> Measurement:
    """Exponential loss, κ = 1/1000 and 1/2000: Λ_c − 2f0/sinh f0 over its closed form, extrapolated to κ = 0.

    The farthest from 1 of four f0. Interval: of the four at κ = 1/2000.
    """
    f0, width, kappa = np.array([0.1, 0.5, 1.0, 2.0]), 10_000, np.array([1e-3, 5e-4])[:, None]
    rate = np.sqrt(kappa * width)
    start = 2 * f0 / np.sinh(f0)
    excess = rate * two_layer.slow_ntk("exponential", f0, width, rate) - start
    low, high = np.full((2, 2, 4), [[[0.9]], [[1.1]]])
    for _ in range(9):
        middle = (low + high) / 2
        diverges = Networks(f0, (start + middle * excess) / rate, width, rate).descend("exponential", 4000).diverged()
        low, high = np.where(diverges, low, middle), np.where(diverges, middle, high)
    ratios = 2 * low[1] - low[0]
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(low[1].min(), low[1].max()))


def exponential_trap(scale: str) -> Measurement:
    """Exponential loss, widths 1 to 1000, s0 ≤ 2: the largest relative rise of s, |f| or Λ in a step.

    A third of the starts has s0 = 2. What s is where |f| < 10⁻⁶ is rounding, and is not looked at. Effect: largest s0.
    """
    rng, n = np.random.default_rng(58), _count(scale, 300)
    width, f0 = rng.integers(1, 1000, n), rng.uniform(0.3, 3, n)
    s0 = np.where(np.arange(n) % 3, rng.uniform(0.2, TRAP, n), TRAP)
    scaled = s0 * f0 / np.sinh(f0)
    rate = np.sqrt((scaled / f0 / 2) ** 2 * np.exp(rng.uniform(-7, 0, n)) * width)  # κ below (Λ/2f)²: feasible
    networks, largest, before = Networks(f0, scaled / rate, width, rate), 0.0, None
    for _ in range(2000):
        f, kernel = np.maximum(np.abs(networks.f), 1e-300), rate * networks.ntk
        now = np.array([kernel * np.sinh(f) / f, f, kernel])
        if before is not None:
            largest = np.maximum(largest, np.where(f > 1e-6, now / before - 1, 0).max())
        before = now
        networks.descend("exponential")
    return Measurement(largest, effect=s0.max(), conditions={"f → 0": np.abs(networks.f).max() < 1e-2})


def exponential_runaway(scale: str) -> Measurement:
    """Exponential loss, widths 1 to 1000, ηλ0 from 4 on: the largest relative fall of Λ in a step.

    Effect: the least ηλ0.
    """
    rng, n = np.random.default_rng(59), _count(scale, 300)
    width, rate = rng.integers(1, 1000, n), np.exp(rng.uniform(-2, 2, n))
    ntk0 = np.where(np.arange(n) % 3, rng.uniform(RUNAWAY, 40, n), RUNAWAY) / rate
    networks, largest = Networks(_feasible(rng, n, ntk0, width), ntk0, width, rate), 0.0
    far = np.zeros(n, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(500):
            before = networks.ntk
            after = networks.descend("exponential").ntk
            largest = np.maximum(largest, np.where(far, 0, 1 - after / before).max())
            far |= ~(rate * after < 1e6)
    return Measurement(largest, effect=(rate * ntk0).min(), conditions={"all kernels pass 10⁶": far.all()})


def _feasible(rng, count: int, ntk0, width) -> np.ndarray:
    """Return outputs that networks with these kernels and widths can have, up to ±8."""
    return np.minimum(8, ntk0 * np.sqrt(width) / 2) * rng.uniform(-1, 1, count)


def converges_at_sixteen(scale: str) -> Measurement:
    """Logistic loss, κ from 8.5 to 500, η at the proved edge or below: the largest |f| after 4000 steps.

    Effect: the largest ηλ0.
    """
    rng, n = np.random.default_rng(54), _count(scale, 300)
    width, kappa = rng.integers(1, 200, n), rng.uniform(8.5, 500, n)
    ntk0 = np.where(np.arange(n) % 2, rng.uniform(2, 16, n), 16) / np.sqrt(kappa * width)
    edge = two_layer.convergence_edge("logistic", 0.0, 16 / np.sqrt(kappa * width), width)
    networks, rises = Networks(_feasible(rng, n, ntk0, width), ntk0, width, edge), np.zeros(n, bool)
    before = networks.ntk
    for step in range(4000):
        networks.descend("logistic")
        if step < 200:
            after = networks.ntk
            rises |= ~(after <= before * (1 + 1e-12))
            before = after
    return Measurement(np.abs(networks.f).max(), effect=(edge * ntk0).max(),
                       conditions={"no kernel rises": not rises.any(), "the starts reach ηλ0 = 16":
                                   (edge * ntk0).max() > 15.999})


def diverges_above_sixteen(scale: str) -> Measurement:
    """Logistic loss, κ up to 10⁵: the least ηλ0 of starts just beyond the two-cycle that diverge (effect: κ)."""
    width, kappa = 7, np.geomspace(100, 1e5, 13)
    rate = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rate)
    networks = Networks(f * (1 + BESIDE), ntk * (1 + BESIDE), width, rate)
    scaled = np.where(networks.descend("logistic", 200).diverged(), rate * ntk * (1 + BESIDE), np.inf)
    return Measurement(scaled.min(), effect=kappa[np.argmin(scaled)])


def converges_below_kappa_eight(scale: str) -> Measurement:
    """Logistic loss, η up to 0.999 of the proved edge √(8m): the largest |f| after 9000 steps (effect: κ).

    Random starts with ηλ0 from 5 to 300, and starts with |f0| from 10 to 40 half a swing from p = q, which are those
    that diverge beyond the edge.
    """
    rng, n = np.random.default_rng(55), _count(scale, 150)
    width = rng.integers(1, 5000, n)
    ntk0 = rng.uniform(1, 20, n) * 16 / np.sqrt(8 * width)
    rate = rng.choice([0.3, 0.7, 0.9, 0.98, 0.999], n) * two_layer.convergence_edge("logistic", 0.0, ntk0, width)
    f0 = _feasible(rng, n, ntk0, width)
    swung = np.arange(n) % 3 == 0
    kappa, large = rate**2 / width, rng.uniform(10, 40, n)
    f0, ntk0 = np.where(swung, large, f0), np.where(swung, _swung(large, np.maximum(kappa, 4.1), 0.5) / rate, ntk0)
    networks = Networks(f0, ntk0, width, rate).descend("logistic", 9000)
    return Measurement(np.where(np.isnan(networks.f), np.inf, np.abs(networks.f)).max(), effect=kappa.max())


def _swung(f0, kappa, share):
    """Return Λ0 of starts with log(p/q) = share · 2 log((b + 1)/(b − 1)), b = √κ/2, the swing of a saturated step."""
    b = np.sqrt(kappa) / 2
    ratio = ((b + 1) / (b - 1)) ** (2 * share)
    return 2 * np.sqrt(kappa) * f0 * (ratio + 1) / (ratio - 1)


def two_cycle(scale: str) -> Measurement:
    """Logistic loss, κ from 8.05 to 10³: the largest relative gap of two steps to the cycle (effect: last ηλ*)."""
    width, kappa = 7, np.geomspace(8.05, 1000, 30)
    rate = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rate)
    networks = Networks(f, ntk, width, rate).descend("logistic")
    gaps = [np.abs(networks.f / f + 1).max(), np.abs(networks.ntk / ntk - 1).max()]
    networks.descend("logistic")
    return Measurement(np.max([*gaps, np.abs(networks.f / f - 1).max()]), effect=(rate * ntk)[-1], conditions={
        "ηλ* falls with κ, to above 16": (np.diff(rate * ntk) < 0).all() and (rate * ntk)[-1] > 16})


def cycle_multiplier(scale: str) -> Measurement:
    """Logistic loss, κ from 8.05 to 10³: the largest relative gap of two steps' spectral radius to the multiplier."""
    width, gaps, multipliers = 7, [], []
    for kappa in np.geomspace(8.05, 1000, 12):
        rate = math.sqrt(kappa * width)
        centre = np.array(two_layer.two_cycle(width, rate))
        columns = []
        for shift in np.diag(1e-6 * centre):
            ends = [Networks(*(centre + sign * shift), width, rate).descend("logistic", 2) for sign in (1, -1)]
            columns.append([(ends[0].f - ends[1].f) / 2 / shift.sum(), (ends[0].ntk - ends[1].ntk) / 2 / shift.sum()])
        found = np.abs(np.linalg.eigvals(np.array(columns).T))
        multipliers.append(two_layer.cycle_multiplier(width, rate))
        gaps.append(np.abs(found / multipliers[-1] - 1).max())
    return Measurement(np.max(gaps), conditions={
        "all multipliers lie in (1, 9)": np.min(multipliers) > 1 and np.max(multipliers) < 9})


def false_cycle(scale: str) -> Measurement:
    """Logistic loss, κ = 8, f0 = 40, ηλ0 = 8 f0: the relative fall of λ in the first step over 4 e⁻⁴⁰, in balls.

    Effect: the same fall in float64.
    """
    f, ntk = two_layer.iterate("logistic", 40.0, 40.0, 8, 8.0, 4000)
    with flint.ctx.workprec(BITS):
        w1, w2 = _pair(flint.arb(40), flint.arb(40), flint.arb(8))
        w1, w2 = _moved(w1, w2, flint.arb(8), flint.arb(8))
        ratio = (1 - sum(a * a for a in (*w1, *w2)) / 8 / 40) / (FALLS * flint.arb(-40).exp())
    still = (np.abs(f) == 40).all() and (ntk == 40).all()
    return Measurement(float(ratio.mid()), effect=1 - ntk[1] / 40, conditions={
        "4000 steps in float64 move neither |f| nor λ": still})


def _pair(f, ntk, width) -> tuple[tuple, tuple]:
    """Return weights in balls, in the plane they span, of a network with this output, kernel and width."""
    plus, minus = (((width * ntk + sign * 2 * f * width.sqrt()).sqrt() / 2) for sign in (1, -1))
    return (plus, minus), (plus, -minus)


def _moved(w1: tuple, w2: tuple, width, rate) -> tuple[tuple, tuple]:
    """Return weights in balls after a step, logistic loss."""
    f = sum(a * b for a, b in zip(w1, w2, strict=True)) / width.sqrt()
    change = rate / width.sqrt() * (f / 2).tanh() / 2
    return tuple(tuple(a - change * b for a, b in zip(*pair, strict=True)) for pair in ((w1, w2), (w2, w1)))


def growth_beyond_kappa_eight(scale: str) -> Measurement:
    """Logistic loss, κ from 8.01 to 100: the largest gap of log √D's growth a step to log(κ/4 − 1).

    Starts from f0 = 30 and 60, from 3/8 to 5/8 of a swing; over ten steps, from where √D has grown e²⁰ times or after
    2,500 steps. Effect: the least factor by which |f| grew.
    """
    width, gaps, growths = 100, [], []
    f0, share = np.array([30.0, 60.0])[:, None], np.array([3, 4, 5]) / 8
    for kappa in (8.01, 8.1, 8.5, 10, 20, 100):
        rate = math.sqrt(kappa * width)
        networks = Networks(f0, _swung(f0, kappa, share) / rate, width, rate)
        networks.descend("logistic", int(np.minimum(2500, 20 / math.log(kappa / 4 - 1))))
        before = networks.root()
        networks.descend("logistic", 10)
        gaps.append(np.abs(np.log(networks.root() / before) / 10 - _growth(kappa)).max())
        growths.append((np.abs(networks.f) / f0).min())
    return Measurement(np.max(gaps), effect=np.min(growths), conditions={"every |f| has grown": np.min(growths) > 1})


def _growth(kappa: float) -> float:
    """Return the growth of log √D a step that orbits beyond κ = 8 tend to."""
    return math.log(kappa / 4 - 1)


def slide_end(scale: str) -> Measurement:
    """Logistic loss: (8/η − 3η/2m − λ_∞) η/κ² from κ = 1/60 and 1/120, extrapolated to κ = 0, less 9/80.

    The farthest from 0 of starts with |f0| from 0.001 to 10, ηλ0 from 8.5 to 40, at widths 10³ and 10⁸. Interval: of
    the values at κ = 1/120.
    """
    f0, scaled, width, kappa = np.meshgrid([1e-3, 0.3, 1.0, 10.0], [9.0, 12.0, 40.0], [1e3, 1e8], [1 / 60, 1 / 120])
    rate = np.sqrt(kappa * width)
    networks = Networks(f0, scaled / rate, width, rate).descend("logistic", 4500)
    values = (two_layer.slide_ntk(width, rate) - networks.ntk) * rate / kappa**2
    gaps = 2 * values[..., 1] - values[..., 0] - SECOND
    return Measurement(gaps.flat[np.argmax(np.abs(gaps))], interval=(values[..., 1].min(), values[..., 1].max()))


def product_loss(scale: str) -> Measurement:
    """log cosh(xy), gradient descent on x and y: (2 − η(x² + y²))/η² at the end, extrapolated to η = 0, less 3/2.

    From x = 1 and 3, with ηy² from 2.5 to 6 at the start; η = 0.1, 0.15 and 0.2. Effect: the next coefficient, of η⁴.
    """
    rate = np.array([0.1, 0.15, 0.2])
    x, y = (a * np.ones(3) for a in (np.array([1e-3, 0.5])[:, None, None], np.sqrt(np.array([[2.5], [6.0]]) / rate)))
    x, y = np.broadcast_arrays(x, y)
    for _ in range(8000):
        slope = rate * np.tanh(x * y)
        x, y = x - slope * y, y - slope * x
    values = (2 - rate * (x**2 + y**2)) / rate**2
    fits = np.polynomial.polynomial.polyfit(rate**2, values.reshape(-1, 3).T, 2)
    gaps = fits[0] - LEADING
    return Measurement(gaps[np.argmax(np.abs(gaps))], effect=fits[1].mean())


def slide_time(scale: str) -> Measurement:
    """Logistic loss: the slope of ¾κT against log(1/κ), T the first step with ηλ < 8, between κ = 1/100 and 1/800.

    The farther from 1 of two starts: f0 = 1, ηλ0 = 12, and f0 = 2, ηλ0 = 20. Interval: of both.
    """
    kappa, width = np.array([1 / 100, 1 / 800])[:, None], 10_000
    rate = np.sqrt(kappa * width)
    networks, times = Networks([1.0, 2.0], [12, 20] / rate, width, rate), np.zeros((2, 2))
    for step in range(1, 15_000):
        below = rate * networks.descend("logistic").ntk < 8
        times[below & (times == 0)] = step
        if below.all():
            break
    first, second = SLIDE_RATE * kappa * times
    slopes = (second - first) / math.log(8)
    return Measurement(slopes[np.argmax(np.abs(slopes - 1))], interval=(slopes.min(), slopes.max()))


def slide_rate(scale: str) -> Measurement:
    """Logistic loss, κ = 1/1000: the fall of Λ over 20 steps over what the two-cycle says, the farthest from 1.

    From ηλ0 = 12, 20 and 40, as long as Λ > 8.5: 4κ f*(Λ)²/Λ, with Λ tanh(f*/2) = 4f*, at the middle of each 20 steps.
    """
    kappa, width = 1e-3, 10_000
    rate, scaled = math.sqrt(kappa * width), []
    networks = Networks(np.array([1.0, 2.0, 1.0]), np.array([12.0, 20.0, 40.0]) / rate, width, rate).descend(
        "logistic", 100)
    for _ in range(150):
        scaled.append(rate * networks.ntk)
        networks.descend("logistic", 10)
    scaled = np.array(scaled)
    middle = scaled[1:-1]
    stated = 20 * 4 * kappa * linear_predictor.two_cycle("logistic", middle.clip(8.1)) ** 2 / middle
    ratios = ((scaled[:-2] - scaled[2:]) / stated)[middle > 8.5]
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(ratios.min(), ratios.max()))


def loss_through_the_edge(scale: str) -> Measurement:
    """Logistic loss, κ = 1/200: rates, over ¾κ, at which the excess loss falls on both sides of Λ = 8: the farthest
    from 1.

    From ηλ0 = 9, 12 and 24: over the 1/κ steps before the first with Λ < 8, and over the 1/κ steps from it on.
    """
    kappa, width = 1 / 200, 10_000
    span, rate = 200, math.sqrt(kappa * width)
    networks = Networks(1.0, np.array([9.0, 12.0, 24.0]) / rate, width, rate)
    excess, scaled = [], []
    for _ in range(3000):
        excess.append(np.log(np.cosh(networks.f / 2)))
        scaled.append(rate * networks.ntk)
        networks.descend("logistic")
    at, excess = np.argmax(np.array(scaled) < 8, axis=0), np.log(excess)
    each = np.arange(3)
    rates = np.array([excess[at - span, each] - excess[at, each], excess[at, each] - excess[at + span, each]])
    rates = rates / span / (SLIDE_RATE * kappa)
    return Measurement(rates.flat[np.argmax(np.abs(rates - 1))], effect=at.max(),
                       interval=(rates.min(), rates.max()))


def annihilation(scale: str) -> Measurement:
    """Logistic loss, κ = 5, 8 and 12, |a0| = 1: an upper bound on D in 600 steps from the next on, in balls.

    Effect: ηλ_t t at the last step, the farthest from 4.
    """
    largest, times, steps = 0.0, [], 600
    with flint.ctx.workprec(8 * BITS):
        width = flint.arb(40)
        for kappa in (flint.arb(5), flint.arb(8), flint.arb(12)):
            rate = (kappa * width).sqrt()
            w1, w2 = _pair(_annihilated(kappa), 30 / rate, width)
            for _ in range(steps):
                w1, w2 = _moved(w1, w2, width, rate)
                sums = [[a + sign * b for a, b in zip(w1, w2, strict=True)] for sign in (1, -1)]
                p, q = (rate / width * sum(x * x for x in one) for one in sums)
                largest = np.maximum(largest, float((p * q).upper()))
            times.append(float((p + q).mid()) / 2 * steps)
    farthest = times[np.argmax(np.abs(np.array(times) - 4))]
    return Measurement(largest, effect=farthest, conditions={"ηλ_t t is within 5 % of 4": abs(farthest / 4 - 1) < 0.05})


def _annihilated(kappa):
    """Return the f > 0 with √κ L'(f) = 1, in balls."""
    return 2 * (2 / kappa.sqrt()).atanh()


def silent_slide(scale: str) -> Measurement:
    """Logistic loss, f0 up to 1.76, ηλ0 from just above 8 to 0.99 of the critical rate: the largest rise of |f|.

    In a step, relative, while |f| > 10⁻⁹, widths 500 and 5000. Effect: the largest λ_∞/λ0.
    """
    f0, width, share = np.meshgrid(SILENT, [500, 5000], [0.1, 0.5, 0.99])
    top = two_layer.critical_learning_rate("logistic", f0, 2.0, width)
    rate = np.where(share > 0.9, share * top, 4 + share * (top - 4))
    rate = np.maximum(rate, 4 + 0.5 * (top - 4))  # 0.99 of the critical rate may be below 4
    networks, largest, size = Networks(f0, 2.0, width, rate), -1.0, f0
    for _ in range(4000):
        after = np.abs(networks.descend("logistic").f)
        largest = np.maximum(largest, np.where(size > 1e-9, after / np.maximum(size, 1e-300) - 1, -1).max())
        size = after
    return Measurement(largest, effect=(networks.ntk / 2.0).max(), conditions={
        "every kernel ends below the edge, which it started above": (rate * networks.ntk < 8).all()
        and (2 * rate > 8).all()})


def not_always_flatter(scale: str) -> Measurement:
    """Logistic loss, m = 1000, f0 = 1, λ0 = 2: a proved lower bound of λ_∞ at η = 54 over λ_∞ at η = 50."""
    flat, sharp = (_enclosed_final(1.0, 1000, rate) for rate in PAIR)
    return Measurement(sharp[0] / flat[1], interval=(sharp[0] / flat[1], sharp[1] / flat[0]))


def _enclosed_final(f0: float, width: int, rate: float) -> tuple[float, float]:
    """Enclose λ_∞ from f0 and λ0 = 2: weights in balls, then the product formula for what is left.

    Once Λ < 8, s ≤ Λ/4 < 2 for ever and f → 0. D = Λ² − 4κf² loses the factors (1 − a²)² from then on, Λ loses
    a² (4f/g − Λ) ≥ 8a², so Σa² ≤ (Λ − Λ_∞)/8; and Λ_∞ = √D_∞ lies between √D (1 − Σa²) and √D.
    """
    with flint.ctx.workprec(4 * BITS):
        m, eta = flint.arb(width), flint.arb(rate)
        w1, w2 = _pair(flint.arb(f0), flint.arb(2), m)
        for _ in range(5000):
            f = sum(a * b for a, b in zip(w1, w2, strict=True)) / m.sqrt()
            scaled = eta * sum(a * a for a in (*w1, *w2)) / m
            if scaled < 8 and abs(f) < 1e-12:
                break
            w1, w2 = _moved(w1, w2, m, eta)
        else:
            raise ArithmeticError("undecided")
        root = (scaled * scaled - 4 * eta * eta / m * f * f).sqrt()
        least = root * (1 - scaled / 8)  # crude: Λ_∞ > 0; then once more with what that gives
        for _ in range(400):
            least = root * (1 - (scaled - least) / 8)
        return float((least / eta).lower()), float((root / eta).upper())


def first_sharper(scale: str) -> Measurement:
    """Logistic loss, m = 10⁶, f0 = 0.7, λ0 = 2: a proved lower bound of λ_∞ at η = 1216.553 over λ_∞ at 1196.746.

    Interval: the least κ, on a grid in steps of 0.01, at which the next larger η ends sharper, over four starts with
    f0 from 0.3 to 1.5, at the widths 10¹² and 10⁴.
    """
    flat, sharp = (_enclosed_final(0.7, 10**6, rate) for rate in SHARPER)
    kappa, f0 = np.arange(0.9, 2.6, 0.01), np.array([0.3, 0.7, 1.0, 1.5])
    least = []
    for width in (1e4, 1e6, 1e8, 1e12):
        networks = Networks(f0[:, None], 2.0, width, np.sqrt(kappa * width)).descend("logistic", 300)
        rises = np.diff(networks.ntk) > 1e-9 * networks.ntk[:, :-1]
        least.append(np.where(rises, kappa[:-1], np.inf).min())
    return Measurement(sharp[0] / flat[1], interval=(least[-1], least[0]), conditions={
        "the least κ at which a larger rate ends sharper falls with the width": (np.diff(least) < 0).all()})


def logistic_log_periodic(scale: str) -> Measurement:
    """Logistic loss, κ = 1.5, 3, 6: the largest relative change of √m λ_∞ when the width grows by the stated period.

    From width 10¹³, f0 = 0.7 and 1.5, λ0 = 2 and 5; and κ = 7, f0 = 2, λ0 = 2, where the hits that land at ηλ ≥ 8 are
    near the share 0.8525 of the period: no width is taken there. Effect: how much √m λ_∞ varies within the period at
    κ = 3, over its largest value.
    """
    gaps, phases = [], np.append(np.linspace(0, 1, _count(scale, 12)), 0.8525)
    for kappa, f0, ntk0 in ((7.0, [2.0], [2.0]), *((kappa, [0.7, 1.5], [2.0, 5.0]) for kappa in (1.5, 6.0, 3.0))):
        f0, ntk0 = np.array(f0)[:, None], np.array(ntk0)[:, None]
        off = phases[np.abs(phases - 0.8525) > OFF_HITS] if kappa == 7 else phases
        ends = []
        for periods in (off, off + 1):
            width = np.round(1e13 * _period(kappa) ** periods)
            networks = Networks(f0, ntk0, width, np.sqrt(kappa * width)).descend("logistic", 300)
            ends.append(np.sqrt(width) * networks.ntk)
        gaps.append(np.abs(ends[1] - ends[0]).max() / ends[0].max())
    return Measurement(np.max(gaps), effect=(np.ptp(ends[0], axis=1) / ends[0].max(axis=1)).min(),
                       conditions={"all have converged": (np.abs(networks.f) < 1e-3).all()})


def _period(kappa: float) -> float:
    """Return the factor of the width after which √m λ_∞ of wide networks is the same again, logistic loss."""
    return abs(1 - kappa / 4) ** -4


def normal_form(scale: str) -> Measurement:
    """Three losses, f0 = 10⁻⁴: the largest gap of (ηλ_∞ − 2/h)/κ to the exit formula, relative to it.

    (ηλ_∞ − 2/h)/κ is extrapolated to κ = 0 from κ = 1/50, 1/100 and 1/200. Effect: its largest change with κ.
    """
    kappa, width, gaps, changes = np.array([1 / 50, 1 / 100, 1 / 200])[:, None], 10_000, [], []
    rate = np.sqrt(kappa * width)
    for loss, edge, distance in (("logistic", 8, np.array([2.0, 5.0, 8.0])),
                                 ("exponential", 2, np.array([0.7, 1.4, 2.1])),
                                 ("tanh(f + f³)", 2, np.array([0.4, 0.6]))):
        ntk0 = (edge + kappa * distance) / rate
        found = (rate * Networks(1e-4, ntk0, width, rate).descend(loss, 9000).ntk - edge) / kappa
        if loss == "tanh(f + f³)":
            expected = two_layer.exit_distance(kappa * distance, kappa, 1.0, 4.0) / kappa
        else:
            expected = (rate * two_layer.exit_ntk(loss, ntk0, width, rate) - edge) / kappa
        limit = (found[0] - 6 * found[1] + 8 * found[2]) / 3
        gaps.append(np.abs(limit / expected[-1] - 1).max())
        changes.append(np.abs(found[0] - found[2]).max())
    return Measurement(np.max(gaps), effect=np.max(changes))


def jump_that_returns(scale: str) -> Measurement:
    """L' = tanh(f + f³), Λ0 from 1.1 to 20 times 2/h, κ up to 2: the largest |f| after 4000 steps (effect: after 1).

    And starts from f0 = 10 half a swing from p = q, which are those that diverge beyond κ = 2.
    """
    kappa, multiple = BOUNDED * np.array([0.05, 0.25, 0.5, 0.95, 0.99])[:, None], np.array([1.1, 3.0, 20.0])
    width = 100
    rate = np.sqrt(kappa * width)
    networks = Networks(0.05, 2 * multiple / rate, width, rate).descend("tanh(f + f³)")
    jump = np.abs(networks.f).max()
    networks.descend("tanh(f + f³)", 4000)
    at = rate[3:]
    swung = Networks(10.0, _swung(10.0, 4 * kappa[3:], 0.5) / 2 / at, width, at).descend("tanh(f + f³)", 4000)
    ends = np.append(networks.f, swung.f)
    return Measurement(np.where(np.isnan(ends), np.inf, np.abs(ends)).max(), effect=jump)


def phase_table(scale: str) -> Measurement:
    """Three losses, networks of width 3000: points with another phase, or first step, than in the chapter's table.

    The phase goes by λ_∞/λ0 of the weights: the kernel is "unchanged" above 0.98, "lowered" below. Points within 5 % of
    a border are left out; those in the middle of the exponential window are in: "unchanged", though the loss rises.
    First steps are also looked at 1 % from where they begin to rise. The library's map must tell the same points that
    diverge.
    """
    width, ntk0, f0, wrong, shares = 3000, 2.0, np.linspace(0.4, 2, 5)[:, None], 0, []
    for loss, highest, steps in (("squared", 5, 1500), ("exponential", 3, 1500), ("logistic", 600, 5000)):
        rises = two_layer.critical_learning_rate(loss, f0, ntk0, width)
        begins = rises * ntk0 if loss == "exponential" else two_layer.stability_edge(loss, 1.0)
        ends = {"squared": 4.0, "logistic": math.sqrt(8 * width) * ntk0}.get(loss, begins)
        ragged = 1.3 if loss == "logistic" else 1.0  # the border above √(8m)
        scaled = np.geomspace(0.4, highest, _count(scale, 24)) * np.ones_like(f0)
        expected = np.where(scaled < begins, "unchanged", np.where(scaled < ends, "lowered", "divergent"))
        clear = (np.abs(np.log(scaled / begins)) > 0.05) & ((scaled < ends / 1.05) | (scaled > 1.05 * ragged * ends))
        if loss == "exponential":
            window = (begins + two_layer.slow_ntk(loss, f0, width, rises) * rises) / 2
            scaled, expected, clear = (np.append(old, np.full_like(f0, new, old.dtype), 1) for old, new in (
                (scaled, window), (expected, "unchanged"), (clear, True)))
        rates = scaled / ntk0
        networks = Networks(f0, ntk0, width, rates)
        up = np.abs(networks.descend(loss).f) > np.abs(f0)
        diverges = networks.descend(loss, steps).diverged()
        found = np.where(diverges, "divergent", np.where(networks.ntk > 0.98 * ntk0, "unchanged", "lowered"))
        other = (found != expected) | ~(diverges | (np.abs(networks.f) < 1e-2))
        other |= (two_layer.phase_map(loss, f0, ntk0, width, rates) == "divergent") != diverges
        beside = np.array([0.99, 1.01])
        near = np.abs(Networks(f0, ntk0, width, beside * rises).descend(loss).f) > np.abs(f0)
        wrong += int((other & clear).sum() + (up != (rates > rises)).sum() + (near != (beside > 1)).sum())
        shares.append(clear.mean())
    return Measurement(wrong, conditions={"at least half of the points are clear of borders": np.min(shares) >= 0.5})
