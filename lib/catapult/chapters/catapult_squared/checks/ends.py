"""Checks of where networks converge, how sharp they end, and of the chaos exactly at the edge.

In balls or fractions a network of width m is one whose weights but those of two hidden units are zero.
"""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import numpy as np

from catapult.chapters.catapult_squared.checks.steps import drawn
from catapult.companion.measurement import Measurement
from catapult.oracles import balls, plane
from catapult.theory import certificates, two_layer

INTEGERS = ((2, 1, 1, 0), (1, 2, 0, 1))  # w1, w2 of a network of width 4 with f0 = 2, λ0 = 3
LANDING = (Fraction(17, 10), Fraction(1))  # w1, w2 of one that lands on f = 0 in a step
PAIR = (Fraction(31, 20), Fraction(33, 20))  # learning rates at which the wide network with λ0 = 2 is certified
LYAPUNOV = math.log(3)
GOLDEN = 2 * math.log((1 + math.sqrt(5)) / 2)


def convergence_edge() -> Measurement:
    """Random networks at 0.05 to 0.999 and at 1.001 to 1.5 of the stated edge: how many end otherwise than it says."""
    (f0, ntk0, width, _), wrong = drawn(80, 0.5, 1.0, 43), 0
    edge = two_layer.convergence_edge("squared", f0, ntk0, width)
    for factor in (0.05, 0.5, 0.8, 0.95, 0.99, 0.999, 1.001, 1.01, 1.1, 1.5):
        networks = plane.Networks(f0, ntk0, width, factor * edge).descend("squared", 1500)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = factor * edge * networks.ntk
        converged = (np.abs(networks.f) * factor * edge / np.sqrt(width) < 2e-3) & (scaled < 2)
        wrong += int(np.sum(~converged if factor < 1 else ~((scaled > 1e6) | np.isnan(scaled))))
    return Measurement(wrong)


def critical_step() -> Measurement:
    """½(u·v − y)², u and v in 1 to 3 dimensions: how many starts end otherwise than the stated critical step says.

    At 0.98 of it u·v → y; at 1.02 it does not. Effect: the share of starts where it is that of the minimum, 1/|y|.
    """
    rng, n = np.random.default_rng(40), 150
    there = np.arange(3) < rng.integers(1, 4, n)[:, None]
    u, v = rng.standard_normal((2, n, 3)) * there * rng.uniform(0.3, 2, (n, 1))
    y = np.where(np.arange(n) % 10, rng.standard_normal(n), 0.0)
    stated = _critical_step(u, v, y)
    wrong = 0
    for factor in (0.98, 1.02):
        a, b, rate = u, v, (factor * stated)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(4000):
                error = ((a * b).sum(1) - y)[:, None]
                a, b = a - rate * error * b, b - rate * error * a
            converged = np.abs((a * b).sum(1) - y) < 1e-3
        wrong += int(np.sum(converged != (factor < 1)))
    return Measurement(wrong, effect=np.mean(stated * np.abs(y) == 1))


def _critical_step(u, v, y):
    """Return min{1/|y|, 8/(N + √(N² − 16 y (u·v − y)))}, N = |u|² + |v|² (Liang and Montúfar, as recalled)."""
    size = (u**2 + v**2).sum(1)
    with np.errstate(divide="ignore"):
        return np.minimum(1 / np.abs(y), 8 / (size + np.sqrt(size**2 - 16 * y * ((u * v).sum(1) - y))))


def below_the_edge() -> Measurement:
    """Random networks, 0.05 ≤ ηλ0 ≤ 3.95, some of them next to 2: the largest λ_∞ over 2/η."""
    near = plane.Networks(0.03, 2.0, 100.0, np.linspace(1.9, 2.1, 50) / 2)
    ratios = np.concatenate([networks.descend("squared", 2000).ntk / two_layer.stability_edge("squared", networks.rate)
                             for networks in (plane.Networks(*drawn(1000, 0.05, 3.95, 46)), near)])
    return Measurement(ratios.max(), conditions={"some end within one per cent of the edge": ratios.max() > 0.99})


def after_a_hit() -> Measurement:
    """One neuron, w1 = 17/10, w2 = 1, η = 1, in fractions: ηλ after the step that makes f exactly 0."""
    w1, w2 = LANDING
    before = w1**2 + w2**2
    w1, w2 = w1 - w1 * w2 * w2, w2 - w1 * w2 * w1
    return Measurement(float(w1**2 + w2**2), effect=float(before), conditions={
        "the step lands on f = 0 exactly": w1 * w2 == 0, "it starts below the edge of convergence": before < 4})


