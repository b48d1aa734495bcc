"""Checks of the exponential loss, of any loss near f = 0, and of the phases of three losses, on weights."""

from __future__ import annotations

import math

import numpy as np

from catapult.chapters.catapult_logistic.checks.edges import feasible_outputs, swing_start
from catapult.companion.measurement import Measurement
from catapult.oracles import bisection, plane
from catapult.theory import two_layer

TRAP = 2.0  # of s0, exponential loss: up to it everything falls
RUNAWAY = 4.0  # of Λ0, exponential loss: from it on the kernel rises for ever
BOUNDED = 2.0  # of κ, for |L'| < 1: up to it every start converges


def exponential_window() -> Measurement:
    """Exponential loss, m = 10⁴ and 10⁵: m Δη/η over its limit, the farthest from 1, f0 = 0.5, 1, 2, λ0 = 1 and 3.

    Effect: the exponent of m in Δη/η.
    """
    width, f0, ntk0 = np.array([10_000, 100_000]), np.array([0.5, 1.0, 2.0])[:, None], np.array([1.0, 3, 2])[:, None]
    lazy, ends = 2 * f0 / np.sinh(f0) / ntk0 * np.ones(2), []
    for beyond in (lambda nets: np.abs(nets.descend("exponential").f) > f0, lambda nets: nets.descend(
            "exponential", 600).diverged()):
        ends.append(bisection.threshold(lambda rate, beyond=beyond: beyond(plane.Networks(f0, ntk0, width, rate)),
                                        0.99 * lazy, 1.01 * lazy, 24))
    relative = ends[1] / ends[0] - 1
    ratios = width * relative / _window(f0, ntk0)
    inside = plane.Networks(f0, ntk0, width, (ends[0] + ends[1]) / 2).descend("exponential", 600)
    exponents = np.log(relative[:, 1] / relative[:, 0]) / math.log(10)
    return Measurement(ratios.flat[np.argmax(np.abs(ratios - 1))], effect=exponents.mean(), conditions={
        "in the middle of the window gradient descent converges": (np.abs(inside.f) < 1e-3).all(),
        "there λ_∞ is within one per cent of λ0": (np.abs(inside.ntk / ntk0 - 1) < 0.01).all()})


def _window(f0, ntk0):
    """Return the limit of m Δη/η, Δη the width of the window of the exponential loss."""
    return 2 * f0**2 / ntk0**2 / (f0 / np.tanh(f0) - 1)


def window_moves() -> Measurement:
    """Exponential loss: the relative spread of the rate of the first rise, over that with normal outputs.

    At m = 10⁴ and 10⁵, the farther from 1; |w1 ± w2|² of random weights are drawn, which are twice chi-squared.
    Effect: the spread at m = 10⁴ with every f0 put to 1, times √m.
    """
    ratios, count, rng = [], 60_000, np.random.default_rng(57)
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
    return bisection.threshold(lambda rate: np.abs(
        plane.Networks(f0, ntk0, width, rate).descend("exponential").f) > np.abs(f0), 0 * f0, 4, 16)


def exponential_edge() -> Measurement:
    """Exponential loss, κ = 1/1000 and 1/2000: Λ_c − 2f0/sinh f0 over its closed form, extrapolated to κ = 0.

    The farthest from 1 of four f0. Interval: of the four at κ = 1/2000.
    """
    f0, width, kappa = np.array([0.1, 0.5, 1.0, 2.0]), 10_000, np.array([1e-3, 5e-4])[:, None]
    rate = np.sqrt(kappa * width)
    start = 2 * f0 / np.sinh(f0)
    excess = rate * two_layer.slow_ntk("exponential", f0, width, rate) - start

    def diverges(factor):
        return plane.Networks(f0, (start + factor * excess) / rate, width, rate).descend("exponential", 4000).diverged()

    low = bisection.threshold(diverges, np.full((2, 4), 0.9), 1.1, 9)
    ratios = 2 * low[1] - low[0]
    return Measurement(ratios[np.argmax(np.abs(ratios - 1))], interval=(low[1].min(), low[1].max()))


def exponential_trap() -> Measurement:
    """Exponential loss, widths 1 to 1000, s0 ≤ 2: the largest relative rise of s, |f| or Λ in a step.

    A third of the starts has s0 = 2. What s is where |f| < 10⁻⁶ is rounding, and is not looked at. Effect: largest s0.
    """
    rng, n = np.random.default_rng(58), 300
    width, f0 = rng.integers(1, 1000, n), rng.uniform(0.3, 3, n)
    s0 = np.where(np.arange(n) % 3, rng.uniform(0.2, TRAP, n), TRAP)
    scaled = s0 * f0 / np.sinh(f0)
    rate = np.sqrt((scaled / f0 / 2) ** 2 * np.exp(rng.uniform(-7, 0, n)) * width)  # κ below (Λ/2f)²: feasible
    networks, largest, before = plane.Networks(f0, scaled / rate, width, rate), 0.0, None
    for _ in range(2000):
        f, kernel = np.maximum(np.abs(networks.f), 1e-300), rate * networks.ntk
        now = np.array([kernel * np.sinh(f) / f, f, kernel])
        if before is not None:
            largest = np.maximum(largest, np.where(f > 1e-6, now / before - 1, 0).max())
        before = now
        networks.descend("exponential")
    return Measurement(largest, effect=s0.max(), conditions={"f → 0": np.abs(networks.f).max() < 1e-2})


