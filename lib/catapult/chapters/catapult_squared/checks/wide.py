"""Checks of wide networks: ηλ_∞ has no limit, is log-periodic in the width, and its oscillation is small."""

from __future__ import annotations

import math

import flint
import numpy as np

from catapult.companion.measurement import Measurement
from catapult.oracles import balls, plane
from catapult.theory import squared_plane

REFLECTED = 2 / 3  # of δ0², the second term of 2 − ηλ_∞, δ0 = ηλ0 − 2
REFLECTS = 1e12  # a width at which a0² is small against δ0³
PHASES = (1.0, 1.6)  # of orbits with ηλ0 = 3 that end apart, by |a| early on
SLOPED = (2.05, 2.1)  # ηλ0 at which the law of the small amplitude is measured


def no_limit() -> Measurement:
    """ηλ0 = 3, m → ∞: the certified gap between two limit points of ηλ_∞, in balls. See thm-sq-profile.

    The orbits of all wide networks come with |a| = α into 3 − α²/2 ≤ Λ ≤ 3, for every small α that their width
    allows: two boxes with α = 2⁻²⁰ and 1.6 · 2⁻²⁰ (each ± 10⁻⁹ of it) are followed to the end.
    """
    limits = []
    with flint.ctx.workprec(300):
        for factor in PHASES:
            alpha = flint.arb(factor) / 2**20
            a, scaled = alpha * flint.arb(1, 1e-9), 3 - alpha * alpha * flint.arb(0.25, 0.2501)
            for _ in range(400):
                a, scaled = a * (1 + a * a - scaled), scaled - a * a * (4 - scaled)
            ratio = (scaled - 1).max(1 + a * a - scaled / 2)
            lost = 4 * a * a / (1 - ratio * ratio)
            if not (ratio < 1 and 2 * lost < scaled):
                raise ArithmeticError("undecided")
            limits.append((scaled - lost).union(scaled))
    return Measurement(float(abs(limits[0] - limits[1]).lower()))


def time_to_peak() -> Measurement:
    """Steps from the first peak at width 10⁴ to that at 10²⁰⁰ over what the library says, the farthest from 1.

    At ηλ0 = 2.4, 3 and 3.6, from f0 = 1, λ0 = 2; the lengths of w1 ± w2 are followed with 1,000 bits.
    """
    ratios = []
    for scaled in (2.4, 3.0, 3.6):
        steps = [_first_peak(scaled, exponent) for exponent in (4, 200)]
        stated = [squared_plane.time_to_peak(scaled / 2 * 10.0 ** (-exponent / 2), scaled) for exponent in (4, 200)]
        ratios.append((steps[1] - steps[0]) / (stated[1] - stated[0]))
    return Measurement(ratios[np.argmax(np.abs(np.array(ratios) - 1))], interval=(np.min(ratios), np.max(ratios)))


def _first_peak(scaled: float, exponent: int) -> int:
    """Return the step after which |f| first does not rise, width 10^exponent, f0 = 1, λ0 = 2."""
    with flint.ctx.workprec(1000):
        network = balls.Network("squared", 1, 2, flint.arb(10) ** exponent, scaled / 2, rounded=True)
        for step in range(5000):
            before = abs(network.f)
            if not abs(network.step().f) > before:
                return step
    raise ArithmeticError("no peak in 5,000 steps")


def log_periodic() -> Measurement:
    """ηλ0 = 2.5, 3, 3.4: the largest change of ηλ_∞ when the width grows by the stated period, widths from 10¹⁰ on.

    Or of its distance to the profile; the effect is how much ηλ_∞ varies within the period, at 3.4. Widths all over
    the period: up to ηλ0 = 2 + √2 no phase is left out.
    """
    gaps = []
    for scaled in (2.5, 3.0, 3.4):
        rate = scaled / 2
        width = np.round(1e10 * _period(scaled) ** np.linspace(0, 1, 30))
        limits = [rate * plane.Networks(1.0, 2.0, m, rate).descend("squared", 2000).ntk
                  for m in (width, width * _period(scaled))]
        stated = squared_plane.profile(scaled, np.log(scaled / 2 / np.sqrt(width)) / math.log(scaled - 1))
        gaps.append(np.abs([limits[1] - limits[0], stated - limits[0]]).max())
    return Measurement(np.max(gaps), effect=np.ptp(limits[0]))


def _period(scaled: float) -> float:
    """Return the factor of the width after which λ_∞ is the same again."""
    return (scaled - 1) ** 2


def reflection() -> Measurement:
    """(2 − δ0 − ηλ_∞)/δ0² of wide networks, δ0 = ηλ0 − 2, extrapolated to δ0 = 0, less the stated ⅔.

    From δ0 = 0.02 and 0.04; f0 = 0.01, 1 and 10 at width 10¹²: the farthest. Effect: the coefficient of δ0³.
    """
    f0, width = np.array([0.01, 1.0, 10.0]), REFLECTS
    values = []
    for beyond in (0.02, 0.04):
        rate = (2 + beyond) / 2
        ntk = plane.Networks(f0, 2.0, width, rate).descend("squared", 2500 if beyond < 0.03 else 1500).ntk
        values.append((2 - beyond - rate * ntk) / beyond**2)
    gaps = 2 * values[0] - values[1] - REFLECTED
    return Measurement(gaps[np.argmax(np.abs(gaps))], effect=np.mean(values[1] - values[0]) / 0.02)


def amplitude() -> Measurement:
    """The slope of log(amplitude · log r) of that oscillation in 1/log r, r = ηλ0 − 1, from 2.05 to 2.1.

    The effect is the common logarithm of the constant, at 2.05.
    """
    found, factors, gaps = [], [], []
    for scaled in SLOPED:
        limits = [_digits(scaled, phase) for phase in np.arange(8) / 8]
        with flint.ctx.workprec(1000):
            parts = [sum(limit * wave(flint.arb(k) / 4) for k, limit in enumerate(limits)) / 4
                     for wave in (flint.arb.cos_pi, flint.arb.sin_pi)]
            size, rate = float(sum(part * part for part in parts).log() / 2), math.log(scaled - 1)
        found.append((1 / rate, size + math.log(rate)))
        library = squared_plane.amplitude(scaled, digits=300)
        factors.append(squared_plane.amplitude_factor(scaled, library))
        gaps.append(abs(library - size))
    (x, y), (u, v) = found
    return Measurement((v - y) / (u - x), effect=factors[0] / math.log(10), conditions={
        "the library's logarithms of the amplitude agree within 10⁻⁶": np.max(gaps) <= 1e-6})


def _digits(scaled: float, phase: float) -> flint.arb:
    """Return ηλ_∞ to about 110 digits, from a = 10⁻⁶⁰ (Λ0 − 1)^phase."""
    with flint.ctx.workprec(1000):
        a = flint.arb(10) ** -60 * (flint.arb(scaled) - 1) ** flint.arb(phase)
        network = balls.Network("squared", a, scaled, 1, 1, rounded=True)
        while not (network.scaled < 2 and abs(network.f) < 1e-60):
            network.step()
        end = network.invariant
        return end * (1 - network.f**2 / (end * (2 - end)))