def integer_network() -> Measurement:
    """Width 4, integer weights, f0 = 2, λ0 = 3: a lower bound of λ_∞(5/4), where λ_∞(1) is exactly 0.

    The better of two enclosures, in balls: of the lengths of w1 ± w2 here, and the library's.
    """
    w1, w2 = (np.array([Fraction(entry) for entry in row]) for row in INTEGERS)
    for _ in range(2):
        f = (w1 * w2).sum() / 2
        w1, w2 = w1 - f / 2 * w2, w2 - f / 2 * w1
    other = balls.enclosed("squared", 2, 3, 4, Fraction(5, 4))
    library = certificates.final_ntk("squared", 2, 3, 4, Fraction(5, 4))
    low, high = np.maximum(other[0], library.lower), np.minimum(other[1], library.upper)
    return Measurement(low, interval=(low, np.maximum(low, high)), conditions={
        "at η = 1 all weights are exactly 0 after two steps": not w1.any() and not w2.any(),
        "the two enclosures overlap": low <= high})


def wide_pair() -> Measurement:
    """Width 1000, f0 = 1, λ0 = 2: a lower bound of λ_∞ at ηλ0 = 3.3 less an upper bound at 3.1, in balls."""
    (_, high), (low, _) = (balls.enclosed("squared", 1, 2, 1000, rate) for rate in PAIR)
    library = [certificates.final_ntk("squared", 1, 2, 1000, rate) for rate in PAIR]
    return Measurement(np.minimum(low - high, library[1].lower - library[0].upper), effect=low / high)


def _separation(steps: int, bits: int) -> float:
    """Return the growth rate at ηλ = 4 of a small change of the weights along the circle w1² + w2² = 4, η = 1."""
    with flint.ctx.workprec(bits):
        small = flint.arb(2) ** (-bits // 2)
        angle = flint.arb(flint.fmpq(3, 10))
        orbits = [[2 * (angle + change).cos(), 2 * (angle + change).sin()] for change in (0, small)]
        gaps = []
        for t in range(steps + 1):
            if t in (0, steps):
                gaps.append(abs(orbits[1][0] * orbits[1][1] - orbits[0][0] * orbits[0][1]))
            orbits = [[(w1 * (1 - w2 * w2)).mid(), (w2 * (1 - w1 * w1)).mid()] for w1, w2 in orbits]
        return float((gaps[1] / gaps[0]).log()) / steps


def _on_the_circle(count: int, steps: int):
    """Yield w1 and w2 of random neurons with ηλ = 4, η = 1, drawn back to that circle after every step."""
    angle = np.random.default_rng(47).uniform(0, 2 * np.pi, count)
    w1, w2 = 2 * np.cos(angle), 2 * np.sin(angle)
    for _ in range(steps):
        yield w1, w2
        w1, w2 = w1 * (1 - w2 * w2), w2 * (1 - w1 * w1)
        length = np.hypot(w1, w2) / 2  # rounding drives them off it
        w1, w2 = w1 / length, w2 / length


def lyapunov_exponent() -> Measurement:
    """Exactly at ηλ0 = 4: the rate at which two nearby networks on that circle separate, less log 3."""
    rate = _separation(1500, 9000)
    return Measurement(rate - LYAPUNOV, effect=rate)


def transverse_exponent() -> Measurement:
    """The mean rate at which networks beside ηλ = 4 leave it, less the stated one. Effect: the rate."""
    rates = []
    for w1, w2 in _on_the_circle(400, 500):
        w1, w2 = (w * math.sqrt(1 - 1e-6) for w in (w1, w2))
        after = (w1 * (1 - w2 * w2)) ** 2 + (w2 * (1 - w1 * w1)) ** 2
        rates.append(np.log((4 - after) / 4e-6).mean())
    rate = np.mean(rates)
    return Measurement(rate - GOLDEN, effect=rate)


def arcsine_law() -> Measurement:
    """Orbits at ηλ0 = 4: the largest gap between the distribution of late a and the arcsine law on [−2, 2]."""
    a = np.sort(np.ravel([w1 * w2 for w1, w2 in _on_the_circle(300, 400)][100:]))
    return Measurement(np.abs(np.arange(a.size) / a.size - _arcsine(a)).max())


def _arcsine(a):
    """Return the distribution function of the density 1/(π√(4 − a²))."""
    return 0.5 + np.arcsin(np.clip(a / 2, -1, 1)) / np.pi
