"""Checks of where the logistic loss begins to diverge, and of the two-cycle there."""

from __future__ import annotations

import math

import flint
import numpy as np

from catapult.chapters.catapult_logistic.experiment import measured_multipliers
from catapult.chapters.catapult_squared.networks import drawn
from catapult.companion.measurement import Measurement
from catapult.oracles import balls, plane
from catapult.theory import two_layer

HIGHEST = math.sqrt(2)  # of √(8m): up to it f → 0 from |a0| = 1
FALLS = 4.0  # of e⁻⁴⁰: the relative fall of λ where float64 sees a cycle
BESIDE = 1e-5  # relative distance of starts from the two-cycle, outwards
WIDE = (1000, 3000, 10_000)  # widths that count as wide


def _edges(widths) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return widths; by (width, network) the lowest η that diverges and the highest that converges, over √(8m); λ0."""
    widths, ratios = np.array(widths), np.arange(0.95, 1.35, 0.01) + 0.005
    f0, ntk0 = np.swapaxes([drawn(int(width), 6, 53) for width in widths], 0, 1)
    rates = ratios * np.sqrt(8 * widths)[:, None, None]
    networks = plane.Networks(f0[..., None], ntk0[..., None], widths[:, None, None], rates).descend("logistic", 1500)
    converges = np.abs(networks.f) < 1e-3
    return (widths, np.where(networks.diverged(), ratios, np.inf).min(-1), np.where(converges, ratios, 0).max(-1),
            ntk0)


def upper_edge() -> Measurement:
    """Logistic loss, m ≥ 1000: the lowest learning rate that diverges, times λ0/16, over random networks."""
    widths, lowest, _, ntk0 = _edges(WIDE)
    return Measurement((lowest * np.sqrt(8 * widths)[:, None] * ntk0 / 16).min())


def wide_edge() -> Measurement:
    """Logistic loss, m = 10⁴: the lowest η that diverges over the proved edge, the farthest from 1 of random networks.

    Interval: of random networks with m = 100, 1000 and 10⁴. Effect: the highest η that converges, over √(8m). And
    m = 100, λ0 = 2, |a0| = 1, in balls: at 0.9 and 0.99 of √(16m) f → 0.
    """
    widths, lowest, highest, ntk0 = _edges((100, 1000, 10_000))
    ratios = lowest * np.sqrt(8 * widths)[:, None] / two_layer.convergence_edge("logistic", 0.0, ntk0, widths[:, None])
    wide = ratios[-1]
    return Measurement(wide[np.argmax(np.abs(wide - 1))], effect=highest.max(), interval=(ratios.min(), ratios.max()),
                       conditions={"none diverges at or below the proved edge": ratios.min() > 1,
                                   "some networks converge at a higher rate than one that diverges":
                                   (highest > lowest).any(), "from |a0| = 1 f → 0 at 0.9 and 0.99 of √(16m)":
                                   all(_ends_at_zero(share * HIGHEST) for share in (0.9, 0.99))})


def _ends_at_zero(ratio: float) -> bool:
    """Logistic loss, m = 100, λ0 = 2, |a0| = 1: whether |f| < 1/50 after 400 steps at η = ratio √(8m), in balls."""
    with flint.ctx.workprec(8 * balls.BITS):
        rate = ratio * flint.arb(800).sqrt()
        network = balls.Network("logistic", _annihilated(rate**2 / 100), 2, 100, rate)
        for _ in range(400):
            network.step()
        return bool(abs(network.f) < 0.02)


def feasible_outputs(rng, count: int, ntk0, width) -> np.ndarray:
    """Return outputs that networks with these kernels and widths can have, up to ±8."""
    return np.minimum(8, ntk0 * np.sqrt(width) / 2) * rng.uniform(-1, 1, count)


def converges_at_sixteen() -> Measurement:
    """Logistic loss, κ from 8.5 to 500, η at the proved edge or below: the largest |f| after 4000 steps.

    Effect: the largest ηλ0.
    """
    rng, n = np.random.default_rng(54), 300
    width, kappa = rng.integers(1, 200, n), rng.uniform(8.5, 500, n)
    ntk0 = np.where(np.arange(n) % 2, rng.uniform(2, 16, n), 16) / np.sqrt(kappa * width)
    edge = two_layer.convergence_edge("logistic", 0.0, 16 / np.sqrt(kappa * width), width)
    networks, rises = plane.Networks(feasible_outputs(rng, n, ntk0, width), ntk0, width, edge), np.zeros(n, bool)
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


def diverges_above_sixteen() -> Measurement:
    """Logistic loss, κ up to 10⁵: the least ηλ0 of starts just beyond the two-cycle that diverge (effect: κ)."""
    width, kappa = 7, np.geomspace(100, 1e5, 13)
    rate = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rate)
    networks = plane.Networks(f * (1 + BESIDE), ntk * (1 + BESIDE), width, rate)
    scaled = np.where(networks.descend("logistic", 200).diverged(), rate * ntk * (1 + BESIDE), np.inf)
    return Measurement(scaled.min(), effect=kappa[np.argmin(scaled)])


def converges_below_kappa_eight() -> Measurement:
    """Logistic loss, η up to 0.999 of the proved edge √(8m): the largest |f| after 9000 steps (effect: κ).

    Random starts with ηλ0 from 5 to 300, and starts with |f0| from 10 to 40 half a swing from p = q, which are those
    that diverge beyond the edge.
    """
    rng, n = np.random.default_rng(55), 150
    width = rng.integers(1, 5000, n)
    ntk0 = rng.uniform(1, 20, n) * 16 / np.sqrt(8 * width)
    rate = rng.choice([0.3, 0.7, 0.9, 0.98, 0.999], n) * two_layer.convergence_edge("logistic", 0.0, ntk0, width)
    f0 = feasible_outputs(rng, n, ntk0, width)
    swung = np.arange(n) % 3 == 0
    kappa, large = rate**2 / width, rng.uniform(10, 40, n)
    f0, ntk0 = np.where(swung, large, f0), np.where(swung, swing_start(large, np.maximum(kappa, 4.1), 0.5) / rate, ntk0)
    networks = plane.Networks(f0, ntk0, width, rate).descend("logistic", 9000)
    return Measurement(np.where(np.isnan(networks.f), np.inf, np.abs(networks.f)).max(), effect=kappa.max())


def swing_start(f0, kappa, share):
    """Return Λ0 of starts with log(p/q) = share · 2 log((b + 1)/(b − 1)), b = √κ/2, the swing of a saturated step."""
    b = np.sqrt(kappa) / 2
    ratio = ((b + 1) / (b - 1)) ** (2 * share)
    return 2 * np.sqrt(kappa) * f0 * (ratio + 1) / (ratio - 1)


def two_cycle() -> Measurement:
    """Logistic loss, κ from 8.05 to 10³: the largest relative gap of two steps to the cycle (effect: last ηλ*)."""
    width, kappa = 7, np.geomspace(8.05, 1000, 30)
    rate = np.sqrt(kappa * width)
    f, ntk = two_layer.two_cycle(width, rate)
    networks = plane.Networks(f, ntk, width, rate).descend("logistic")
    gaps = [np.abs(networks.f / f + 1).max(), np.abs(networks.ntk / ntk - 1).max()]
    networks.descend("logistic")
    return Measurement(np.max([*gaps, np.abs(networks.f / f - 1).max()]), effect=(rate * ntk)[-1], conditions={
        "ηλ* falls with κ, to above 16": (np.diff(rate * ntk) < 0).all() and (rate * ntk)[-1] > 16})


def cycle_multiplier() -> Measurement:
    """Logistic loss, κ from 8.05 to 10³: the largest relative gap of two steps' spectral radius to the multiplier."""
    width, kappa = 7, np.geomspace(8.05, 1000, 12)
    multipliers = two_layer.cycle_multiplier(width, np.sqrt(kappa * width))
    found = np.array([measured_multipliers(one, width) for one in kappa])
    gaps = np.abs(found / multipliers[:, None] - 1)
    return Measurement(np.max(gaps), conditions={
        "all multipliers lie in (1, 9)": np.min(multipliers) > 1 and np.max(multipliers) < 9})


