"""Checks of chapter 5: gradient descent on the weights against the closed forms of :mod:`catapult.theory.two_layer`.

The weights are iterated here as weights, never by the two-number recursion. They stay in the plane that they span at
the start, so two coordinates of each suffice, whatever the width.
"""

from __future__ import annotations

import math

import flint
import numpy as np

from catapult.checks import Measurement
from catapult.theory import two_layer

SLOPES = {"exponential": np.sinh, "logistic": lambda f: np.tanh(f / 2) / 2, "tanh(f + f³)": lambda f: np.tanh(f + f**3)}
BITS = 256


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
    return Measurement(max(largest.values()), effect=largest["exponential"])


def kernel_after_a_hit(scale: str) -> Measurement:
    """Logistic loss: a lower bound on ηλ after a step onto f = 0 (0 unless f = 0 within 10⁻⁶⁰), in balls."""
    with flint.ctx.workprec(BITS):
        f0, width, kappa = flint.arb(10), flint.arb(4), flint.arb(1) / 100
        rate, g = (kappa * width).sqrt(), (f0 / 2).tanh() / 2
        ntk0 = f0 * (1 + kappa * g * g) / g / rate
        plus, minus = ((width * ntk0 + sign * 2 * f0 * width.sqrt()).sqrt() / 2 for sign in (1, -1))
        w1, w2 = (plus, minus), (plus, -minus)
        change = rate / width.sqrt() * g
        w1, w2 = [tuple(a - change * b for a, b in zip(*pair, strict=True)) for pair in ((w1, w2), (w2, w1))]
        f = sum(a * b for a, b in zip(w1, w2, strict=True)) / width.sqrt()
        scaled = rate * sum(a * a for a in (*w1, *w2)) / width
    hit = abs(float(f.upper())) + abs(float(f.lower())) < 1e-60
    return Measurement(float(scaled.lower()) if hit else 0.0, effect=float(rate.mid()))