def exponential_runaway() -> Measurement:
    """Exponential loss, widths 1 to 1000, ηλ0 from 4 on: the largest relative fall of Λ in a step.

    Effect: the least ηλ0.
    """
    rng, n = np.random.default_rng(59), 300
    width, rate = rng.integers(1, 1000, n), np.exp(rng.uniform(-2, 2, n))
    ntk0 = np.where(np.arange(n) % 3, rng.uniform(RUNAWAY, 40, n), RUNAWAY) / rate
    networks, largest = plane.Networks(feasible_outputs(rng, n, ntk0, width), ntk0, width, rate), 0.0
    far = np.zeros(n, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(500):
            before = networks.ntk
            after = networks.descend("exponential").ntk
            largest = np.maximum(largest, np.where(far, 0, 1 - after / before).max())
            far |= ~(rate * after < 1e6)
    return Measurement(largest, effect=(rate * ntk0).min(), conditions={"all kernels pass 10⁶": far.all()})


def normal_form() -> Measurement:
    """Three losses, f0 = 10⁻⁴: the largest gap of (ηλ_∞ − 2/h)/κ to the exit formula, relative to it.

    (ηλ_∞ − 2/h)/κ is extrapolated to κ = 0 from κ = 1/50, 1/100 and 1/200. Effect: its largest change with κ.
    """
    kappa, width, gaps, changes = np.array([1 / 50, 1 / 100, 1 / 200])[:, None], 10_000, [], []
    rate = np.sqrt(kappa * width)
    for loss, edge, distance in (("logistic", 8, np.array([2.0, 5.0, 8.0])),
                                 ("exponential", 2, np.array([0.7, 1.4, 2.1])),
                                 ("tanh(f + f³)", 2, np.array([0.4, 0.6]))):
        ntk0 = (edge + kappa * distance) / rate
        found = (rate * plane.Networks(1e-4, ntk0, width, rate).descend(loss, 9000).ntk - edge) / kappa
        if loss == "tanh(f + f³)":
            expected = two_layer.exit_distance(kappa * distance, kappa, 1.0, 4.0) / kappa
        else:
            expected = (rate * two_layer.exit_ntk(loss, ntk0, width, rate) - edge) / kappa
        limit = (found[0] - 6 * found[1] + 8 * found[2]) / 3
        gaps.append(np.abs(limit / expected[-1] - 1).max())
        changes.append(np.abs(found[0] - found[2]).max())
    return Measurement(np.max(gaps), effect=np.max(changes))


def jump_that_returns() -> Measurement:
    """L' = tanh(f + f³), Λ0 from 1.1 to 20 times 2/h, κ up to 2: the largest |f| after 4000 steps (effect: after 1).

    And starts from f0 = 10 half a swing from p = q, which are those that diverge beyond κ = 2.
    """
    kappa, multiple = BOUNDED * np.array([0.05, 0.25, 0.5, 0.95, 0.99])[:, None], np.array([1.1, 3.0, 20.0])
    width = 100
    rate = np.sqrt(kappa * width)
    networks = plane.Networks(0.05, 2 * multiple / rate, width, rate).descend("tanh(f + f³)")
    jump = np.abs(networks.f).max()
    networks.descend("tanh(f + f³)", 4000)
    at = rate[3:]
    swung = plane.Networks(10.0, swing_start(10.0, 4 * kappa[3:], 0.5) / 2 / at, width, at)
    ends = np.append(networks.f, swung.descend("tanh(f + f³)", 4000).f)
    return Measurement(np.where(np.isnan(ends), np.inf, np.abs(ends)).max(), effect=jump)


def phase_table() -> Measurement:
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
        scaled = np.geomspace(0.4, highest, 24) * np.ones_like(f0)
        expected = np.where(scaled < begins, "unchanged", np.where(scaled < ends, "lowered", "divergent"))
        clear = (np.abs(np.log(scaled / begins)) > 0.05) & ((scaled < ends / 1.05) | (scaled > 1.05 * ragged * ends))
        if loss == "exponential":
            window = (begins + two_layer.slow_ntk(loss, f0, width, rises) * rises) / 2
            scaled, expected, clear = (np.append(old, np.full_like(f0, new, old.dtype), 1) for old, new in (
                (scaled, window), (expected, "unchanged"), (clear, True)))
        rates = scaled / ntk0
        networks = plane.Networks(f0, ntk0, width, rates)
        up = np.abs(networks.descend(loss).f) > np.abs(f0)
        diverges = networks.descend(loss, steps).diverged()
        found = np.where(diverges, "divergent", np.where(networks.ntk > 0.98 * ntk0, "unchanged", "lowered"))
        other = (found != expected) | ~(diverges | (np.abs(networks.f) < 1e-2))
        other |= (two_layer.phase_map(loss, f0, ntk0, width, rates) == "divergent") != diverges
        beside = np.array([0.99, 1.01])
        near = np.abs(plane.Networks(f0, ntk0, width, beside * rises).descend(loss).f) > np.abs(f0)
        wrong += int((other & clear).sum() + (up != (rates > rises)).sum() + (near != (beside > 1)).sum())
        shares.append(clear.mean())
    return Measurement(wrong, conditions={"at least half of the points are clear of borders": np.min(shares) >= 0.5})