def false_cycle() -> Measurement:
    """Logistic loss, κ = 8, f0 = 40, ηλ0 = 8 f0: the relative fall of λ in the first step over 4 e⁻⁴⁰, in balls.

    Effect: the same fall in float64.
    """
    f, ntk = two_layer.iterate("logistic", 40.0, 40.0, 8, 8.0, 4000)
    with flint.ctx.workprec(balls.BITS):
        network = balls.Network("logistic", 40, 40, 8, 8).step()
        ratio = (1 - network.scaled / (8 * 40)) / (FALLS * flint.arb(-40).exp())
    still = (np.abs(f) == 40).all() and (ntk == 40).all()
    return Measurement(float(ratio.mid()), effect=1 - ntk[1] / 40, conditions={
        "4000 steps in float64 move neither |f| nor λ": still})


def growth_beyond_kappa_eight() -> Measurement:
    """Logistic loss, κ from 8.01 to 100: the largest gap of log √D's growth a step to log(κ/4 − 1).

    Starts from f0 = 30 and 60, from 3/8 to 5/8 of a swing; over ten steps, from where √D has grown e²⁰ times or after
    2,500 steps. Effect: the least factor by which |f| grew.
    """
    width, gaps, growths = 100, [], []
    f0, share = np.array([30.0, 60.0])[:, None], np.array([3, 4, 5]) / 8
    for kappa in (8.01, 8.1, 8.5, 10, 20, 100):
        rate = math.sqrt(kappa * width)
        networks = plane.Networks(f0, swing_start(f0, kappa, share) / rate, width, rate)
        networks.descend("logistic", int(np.minimum(2500, 20 / math.log(kappa / 4 - 1))))
        before = _root(networks)
        networks.descend("logistic", 10)
        gaps.append(np.abs(np.log(_root(networks) / before) / 10 - _growth(kappa)).max())
        growths.append((np.abs(networks.f) / f0).min())
    return Measurement(np.max(gaps), effect=np.min(growths), conditions={"every |f| has grown": np.min(growths) > 1})