def _lowest_divergent(scale: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return widths, the lowest η that diverges over √(8m), and λ0, the last two of shape (widths, networks)."""
    widths, ratios = np.array([100, 300, 1000, 3000, 10_000]), np.arange(0.8, 1.4, 0.01) + 0.005
    f0, ntk0 = np.swapaxes([_drawn(int(width), _count(scale, 6), 53) for width in widths], 0, 1)
    rates = ratios * np.sqrt(8 * widths)[:, None, None]
    diverges = Networks(f0[..., None], ntk0[..., None], widths[:, None, None], rates).descend(
        "logistic", 2500).diverged()
    return widths, np.where(diverges, ratios, np.inf).min(-1), ntk0


def upper_edge(scale: str) -> Measurement:
    """Logistic loss, m ≥ 1000: the lowest learning rate that diverges, times λ0/16, over random networks."""
    widths, lowest, ntk0 = _lowest_divergent(scale)
    multiples = lowest * np.sqrt(8 * widths)[:, None] * ntk0 / 16
    return Measurement(multiples[widths >= 1000].min())


def wide_edge(scale: str) -> Measurement:
    """Logistic loss, m = 100 … 10⁴: the lowest η that diverges over the proved edge: the median, and the range."""
    widths, lowest, ntk0 = _lowest_divergent(scale)
    proved = two_layer.convergence_edge("logistic", 0.0, ntk0, widths[:, None])
    ratios = lowest * np.sqrt(8 * widths)[:, None] / proved
    value = np.median(ratios) if ratios.min() >= 1 else ratios.min()
    return Measurement(value, interval=(ratios.min(), ratios.max()))


def exponential_window(scale: str) -> Measurement:
    """Exponential loss, m = 1000: the window from the first rise to divergence, relative to η, over m^(−1/2)."""
    width = 1000
    ends = []
    for beyond in (lambda nets: np.abs(nets.descend("exponential").f) > 1, lambda nets: nets.descend(
            "exponential", 400).diverged()):
        low, high = 0.5, 1.5
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if beyond(Networks(1.0, 2.0, width, middle)) else (middle, high)
        ends.append(low)
    return Measurement((ends[1] / ends[0] - 1) * math.sqrt(width))


def exponential_edge(scale: str) -> Measurement:
    """Exponential loss, κ = 10⁻³: Λ_c − 2f0/sinh f0 over its closed form, the farthest from 1 of four f0."""
    f0, width, kappa = np.array([0.05, 0.5, 1.0, 2.0]), 10_000, 1e-3
    rate = math.sqrt(kappa * width)
    start = 2 * f0 / np.sinh(f0)
    excess = rate * two_layer.slow_ntk("exponential", f0, width, rate) - start
    factors = np.linspace(0.94, 1.06, 241)[:, None]
    diverges = Networks(f0, (start + factors * excess) / rate, width, rate).descend("exponential", 8000).diverged()
    ratios = np.where(diverges, factors, np.inf).min(0)
    return Measurement(max(ratios, key=lambda ratio: abs(ratio - 1)), interval=(ratios.min(), ratios.max()))


def _feasible(rng, count: int, ntk0, width) -> np.ndarray:
    """Return outputs that networks with these kernels and widths can have, up to ±8."""
    return np.minimum(8, ntk0 * np.sqrt(width) / 2) * rng.uniform(-1, 1, count)


def converges_at_sixteen(scale: str) -> Measurement:
    """Logistic loss, κ from 8.5 to 500, η at the proved edge: the largest |f| after 4000 steps (effect: ηλ0)."""
    rng, n = np.random.default_rng(54), _count(scale, 300)
    width, kappa = rng.integers(1, 200, n), rng.uniform(8.5, 500, n)
    ntk0 = 16 / np.sqrt(kappa * width)
    rate = two_layer.convergence_edge("logistic", 0.0, ntk0, width)
    networks = Networks(_feasible(rng, n, ntk0, width), ntk0, width, rate).descend("logistic", 4000)
    return Measurement(np.where(networks.diverged(), 1e5, np.abs(networks.f)).max(), effect=(rate * ntk0).min())


def converges_below_kappa_eight(scale: str) -> Measurement:
    """Logistic loss, η up to 0.98 of the proved edge √(8m): the largest |f| after 6000 steps (effect: κ)."""
    rng, n = np.random.default_rng(55), _count(scale, 300)
    width = rng.integers(1, 5000, n)
    ntk0 = rng.uniform(1, 20, n) * 16 / np.sqrt(8 * width)
    rate = rng.choice([0.3, 0.7, 0.9, 0.98], n) * two_layer.convergence_edge("logistic", 0.0, ntk0, width)
    networks = Networks(_feasible(rng, n, ntk0, width), ntk0, width, rate).descend("logistic", 6000)
    return Measurement(np.where(networks.diverged(), 1e5, np.abs(networks.f)).max(), effect=(rate**2 / width).max())


def two_cycle(scale: str) -> Measurement:
    """Logistic loss, κ from 8.05 to 10³: the largest relative gap of two steps to the cycle (effect: last ηλ*)."""
    width, kappa = 7, np.geomspace(8.05, 1000, 30)
    rate = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rate)
    networks = Networks(f, ntk, width, rate).descend("logistic")
    gaps = [np.abs(networks.f / f + 1).max(), np.abs(networks.ntk / ntk - 1).max()]
    networks.descend("logistic")
    return Measurement(max(*gaps, np.abs(networks.f / f - 1).max()), effect=(rate * ntk)[-1])


def cycle_multiplier(scale: str) -> Measurement:
    """Logistic loss, κ from 8.05 to 10³: the largest relative gap of two steps' spectral radius to the multiplier."""
    width, gaps = 7, []
    for kappa in np.geomspace(8.05, 1000, 12):
        rate = math.sqrt(kappa * width)
        centre = np.array(two_layer.two_cycle(width, rate))
        columns = []
        for shift in np.diag(1e-6 * centre):
            ends = [Networks(*(centre + sign * shift), width, rate).descend("logistic", 2) for sign in (1, -1)]
            columns.append([(ends[0].f - ends[1].f) / 2 / shift.sum(), (ends[0].ntk - ends[1].ntk) / 2 / shift.sum()])
        measured = np.abs(np.linalg.eigvals(np.array(columns).T)).max()
        gaps.append(abs(measured / two_layer.cycle_multiplier(width, rate) - 1))
    return Measurement(max(gaps))


def growth_beyond_kappa_eight(scale: str) -> Measurement:
    """Logistic loss, κ from 8.2 to 100: the largest gap of log √D's growth a step, over 30, to log(κ/4 − 1)."""
    width, kappa = 100, np.geomspace(8.2, 100, 12)
    rate, b = np.sqrt(kappa * width), np.sqrt(kappa) / 2
    ratio = (b + 1) / (b - 1)  # p/q, half a swing from 1
    f0 = 60.0
    q = 4 * np.sqrt(kappa) * f0 / (ratio - 1)
    networks = Networks(f0, (1 + ratio) * q / 2 / rate, width, rate)

    def root():
        lengths = [((networks.w[0] + sign * networks.w[1]) ** 2).sum(-1) / width for sign in (1, -1)]
        return np.sqrt(lengths[0] * lengths[1])

    before = root()
    networks.descend("logistic", 30)
    return Measurement(np.abs(np.log(root() / before) / 30 - np.log(kappa / 4 - 1)).max(), effect=networks.f.max())


def slide_end(scale: str) -> Measurement:
    """Logistic loss, κ = 1/80: (8/η − 3η/2m − λ_∞) η/κ², the farthest from 9/80 of three starts."""
    width, rate = 2000, 5.0
    networks = Networks(np.array([1.0, 0.3, 3.0]), np.array([2.0, 2.4, 3.0]), width, rate).descend("logistic", 9000)
    values = (two_layer.slide_ntk(width, rate) - networks.ntk) * rate / (rate**2 / width) ** 2
    return Measurement(max(values, key=lambda value: abs(value - 9 / 80)), interval=(values.min(), values.max()))


def slide_time(scale: str) -> Measurement:
    """Logistic loss: the slope of ¾κT against log(1/κ), T the first step with ηλ < 8, between κ = 1/50 and 1/400."""
    kappa, width = np.array([1 / 50, 1 / 400]), 10_000
    rate = np.sqrt(kappa * width)
    networks, times = Networks(1.0, 12 / rate, width, rate), np.zeros(2)
    for step in range(1, 8000):
        below = rate * networks.descend("logistic").ntk < 8
        times[below & (times == 0)] = step
        if below.all():
            break
    first, second = 0.75 * kappa * times
    return Measurement((second - first) / math.log(kappa[0] / kappa[1]))


def silent_slide(scale: str) -> Measurement:
    """Logistic loss, just below the critical rate from f0 = 2: the largest λ_∞/λ0, 1 where the loss ever rises."""
    width, ntk0 = np.array([200, 1000, 5000]), 2.0
    rate = 0.99 * two_layer.critical_learning_rate("logistic", 2.0, ntk0, width)
    networks, rises, size = Networks(2.0, ntk0, width, rate), np.zeros(3, bool), 2.0
    for _ in range(4000):
        after = np.abs(networks.descend("logistic").f)
        rises |= after > size * (1 + 1e-12)
        size = after
    return Measurement(np.where(rises, 1.0, networks.ntk / ntk0).max(), effect=(rate * ntk0).min())


def not_always_flatter(scale: str) -> Measurement:
    """Logistic loss, m = 1000, f0 = 1, λ0 = 2: a proved lower bound of λ_∞ at η = 54 over λ_∞ at η = 50."""
    flat, sharp = _enclosed_final(50), _enclosed_final(54)
    return Measurement(sharp[0] / flat[1], interval=(sharp[0] / flat[1], sharp[1] / flat[0]))


def _enclosed_final(rate: int, width: int = 1000) -> tuple[float, float]:
    """Enclose λ_∞ of that network: weights in balls, then the product formula for what is left.

    Once Λ < 8, s ≤ Λ/4 < 2 for ever and f → 0. D = Λ² − 4κf² loses the factors (1 − a²)² from then on, Λ loses
    a² (4f/g − Λ) ≥ 8a², so Σa² ≤ (Λ − Λ_∞)/8; and Λ_∞ = √D_∞ lies between √D (1 − Σa²) and √D.
    """
    with flint.ctx.workprec(2 * BITS):
        m, eta = flint.arb(width), flint.arb(rate)
        plus, minus = ((2 * m + sign * 2 * m.sqrt()).sqrt() / 2 for sign in (1, -1))
        w1, w2 = (plus, minus), (plus, -minus)
        for _ in range(5000):
            f = sum(a * b for a, b in zip(w1, w2, strict=True)) / m.sqrt()
            scaled = eta * sum(a * a for a in (*w1, *w2)) / m
            if scaled < 8 and abs(f) < 1e-12:
                break
            change = eta / m.sqrt() * (f / 2).tanh() / 2
            w1, w2 = [tuple(a - change * b for a, b in zip(*pair, strict=True)) for pair in ((w1, w2), (w2, w1))]
        else:
            return 0.0, math.inf
        root = (scaled**2 - 4 * eta**2 / m * f**2).sqrt()
        least = root * (1 - scaled / 8)  # crude: Λ_∞ > 0; then once more with what that gives
        for _ in range(60):
            least = root * (1 - (scaled - least) / 8)
        return float((least / eta).lower()), float((root / eta).upper())


def normal_form(scale: str) -> Measurement:
    """Both losses, κ = 1/500, f0 = 10⁻⁵: the largest gap of ηλ_∞ to the exit formula, in units of κ."""
    kappa, width, gaps = 1 / 500, 10_000, []
    rate = math.sqrt(kappa * width)
    for loss, distance, steps in (("logistic", np.array([1.0, 2.0, 4.0, 8.0]), 40_000),
                                  ("exponential", np.array([0.5, 1.0, 1.5, 2.0]), 20_000)):
        ntk0 = two_layer.stability_edge(loss, rate) + kappa * distance / rate
        networks = Networks(1e-5, ntk0, width, rate).descend(loss, steps)
        gaps.append(np.abs(networks.ntk - two_layer.exit_ntk(loss, ntk0, width, rate)).max() * rate / kappa)
    return Measurement(max(gaps))


def jump_that_returns(scale: str) -> Measurement:
    """L' = tanh(f + f³), Λ0 from 1.1 to 20 times 2/h, κ < 2: the largest |f| after 3000 steps (effect: after 1)."""
    kappa, multiple = np.array([0.1, 0.5, 1.0, 1.9])[:, None], np.array([1.1, 3.0, 20.0])
    width = 100
    rate = np.sqrt(kappa * width)
    networks = Networks(0.05, 2 * multiple / rate, width, rate).descend("tanh(f + f³)")
    jump = np.abs(networks.f).max()
    networks.descend("tanh(f + f³)", 3000)
    return Measurement(np.where(networks.diverged(), 1e5, np.abs(networks.f)).max(), effect=jump)


def phase_table(scale: str) -> Measurement:
    """Three losses, m = 3000: points, over 3 % from an edge, with another label than the chapter's table."""
    width, ntk0, f0, wrong = 3000, 2.0, np.linspace(0.2, 2, 10)[:, None], 0
    for loss, highest in (("squared", 5), ("exponential", 3), ("logistic", 300)):
        rates = np.geomspace(0.2, highest, _count(scale, 100))
        rises = two_layer.critical_learning_rate(loss, f0, ntk0, width)
        ends = {"squared": 4 / ntk0, "exponential": rises}.get(loss, math.sqrt(8 * width))
        last = 1.2 if loss == "logistic" else 1.0  # ragged above √(8m)
        labels = two_layer.phase_map(loss, f0, ntk0, width, rates)
        expected = np.where(rates < rises, "lazy", np.where(rates < ends, "catapult", "divergent"))
        clear = (np.abs(np.log(rates / rises)) > 0.03) & ((rates < ends / 1.03) | (rates > 1.03 * last * ends))
        wrong += int(((labels != expected) & clear).sum())
    return Measurement(wrong)