def _root(networks: plane.Networks) -> np.ndarray:
    """Return √D/η: |w1 + w2| |w1 − w2|/m."""
    lengths = [((networks.w[0] + sign * networks.w[1]) ** 2).sum(-1) / networks.width for sign in (1, -1)]
    return np.sqrt(lengths[0] * lengths[1])


def _growth(kappa: float) -> float:
    """Return the growth of log √D a step that orbits beyond κ = 8 tend to."""
    return math.log(kappa / 4 - 1)


def annihilation() -> Measurement:
    """Logistic loss, κ = 5, 8 and 12, |a0| = 1: an upper bound on D in 600 steps from the next on, in balls.

    Effect: ηλ_t t at the last step, the farthest from 4.
    """
    largest, times, steps = 0.0, [], 600
    with flint.ctx.workprec(8 * balls.BITS):
        for kappa in (flint.arb(5), flint.arb(8), flint.arb(12)):
            rate = (40 * kappa).sqrt()
            network = balls.Network("logistic", _annihilated(kappa), 30 / rate, 40, rate)
            for _ in range(steps):
                network.step()
                largest = np.maximum(largest, float((network.invariant**2).upper()))
            times.append(float(network.scaled.mid()) * steps)
    farthest = times[np.argmax(np.abs(np.array(times) - 4))]
    return Measurement(largest, effect=farthest, conditions={"ηλ_t t is within 5 % of 4": abs(farthest / 4 - 1) < 0.05})


def _annihilated(kappa):
    """Return the f > 0 with √κ L'(f) = 1, in balls."""
    return 2 * (2 / kappa.sqrt()).atanh()
